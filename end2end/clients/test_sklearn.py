"""scikit-learn's fetch_openml, which asks www.openml.org; a proxy answers with the labboard."""

import gzip
import hashlib
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import openml
import openml_org
import pandas as pd
import pytest
import samples
from sklearn.datasets import fetch_openml

PARSERS = ["pandas", "liac-arff"]


@pytest.fixture(scope="module")
def proxy(server, tmp_path_factory):
    address = urlsplit(server.url)
    with (
        openml_org.proxy((address.hostname, address.port), tmp_path_factory.mktemp("proxy")) as proxy,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("HTTPS_PROXY", proxy.address)
        patch.delenv("https_proxy", raising=False)
        patch.setenv("SSL_CERT_FILE", str(proxy.certificate))
        # The next request makes an opener anew, from these variables.
        urllib.request.install_opener(None)
        yield proxy
    urllib.request.install_opener(None)


@pytest.fixture
def fetch(proxy, tmp_path):
    def fetch(*name, **options):
        return fetch_openml(*name, data_home=tmp_path / "sklearn", n_retries=1, delay=0.01, **options)

    return fetch


def assert_flowers(bunch, flowers):
    features = ["length", "count", "rate", "colour"]
    assert (bunch.feature_names, bunch.target_names) == (features, ["class"])
    samples.assert_same_rows(bunch.data[features], flowers.frame[features])
    assert list(bunch.target) == list(flowers.frame["class"])
    assert bunch.details["id"] == str(flowers.id)


@pytest.mark.parametrize("parser", PARSERS)
def test_by_name(fetch, proxy, flowers, parser):
    bunch = fetch(flowers.name, as_frame=True, parser=parser)
    assert_flowers(bunch, flowers)
    assert isinstance(bunch.data["colour"].dtype, pd.CategoricalDtype)
    assert isinstance(bunch.target.dtype, pd.CategoricalDtype)
    assert bunch.DESCR.startswith("Made up for a test.")
    asked = ("www.openml.org", f"/api/v1/json/data/list/data_name/{flowers.name.lower()}/limit/2/status/active/")
    assert asked in proxy.asked


@pytest.mark.parametrize("parser", PARSERS)
def test_by_id(fetch, flowers, parser):
    assert_flowers(fetch(data_id=flowers.id, as_frame=True, parser=parser), flowers)


def test_by_version(fetch, word):
    samples.dataset(word, samples.houses(), "price").publish()
    second = samples.dataset(word, samples.houses().head(50), "price").publish()
    bunch = fetch(word, version=2, as_frame=True)
    assert (bunch.details["id"], bunch.details["version"]) == (str(second.id), "2")
    samples.assert_same_rows(bunch.frame[["rooms", "area", "price"]], samples.houses().head(50))
    with pytest.warns(UserWarning, match="Multiple active versions"):
        assert fetch(word).details["version"] == "1"


@pytest.mark.parametrize("parser", PARSERS)
def test_as_arrays(fetch, houses, parser):
    x, y = fetch(houses.name, as_frame=False, return_X_y=True, parser=parser)
    assert np.array_equal(x.astype(float), houses.frame[["rooms", "area"]].to_numpy(float))
    assert y.astype(float).tolist() == houses.frame["price"].tolist()


def test_sparse(fetch, word):
    # The target has no zeros, as scikit-learn leaves those of a sparse target uninitialized.
    dense = np.array([[0, 1.5, 1], [0, 0, 2], [3, 0, 1], [0, 0, 2]])
    bunch = fetch(data_id=samples.sparse_dataset(word, dense).publish().id)
    assert bunch.data.toarray().tolist() == dense[:, :2].tolist()
    assert bunch.target.astype(float).tolist() == dense[:, 2].tolist()


def test_ignored_columns_and_other_targets(fetch, flowers):
    bunch = fetch(data_id=flowers.id, target_column="count", as_frame=True)
    assert "note" not in bunch.data.columns and "class" in bunch.data.columns
    assert bunch.target.tolist() == flowers.frame["count"].tolist()


def test_md5(fetch, flowers, tmp_path):
    bunch = fetch(data_id=flowers.id, as_frame=True)
    path = urlsplit(bunch.details["url"]).path
    cached = Path(tmp_path, "sklearn", "openml", "openml.org", path.lstrip("/") + ".gz")
    assert hashlib.md5(gzip.decompress(cached.read_bytes())).hexdigest() == bunch.details["md5_checksum"]
    # A file that is damaged is fetched again.
    cached.write_bytes(gzip.compress(b"@RELATION nothing\n"))
    with pytest.warns(RuntimeWarning, match="Invalid cache"):
        assert_flowers(fetch(data_id=flowers.id, as_frame=True), flowers)


def test_deactivated(fetch, word):
    dataset = samples.dataset(word, samples.houses(), "price").publish()
    openml.datasets.status_update(dataset.id, "deactivated")
    with pytest.warns(UserWarning, match="is inactive"):
        assert fetch(word, version=1).details["status"] == "deactivated"
    with pytest.raises(ValueError, match=f"No active dataset {word} found"):
        fetch(word)


def test_unknown(fetch, word):
    with pytest.raises(ValueError, match=f"No active dataset {word} found"):
        fetch(word)
    with pytest.raises(ValueError, match="with version 3 not found"):
        fetch(word, version=3)
    with pytest.raises(ValueError, match="not found"):
        fetch(data_id=10**9 - 1)
