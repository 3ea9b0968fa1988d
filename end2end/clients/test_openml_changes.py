"""Tags and deletes by the openml package."""

import openml
import pytest
import requests
import samples
from openml.exceptions import OpenMLNotAuthorizedError
from openml.tasks import TaskType

FRAME = {"output_format": "dataframe"}
NOTHING = 10**9 - 1


@pytest.fixture
def entities(nested_run, flowers, classification):
    """Ids by the names that tags have for kinds."""
    setup = openml.runs.get_run(nested_run.id).setup_id
    return {
        "data": flowers.id,
        "task": classification,
        "flow": nested_run.flow.flow_id,
        "run": nested_run.id,
        "setup": setup,
    }


LISTS = {
    "data": openml.datasets.list_datasets,
    "task": openml.tasks.list_tasks,
    "flow": openml.flows.list_flows,
    "run": openml.runs.list_runs,
    "setup": openml.setups.list_setups,
}


@pytest.mark.parametrize("kind", LISTS)
def test_tags(entities, word, refused, kind):
    entity = entities[kind]
    assert word in openml.utils._tag_entity(kind, entity, word)
    assert list(LISTS[kind](tag=word, **FRAME).index) == [entity]
    with refused(473):
        openml.utils._tag_entity(kind, entity, word)
    assert word not in openml.utils._tag_entity(kind, entity, word, untag=True)
    assert LISTS[kind](tag=word, **FRAME).empty
    with refused(475):
        openml.utils._tag_entity(kind, entity, word, untag=True)
    with refused(472):
        openml.utils._tag_entity(kind, NOTHING, word)


def test_tags_of_objects(flowers, classification, nested_run, word):
    objects = [
        openml.datasets.get_dataset(flowers.id),
        openml.tasks.get_task(classification),
        openml.flows.get_flow(nested_run.flow.flow_id),
        openml.runs.get_run(nested_run.id),
    ]
    for entity in objects:
        entity.push_tag(word)
    assert word in openml.datasets.get_dataset(flowers.id, force_refresh_cache=True).tag
    assert word in openml.runs.get_run(nested_run.id, ignore_cache=True).tags
    for entity in objects:
        entity.remove_tag(word)
    assert word not in openml.runs.get_run(nested_run.id, ignore_cache=True).tags
    assert openml.datasets.list_datasets(tag=word, **FRAME).empty


def test_tags_of_others_stay(flowers, word, refused, server):
    openml.utils._tag_entity("data", flowers.id, word)
    openml.config.apikey = server.ben
    with refused(476):
        openml.utils._tag_entity("data", flowers.id, word, untag=True)
    assert list(openml.datasets.list_datasets(tag=word, **FRAME).index) == [flowers.id]


@pytest.fixture
def chain(word, new_task, new_run, regressor_run):
    """A dataset, its task and a run of it, in the order in which they can be deleted."""
    dataset = samples.dataset(word, samples.houses(), "price").publish().id
    task = new_task(TaskType.SUPERVISED_REGRESSION, dataset, 7, "price").id
    run = new_run(samples.regressor(), task).id
    return {"run": run, "task": task, "data": dataset}


DELETES = {
    "run": openml.runs.delete_run,
    "task": openml.tasks.delete_task,
    "data": openml.datasets.delete_dataset,
    "flow": openml.flows.delete_flow,
}
GONE = {"run": 236, "task": 151, "data": 111, "flow": 181}
UNKNOWN = {"run": 392, "task": 452, "data": 352, "flow": 322}


def get(kind, entity):
    openml._api_calls._perform_api_call(f"{kind}/{entity}", "get")


def test_deletes(chain, refused):
    for kind, entity in chain.items():
        assert DELETES[kind](entity)
        with refused(GONE[kind]):
            get(kind, entity)
        with refused(UNKNOWN[kind]):
            DELETES[kind](entity)


def test_what_is_in_use_stays(chain):
    for kind in ("task", "data"):
        with pytest.raises(OpenMLNotAuthorizedError, match="associated entities"):
            DELETES[kind](chain[kind])
        get(kind, chain[kind])


def test_deletes_by_others(chain, as_ben):
    for kind, entity in chain.items():
        with pytest.raises(OpenMLNotAuthorizedError, match="not uploaded by you"):
            DELETES[kind](entity)
        get(kind, entity)


def test_flows_that_run_stay(nested_run):
    with pytest.raises(OpenMLNotAuthorizedError, match="associated entities"):
        openml.flows.delete_flow(nested_run.flow.flow_id)
    get("flow", nested_run.flow.flow_id)


def test_flows_of_flows_stay(small_flow, word, refused, server):
    part = small_flow(f"{word}.part", depth="1")
    whole = small_flow(f"{word}.whole", components={"part": part}, size="2").publish()
    with pytest.raises(OpenMLNotAuthorizedError, match="associated entities"):
        openml.flows.delete_flow(part.flow_id)
    openml.config.apikey = server.ben
    with pytest.raises(OpenMLNotAuthorizedError, match="not uploaded by you"):
        openml.flows.delete_flow(whole.flow_id)
    openml.config.apikey = server.anna
    for flow in (whole.flow_id, part.flow_id):
        assert openml.flows.delete_flow(flow)
        with refused(181):
            get("flow", flow)
        with refused(322):
            openml.flows.delete_flow(flow)


def test_deleted_runs_leave_lists(chain):
    openml.runs.delete_run(chain["run"])
    assert openml.runs.list_runs(task=[chain["task"]], **FRAME).empty
    assert openml.evaluations.list_evaluations("mean_absolute_error", tasks=[chain["task"]], **FRAME).empty


def test_topics_are_the_administrators(server, flowers, refused):
    add, remove = openml.datasets.functions._topic_add_dataset, openml.datasets.functions._topic_delete_dataset
    with refused(1080):
        add(flowers.id, "plants")
    openml.config.apikey = server.owner
    assert add(flowers.id, "plants") == flowers.id
    with refused(1083):
        add(flowers.id, "plants")
    assert "plants" in requests.get(f"{server.url}/data/{flowers.id}").text
    assert remove(flowers.id, "plants") == flowers.id
    with refused(1084):
        remove(flowers.id, "plants")
    with refused(1081):
        add(10**6, "plants")
