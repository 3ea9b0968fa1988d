"""Datasets, published and read back by the openml package."""

import hashlib

import numpy as np
import openml
import pandas as pd
import pytest
import samples
from openml.exceptions import OpenMLServerException, OpenMLServerNoResult
from openml.tasks import TaskType

DESCRIBED = [
    "name",
    "description",
    "creator",
    "contributor",
    "collection_date",
    "language",
    "licence",
    "default_target_attribute",
    "row_id_attribute",
    "ignore_attribute",
    "citation",
    "original_data_url",
    "paper_url",
    "update_comment",
    "version_label",
]


def test_description(flowers):
    read = openml.datasets.get_dataset(flowers.id)
    for field in DESCRIBED:
        assert getattr(read, field) == getattr(flowers.made, field), field
    assert read.version == 1
    assert read.format.lower() == "arff"
    assert pd.Timestamp(read.upload_date).year >= 2026
    assert read.md5_checksum == hashlib.md5(flowers.made._dataset.encode()).hexdigest()


def test_arff(flowers, monkeypatch):
    monkeypatch.setenv("OPENML_SKIP_PARQUET", "true")
    dataset = openml.datasets.get_dataset(flowers.id, download_data=True)
    assert dataset.data_file is not None and dataset.parquet_file is None
    with open(dataset.data_file, encoding="utf8") as arff:
        assert arff.read() == flowers.made._dataset
    rows, _, categorical, _ = dataset.get_data(include_ignore_attribute=True)
    samples.assert_same_rows(rows, flowers.frame)
    assert categorical == [kind == "nominal" for kind in samples.FLOWERS_TYPES.values()]
    assert list(rows["colour"].cat.categories) == samples.COLOURS
    assert list(rows["class"].cat.categories) == samples.CLASSES


def test_parquet(flowers):
    dataset = openml.datasets.get_dataset(flowers.id, download_data=True)
    assert dataset.parquet_file is not None and dataset.data_file is None
    rows, _, categorical, _ = dataset.get_data(include_ignore_attribute=True)
    samples.assert_same_rows(rows, flowers.frame)
    assert categorical == [kind == "nominal" for kind in samples.FLOWERS_TYPES.values()]
    assert set(samples.COLOURS[:4]) <= set(rows["colour"].cat.categories) <= set(samples.COLOURS)


def test_a_missing_parquet_file_is_no_obstacle(flowers, client):
    dataset = openml.datasets.get_dataset(flowers.id)
    dataset._parquet_url += "x"
    rows, *_ = dataset.get_data(include_ignore_attribute=True)
    assert dataset.parquet_file is None and dataset.data_file is not None
    samples.assert_same_rows(rows, flowers.frame)


def test_target_and_ignored_columns(flowers):
    x, y, _, names = openml.datasets.get_dataset(flowers.id).get_data(target="class")
    assert names == ["length", "count", "rate", "colour"]
    samples.assert_same_rows(x, flowers.frame[names])
    assert samples.plain_values(y) == list(flowers.frame["class"])


def test_features(flowers):
    features = openml.datasets.get_dataset(flowers.id, download_features_meta_data=True).features
    assert {feature.name: feature.data_type for feature in features.values()} == samples.FLOWERS_TYPES
    assert [feature.number_missing_values for feature in features.values()] == list(flowers.frame.isna().sum())
    assert features[3].nominal_values == samples.COLOURS
    assert features[5].nominal_values == samples.CLASSES
    assert features[0].nominal_values is None


def test_qualities(flowers):
    qualities = openml.datasets.get_dataset(flowers.id, download_qualities=True).qualities
    expected = {
        "NumberOfInstances": 100,
        "NumberOfFeatures": 6,
        "NumberOfClasses": 3,
        "NumberOfMissingValues": 6,
        "NumberOfInstancesWithMissingValues": 6,
        "NumberOfNumericFeatures": 3,
        "NumberOfSymbolicFeatures": 2,
        "MajorityClassSize": 50,
        "MinorityClassSize": 20,
    }
    assert {name: qualities[name] for name in expected} == expected
    assert qualities.keys() <= set(openml.datasets.list_qualities())


def test_row_ids_are_no_feature(word):
    frame = samples.houses().assign(house=[f"h{row}" for row in range(60)])
    published = samples.dataset(word, frame, "price", row_id_attribute="house").publish()
    read = openml.datasets.get_dataset(published.id)
    assert read.row_id_attribute == "house"
    assert list(read.get_data()[0].columns) == ["rooms", "area", "price"]


def test_one_name_has_versions(word):
    first = samples.dataset(word, samples.houses(), "price").publish()
    second = samples.dataset(word, samples.houses().head(50), "price").publish()
    assert openml.datasets.get_dataset(word).id == first.id
    read = openml.datasets.get_dataset(word, version=2)
    assert (read.id, read.version) == (second.id, 2)
    assert len(read.get_data()[0]) == 50
    with pytest.raises(RuntimeError, match="No active datasets"):
        openml.datasets.get_dataset(word, version=3)


def test_sparse(word):
    dense = np.array([[0, 1.5, 0], [0, 0, 2], [3, 0, 1], [0, 0, 2]])
    published = samples.sparse_dataset(word, dense).publish()
    read = openml.datasets.get_dataset(published.id, download_features_meta_data=True)
    assert read.format.lower() == "sparse_arff"
    rows, *_ = read.get_data()
    assert list(rows.columns) == ["first", "second", "third"]
    assert rows.sparse.to_dense().to_numpy().tolist() == dense.tolist()
    assert [feature.number_missing_values for feature in read.features.values()] == [0, 0, 0]


def test_edit(word):
    published = samples.dataset(word, samples.houses(), "price").publish()
    changed = {
        "description": "Now with a better text.",
        "creator": "Grace Hopper",
        "citation": "A book.",
        "default_target_attribute": "area",
    }
    assert openml.datasets.edit_dataset(published.id, **changed) == published.id
    read = openml.datasets.get_dataset(published.id)
    assert {field: getattr(read, field) for field in changed} == changed
    assert (read.language, read.paper_url) == ("English", "https://example.org/paper")


def test_edits_that_are_refused(flowers, classification, client, server):
    edits = [
        (server.anna, flowers.id, {}),
        (server.anna, 10**9 - 1, {"description": "Nowhere."}),
        (server.ben, flowers.id, {"default_target_attribute": "colour"}),
    ]
    for key, dataset, fields in edits:
        openml.config.apikey = key
        with pytest.raises(OpenMLServerException) as caught:
            openml.datasets.edit_dataset(dataset, **fields)
        assert 1060 <= caught.value.code <= 1068
    assert openml.datasets.get_dataset(flowers.id).default_target_attribute == "class"


def test_fork(word, server):
    original = samples.dataset(word, samples.flowers(), "class").publish().id
    openml.config.apikey = server.ben
    fork = openml.datasets.fork_dataset(original)
    rows = openml.datasets.list_datasets(data_id=[original, fork], output_format="dataframe")
    assert sorted(rows.index) == sorted({original, fork})
    assert rows.loc[fork, "uploader"] != rows.loc[original, "uploader"]
    samples.assert_same_rows(openml.datasets.get_dataset(fork).get_data()[0], samples.flowers())


def test_fork_of_nothing(refused):
    with refused(*range(1070, 1073)):
        openml.datasets.fork_dataset(10**9 - 1)


def test_deactivate(word, new_task, refused, client, server):
    published = samples.dataset(word, samples.houses(), "price").publish()
    openml.config.apikey = server.ben
    with refused(693):
        openml.datasets.status_update(published.id, "deactivated")
    openml.config.apikey = server.anna
    openml.datasets.status_update(published.id, "deactivated")

    def listed(status):
        return list(openml.datasets.list_datasets(data_name=word, status=status, output_format="dataframe").index)

    assert listed(None) == listed("active") == []
    assert listed("deactivated") == listed("all") == [published.id]
    assert openml.datasets.check_datasets_active([published.id]) == {published.id: False}
    with refused(623):
        new_task(TaskType.SUPERVISED_REGRESSION, published.id, 7, "price")


def test_status_of_nothing(refused):
    with refused(692):
        openml.datasets.status_update(10**9 - 1, "deactivated")


def test_ontologies(word):
    published = samples.dataset(word, samples.houses(), "price").publish()

    def ontologies():
        dataset = openml.datasets.get_dataset(
            published.id, download_features_meta_data=True, force_refresh_cache=True
        )
        return [feature.ontologies for feature in dataset.features.values()]

    ontology = "https://example.org/area"
    openml.datasets.functions.data_feature_add_ontology(published.id, 1, ontology)
    assert ontologies() == [None, ontology, None]
    openml.datasets.functions.data_feature_remove_ontology(published.id, 1, ontology)
    assert ontologies() == [None, None, None]


def test_unknown_dataset(refused):
    with refused(111, error=OpenMLServerNoResult):
        openml.datasets.get_dataset(10**9 - 1)


@pytest.mark.parametrize(
    ("arff", "code"),
    [("@RELATION x\n@ATTRIBUTE a NUMERIC\n@DATA\nblue\n", 145), ("this is no ARFF", 145), (None, 141)],
)
def test_data_that_is_refused(word, refused, arff, code):
    dataset = samples.dataset(word, samples.houses(), "price")
    dataset._dataset, dataset.url = arff, None if arff else ""
    with refused(code, 142):
        dataset.publish()
    assert openml.datasets.list_datasets(data_name=word, status="all", output_format="dataframe").empty
