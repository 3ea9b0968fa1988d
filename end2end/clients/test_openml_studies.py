"""Studies (of runs) and suites (of tasks), managed by the openml package."""

import openml
import pytest
from openml.exceptions import OpenMLNotAuthorizedError

FRAME = {"output_format": "dataframe"}
NOTHING = 10**9 - 1


@pytest.fixture
def study(runs, word):
    """A study of two runs, whose alias and name are `word`."""
    members = [runs["plain"].id, runs["nested"].id]
    return openml.study.create_study(word, "Made up for a test.", run_ids=members, alias=word).publish().id


@pytest.fixture
def suite(classification, word):
    """A suite of one task, whose name is `word`."""
    made = openml.study.create_benchmark_suite(word, "Made up for a test.", [classification], alias=f"{word}-tasks")
    return made.publish().id


def test_study(study, runs, flowers, classification, word):
    for name in (study, word):
        read = openml.study.get_study(name)
        assert (read.id, read.alias, read.name, read.description) == (study, word, word, "Made up for a test.")
        assert read.main_entity_type == "run"
        assert sorted(read.runs) == sorted([runs["plain"].id, runs["nested"].id])
        assert (read.tasks, read.data) == ([classification], [flowers.id])
        assert sorted(read.flows) == sorted([runs["plain"].flow.flow_id, runs["nested"].flow.flow_id])
        assert sorted(read.setups) == sorted(openml.runs.get_run(run).setup_id for run in read.runs)
        assert int(read.creator) == openml.runs.get_run(runs["plain"].id).uploader
        assert read.creation_date


def test_suite(suite, flowers, classification, word):
    for name in (suite, f"{word}-tasks"):
        read = openml.study.get_suite(name)
        assert (read.id, read.alias, read.name) == (suite, f"{word}-tasks", word)
        assert read.main_entity_type == "task"
        assert (read.tasks, read.data) == ([classification], [flowers.id])


def test_suites_are_no_studies(suite):
    with pytest.raises(ValueError, match="Unexpected entity type"):
        openml.study.get_study(suite)


def test_empty_study(word, client):
    study = openml.study.create_study(word, "Nothing yet.").publish().id
    read = openml.study.get_study(study)
    assert (read.alias, read.benchmark_suite) == (None, None)
    assert not read.runs and not read.tasks


def test_attach_and_detach_runs(study, runs):
    search, regressor = runs["search"].id, runs["regressor"].id
    assert openml.study.attach_to_study(study, [search, regressor]) == 4
    assert {search, regressor} < set(openml.study.get_study(study).runs)
    assert openml.study.detach_from_study(study, [search, runs["plain"].id]) == 2
    assert sorted(openml.study.get_study(study).runs) == sorted([runs["nested"].id, regressor])


def test_attach_and_detach_tasks(suite, classification, regression):
    assert openml.study.attach_to_suite(suite, [regression]) == 2
    assert sorted(openml.study.get_suite(suite).tasks) == sorted([classification, regression])
    assert openml.study.detach_from_suite(suite, [classification]) == 1
    assert openml.study.get_suite(suite).tasks == [regression]


def test_runs_and_evaluations_of_a_study(study, runs):
    members = sorted([runs["plain"].id, runs["nested"].id])
    assert sorted(openml.runs.list_runs(study=study, **FRAME)["run_id"]) == members
    frame = openml.evaluations.list_evaluations("predictive_accuracy", study=study, **FRAME)
    assert sorted(frame["run_id"]) == members


def listed(list_them, word, **filters):
    """The ids in a list that have that name."""
    frame = list_them(**filters, **FRAME)
    return list(frame.loc[frame["name"] == word, "id"])


def test_status_of_a_study(study, word):
    assert listed(openml.study.list_studies, word, status="all") == [study]
    openml.study.update_study_status(study, "active")
    assert openml.study.get_study(study).status == "active"
    assert listed(openml.study.list_studies, word) == [study]
    assert listed(openml.study.list_studies, word, status="active") == [study]
    openml.study.update_study_status(study, "deactivated")
    assert openml.study.get_study(study).status == "deactivated"
    assert listed(openml.study.list_studies, word, status="deactivated") == [study]


def test_status_of_a_suite(suite, word):
    openml.study.update_suite_status(suite, "active")
    assert listed(openml.study.list_suites, word) == [suite]
    assert listed(openml.study.list_studies, word, status="all") == []
    row = openml.study.list_suites(status="active", **FRAME).loc[suite]
    assert (row["alias"], row["main_entity_type"], row["status"]) == (f"{word}-tasks", "task", "active")


def test_uploaders_of_studies(study, word):
    creator = int(openml.study.get_study(study).creator)
    assert listed(openml.study.list_studies, word, status="all", uploader=[creator]) == [study]
    assert listed(openml.study.list_studies, word, status="all", uploader=[NOTHING, creator]) == [study]


def test_pages_of_studies(study, suite):
    every = list(openml.study.list_studies(status="all", **FRAME)["id"])
    assert every == sorted(every) and study in every and suite not in every
    assert list(openml.study.list_studies(status="all", size=1, offset=every.index(study), **FRAME)["id"]) == [study]


def test_no_studies(refused, client):
    with refused(599):
        openml.study.list_studies(status="all", uploader=[NOTHING], **FRAME)


def test_delete(study, suite, refused):
    assert openml.study.delete_study(study)
    assert openml.study.delete_suite(suite)
    for get, gone in ((openml.study.get_study, study), (openml.study.get_suite, suite)):
        with refused(601):
            get(gone)
        with refused(592):
            openml.study.delete_study(gone)


def test_delete_of_others(study, as_ben):
    with pytest.raises(OpenMLNotAuthorizedError, match="not uploaded by you"):
        openml.study.delete_study(study)
    assert openml.study.get_study(study).id == study


def test_delete_of_an_active_suite(suite, classification):
    openml.study.update_suite_status(suite, "active")
    with pytest.raises(OpenMLNotAuthorizedError, match="associated entities"):
        openml.study.delete_suite(suite)
    assert openml.study.get_suite(suite).tasks == [classification]


def test_changes_by_others(study, runs, refused, as_ben):
    with refused(1053):
        openml.study.update_study_status(study, "active")


def test_aliases_are_unique(study, word, refused):
    with refused(1038):
        openml.study.create_study("Another", "With the same alias.", alias=word).publish()


def test_what_is_unknown(study, refused):
    with refused(601):
        openml.study.get_study(NOTHING)
    with refused(1041):
        openml.study.attach_to_study(NOTHING, [1])
    with refused(1045):
        openml.study.attach_to_study(study, [NOTHING])
    with refused(1046):
        openml.study.detach_from_study(study, [NOTHING])
    with refused(1052):
        openml.study.update_study_status(NOTHING, "active")
    with refused(1034, 1045, 1039, 1032):
        openml.study.create_study("Of nothing", "A run that is not there.", run_ids=[NOTHING]).publish()
