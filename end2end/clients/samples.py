"""The data and the models that the tests publish, and how they compare what comes back."""

from collections import OrderedDict

import numpy as np
import openml
import pandas as pd
import scipy.sparse
from openml.extensions.sklearn import cat, cont
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.model_selection import RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

# Not in the order of the alphabet, with a blank, an umlaut and a quote.
CLASSES = ["schön & gut", "it's bad", "average"]
COUNTS = {"schön & gut": 50, "it's bad": 30, "average": 20}
COLOURS = ["two words", "it's", "grün", 'say "hi"', "unused"]
FLOWERS_TYPES = {
    "length": "numeric",
    "count": "numeric",
    "rate": "numeric",
    "colour": "nominal",
    "note": "string",
    "class": "nominal",
}
TIMES = [f"{clock}_time_millis{part}" for clock in ("usercpu", "wall_clock") for part in ("", "_training", "_testing")]


def flowers():
    """100 rows: numbers with all their digits, whole numbers, levels and text that need quotes, and missing values."""
    random = np.random.default_rng(7)
    truth = random.permutation(np.repeat(list(COUNTS), list(COUNTS.values())))
    shift = np.array([CLASSES.index(level) for level in truth])
    frame = pd.DataFrame(
        {
            "length": random.normal(shift, 0.7),
            "count": random.integers(-5, 1000, 100),
            "rate": np.where(random.random(100) < 0.5, 0.1, 1e-300) * (shift + 1),
            "colour": pd.Categorical(random.choice(COLOURS[:4], 100), categories=COLOURS),
            "note": pd.Series([f"row {row}, it's 'x'; ü {{1}}" for row in range(100)], dtype=object),
            "class": pd.Categorical(truth, categories=CLASSES),
        }
    )
    frame.loc[[3, 40, 99], "length"] = np.nan
    frame.loc[[0, 41], "colour"] = None
    frame.loc[[5], "note"] = None
    return frame


def houses():
    """60 rows with a number to predict."""
    random = np.random.default_rng(8)
    rooms, area = random.integers(1, 9, 60), random.uniform(20, 300, 60)
    return pd.DataFrame({"rooms": rooms, "area": area, "price": 1000 * area + 5000 * rooms + random.normal(0, 500, 60)})


def dataset(name, frame, target, **fields):
    """A dataset that is not published yet."""
    described = {
        "description": "Made up for a test.",
        "creator": ["Ada Lovelace", "Carl Linnaeus"],
        "contributor": "Emmy Noether",
        "collection_date": "2026-01-02",
        "language": "English",
        "licence": "CC0",
        "ignore_attribute": None,
        "citation": "None, as it is made up.",
        "row_id_attribute": None,
        "original_data_url": "https://example.org/data",
        "paper_url": "https://example.org/paper",
        "update_comment": "first",
        "version_label": "one",
        "attributes": "auto",
    }
    return openml.datasets.create_dataset(
        name=name, data=frame, default_target_attribute=target, **{**described, **fields}
    )


def sparse_dataset(name, rows):
    """A dataset of three columns that keeps only what is not zero; the third column is the target."""
    return dataset(
        name,
        scipy.sparse.coo_matrix(rows),
        "third",
        attributes=[("first", "REAL"), ("second", "REAL"), ("third", "REAL")],
    )


def columns():
    """Transforms columns by their types: transformers in transformers."""
    return make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), cat),
        (make_pipeline(SimpleImputer(), StandardScaler()), cont),
    )


def plain():
    return HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5, categorical_features="from_dtype")


def nested():
    return make_pipeline(columns(), DecisionTreeClassifier(max_depth=4))


def search():
    grid = OrderedDict(
        decisiontreeclassifier__criterion=["gini", "entropy"], decisiontreeclassifier__max_depth=[1, 3, 5, None]
    )
    return RandomizedSearchCV(nested(), grid, n_iter=4, cv=3)


def regressor():
    return make_pipeline(SimpleImputer(), DecisionTreeRegressor(max_depth=5))


def plain_values(column):
    """A column as a list that `==` compares, with None for what is missing."""
    return [None if pd.isna(value) else value for value in column.astype(object)]


def assert_same_rows(read, expected):
    """All columns, in order, and all values, to the last digit."""
    assert list(read.columns) == list(expected.columns)
    for name in expected.columns:
        assert plain_values(read[name]) == plain_values(expected[name]), name


def parameters(model):
    """All parameters of a model and of those within, as texts."""
    return {name: repr(value) for name, value in model.get_params(deep=True).items()}


def folds(evaluations):
    """The values of a measure by (repeat, fold)."""
    return {(repeat, fold): value for repeat, by_fold in evaluations.items() for fold, value in by_fold.items()}
