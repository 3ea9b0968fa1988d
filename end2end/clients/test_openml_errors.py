"""Keys, and the errors that the openml package knows. Those of one kind of thing are with its tests.

What no labboard answers: 107 (its database does not refuse connections), 112 (it has no private datasets), 362 (it
knows the qualities of each dataset), 137, 310, 320, 350, 400 and 460 (102 comes first), 464 (users are not deleted),
325 to 327, 355, 394, 455 and 593 (deletes that fail are 5xx).
"""

import logging

import openml
import pytest
import requests
import samples
from openml.exceptions import OpenMLNotAuthorizedError, OpenMLServerError, OpenMLServerException

NOTHING = 10**9 - 1
REGRESSION = openml.tasks.TaskType.SUPERVISED_REGRESSION

WRITES = {
    "dataset": lambda flowers: samples.dataset("Never", samples.houses(), "price").publish(),
    "task": lambda flowers: openml.tasks.create_task(REGRESSION, flowers.id, 7, "length").publish(),
    "flow exists": lambda flowers: openml.flows.flow_exists("never", "made==1"),
    "study": lambda flowers: openml.study.create_study("Never", "Never.").publish(),
    "attach": lambda flowers: openml.study.attach_to_study(NOTHING, [1]),
    "tag": lambda flowers: openml.utils._tag_entity("data", flowers.id, "never"),
    "edit": lambda flowers: openml.datasets.edit_dataset(flowers.id, description="Never."),
    "fork": lambda flowers: openml.datasets.fork_dataset(flowers.id),
    "status": lambda flowers: openml.datasets.status_update(flowers.id, "deactivated"),
    "delete dataset": lambda flowers: openml.datasets.delete_dataset(flowers.id),
    "delete task": lambda flowers: openml.tasks.delete_task(NOTHING),
    "delete flow": lambda flowers: openml.flows.delete_flow(NOTHING),
    "delete run": lambda flowers: openml.runs.delete_run(NOTHING),
    "delete study": lambda flowers: openml.study.delete_study(NOTHING),
}


@pytest.fixture(params=WRITES.values(), ids=WRITES)
def write(request, flowers):
    return lambda: request.param(flowers)


def test_writes_need_a_key(write):
    openml.config.apikey = ""
    with pytest.raises(OpenMLNotAuthorizedError, match="requires authentication via an API key"):
        write()


@pytest.mark.parametrize("key", ["0" * 32, "short", "x" * 1000, "ü"])
def test_writes_need_a_good_key(write, refused, key):
    openml.config.apikey = key
    with refused(103):
        write()


def test_runs_need_a_key(nested_run):
    openml.config.apikey = ""
    with pytest.raises(OpenMLNotAuthorizedError):
        nested_run.local.publish()


def test_reads_need_no_key(flowers, nested_run):
    openml.config.apikey = ""
    samples.assert_same_rows(
        openml.datasets.get_dataset(flowers.id).get_data(include_ignore_attribute=True)[0], flowers.frame
    )
    assert len(openml.runs.get_run(nested_run.id).predictions) == 100
    assert openml.tasks.get_task(nested_run.task).download_split().folds == 10


def test_reads_refuse_a_bad_key(flowers, refused):
    openml.config.apikey = "0" * 32
    with refused(103):
        openml.datasets.get_dataset(flowers.id)


@pytest.mark.parametrize("method", ["get", "post", "delete"])
@pytest.mark.parametrize("call", ["nothing", "data/nothing/at/all", "run/list/run", "data/-1", f"run/{10**20}"])
def test_unknown_addresses(call, method):
    """The client can read the answer: an error document, not a page."""
    with pytest.raises(OpenMLServerException) as caught:
        openml._api_calls._perform_api_call(call, method)
    assert caught.value.code >= 100


def test_addresses_that_are_too_long(client):
    with pytest.raises(OpenMLServerError, match="URI too long"):
        openml.runs.list_runs(id=list(range(10**9, 10**9 + 20_000)), output_format="dataframe")


@pytest.mark.parametrize(
    ("call", "code"),
    [("data/", 131), ("task/", 613), ("flow/", 163), ("run/", 202), ("study/", 1032), ("/setup/exists/", 582)],
)
@pytest.mark.parametrize("document", ["", "no xml", "<oml:x/>", '<x xmlns:oml="http://openml.org/openml"><y></x>'])
def test_documents_that_are_refused(call, code, document):
    with pytest.raises(OpenMLServerException) as caught:
        openml._api_calls._perform_api_call(call, "post", file_elements={"description": ("description.xml", document)})
    # Where a document cannot be read at all, some kinds have a second code for that.
    assert caught.value.code in {code, 135, 161, 201, 203, 581, 583, 611, 1031}


@pytest.mark.parametrize(
    ("call", "code"), [("data/", 135), ("task/", 611), ("flow/", 161), ("run/", 201), ("study/", 1031)]
)
def test_documents_that_are_missing(call, code, refused, client):
    with refused(code):
        openml._api_calls._perform_api_call(call, "post", file_elements={"something": "else"})


@pytest.mark.parametrize("kind", ["features", "qualities"])
def test_descriptions_of_nothing(kind, refused, client):
    with refused({"features": 271, "qualities": 361}[kind]):
        openml._api_calls._perform_api_call(f"data/{kind}/{NOTHING}", "get")


def test_answers_are_compressed(nested_run, flowers, caplog):
    """The client logs a warning about each that is not."""
    with caplog.at_level(logging.WARNING):
        openml.datasets.get_dataset(flowers.id, download_data=True, download_qualities=True)
        openml.tasks.get_task(nested_run.task).download_split()
        openml.runs.get_run(nested_run.id).predictions  # noqa: B018
        openml.flows.flow_exists("never", "made==1")
    assert [record.getMessage() for record in caplog.records if "uncompressed" in record.getMessage()] == []


def test_pages_behind_the_links(flowers, nested_run):
    """What `open_in_browser` opens."""
    entities = [
        openml.datasets.get_dataset(flowers.id),
        openml.tasks.get_task(nested_run.task),
        openml.flows.get_flow(nested_run.flow.flow_id),
        openml.runs.get_run(nested_run.id),
    ]
    for entity in entities:
        answer = requests.get(entity.openml_url)
        assert answer.status_code == 200 and "text/html" in answer.headers["Content-Type"], entity.openml_url
        assert entity.openml_url in repr(entity)
