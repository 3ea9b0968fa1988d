"""The demo's tasks: which feature to predict, and the ten folds that every run shares."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

from datasets import Dataset
from documents import Attributes, arff, xml

CLASSIFICATION, REGRESSION = 1, 2
TYPE_NAMES = {CLASSIFICATION: "Supervised Classification", REGRESSION: "Supervised Regression"}
FOLDS = 10

# dataset id, target feature, type, measure
DEFINITIONS = [
    (1, "class", CLASSIFICATION, "predictive_accuracy"),
    (2, "class", CLASSIFICATION, "predictive_accuracy"),
    (3, "diagnosis", CLASSIFICATION, "area_under_roc_curve"),
    (4, "digit", CLASSIFICATION, "predictive_accuracy"),
    (9, "progression", REGRESSION, "root_mean_squared_error"),
    (6, "species", CLASSIFICATION, "predictive_accuracy"),
    (7, "survived", CLASSIFICATION, "area_under_roc_curve"),
    (8, "class", CLASSIFICATION, "predictive_accuracy"),
    (14, "class", REGRESSION, "mean_absolute_error"),
    (10, "type", CLASSIFICATION, "predictive_accuracy"),
    (11, "acceleration", REGRESSION, "root_mean_squared_error"),
    (12, "weather", CLASSIFICATION, "f_measure"),
    (13, "seats", REGRESSION, "mean_absolute_error"),
    (6, "island", CLASSIFICATION, "predictive_accuracy"),
    (12, "temp_max", REGRESSION, "root_mean_squared_error"),
]


@dataclass
class Task:
    id: int
    dataset: Dataset
    target: str
    type: int
    measure: str

    @property
    def classes(self) -> list[str]:
        """The declared levels of the target: all of them, in order."""
        return list(self.dataset.frame[self.target].cat.categories)

    @property
    def is_classification(self) -> bool:
        return self.type == CLASSIFICATION

    def folds(self) -> list[np.ndarray]:
        """The test rows of each fold, ascending. Stratified by class, seeded by the task's id."""
        target = self.dataset.frame[self.target]
        assert target.notna().all(), (self.id, self.target)
        maker = StratifiedKFold if self.is_classification else KFold
        splitter = maker(FOLDS, shuffle=True, random_state=self.id)
        labels = target.cat.codes if self.is_classification else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # zoo has classes of fewer than ten animals
            return [test for _, test in splitter.split(np.zeros(len(target)), labels)]


def load(datasets: dict[int, Dataset]) -> list[Task]:
    return [Task(index + 1, datasets[data], *rest) for index, (data, *rest) in enumerate(DEFINITIONS)]


def document(task: Task) -> str:
    """The form of GET task/{id}."""
    def parameter(name, value):
        return ("parameter", Attributes({"name": name, None: value}))

    procedure = [
        ("id", 1 if task.is_classification else 7), ("type", "crossvalidation"),
        ("data_splits_url", f"/api_splits/get/{task.id}/Task_{task.id}_splits.arff"),
        parameter("number_repeats", 1), parameter("number_folds", FOLDS), parameter("percentage", ""),
        parameter("stratified_sampling", str(task.is_classification).lower())]
    features = [("repeat", "integer"), ("fold", "integer"), ("row_id", "integer")]
    if task.is_classification:
        features += [("confidence.classname", "numeric")]
    features += [("prediction", "string" if task.is_classification else "numeric")]
    return xml("task", [
        ("task_id", task.id),
        ("task_name", f"Task {task.id}: {task.dataset.name} ({TYPE_NAMES[task.type]})"),
        ("task_type_id", task.type), ("task_type", TYPE_NAMES[task.type]),
        ("input", Attributes({"name": "source_data", None: [
            ("data_set", [("data_set_id", task.dataset.id), ("target_feature", task.target)])]})),
        ("input", Attributes({"name": "estimation_procedure", None: [("estimation_procedure", procedure)]})),
        ("input", Attributes({"name": "evaluation_measures", None: [
            ("evaluation_measures", [("evaluation_measure", task.measure)])]})),
        ("output", Attributes({"name": "predictions", None: [("predictions", [
            ("format", "ARFF"),
            *[("feature", Attributes({"name": n, "type": t})) for n, t in features]])]})),
        ("tag", "demo")])


def splits(task: Task) -> str:
    rows = len(task.dataset.frame)
    lines = []
    for fold, test in enumerate(task.folds()):
        train = np.setdiff1d(np.arange(rows), test)
        lines += [("TRAIN", str(row), "0", str(fold)) for row in train]
        lines += [("TEST", str(row), "0", str(fold)) for row in test]
    attributes = [("type", "{TRAIN,TEST}"), ("rowid", "NUMERIC"), ("repeat", "NUMERIC"), ("fold", "NUMERIC")]
    return arff(f"Task_{task.id}_splits", attributes, lines)


def write(task: Task, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "task.xml").write_text(document(task))
    (folder / "splits.arff").write_text(splits(task))
