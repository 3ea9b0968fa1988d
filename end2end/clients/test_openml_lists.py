"""Lists, their filters and their pages, read by the openml package."""

import openml
import pytest
import samples
from openml.exceptions import OpenMLServerNoResult
from openml.tasks import TaskType

FRAME = {"output_format": "dataframe"}
NOTHING = 10**9 - 1


@pytest.fixture(scope="session")
def tag(runs, flowers, houses, regressor_run):
    """A tag that two datasets, two tasks, the four runs, their flows and their setups have, and nothing else."""
    name = f"listed.{flowers.name}"
    for dataset in (flowers.id, houses.id):
        openml.utils._tag_entity("data", dataset, name)
    for task in {run.task for run in runs.values()}:
        openml.utils._tag_entity("task", task, name)
    for run in runs.values():
        openml.utils._tag_entity("flow", run.flow.flow_id, name)
        openml.utils._tag_entity("run", run.id, name)
        openml.utils._tag_entity("setup", openml.runs.get_run(run.id).setup_id, name)
    return name


def ids(frame):
    return sorted(frame.index)


def run_ids(frame):
    return sorted(frame["run_id"]) if len(frame) else []


def all_ids(runs):
    return sorted(run.id for run in runs.values())


def ids_of(runs, *names):
    return sorted(runs[name].id for name in names)


def setup_of(run):
    return openml.runs.get_run(run.id).setup_id


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({}, "fh"),
        ({"number_instances": 100}, "f"),
        ({"number_instances": "60..100"}, "fh"),
        ({"number_instances": "61..99"}, ""),
        ({"number_features": 3}, "h"),
        ({"number_classes": 3}, "f"),
        ({"number_missing_values": 6}, "f"),
        ({"number_missing_values": "0..5"}, "h"),
        ({"data_version": 1}, "fh"),
        ({"data_version": 2}, ""),
        ({"status": "active"}, "fh"),
        ({"status": "deactivated"}, ""),
        ({"status": "all"}, "fh"),
    ],
    ids=str,
)
def test_datasets(tag, flowers, houses, filters, names):
    frame = openml.datasets.list_datasets(tag=tag, **filters, **FRAME)
    assert ids(frame) == sorted({"f": flowers.id, "h": houses.id}[name] for name in names)


def test_dataset_rows(flowers):
    row = openml.datasets.list_datasets(data_id=[flowers.id], **FRAME).loc[flowers.id]
    assert (row["did"], row["name"], row["version"], row["status"]) == (flowers.id, flowers.name, 1, "active")
    assert row["format"].lower() == "arff"
    assert (row["NumberOfInstances"], row["NumberOfFeatures"], row["NumberOfClasses"]) == (100, 6, 3)


def test_datasets_by_name_and_uploader(flowers, houses):
    uploader = openml.datasets.list_datasets(data_id=[flowers.id], **FRAME).loc[flowers.id, "uploader"]
    for name in (flowers.name, flowers.name.lower()):
        assert ids(openml.datasets.list_datasets(data_name=name, uploader=uploader, **FRAME)) == [flowers.id]
    assert openml.datasets.list_datasets(data_name=flowers.name, uploader=NOTHING, **FRAME).empty


def test_pages_of_datasets(tag, flowers, houses):
    both = sorted([flowers.id, houses.id])
    assert ids(openml.datasets.list_datasets(tag=tag, size=1, **FRAME)) == both[:1]
    assert ids(openml.datasets.list_datasets(tag=tag, size=1, offset=1, **FRAME)) == both[1:]
    assert openml.datasets.list_datasets(tag=tag, size=1, offset=2, **FRAME).empty
    paged = openml.datasets.list_datasets(tag=tag, batch_size=1, **FRAME)
    assert sorted(paged["did"]) == both


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({}, "cr"),
        ({"task_type": TaskType.SUPERVISED_CLASSIFICATION}, "c"),
        ({"task_type": TaskType.CLUSTERING}, ""),
        ({"number_instances": 60}, "r"),
        ({"number_classes": "2..5"}, "c"),
        ({"number_missing_values": 0}, "r"),
        ({"status": "deactivated"}, ""),
        ({"size": 1}, "c"),
        ({"size": 1, "offset": 1}, "r"),
        ({"offset": 2}, ""),
    ],
    ids=str,
)
def test_tasks(tag, classification, regression, filters, names):
    both = dict(zip("cr", sorted([classification, regression])))
    assert {"c": classification, "r": regression} == both
    assert ids(openml.tasks.list_tasks(tag=tag, **filters, **FRAME)) == [both[name] for name in names]


@pytest.fixture(autouse=True)
def in_order(classification, regression):
    """Pages are in the order of ids, so the order in which things are made counts."""


def test_tasks_of_data(tag, flowers, houses, classification, regression):
    assert classification in ids(openml.tasks.list_tasks(data_id=flowers.id, **FRAME))
    assert regression not in ids(openml.tasks.list_tasks(data_id=flowers.id, **FRAME))
    filters = {"data_name": houses.name, "data_tag": tag, "task_id": [regression]}
    assert ids(openml.tasks.list_tasks(**filters, **FRAME)) == [regression]
    assert openml.tasks.list_tasks(task_id=[NOTHING], **FRAME).empty


def test_task_rows(classification, flowers):
    row = openml.tasks.list_tasks(task_id=[classification], **FRAME).loc[classification]
    assert (row["tid"], row["did"], row["name"], row["status"]) == (classification, flowers.id, flowers.name, "active")
    assert (row["ttid"], row["task_type"]) == (TaskType.SUPERVISED_CLASSIFICATION, "Supervised Classification")
    assert row["estimation_procedure"] == "10-fold Crossvalidation"
    assert (row["target_feature"], row["NumberOfInstances"]) == ("class", 100)


def test_flows(tag, runs):
    expected = {run.flow.flow_id: run.flow for run in runs.values()}
    frame = openml.flows.list_flows(tag=tag, **FRAME)
    assert ids(frame) == sorted(expected)
    for flow in expected.values():
        row = frame.loc[flow.flow_id]
        assert (row["name"], row["external_version"]) == (flow.name, flow.external_version)
        assert (str(row["version"]), str(row["uploader"])) == (str(flow.version), str(flow.uploader))
        assert row["full_name"] == f"{flow.name}({flow.version})"


def test_pages_of_flows(tag, runs):
    every = sorted(run.flow.flow_id for run in runs.values())
    assert ids(openml.flows.list_flows(tag=tag, size=3, **FRAME)) == every[:3]
    assert ids(openml.flows.list_flows(tag=tag, size=3, offset=3, **FRAME)) == every[3:]
    assert openml.flows.list_flows(tag=tag, offset=4, size=1, **FRAME).empty
    uploader = runs["plain"].flow.uploader
    assert ids(openml.flows.list_flows(tag=tag, uploader=uploader, batch_size=2, **FRAME)) == [0, 1, 2, 3]
    assert openml.flows.list_flows(uploader=NOTHING, **FRAME).empty


def test_run_rows(runs, run):
    row = openml.runs.list_runs(id=[run.id], **FRAME).loc[run.id]
    assert (row["run_id"], row["task_id"], row["flow_id"]) == (run.id, run.task, run.flow.flow_id)
    read = openml.runs.get_run(run.id)
    assert (row["setup_id"], row["uploader"], row["error_message"]) == (read.setup_id, read.uploader, "")
    classes = run is not runs["regressor"]
    assert row["task_type"] == (TaskType.SUPERVISED_CLASSIFICATION if classes else TaskType.SUPERVISED_REGRESSION)


CLASSIFIERS = ["nested", "plain", "search"]


def test_runs(tag, runs, classification, regression):
    def listed(**filters):
        return run_ids(openml.runs.list_runs(tag=tag, **filters, **FRAME))

    plain, search = runs["plain"], runs["search"]
    uploader = openml.runs.get_run(plain.id).uploader
    assert listed() == listed(uploader=[uploader]) == listed(display_errors=True) == all_ids(runs)
    assert listed(id=[plain.id, search.id, NOTHING]) == ids_of(runs, "plain", "search")
    assert listed(task=[classification]) == listed(task_type=1) == ids_of(runs, *CLASSIFIERS)
    assert listed(task=[classification, regression]) == all_ids(runs)
    assert listed(flow=[search.flow.flow_id]) == ids_of(runs, "search")
    assert listed(setup=[setup_of(plain), setup_of(search)]) == ids_of(runs, "plain", "search")
    assert listed(flow=[plain.flow.flow_id], setup=[setup_of(search)]) == []
    assert listed(uploader=[NOTHING]) == listed(task=[NOTHING]) == listed(task_type=5) == []


def test_pages_of_runs(tag, runs):
    every = all_ids(runs)
    assert run_ids(openml.runs.list_runs(tag=tag, size=3, **FRAME)) == every[:3]
    assert run_ids(openml.runs.list_runs(tag=tag, size=3, offset=3, **FRAME)) == every[3:]
    assert run_ids(openml.runs.list_runs(tag=tag, size=3, offset=4, **FRAME)) == []
    assert run_ids(openml.runs.list_runs(tag=tag, batch_size=2, **FRAME)) == every


def test_evaluations(tag, runs, classification, regression):
    def listed(function="predictive_accuracy", **filters):
        return run_ids(openml.evaluations.list_evaluations(function, tag=tag, **filters, **FRAME))

    plain, search = runs["plain"], runs["search"]
    uploader = openml.runs.get_run(plain.id).uploader
    assert listed() == listed(uploaders=[uploader]) == ids_of(runs, *CLASSIFIERS)
    assert listed(tasks=[classification]) == listed(per_fold=False) == ids_of(runs, *CLASSIFIERS)
    assert listed(runs=[plain.id, search.id]) == ids_of(runs, "plain", "search")
    assert listed(flows=[search.flow.flow_id]) == listed(setups=[setup_of(search)]) == [search.id]
    assert listed("root_mean_squared_error", tasks=[regression]) == [runs["regressor"].id]
    assert listed(tasks=[regression]) == listed(uploaders=[NOTHING]) == listed(runs=[NOTHING]) == []
    assert openml.evaluations.list_evaluations("kappa", tag=f"not.{tag}", runs=[plain.id], **FRAME).empty


def test_evaluation_rows(runs, flowers, classification):
    (evaluation,) = openml.evaluations.list_evaluations("predictive_accuracy", runs=[runs["plain"].id]).values()
    read = openml.runs.get_run(runs["plain"].id)
    assert evaluation.value == pytest.approx(read.evaluations["predictive_accuracy"], rel=1e-12)
    assert evaluation.values is None
    assert (evaluation.function, evaluation.task_id) == ("predictive_accuracy", classification)
    assert (evaluation.setup_id, evaluation.flow_id) == (read.setup_id, read.flow_id)
    assert (evaluation.data_id, evaluation.data_name) == (flowers.id, flowers.name)
    assert evaluation.flow_name.startswith(runs["plain"].flow.name)
    assert (evaluation.uploader, evaluation.uploader_name) == (read.uploader, read.uploader_name)


@pytest.mark.parametrize("measure", ["predictive_accuracy", "usercpu_time_millis"])
def test_evaluations_per_fold(runs, measure):
    run = runs["nested"]
    (row,) = openml.evaluations.list_evaluations(measure, runs=[run.id], per_fold=True).values()
    ours = samples.folds(run.local.fold_evaluations[measure])
    assert row.values == pytest.approx([ours[0, fold] for fold in range(10)], rel=1e-9)
    assert row.value is None


def test_order_of_evaluations(tag):
    for order, sign in (("asc", 1), ("desc", -1)):
        frame = openml.evaluations.list_evaluations("kappa", tag=tag, sort_order=order, **FRAME)
        values = [sign * value for value in frame["value"]]
        assert len(values) == 3 and values == sorted(values)


def test_pages_of_evaluations(tag):
    def listed(**page):
        frame = openml.evaluations.list_evaluations("kappa", tag=tag, sort_order="desc", **page, **FRAME)
        return list(frame["run_id"]) if len(frame) else []

    every = listed()
    assert listed(size=2) + listed(size=2, offset=2) == every
    assert listed(size=1, offset=3) == []


def test_evaluations_with_their_setups(tag, runs):
    frame = openml.evaluations.list_evaluations_setups("predictive_accuracy", tag=tag, **FRAME)
    assert run_ids(frame) == ids_of(runs, *CLASSIFIERS)
    by_run = frame.set_index("run_id")["parameters"]
    for name in CLASSIFIERS:
        settings = runs[name].local.parameter_settings
        assert sorted(by_run[runs[name].id].values()) == sorted(each["oml:value"] for each in settings)


def test_parameters_in_columns(runs):
    plain = runs["plain"]
    frame = openml.evaluations.list_evaluations_setups(
        "predictive_accuracy", runs=[plain.id], flows=[plain.flow.flow_id], parameters_in_separate_columns=True
    )
    column = f"{plain.flow.name}({plain.flow.version})_max_iter"
    assert list(frame[column]) == ["5"]


def test_setups(tag, runs):
    setups = {setup_of(run): run for run in runs.values()}
    listed = openml.setups.list_setups(tag=tag)
    assert sorted(listed) == sorted(setups)
    for setup, run in setups.items():
        assert listed[setup].flow_id == run.flow.flow_id
        assert len(listed[setup].parameters) == len(run.local.parameter_settings)
    plain = runs["plain"]
    assert list(openml.setups.list_setups(flow=plain.flow.flow_id, tag=tag)) == [setup_of(plain)]
    assert list(openml.setups.list_setups(setup=[setup_of(plain), NOTHING])) == [setup_of(plain)]
    assert len(openml.setups.list_setups(tag=tag, size=3)) == 3
    assert len(openml.setups.list_setups(setup=[NOTHING])) == 0


def test_vocabularies(client):
    measures = openml.evaluations.list_evaluation_measures()
    assert {"predictive_accuracy", "area_under_roc_curve", "mean_absolute_error", *samples.TIMES} <= set(measures)
    procedures = openml.evaluations.functions.list_estimation_procedures()
    assert {"10-fold Crossvalidation", "33% Holdout set", "Leave one out"} <= set(procedures)
    assert {"NumberOfInstances", "MajorityClassSize"} <= set(openml.datasets.list_qualities())


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (f"data/list/data_id/{NOTHING}", 372),
        (f"task/list/task_id/{NOTHING}", 482),
        (f"flow/list/uploader/{NOTHING}", 500),
        (f"run/list/run/{NOTHING}", 512),
        (f"evaluation/list/function/kappa/run/{NOTHING}", 542),
        (f"setup/list/setup/{NOTHING}", 674),
    ],
)
def test_empty_lists(refused, call, code):
    with refused(code, error=OpenMLServerNoResult):
        openml._api_calls._perform_api_call(call, "get")


@pytest.mark.parametrize(
    ("call", "codes"),
    [
        ("data/list/colour/red", [370]),
        ("data/list/number_instances/many", [370, 371]),
        ("task/list/colour/red", [480]),
        ("task/list/type/blue", [480, 481]),
        ("flow/list/colour/red", [501]),
        ("run/list/colour/red", [514]),
        ("run/list/task/blue", [511]),
        ("evaluation/list/function/kappa/colour/red", [544]),
        ("evaluation/list/function/kappa/run/1/per_fold/perhaps", [547]),
        ("evaluation/list/function/kappa/run/1/sort_order/up", [549]),
        ("setup/list/colour/red", [671]),
        ("setup/list/flow/blue", [672]),
        ("study/list/colour/red", [596]),
        ("study/list/status/blue", [596, 597]),
    ],
)
def test_filters_that_are_refused(refused, call, codes):
    with refused(*codes):
        openml._api_calls._perform_api_call(call, "get")
