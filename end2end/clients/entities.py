"""Entities that go to the API as prepared documents, and what each of them is when it comes back whole."""

import hashlib
import io
import random
from dataclasses import dataclass, field
from functools import cached_property
from xml.sax.saxutils import escape

import pyarrow
import pyarrow.parquet
import pytest
import requests
import xmltodict

NAMESPACE = 'xmlns:oml="http://openml.org/openml"'
LEVELS = ["it's", "x"]


def element(name, text):
    return f"<oml:{name}>{escape(str(text))}</oml:{name}>"


def elements(**texts):
    return "".join(element(name, text) for name, text in texts.items())


def document(root, *parts):
    return f"<oml:{root} {NAMESPACE}>{''.join(parts)}</oml:{root}>".encode()


def many(found):
    """What occurs any number of times in a document, as a list."""
    return [] if found is None else found if isinstance(found, list) else [found]


class Api:
    """One client's connection to a server."""

    def __init__(self, url, key):
        self.url, self.key, self.session = url, key, requests.Session()

    def get(self, path):
        return self.session.get(path if path.startswith("http") else f"{self.url}/{path}", timeout=30)

    def content(self, path):
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
        return answer.content

    def read(self, path):
        """The document at a path of the API, without its root."""
        return next(iter(xmltodict.parse(self.content(f"api/v1/xml/{path}")).values()))

    def ids(self, kind):
        """Every entity of a kind."""
        answer = self.get(f"api/v1/xml/{kind.path}/list")
        if answer.status_code == 412 and f"<oml:code>{kind.none_code}<" in answer.text:
            return []
        assert answer.status_code == 200, answer.text[:300]
        (listed,) = xmltodict.parse(answer.content).values()
        return [int(row[kind.listed_id]) for row in many(listed[kind.listed])]

    def post(self, entity):
        files = {name: (name, content) for name, content in entity.parts.items()}
        return self.session.post(
            f"{self.url}/api/v1/xml/{entity.path}", data={"api_key": self.key}, files=files, timeout=30
        )


def id_in(answer):
    (reply,) = xmltodict.parse(answer.content).values()
    return int(reply.get("oml:id") or reply["oml:run_id"])


def predicted_rows(api, task):
    """The rows that a run of the task predicts: (repeat, fold, row)."""
    text = api.content(f"api_splits/get/{task}/Task_{task}_splits.arff").decode()
    _, rows = text.split("@DATA\n")
    split = [line.split(",") for line in rows.split()]
    return [(int(repeat), int(fold), int(row)) for part, row, repeat, fold in split if part == "TEST"]


@dataclass(frozen=True)
class Entity:
    """`word` is in the document, and in no other."""

    word: str

    def __hash__(self):
        return hash(self.word)


@dataclass(frozen=True, eq=False)
class Dataset(Entity):
    rows: int
    format: str = "ARFF"

    path, none_code, listed, listed_id = "data", 372, "oml:dataset", "oml:did"

    @cached_property
    def table(self):
        numbers = random.Random(self.word)
        return [(numbers.random(), numbers.randrange(1000), LEVELS[row % 2]) for row in range(self.rows)]

    @cached_property
    def file(self):
        if self.format == "parquet":
            length, count, level = zip(*self.table)
            columns = {"length": length, "count": count, "class": pyarrow.array(level).dictionary_encode()}
            out = io.BytesIO()
            pyarrow.parquet.write_table(pyarrow.table(columns), out)
            return out.getvalue()
        rows = "".join(f"{length!r},{count},{quoted(level)}\n" for length, count, level in self.table)
        return f"@RELATION {self.word}\n{HEAD}@DATA\n{rows}".encode()

    @property
    def parts(self):
        described = document(
            "data_set_description",
            elements(name=self.word, description=f"All of {self.word} & more", format=self.format, creator="Ada"),
            elements(licence="CC0", default_target_attribute="class"),
            element("tag", self.word),
            element("tag", "durable"),
        )
        return {"description": described, "dataset": self.file}

    @staticmethod
    def word_of(read):
        return read["oml:name"]

    def check(self, api, id, read):
        assert read["oml:description"] == f"All of {self.word} & more"
        assert (read["oml:creator"], read["oml:licence"], read["oml:status"]) == ("Ada", "CC0", "active")
        assert read["oml:default_target_attribute"] == "class"
        assert set(many(read["oml:tag"])) == {self.word, "durable"}
        assert api.content(f"data/download/{read['oml:file_id']}/file") == self.file
        served = api.content(read["oml:url"])
        assert hashlib.md5(served).hexdigest() == read["oml:md5_checksum"]
        if self.format == "ARFF":
            assert served == self.file
        table = pyarrow.parquet.read_table(io.BytesIO(api.content(read["oml:parquet_url"])))
        assert list(zip(*(column.to_pylist() for column in table.columns))) == self.table
        features = api.read(f"data/features/{id}")["oml:feature"]
        assert [feature["oml:name"] for feature in features] == ["length", "count", "class"]
        assert [feature["oml:data_type"] for feature in features] == ["numeric", "numeric", "nominal"]
        assert many(features[2]["oml:nominal_value"]) == LEVELS and features[2]["oml:is_target"] == "true"
        qualities = api.read(f"data/qualities/{id}")["oml:quality"]
        values = {quality["oml:name"]: quality["oml:value"] for quality in qualities}
        assert float(values["NumberOfInstances"]) == self.rows and float(values["NumberOfClasses"]) == 2


def quoted(level):
    return "'" + level.replace("'", "\\'") + "'"


HEAD = f"@ATTRIBUTE length NUMERIC\n@ATTRIBUTE count NUMERIC\n@ATTRIBUTE class {{{','.join(map(quoted, LEVELS))}}}\n"


@dataclass(frozen=True, eq=False)
class Task(Entity):
    dataset: int
    rows: int

    path, none_code, listed, listed_id = "task", 482, "oml:task", "oml:task_id"

    @property
    def parts(self):
        inputs = {
            "source_data": self.dataset,
            "target_feature": "class",
            "estimation_procedure": 1,
            "evaluation_measures": "predictive_accuracy",
        }
        described = document(
            "task_inputs",
            element("task_type_id", 1),
            *(f'<oml:input name="{name}">{value}</oml:input>' for name, value in inputs.items()),
            element("tag", self.word),
        )
        return {"description": described}

    @staticmethod
    def word_of(read):
        return read.get("oml:tag")

    def check(self, api, id, read):
        inputs = {given["@name"]: given for given in read["oml:input"]}
        source = inputs["source_data"]["oml:data_set"]
        assert (int(source["oml:data_set_id"]), source["oml:target_feature"]) == (self.dataset, "class")
        assert inputs["estimation_procedure"]["oml:estimation_procedure"]["oml:id"] == "1"
        predicted = predicted_rows(api, id)
        assert sorted(row for _, _, row in predicted) == list(range(self.rows))
        assert {fold for _, fold, _ in predicted} == set(range(10))


@dataclass(frozen=True, eq=False)
class Flow(Entity):
    path, none_code, listed, listed_id = "flow", 500, "oml:flow", "oml:id"
    external_version = "made==1"

    def described(self, name, *parts):
        return (
            elements(name=name, external_version=self.external_version, description=f"{name} & more"),
            elements(language="English", dependencies="none"),
            f"<oml:parameter>{elements(name='depth', data_type='int', default_value=3)}</oml:parameter>",
            *parts,
        )

    @property
    def parts(self):
        inner = f"<oml:flow>{''.join(self.described(f'{self.word}.part'))}</oml:flow>"
        component = f"<oml:component>{element('identifier', 'part')}{inner}</oml:component>"
        return {"description": document("flow", *self.described(self.word, component, element("tag", self.word)))}

    @staticmethod
    def word_of(read):
        return read["oml:name"].removesuffix(".part")

    def check(self, api, id, read):
        is_part = read["oml:name"] != self.word
        assert api.read(f"flow/exists/{self.word}/{self.external_version}")["oml:exists"] == "true"
        for flow in [read] if is_part else [read, read["oml:component"]["oml:flow"]]:
            assert flow["oml:description"] == f"{flow['oml:name']} & more"
            assert (flow["oml:external_version"], flow["oml:dependencies"]) == (self.external_version, "none")
            assert (flow["oml:parameter"]["oml:name"], flow["oml:parameter"]["oml:default_value"]) == ("depth", "3")
        if not is_part:
            assert read["oml:component"]["oml:identifier"] == "part"
            assert read["oml:component"]["oml:flow"]["oml:name"] == f"{self.word}.part"
            assert read["oml:tag"] == self.word


@dataclass(frozen=True, eq=False)
class Run(Entity):
    task: int
    flow: int
    predicted: list = field(repr=False)

    path, none_code, listed, listed_id = "run", 512, "oml:run", "oml:run_id"

    @cached_property
    def is_right(self):
        guesses = random.Random(self.word)
        return [guesses.random() < 0.7 for _ in self.predicted]

    @cached_property
    def parts(self):
        levels = ",".join(map(quoted, LEVELS))
        head = "".join(f"@ATTRIBUTE {name} NUMERIC\n" for name in ["repeat", "fold", "row_id"])
        head += f"@ATTRIBUTE prediction {{{levels}}}\n@ATTRIBUTE correct {{{levels}}}\n"
        rows = "".join(
            f"{repeat},{fold},{row},{quoted(LEVELS[(row + (not right)) % 2])},{quoted(LEVELS[row % 2])}\n"
            for (repeat, fold, row), right in zip(self.predicted, self.is_right)
        )
        setting = elements(name="depth", value=len(self.word), component=self.flow)
        described = document(
            "run",
            elements(task_id=self.task, flow_id=self.flow, setup_string=f"setup of {self.word}"),
            f"<oml:parameter_setting>{setting}</oml:parameter_setting>",
            element("tag", self.word),
            element("tag", "durable"),
        )
        return {
            "description": described,
            "predictions": f"@RELATION {self.word}\n{head}@DATA\n{rows}".encode(),
            "model": random.Random(self.word).randbytes(3000),
        }

    @staticmethod
    def word_of(read):
        return read["oml:setup_string"].removeprefix("setup of ")

    def check(self, api, id, read):
        assert (int(read["oml:task_id"]), int(read["oml:flow_id"])) == (self.task, self.flow)
        assert set(many(read["oml:tag"])) == {self.word, "durable"}
        setting = read["oml:parameter_setting"]
        assert (setting["oml:name"], setting["oml:value"]) == ("depth", str(len(self.word)))
        files = {file["oml:name"]: file["oml:url"] for file in read["oml:output_data"]["oml:file"]}
        assert {name: api.content(url) for name, url in files.items()} == self.parts
        measured = [
            each for each in read["oml:output_data"]["oml:evaluation"] if each["oml:name"] == "predictive_accuracy"
        ]
        accuracy = sum(self.is_right) / len(self.is_right)
        assert [float(each["oml:value"]) for each in measured if "@fold" not in each] == [pytest.approx(accuracy)]
        assert sorted(int(each["@fold"]) for each in measured if "@fold" in each) == list(range(10))


KINDS = (Dataset, Task, Flow, Run)
