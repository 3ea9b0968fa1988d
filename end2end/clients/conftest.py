"""One server for all tests, and what they publish together."""

import os

# Before anything reads them: threads only slow such small models down, and a proxy of the machine is none of ours.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import labboard
import openml
import pytest
import samples
from openml.exceptions import OpenMLServerException
from openml.tasks import TaskType


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    running = labboard.running()
    if running:
        yield running
    else:
        yield from labboard.start(tmp_path_factory.mktemp("labboard"))


@pytest.fixture(scope="session")
def client(server, tmp_path_factory):
    """The openml package, pointed at the server."""
    openml.config.server = server.api
    openml.config.apikey = server.anna
    openml.config.set_retry_policy("human", 1)
    openml.config.set_root_cache_directory(tmp_path_factory.mktemp("openml"))
    return openml


@pytest.fixture(autouse=True)
def forget(client, server, tmp_path):
    """Each test is anna and starts with an empty cache; what tests share is made outside of it."""
    shared = openml.config._root_cache_directory
    openml.config.apikey = server.anna
    openml.config.set_root_cache_directory(tmp_path)
    yield
    openml.config.apikey = server.anna
    openml.config.set_root_cache_directory(shared)


@pytest.fixture
def as_ben(server):
    openml.config.apikey = server.ben


@pytest.fixture
def word():
    """A name that nobody has used."""
    return unused()


def unused():
    return f"w{uuid4().hex[:12]}"


@pytest.fixture
def refused():
    """`with refused(102): ...`: the server answers with that code, and the client makes that exception of it."""

    @contextmanager
    def expect(*codes, error=OpenMLServerException):
        with pytest.raises(error) as caught:
            yield caught
        assert caught.value.code in codes, caught.value

    return expect


@pytest.fixture(scope="session")
def flowers(client):
    """A published dataset, the object that was published, its rows and its name."""
    frame, name = samples.flowers(), f"Flowers_{unused()}"
    made = samples.dataset(name, frame, "class", ignore_attribute="note").publish()
    return SimpleNamespace(id=made.id, made=made, frame=frame, name=name)


@pytest.fixture(scope="session")
def houses(client):
    frame, name = samples.houses(), f"houses_{unused()}"
    made = samples.dataset(name, frame, "price").publish()
    return SimpleNamespace(id=made.id, made=made, frame=frame, name=name)


def publish_task(task_type, dataset, procedure, target=None, measure=None):
    return openml.tasks.create_task(
        task_type,
        dataset_id=dataset,
        estimation_procedure_id=procedure,
        target_name=target,
        evaluation_measure=measure,
    ).publish()


@pytest.fixture(scope="session")
def new_task(client):
    return publish_task


@pytest.fixture(scope="session")
def classification(flowers):
    """The id of a task: 10 stratified folds."""
    return publish_task(TaskType.SUPERVISED_CLASSIFICATION, flowers.id, 1, "class", "predictive_accuracy").id


@pytest.fixture(scope="session")
def regression(houses):
    """The id of a task: 10 folds."""
    return publish_task(TaskType.SUPERVISED_REGRESSION, houses.id, 7, "price").id


@dataclass
class Published:
    """A run as it was before and when it was published."""

    id: int
    local: Any
    task: int
    dataset: int

    @property
    def flow(self):
        return self.local.flow

    @property
    def model(self):
        return self.local.model


def publish_run(model, task, **options):
    run = openml.runs.run_model_on_task(model, task, **options)
    run.publish()
    return Published(run.id, run, task, run.dataset_id)


@pytest.fixture(scope="session")
def new_run(client):
    return publish_run


@pytest.fixture(scope="session")
def plain_run(classification):
    return publish_run(samples.plain(), classification)


@pytest.fixture(scope="session")
def nested_run(classification):
    return publish_run(samples.nested(), classification)


@pytest.fixture(scope="session")
def search_run(classification):
    return publish_run(samples.search(), classification)


@pytest.fixture(scope="session")
def regressor_run(regression):
    return publish_run(samples.regressor(), regression)


@pytest.fixture(scope="session")
def runs(plain_run, nested_run, search_run, regressor_run):
    return {"plain": plain_run, "nested": nested_run, "search": search_run, "regressor": regressor_run}


@pytest.fixture(params=["plain", "nested", "search", "regressor"])
def run(request, runs):
    """Each of the four."""
    return runs[request.param]


@pytest.fixture
def small_flow(client):
    """A flow of nobody, without a model: name, component and parameters can be chosen."""
    return make_flow


def make_flow(name, components=None, **parameters):
    return openml.flows.OpenMLFlow(
        name=name,
        description="Made up for a test.",
        model=None,
        components=components or {},
        parameters=parameters,
        parameters_meta_info={key: {"description": "A parameter.", "data_type": "int"} for key in parameters},
        external_version="made==1",
        tags=[],
        language="English",
        dependencies="made==1\nup>=2",
        class_name="made.up.Model",
        custom_name="Made up",
    )
