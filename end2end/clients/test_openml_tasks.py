"""Tasks and their splits, published and read back by the openml package."""

from collections import Counter

import numpy as np
import openml
import pytest
import samples
from openml.exceptions import OpenMLServerException
from openml.tasks import TaskType

CLASSIFICATION, REGRESSION = TaskType.SUPERVISED_CLASSIFICATION, TaskType.SUPERVISED_REGRESSION


def split_of(task):
    return openml.tasks.get_task(task).download_split().split


def test_classification(classification, flowers):
    task = openml.tasks.get_task(classification)
    assert task.task_type_id == CLASSIFICATION
    assert task.task_type == "Supervised Classification"
    assert (task.dataset_id, task.target_name) == (flowers.id, "class")
    assert task.evaluation_measure == "predictive_accuracy"
    assert task.class_labels == samples.CLASSES
    assert task.estimation_procedure["type"] == "crossvalidation"
    parameters = {"number_repeats": "1", "number_folds": "10", "percentage": "", "stratified_sampling": "true"}
    assert task.estimation_procedure["parameters"] == parameters


def test_regression(regression, houses):
    task = openml.tasks.get_task(regression)
    assert (task.task_type_id, task.dataset_id, task.target_name) == (REGRESSION, houses.id, "price")
    assert task.evaluation_measure is None
    x, y = task.get_X_and_y(dataset_format="dataframe")
    samples.assert_same_rows(x, houses.frame[["rooms", "area"]])
    assert list(y) == list(houses.frame["price"])


def assert_every_row_tests_once(split, rows, repeats, folds):
    assert list(split) == list(range(repeats))
    for by_fold in split.values():
        assert list(by_fold) == list(range(folds))
        tested = Counter()
        for samples_ in by_fold.values():
            train, test = samples_[0]
            assert sorted([*train, *test]) == list(range(rows))
            tested.update(test.tolist())
        assert tested == {row: 1 for row in range(rows)}


def test_stratified_folds(classification, flowers):
    split = split_of(classification)
    assert_every_row_tests_once(split, 100, 1, 10)
    for fold in split[0].values():
        counts = flowers.frame["class"].iloc[fold[0].test].value_counts().to_dict()
        assert counts == {level: count / 10 for level, count in samples.COUNTS.items()}


def test_folds(regression):
    split = split_of(regression)
    assert_every_row_tests_once(split, 60, 1, 10)
    assert [len(fold[0].test) for fold in split[0].values()] == [6] * 10
    assert [row for fold in split[0].values() for row in fold[0].test] != list(range(60))


def test_repeats(new_task, flowers):
    split = split_of(new_task(CLASSIFICATION, flowers.id, 2, "class").id)
    assert_every_row_tests_once(split, 100, 5, 2)
    halves = {frozenset(by_fold[0][0].test.tolist()) for by_fold in split.values()}
    assert len(halves) == 5


def test_holdout(new_task, flowers):
    split = split_of(new_task(CLASSIFICATION, flowers.id, 6, "class").id)
    ((train, test),) = split[0][0].values()
    assert sorted([*train, *test]) == list(range(100))
    assert 31 <= len(test) <= 35


def test_leave_one_out(new_task, houses):
    split = split_of(new_task(REGRESSION, houses.id, 10, "price").id)
    assert_every_row_tests_once(split, 60, 1, 60)


def test_learning_curve(new_task, flowers):
    task = openml.tasks.get_task(new_task(TaskType.LEARNING_CURVE, flowers.id, 13, "class").id)
    assert (task.task_type_id, task.target_name) == (TaskType.LEARNING_CURVE, "class")
    split = task.download_split().split
    tested = Counter()
    for by_sample in split[0].values():
        sizes = [len(sample.train) for sample in by_sample.values()]
        assert sizes == sorted(set(sizes)) and len(sizes) > 1
        tests = {tuple(sample.test.tolist()) for sample in by_sample.values()}
        assert len(tests) == 1
        (test,) = tests
        assert not set(test) & {row for sample in by_sample.values() for row in sample.train.tolist()}
        tested.update(test)
    assert len({len(by_sample) for by_sample in split[0].values()}) == 1
    assert tested == {row: 1 for row in range(100)}


def test_clustering(new_task, flowers):
    task = openml.tasks.get_task(new_task(TaskType.CLUSTERING, flowers.id, 17).id)
    assert (task.task_type_id, task.dataset_id) == (TaskType.CLUSTERING, flowers.id)


def test_splits_stay(classification, tmp_path):
    first = split_of(classification)
    openml.config.set_root_cache_directory(tmp_path / "again")
    second = split_of(classification)
    for fold in range(10):
        assert np.array_equal(first[0][fold][0].train, second[0][fold][0].train)
        assert np.array_equal(first[0][fold][0].test, second[0][fold][0].test)


def test_a_task_is_published_once(new_task, classification, flowers, refused):
    with refused(614) as caught:
        new_task(CLASSIFICATION, flowers.id, 1, "class", "predictive_accuracy")
    assert f"matched id(s): [{classification}]" in caught.value.message


@pytest.mark.parametrize(
    ("dataset", "procedure", "target"),
    [(10**9 - 1, 1, "class"), (None, 999, "class"), (None, 7, "class"), (None, 1, "nothing"), (None, 1, "length")],
    ids=["dataset", "procedure", "procedure of another type", "target", "target without classes"],
)
def test_tasks_that_are_refused(new_task, flowers, dataset, procedure, target):
    with pytest.raises(OpenMLServerException) as caught:
        new_task(CLASSIFICATION, dataset or flowers.id, procedure, target)
    assert 615 <= caught.value.code <= 622


def test_unknown_task(refused):
    with refused(151):
        openml.tasks.get_task(10**9 - 1)
