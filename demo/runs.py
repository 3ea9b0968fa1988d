"""Fits every planned setup on its task's folds and writes the run as a client would publish it."""

import random
import re
import time
import warnings
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import scipy
import sklearn

from documents import Attributes, arff, nominal, number, quote, xml
from flows import Flow, parameter_settings
from tasks import FOLDS, TYPE_NAMES, Task

UPLOADERS = {1: "demo-anna", 2: "demo-ben", 3: "demo-chris"}
FIRST_UPLOAD = datetime(2026, 1, 12, 8, 30)
CONFIDENCE_DECIMALS = 5
ALL_SETUPS_ON = {6, 7, 11}  # the tasks that visitors open first; the others get about half of the setups
LEFT_OUT = {(4, "Histogram gradient boosting")}  # ten classes of 64 features: a minute a run
HELD_BACK_ON = {6: 5, 7: 6, 11: 5, 4: 4}  # task -> how many of its runs come last, for Replay


@dataclass
class Plan:
    """A run to be made. `setup` numbers the (flow, parameter values) pairs from 1."""

    task: Task
    flow: Flow
    values: dict
    setup: int
    id: int = 0
    uploader: int = 0
    uploaded: datetime | None = None


def plan(tasks: list[Task], flows: list[Flow]) -> tuple[list[Plan], list[int]]:
    """All runs in the order of their upload, and the ids of those held back for Replay: the newest ones."""
    setup, plans = 0, []
    for flow in flows:
        for index, values in enumerate(flow.setups):
            setup += 1
            for task in tasks:
                if task.is_classification != flow.classifies:
                    continue
                if (task.id, flow.title) in LEFT_OUT:
                    continue
                baseline = len(flow.setups) == 1
                if baseline or task.id in ALL_SETUPS_ON or (task.id + flow.id + index) % 2 == 0:
                    plans.append(Plan(task, flow, values, setup))
    rng = random.Random(7)
    rng.shuffle(plans)
    last = []
    for task_id, count in HELD_BACK_ON.items():
        last += [p for p in plans if p.task.id == task_id and p.values][:count]
    rng.shuffle(last)
    plans = [p for p in plans if not any(p is q for q in last)] + last
    uploaded = FIRST_UPLOAD
    for index, p in enumerate(plans):
        p.id, p.uploader, p.uploaded = index + 1, rng.choice(list(UPLOADERS)), uploaded
        uploaded += timedelta(minutes=rng.randint(3, 240), seconds=rng.randint(0, 59))
    return plans, [p.id for p in last]


@dataclass
class Fold:
    """What one fold gave: predictions of its test rows, and the milliseconds it took."""

    rows: np.ndarray
    predictions: np.ndarray
    confidences: np.ndarray | None
    timings: dict[str, float]


def fit(p: Plan) -> tuple[list[Fold], object]:
    task = p.task
    inputs = task.dataset.inputs(task.target)
    target = task.dataset.frame[task.target]
    target = target.astype(object).to_numpy() if task.is_classification else target.to_numpy(float)
    everything = np.arange(len(target))
    folds, model = [], None
    for test in task.folds():
        train = np.setdiff1d(everything, test)
        model = p.flow.with_setup(p.values)
        started = time.process_time(), time.perf_counter()
        model.fit(inputs.iloc[train], target[train])
        fitted = time.process_time(), time.perf_counter()
        predictions = model.predict(inputs.iloc[test])
        confidences = model.predict_proba(inputs.iloc[test]) if task.is_classification else None
        tested = time.process_time(), time.perf_counter()
        if confidences is not None:
            columns = {label: i for i, label in enumerate(model.classes_)}
            confidences = np.column_stack([
                confidences[:, columns[c]] if c in columns else np.zeros(len(test)) for c in task.classes])
        folds.append(Fold(test, predictions, confidences, {
            "usercpu_time_millis_training": 1000 * (fitted[0] - started[0]),
            "usercpu_time_millis_testing": 1000 * (tested[0] - fitted[0]),
            "usercpu_time_millis": 1000 * (tested[0] - started[0]),
            "wall_clock_time_millis_training": 1000 * (fitted[1] - started[1]),
            "wall_clock_time_millis_testing": 1000 * (tested[1] - fitted[1]),
            "wall_clock_time_millis": 1000 * (tested[1] - started[1])}))
    return folds, model


def confidence(value: float) -> str:
    text = f"{value:.{CONFIDENCE_DECIMALS}f}".rstrip("0").rstrip(".")
    return text or "0"


def predictions(p: Plan, folds: list[Fold]) -> str:
    task, rows = p.task, []
    truth = task.dataset.frame[task.target]
    if task.is_classification:
        attributes = [(n, "NUMERIC") for n in ("repeat", "fold", "sample", "row_id")]
        attributes += [(n, nominal(task.classes)) for n in ("prediction", "correct")]
        attributes += [(f"confidence.{c}", "NUMERIC") for c in task.classes]
        truth = [quote(v) for v in truth]
        for index, fold in enumerate(folds):
            for row, label, values in zip(fold.rows, fold.predictions, fold.confidences, strict=True):
                rows.append(["0", str(index), "0", str(row), quote(label), truth[row], *map(confidence, values)])
    else:
        attributes = [(n, "NUMERIC") for n in ("repeat", "fold", "row_id", "prediction", "truth")]
        truth = [number(v) for v in truth.astype(float)]
        for index, fold in enumerate(folds):
            for row, value in zip(fold.rows, fold.predictions, strict=True):
                rows.append(["0", str(index), str(row), f"{value:.6g}", truth[row]])
    return arff(f"openml_task_{task.id}_predictions", attributes, rows)


def setup_string(model) -> str:
    versions = f"Sklearn_{sklearn.__version__}. NumPy_{np.__version__}. SciPy_{scipy.__version__}."
    text = re.sub(r"<function (\w+) at 0x[0-9a-f]+>", r"\1", repr(model))  # an address differs in every process
    return f"{versions} {' '.join(text.split())}"


def description(p: Plan, folds: list[Fold], model) -> str:
    """The form of GET run/{id}, with the evaluations that the client sent: here its timings."""
    evaluations = []
    for name in folds[0].timings:
        for index, fold in enumerate(folds):
            evaluations.append(("evaluation", Attributes({"repeat": 0, "fold": index, None: [
                ("name", name), ("value", f"{fold.timings[name]:.3f}")]})))
    settings = [("parameter_setting", [("name", name), ("value", value), ("component", component)])
                for name, value, component in parameter_settings(p.flow, model)]
    return xml("run", [
        ("run_id", p.id), ("uploader", p.uploader), ("uploader_name", UPLOADERS[p.uploader]),
        ("upload_time", p.uploaded.strftime("%Y-%m-%dT%H:%M:%S")),
        ("task_id", p.task.id), ("task_type", TYPE_NAMES[p.task.type]), ("task_evaluation_measure", p.task.measure),
        ("flow_id", p.flow.id), ("flow_name", p.flow.openml.name), ("setup_id", p.setup),
        ("setup_string", setup_string(model)), *settings, ("tag", "demo"),
        ("input_data", [("dataset", [("did", p.task.dataset.id), ("name", p.task.dataset.name)])]),
        ("output_data", evaluations)])


def make(p: Plan, folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # convergence, unseen categories, deprecations: as in anybody's run
        folds, model = fit(p)
        folder.mkdir(parents=True)
        (folder / "predictions.arff").write_text(predictions(p, folds))
        (folder / "description.xml").write_text(description(p, folds, model))
    assert len(folds) == FOLDS
