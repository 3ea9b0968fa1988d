"""kill -9 and a full disk: what was acknowledged is whole, nothing is half there, no file is orphaned."""

import hashlib
import os
import random
import re
import shutil
import socket
import sqlite3
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Condition

import pytest
import requests
from entities import KINDS, Dataset, Flow, Run, Task, id_in, predicted_rows
from mortal import Server

pytestmark = pytest.mark.skipif("LABBOARD_URL" in os.environ, reason="a server that runs already is not killed")

ROUNDS = 200 if os.environ.get("LABBOARD_LONG") == "1" else 15
PUBLISHERS = 4
CUT = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


@pytest.fixture
def mortal(tmp_path):
    server = Server(tmp_path, tmp_path / "data")
    yield server
    server.kill()


class Ledger:
    """What was sent, what was acknowledged, and what the server had after restarts."""

    def __init__(self, seed):
        self.lock, self.chance, self.words = Condition(), random.Random(seed), count(1)
        self.sent, self.acknowledged, self.found = {}, {}, {}
        self.bare_datasets, self.tasks, self.flows = [], [], []

    def choose(self):
        """Something new to publish; a run's predictions are still missing."""
        with self.lock:
            word, kind = f"durable{next(self.words)}", self.chance.choices(KINDS, [2, 2, 1, 5])[0]
            if kind is Run and self.tasks and self.flows:
                return Run(word, self.chance.choice(self.tasks), self.chance.choice(self.flows), [])
            if kind is Flow or (kind is Run and self.tasks):
                return Flow(word)
            if kind is not Dataset and self.bare_datasets:
                dataset, of_dataset = self.bare_datasets.pop()
                return Task(word, dataset, of_dataset)
            return Dataset(word, self.chance.choice([40, 200, 1000]), self.chance.choice(["ARFF", "parquet"]))

    def publish(self, api, entity):
        if isinstance(entity, Run):
            entity = Run(entity.word, entity.task, entity.flow, predicted_rows(api, entity.task))
        self.sent[entity.word] = entity
        answer = api.post(entity)
        if answer.status_code == 200:
            self.acknowledge(entity, id_in(answer))
        return answer

    def acknowledge(self, entity, id):
        with self.lock:
            assert (entity.path, id) not in self.acknowledged, "an id was given twice"
            self.acknowledged[entity.path, id] = entity.word
            match entity:
                case Dataset():
                    self.bare_datasets.append((id, entity.rows))
                case Task():
                    self.tasks.append(id)
                case Flow():
                    self.flows.append(id)
            self.lock.notify_all()

    def wait_for(self, more):
        """Until so many more are acknowledged."""
        with self.lock:
            enough = len(self.acknowledged) + more
            assert self.lock.wait_for(lambda: len(self.acknowledged) >= enough, timeout=60)

    def check(self, api, everything=False):
        """Whatever the server has is whole, and it has all that it acknowledged and all that it ever had."""
        there = {(kind, id) for kind in KINDS for id in api.ids(kind)}
        new = there if everything else {(kind, id) for kind, id in there if (kind.path, id) not in self.found}
        for kind, id in sorted(new, key=lambda one: (one[0].path, one[1])):
            read = api.read(f"{kind.path}/{id}")
            word = kind.word_of(read)
            entity = self.sent.get(word)
            assert isinstance(entity, kind), f"{kind.path} {id} is of nobody: {read}"
            entity.check(api, id, read)
            assert self.found.setdefault((kind.path, id), word) == word, f"{kind.path} {id} was another before"
        assert self.found.keys() == {(kind.path, id) for kind, id in there}
        assert self.acknowledged.items() <= self.found.items()


def content_on_disk(data):
    return {f"{folder}/{path.name}" for folder in ("files", "columns") for path in (data / folder).glob("*/*")}


QUERIES = {
    "files": "SELECT 'files/' || hash FROM file UNION SELECT 'columns/' || columns_hash FROM dataset",
    "loose rows": """
        SELECT 'file ' || id FROM file WHERE id NOT IN (SELECT file_id FROM dataset WHERE file_id IS NOT NULL
            UNION SELECT splits_file_id FROM task WHERE splits_file_id IS NOT NULL UNION SELECT file_id FROM run_file)
        UNION SELECT 'setup ' || id FROM setup WHERE id NOT IN (SELECT setup_id FROM run)
        UNION SELECT 'tag of ' || kind || ' ' || entity_id FROM tag WHERE (kind = 'dataset' AND entity_id NOT IN
            (SELECT id FROM dataset)) OR (kind = 'task' AND entity_id NOT IN (SELECT id FROM task)) OR (kind = 'flow'
            AND entity_id NOT IN (SELECT id FROM flow)) OR (kind = 'run' AND entity_id NOT IN (SELECT id FROM run))""",
    "broken references": "SELECT \"table\" || ' ' || rowid FROM pragma_foreign_key_check",
    "damage": "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check != 'ok'",
}


def catalogue(data):
    """The answers to the queries. Of a copy, which takes nothing from the server; nobody may be writing."""
    with TemporaryDirectory() as copy:
        for name in ("catalogue.sqlite", "catalogue.sqlite-wal"):
            if (data / name).exists():
                shutil.copy(data / name, copy)
        with closing(sqlite3.connect(Path(copy) / "catalogue.sqlite")) as database:
            return {name: {row for (row,) in database.execute(query)} for name, query in QUERIES.items()}


def check_content(server, data):
    """Every content is mentioned once the server has swept, and every mention has its content."""
    answers = catalogue(data)
    mentioned = answers.pop("files")

    def swept():
        return content_on_disk(data) <= mentioned and not any((data / "tmp").iterdir())

    server.eventually(swept)
    assert content_on_disk(data) == mentioned
    assert not any(answers.values()), answers
    for path in (data / "files").glob("*/*"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name


def publish_until_cut(ledger, api):
    try:
        while True:
            answer = ledger.publish(api, ledger.choose())
            assert answer.status_code == 200, answer.text
    except CUT:
        pass


def publish_until_killed(server, ledger, more, moment):
    """Kills the server so long after so many were acknowledged."""
    with ThreadPoolExecutor(PUBLISHERS) as pool:
        publishers = [pool.submit(publish_until_cut, ledger, server.api()) for _ in range(PUBLISHERS)]
        try:
            ledger.wait_for(more)
            server.runs_for(moment)
        finally:
            server.kill()
    for publisher in publishers:
        publisher.result()


def test_killed_at_any_moment(mortal):
    chance, ledger = random.Random(3), Ledger(4)
    mortal.start()
    for _ in range(ROUNDS):
        if chance.random() < 0.2:
            mortal.kill()
            mortal.launch()
            mortal.runs_for(chance.uniform(0, 0.1))
            mortal.kill()
        else:
            publish_until_killed(mortal, ledger, chance.randrange(16), chance.uniform(0, 0.05))
        api = mortal.start()
        ledger.check(api)
        check_content(mortal, mortal.data)
    ledger.check(api, everything=True)
    assert {path for path, _ in ledger.acknowledged} == {kind.path for kind in KINDS}
    lost = ledger.sent.keys() - set(ledger.found.values())
    late = set(ledger.found.values()) - set(ledger.acknowledged.values())
    print(f"{len(ledger.acknowledged)} acknowledged, {len(late)} there without that, {len(lost)} not there")
    assert lost, "no kill came in the middle of anything"


def whole_or_absent(server, ledger):
    ledger.check(server.start())
    check_content(server, server.data)


def test_killed_while_a_large_upload_comes_in(mortal):
    ledger = Ledger(5)
    mortal.start()
    large = Dataset("large", 20_000)
    ledger.sent["large"] = large
    request = requests.Request(
        "POST", f"{mortal.url}/api/v1/data", data={"api_key": mortal.key}, files=large.parts
    ).prepare()
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    with socket.create_connection(mortal.url.removeprefix("http://").split(":")) as connection:
        connection.sendall(f"POST /api/v1/data HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode())
        connection.sendall(request.body[: len(request.body) // 2])
        mortal.runs_for(0.05)
        mortal.kill()
    whole_or_absent(mortal, ledger)
    assert not ledger.found and not content_on_disk(mortal.data)


@pytest.mark.parametrize("folder", ["tmp", "columns", "files"])
def test_killed_while_a_large_upload_is_written(mortal, folder):
    ledger = Ledger(6)
    mortal.start()
    with ThreadPoolExecutor(1) as pool:
        publishing = pool.submit(ledger.publish, mortal.api(), Dataset("large", 20_000))
        while not publishing.done() and not any((mortal.data / folder).iterdir()):
            pass
        mortal.kill()
        assert isinstance(publishing.exception(), (*CUT, type(None)))
    whole_or_absent(mortal, ledger)


class SmallDisk:
    """A file system of a few MB, in a mount namespace of its own."""

    SIZE = "12m"

    def __init__(self, folder):
        self.mounted = folder / "disk"
        self.mounted.mkdir()
        script = f'mount -t tmpfs -o size={self.SIZE},mode=700 tmpfs "$0" && echo mounted && exec cat'
        self.holder = subprocess.Popen(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, self.mounted],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if self.holder.stdout.readline() != "mounted\n":
            pytest.skip(f"no small disk to fill: {self.holder.communicate()[1].strip()}")
        pid = self.holder.pid
        self.within = ["nsenter", f"--target={pid}", "--user", "--preserve-credentials", "--mount"]
        self.inside = Path(f"/proc/{pid}/root{self.mounted}")

    def fill(self, leave=0):
        """Takes all that is free but so many bytes."""
        with (self.inside / "ballast").open("ab", buffering=0) as ballast:
            with suppress(OSError):
                while ballast.write(bytes(1 << 16)):
                    pass
            ballast.truncate(ballast.tell() - leave)

    def make_room(self):
        (self.inside / "ballast").unlink(missing_ok=True)

    def close(self):
        self.holder.communicate()


@pytest.fixture
def small_disk(tmp_path):
    disk = SmallDisk(tmp_path)
    yield disk
    disk.close()


@pytest.fixture
def cramped(tmp_path, small_disk):
    """A server whose data directory is on the small disk."""
    server = Server(tmp_path, small_disk.mounted / "data", small_disk.within)
    yield server
    server.kill()


def assert_told_that_the_disk_is_full(answer):
    assert answer.status_code == 507, (answer.status_code, answer.text)
    assert "<oml:code>105<" in answer.text and "disk is full" in answer.text


def publish_until_full(ledger, api):
    while (answer := ledger.publish(api, ledger.choose())).status_code == 200:
        pass
    assert_told_that_the_disk_is_full(answer)


def publish_on_a_full_disk(ledger, api):
    """What is small may find room within the catalogue; new files have none."""
    for entity in [ledger.choose() for _ in range(12)]:
        answer = ledger.publish(api, entity)
        if isinstance(entity, (Dataset, Run)) or answer.status_code != 200:
            assert_told_that_the_disk_is_full(answer)


def publish_where_there_is_room(ledger, api):
    for entity in [ledger.choose() for _ in range(12)]:
        answer = ledger.publish(api, entity)
        assert answer.status_code == 200, answer.text


def start_on_a_full_disk(server, disk):
    """The server starts, or says in its last line why it cannot and starts when there is room."""
    try:
        return server.start()
    except AssertionError:
        *_, reason = (server.folder / "log").read_text().splitlines()
        assert re.fullmatch("labboard: .*(no|No) space left .*", reason), reason
        disk.make_room()
        return server.start()


def test_a_full_disk(cramped, small_disk):
    ledger = Ledger(7)
    data = small_disk.inside / "data"
    api = cramped.start()
    publish_where_there_is_room(ledger, api)
    small_disk.fill(leave=1 << 20)
    publish_until_full(ledger, api)
    small_disk.fill()
    publish_on_a_full_disk(ledger, api)
    ledger.check(api, everything=True)

    small_disk.make_room()
    publish_where_there_is_room(ledger, api)
    ledger.check(api)

    small_disk.fill()
    publish_on_a_full_disk(ledger, api)
    cramped.kill()
    small_disk.fill()
    api = start_on_a_full_disk(cramped, small_disk)
    ledger.check(api, everything=True)
    check_content(cramped, data)
    small_disk.make_room()
    publish_where_there_is_room(ledger, api)
    ledger.check(api)
    assert "panicked" not in (cramped.folder / "log").read_text()
