"""The measures of every run as scikit-learn computes them from the predictions file as written."""

import warnings
from pathlib import Path

import arff as liac_arff
import numpy as np
from sklearn import config_context, metrics

DEFINITIONS = {
    "predictive_accuracy": "accuracy_score",
    "area_under_roc_curve_weighted":
        "one-vs-rest roc_auc_score(truth == class, confidence.class) of every class that has rows of both kinds among the "
        "rows evaluated, averaged with weights = the class's number of rows; confidences as written, not normalised",
    "area_under_roc_curve_macro": "the same, unweighted mean over those classes",
    "area_under_roc_curve_binary": "two-class tasks only: roc_auc_score with the second declared class as the positive one",
    "f_measure_weighted": "f1_score(average='weighted', zero_division=0)",
    "f_measure_macro": "f1_score(average='macro', zero_division=0): classes that occur in truth or prediction",
    "precision_weighted": "precision_score(average='weighted', zero_division=0)",
    "precision_macro": "precision_score(average='macro', zero_division=0)",
    "recall_weighted": "recall_score(average='weighted', zero_division=0)",
    "recall_macro": "recall_score(average='macro', zero_division=0)",
    "kappa": "cohen_kappa_score",
    "mean_absolute_error": "mean_absolute_error (regression)",
    "root_mean_squared_error": "root_mean_squared_error (regression)",
    "r2": "r2_score (regression)",
    "average_precision": "per class, pooled: average_precision_score(truth == class, confidence.class)",
    "confusion": "pooled: confusion_matrix over the declared classes, rows = truth, columns = prediction",
    "value": "over the rows of all folds pooled",
    "mean": "arithmetic mean over the folds in which the measure is defined",
    "std": "population standard deviation over the same folds",
}


def classification(truth, predicted, confidences, classes) -> dict[str, float]:
    areas, weights = [], []
    for index, label in enumerate(classes):
        positive = truth == label
        if positive.any() and not positive.all():
            areas.append(metrics.roc_auc_score(positive, confidences[:, index]))
            weights.append(int(positive.sum()))
    out = {"predictive_accuracy": metrics.accuracy_score(truth, predicted)}
    if areas:
        out["area_under_roc_curve_weighted"] = np.average(areas, weights=weights)
        out["area_under_roc_curve_macro"] = np.mean(areas)
        if len(classes) == 2:
            out["area_under_roc_curve_binary"] = metrics.roc_auc_score(truth == classes[1], confidences[:, 1])
    for average in ("weighted", "macro"):
        for name, score in (("f_measure", metrics.f1_score), ("precision", metrics.precision_score),
                            ("recall", metrics.recall_score)):
            out[f"{name}_{average}"] = score(truth, predicted, average=average, zero_division=0)
    out["kappa"] = metrics.cohen_kappa_score(truth, predicted)
    return out


def regression(truth, predicted) -> dict[str, float]:
    return {"mean_absolute_error": metrics.mean_absolute_error(truth, predicted),
            "root_mean_squared_error": metrics.root_mean_squared_error(truth, predicted),
            "r2": metrics.r2_score(truth, predicted)}


def measure(predictions: Path) -> dict:
    table = liac_arff.loads(predictions.read_text())
    names = [name for name, _ in table["attributes"]]
    columns = dict(zip(names, map(np.array, zip(*table["data"], strict=True)), strict=True))
    types = dict(table["attributes"])
    if "correct" in columns:
        classes = types["prediction"]
        confidences = np.column_stack([columns[f"confidence.{c}"] for c in classes])

        def evaluate(rows):
            return classification(columns["correct"][rows], columns["prediction"][rows], confidences[rows], classes)
    else:
        def evaluate(rows):
            return regression(columns["truth"][rows], columns["prediction"][rows])

    with warnings.catch_warnings(), config_context(skip_parameter_validation=True):  # thousands of small calls
        warnings.simplefilter("ignore")
        pooled = evaluate(slice(None))
        folds = [evaluate(columns["fold"] == fold) for fold in np.unique(columns["fold"])]
    out = {"rows": len(columns["fold"]), "measures": {}}
    for name, value in pooled.items():
        values = [fold[name] for fold in folds if name in fold]
        assert np.isfinite([value, *values]).all(), (predictions, name)
        out["measures"][name] = {"value": float(value), "mean": float(np.mean(values)), "std": float(np.std(values))}
    if "correct" in columns:
        truth = columns["correct"]
        out["average_precision"] = {
            c: float(metrics.average_precision_score(truth == c, columns[f"confidence.{c}"]))
            for c in classes if (truth == c).any()}
        out["confusion"] = metrics.confusion_matrix(truth, columns["prediction"], labels=classes).tolist()
    return out
