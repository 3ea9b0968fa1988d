"""Runs, published and read back by the openml package."""

import json

import arff
import numpy as np
import openml
import pytest
import samples
import sklearn.metrics
from openml.exceptions import OpenMLRunsExistError
from openml.tasks import TaskType


def close(value):
    return pytest.approx(value, rel=1e-9, abs=1e-9)


def predictions_by_fold(run):
    return {key: rows for key, rows in run.predictions.groupby(["repeat", "fold"])}


def test_description(run):
    read, local = openml.runs.get_run(run.id), run.local
    assert (read.task_id, read.flow_id, read.dataset_id) == (run.task, run.flow.flow_id, run.dataset)
    assert read.flow_name.startswith(run.flow.name)
    assert read.setup_string == local.setup_string
    assert set(local.tags) <= set(read.tags)
    assert read.task_type == openml.tasks.get_task(run.task).task_type
    settings = [(int(each["oml:component"]), each["oml:name"], each["oml:value"]) for each in local.parameter_settings]
    assert sorted(settings) == sorted(
        (int(each["oml:component"]), each["oml:name"], each["oml:value"]) for each in read.parameter_settings
    )
    assert {"description", "predictions"} <= read.output_files.keys()
    assert ("trace" in read.output_files) == (local.trace is not None)


def test_what_the_client_measured(run):
    read = openml.runs.get_run(run.id)
    for measure in samples.TIMES:
        ours = samples.folds(run.local.fold_evaluations[measure])
        assert samples.folds(read.fold_evaluations[measure]) == close(ours)
    assert read.sample_evaluations is None


@pytest.mark.parametrize("name", ["plain", "nested", "search"])
def test_accuracy_is_what_the_client_computed(runs, name):
    run = runs[name]
    expected = samples.folds(run.local.fold_evaluations["predictive_accuracy"])
    assert len(expected) == 10
    read = openml.runs.get_run(run.id)
    assert samples.folds(read.fold_evaluations["predictive_accuracy"]) == close(expected)
    assert read.evaluations["predictive_accuracy"] == close(np.mean(list(expected.values())))


def test_errors_are_what_the_client_computed(regressor_run):
    expected = samples.folds(regressor_run.local.fold_evaluations["mean_absolute_error"])
    read = openml.runs.get_run(regressor_run.id)
    assert samples.folds(read.fold_evaluations["mean_absolute_error"]) == close(expected)
    squared = {
        key: np.sqrt(np.mean((rows["prediction"].astype(float) - rows["truth"].astype(float)) ** 2))
        for key, rows in predictions_by_fold(regressor_run.local).items()
    }
    assert samples.folds(read.fold_evaluations["root_mean_squared_error"]) == close(squared)


def weighted_area(rows):
    """One class against the rest, averaged by the shares of the classes."""
    areas = [
        (sklearn.metrics.roc_auc_score(rows["correct"] == level, rows[f"confidence.{level}"].astype(float)), count)
        for level, count in rows["correct"].value_counts().items()
    ]
    return sum(area * count for area, count in areas) / len(rows)


def weighted(score):
    return lambda rows: score(rows["correct"], rows["prediction"], average="weighted", zero_division=0)


MEASURES = {
    "area_under_roc_curve": weighted_area,
    "f_measure": weighted(sklearn.metrics.f1_score),
    "kappa": lambda rows: sklearn.metrics.cohen_kappa_score(rows["correct"], rows["prediction"]),
    "precision": weighted(sklearn.metrics.precision_score),
    "recall": weighted(sklearn.metrics.recall_score),
}


@pytest.mark.parametrize("measure", MEASURES)
def test_what_only_the_server_computes(nested_run, measure):
    by_fold = predictions_by_fold(nested_run.local)
    expected = {key: MEASURES[measure](rows) for key, rows in by_fold.items()}
    read = openml.runs.get_run(nested_run.id)
    assert samples.folds(read.fold_evaluations[measure]) == close(expected)
    assert measure in read.evaluations


def test_predictions_are_scored_without_the_clients_help(new_run, nested_run, classification):
    model = samples.nested().set_params(decisiontreeclassifier__max_depth=2)
    run = new_run(model, classification, add_local_measures=False)
    assert "predictive_accuracy" not in run.local.fold_evaluations
    expected = run.local.get_metric_fn(sklearn.metrics.accuracy_score)
    read = openml.runs.get_run(run.id)
    assert list(samples.folds(read.fold_evaluations["predictive_accuracy"]).values()) == close(expected)


def test_predictions_file(run):
    read = openml.runs.get_run(run.id)
    text = openml._api_calls._download_text_file(read.predictions_url)
    assert text == arff.dumps(run.local._generate_arff_dict())
    assert list(read.predictions.columns) == list(run.local.predictions.columns)
    assert len(read.predictions) == len(run.local.predictions)


def test_metrics_from_the_predictions_file(nested_run):
    read = openml.runs.get_run(nested_run.id)
    ours = list(samples.folds(nested_run.local.fold_evaluations["predictive_accuracy"]).values())
    assert list(read.get_metric_fn(sklearn.metrics.accuracy_score)) == close(ours)


def test_predictions_are_of_the_tests_of_the_folds(nested_run):
    predictions = openml.runs.get_run(nested_run.id).predictions
    split = openml.tasks.get_task(nested_run.task).download_split().split
    for (repeat, fold), rows in predictions.groupby(["repeat", "fold"]):
        assert sorted(rows["row_id"]) == sorted(split[int(repeat)][int(fold)][0].test)


def test_trace(search_run):
    read = openml.runs.get_run_trace(search_run.id)
    ours = search_run.local.trace.trace_iterations
    assert int(read.run_id) == search_run.id
    assert list(read.trace_iterations) == list(ours)
    assert len(ours) == 40
    for key, iteration in read.trace_iterations.items():
        assert iteration.evaluation == close(ours[key].evaluation)
        assert iteration.selected == ours[key].selected
        expected = {name: json.loads(value) for name, value in ours[key].get_parameters().items()}
        assert iteration.get_parameters() == expected


def test_models_from_a_trace(search_run):
    trace = search_run.local.trace
    best = trace.trace_iterations[0, 0, trace.get_selected_iteration(fold=0, repeat=0)].get_parameters()
    model = openml.runs.initialize_model_from_trace(search_run.id, repeat=0, fold=0)
    chosen = model.get_params()
    assert {name: chosen[name] for name in best} == {name: json.loads(value) for name, value in best.items()}


def test_runs_without_a_trace(nested_run, refused):
    with refused(572):
        openml.runs.get_run_trace(nested_run.id)
    with refused(571):
        openml.runs.get_run_trace(10**9 - 1)


def test_runs_become_models(run):
    model = openml.runs.initialize_model_from_run(run.id)
    assert samples.parameters(model) == samples.parameters(run.model)


def test_a_model_runs_once(run):
    with pytest.raises(OpenMLRunsExistError) as caught:
        openml.runs.run_model_on_task(run.model, run.task, avoid_duplicate_runs=True)
    assert caught.value.run_ids == {run.id}


def test_a_model_runs_again_if_told_so(new_run, nested_run):
    again = new_run(nested_run.model, nested_run.task, avoid_duplicate_runs=False)
    assert again.id != nested_run.id
    assert openml.runs.get_run(again.id).setup_id == openml.runs.get_run(nested_run.id).setup_id
    assert openml.runs.delete_run(again.id)


def test_flows_are_uploaded_before_runs(nested_run, classification):
    model = samples.nested().set_params(decisiontreeclassifier__max_depth=9)
    run = openml.runs.run_model_on_task(model, classification, upload_flow=True)
    assert run.flow_id == openml.flows.get_flow_id(model=model)
    run.publish()
    assert openml.runs.get_run(run.id).flow_id == run.flow_id


def test_runs_from_files(nested_run, classification, tmp_path):
    model = samples.nested().set_params(decisiontreeclassifier__max_depth=8)
    run = openml.runs.run_model_on_task(model, classification)
    run.to_filesystem(tmp_path / "run")
    loaded = openml.runs.OpenMLRun.from_filesystem(tmp_path / "run").publish()
    read = openml.runs.get_run(loaded.id)
    ours = samples.folds(run.fold_evaluations["predictive_accuracy"])
    assert samples.folds(read.fold_evaluations["predictive_accuracy"]) == close(ours)


def test_learning_curves(new_task, new_run, nested_run, flowers):
    task = new_task(TaskType.LEARNING_CURVE, flowers.id, 13, "class", "kappa").id
    run = new_run(samples.nested(), task)
    read = openml.runs.get_run(run.id)
    ours, theirs = run.local.sample_evaluations, read.sample_evaluations
    for fold, by_sample in ours["predictive_accuracy"][0].items():
        assert theirs["predictive_accuracy"][0][fold] == close(dict(by_sample))


def broken(run, **changes):
    """An unpublished copy of a run."""
    local = run.local
    return openml.runs.OpenMLRun(
        **{
            "task_id": local.task_id,
            "flow_id": local.flow_id,
            "dataset_id": local.dataset_id,
            "flow": local.flow,
            "setup_string": local.setup_string,
            "parameter_settings": local.parameter_settings,
            "data_content": local.data_content,
            "fold_evaluations": local.fold_evaluations,
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (205, {"flow_id": 10**9 - 1}),
        (216, {"fold_evaluations": {"predictive_accuracy": {0: {10: 0.5}}}}),
        (216, {"fold_evaluations": {"predictive_accuracy": {1: {0: 0.5}}}}),
        (217, {"fold_evaluations": {"no_such_measure": {0: {0: 0.5}}}}),
    ],
    ids=["flow", "fold", "repeat", "measure"],
)
def test_descriptions_that_are_refused(nested_run, refused, code, changes):
    with refused(code):
        broken(nested_run, **changes).publish()


@pytest.mark.parametrize(("name", "component"), [("no_such_parameter", 0), ("max_depth", 0), ("steps", 10**9 - 1)])
def test_parameters_that_are_refused(nested_run, refused, name, component):
    setting = {"oml:name": name, "oml:value": "1", "oml:component": component or nested_run.flow.flow_id}
    with refused(213):
        broken(nested_run, parameter_settings=[setting]).publish()


def changed_rows(change):
    def apply(content):
        rows = [list(row) for row in content]
        change(rows)
        return rows

    return apply


def swap_folds(rows):
    rows[0][1], rows[-1][1] = rows[-1][1], rows[0][1]


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: [row for row in rows if row[1] != 3],
        lambda rows: rows[1:],
        lambda rows: [*rows, rows[0]],
        changed_rows(swap_folds),
        changed_rows(lambda rows: rows[0].__setitem__(3, 100)),
        lambda rows: [[*row[:4], row[5], row[4], *row[6:]] for row in rows],
        lambda rows: [[row[0] + 1, *row[1:]] for row in rows],
    ],
    ids=["missing fold", "missing row", "row twice", "wrong folds", "unknown row", "truth swapped", "unknown repeat"],
)
def test_predictions_that_are_refused(nested_run, change):
    run = broken(nested_run, data_content=change(nested_run.local.data_content))
    before = len(openml.runs.list_runs(task=[nested_run.task], output_format="dataframe"))
    with pytest.raises(openml.exceptions.OpenMLServerException) as caught:
        run.publish()
    assert 201 <= caught.value.code <= 224 and len(caught.value.message) > 20
    assert len(openml.runs.list_runs(task=[nested_run.task], output_format="dataframe")) == before


def test_run_of_an_unknown_task(nested_run, refused, client):
    description = nested_run.local._to_xml().replace(
        f"<oml:task_id>{nested_run.task}<", f"<oml:task_id>{10**9 - 1}<"
    )
    parts = {
        "description": ("description.xml", description),
        "predictions": ("predictions.arff", arff.dumps(nested_run.local._generate_arff_dict())),
    }
    with refused(204):
        openml._api_calls._perform_api_call("run/", "post", file_elements=parts)


def test_unknown_run(refused):
    with refused(236):
        openml.runs.get_run(10**9 - 1)
