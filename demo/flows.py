"""The demo's flows: scikit-learn pipelines, described as the `openml` Python client describes them."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openml.extensions.sklearn import SklearnExtension, cat, cont
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier,
                              RandomForestRegressor)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from documents import xml

logging.getLogger("openml").setLevel(logging.ERROR)
EXTENSION = SklearnExtension()
UPLOAD_DATE = "2026-01-05T09:30:00"
UPLOADER = 1
SEED = 1


def scaled(model: BaseEstimator) -> Pipeline:
    """Numbers imputed and standardised, categories one-hot: for models that measure distances."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_pipeline(ColumnTransformer([("numeric", numbers, cont), ("nominal", categories, cat)]), model)


def coded(model: BaseEstimator) -> Pipeline:
    """Numbers imputed, categories as codes: for trees."""
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
    return make_pipeline(
        ColumnTransformer([("numeric", SimpleImputer(strategy="median"), cont), ("nominal", codes, cat)]), model)


def raw(model: BaseEstimator) -> Pipeline:
    """Categories as codes, missing numbers left to the model."""
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
    return make_pipeline(ColumnTransformer([("nominal", codes, cat)], remainder="passthrough"), model)


@dataclass
class Flow:
    """`setups` are the values of the last step's parameters that the demo tries; the first is the flow's default."""

    id: int
    title: str
    classifies: bool
    model: Pipeline
    setups: list[dict[str, Any]]
    openml: Any = None

    def with_setup(self, values: dict[str, Any]) -> Pipeline:
        step = self.model.steps[-1][0]
        return clone(self.model).set_params(**{f"{step}__{k}": v for k, v in values.items()})


def each(name: str, *values) -> list[dict[str, Any]]:
    return [{name: value} for value in values]


def make() -> list[Flow]:
    forest = {"n_estimators": 40, "random_state": SEED}
    boosting = {"max_iter": 40, "random_state": SEED}
    definitions = [
        ("Logistic regression", True, scaled(LogisticRegression(max_iter=500)), each("C", 1.0, 0.01, 100.0)),
        ("Decision tree", True, coded(DecisionTreeClassifier(random_state=SEED)), each("max_depth", None, 2, 5)),
        ("Random forest", True, coded(RandomForestClassifier(**forest)), each("min_samples_leaf", 1, 5, 20)),
        ("k nearest neighbours", True, scaled(KNeighborsClassifier()), each("n_neighbors", 5, 1, 25)),
        ("Histogram gradient boosting", True, raw(HistGradientBoostingClassifier(**boosting)),
         each("learning_rate", 0.1, 0.02, 0.5)),
        ("Support vector machine", True, scaled(SVC(probability=True, random_state=SEED)), each("C", 1.0, 0.1, 10.0)),
        ("Gaussian naive Bayes", True, scaled(GaussianNB()), each("var_smoothing", 1e-9, 0.01, 1.0)),
        ("Multi-layer perceptron", True, scaled(MLPClassifier(random_state=SEED, max_iter=100)),
         [{"hidden_layer_sizes": [32]}, {"hidden_layer_sizes": [8]}, {"hidden_layer_sizes": [32, 16]}]),
        ("Class prior (baseline)", True, coded(DummyClassifier(strategy="prior")), [{}]),
        ("Ridge regression", False, scaled(Ridge()), each("alpha", 1.0, 0.01, 100.0)),
        ("Decision tree regression", False, coded(DecisionTreeRegressor(random_state=SEED)),
         each("max_depth", None, 2, 5)),
        ("Random forest regression", False, coded(RandomForestRegressor(**forest)), each("min_samples_leaf", 1, 5, 20)),
        ("k nearest neighbours regression", False, scaled(KNeighborsRegressor()), each("n_neighbors", 5, 1, 25)),
        ("Histogram gradient boosting regression", False, raw(HistGradientBoostingRegressor(**boosting)),
         each("learning_rate", 0.1, 0.02, 0.5)),
        ("Support vector regression", False, scaled(SVR()), each("C", 1.0, 0.1, 10.0)),
        ("Mean (baseline)", False, coded(DummyRegressor()), [{}]),
    ]
    flows = [Flow(index + 1, *definition) for index, definition in enumerate(definitions)]
    ids = {}
    for flow in flows:
        flow.openml = EXTENSION.model_to_flow(flow.model)
        ids[flow.openml.name] = flow.id
    for flow in flows:
        number_components(flow.openml, ids)
        describe(flow)
    assert len({flow.openml.flow_id for flow in flows}) == len(flows)
    return flows


def number_components(flow, ids: dict[str, int]) -> None:
    """Gives every component an id of its own; the same component has the same id in every flow."""
    flow.flow_id = ids.setdefault(flow.name, len(ids) + 1)
    for component in flow.components.values():
        number_components(component, ids)


def describe(flow: Flow) -> None:
    def component(part):
        part.description = f"{part.class_name.rsplit('.', 1)[-1]} of scikit-learn."
        for inner in part.components.values():
            component(inner)

    component(flow.openml)
    flow.openml.description = f"{flow.title}: a scikit-learn pipeline."


def body(flow) -> list:
    parameters = [
        ("parameter", [("name", name), ("data_type", flow.parameters_meta_info[name]["data_type"]),
                       ("default_value", "" if default is None else default)])
        for name, default in flow.parameters.items()]
    components = [("component", [("identifier", key), ("flow", body(part))])
                  for key, part in flow.components.items()]
    return [
        ("id", flow.flow_id), ("uploader", UPLOADER), ("name", flow.name), ("custom_name", flow.custom_name),
        ("class_name", flow.class_name), ("version", 1), ("external_version", flow.external_version),
        ("description", flow.description), ("upload_date", UPLOAD_DATE), ("language", "English"),
        ("dependencies", flow.dependencies), *parameters, *components,
        *[("tag", tag) for tag in ["scikit-learn", "sklearn", "demo"]]]


def write(flow: Flow, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "flow.xml").write_text(xml("flow", body(flow.openml)))


def parameter_settings(flow: Flow, model: Pipeline) -> list:
    """(name, JSON value, component id) of every parameter."""
    settings = EXTENSION.obtain_parameter_values(flow.openml, model)
    return [(s["oml:name"], s["oml:value"], s["oml:component"]) for s in settings]
