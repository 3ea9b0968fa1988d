"""Rooms over real sockets: people agree in the end, whatever network and server go through and whoever is there."""

import os
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import requests
from entities import Dataset, id_in
from mortal import Server
from room import Room, apply, canonical, checksum
from unreliable import Proxy

LONG = os.environ.get("LABBOARD_LONG") == "1"
SECONDS = 300 if LONG else 20
KILLS = 15 if LONG else 1
PEOPLE = 8
# Changes a second of each of them.
PACE = 8
# How often a chunk of bytes is the last one of its connection.
CUT = 1 / 300


def named(cases):
    """Parameters whose ids are the names of the cases."""
    return [pytest.param(case, id=name) for name, case in cases.items()]


def choices(url, dataset):
    """What the controls of a dataset's page may be set to."""
    values = {}
    for panel in ("scatter", "distribution", "classes"):
        answer = requests.get(f"{url}/api/figures/data/{dataset}/{panel}", timeout=30)
        assert answer.status_code == 200, answer.text
        for control in answer.json()["controls"]:
            options = [value for value, _ in control["options"]]
            several = [[], options[:1], options[1:], options]
            by_form = {"toggle": ["on", []], "select": options, "segments": options, "many": several, "rows": several}
            values[f"{panel}.{control['name']}"] = by_form[control["form"]]
    return values


NUMBERS = {
    "0": 0.0,
    "0 ": -0.0,
    "-1.5": -1.5,
    "123456.789": 123456.789,
    "0.000001": 1e-6,
    "1.25e-7": 1.25e-7,
    "100000000000000000000": 1e20,
    "1e+21": 1e21,
    "18446744073709552000": 2**64 - 1,
    "5e-324": 5e-324,
}


@pytest.mark.parametrize("text", NUMBERS)
def test_this_client_writes_numbers_as_a_browser_does(text):
    assert canonical(NUMBERS[text]) == text.strip()


def test_this_client_computes_the_checksum_of_the_document():
    assert checksum({}) == "08f44b07b5901a25"
    assert canonical({"b": [True, None, 'ü"\n\x1f'], "\U0001f600": 2, "\ufb33": 1}) == '{"b":[true,null,"ü\\"\\n\\u001f"],"\U0001f600":2,"\ufb33":1}'


# A bad network and a server that is killed.


@pytest.fixture
def mortal(tmp_path):
    if "LABBOARD_URL" in os.environ:
        pytest.skip("a server that runs already is not killed")
    server = Server(tmp_path, tmp_path / "data")
    yield server
    server.kill()


class Rough(Proxy):
    """Delays every chunk, and cuts connections, also in the middle of a message."""

    def __init__(self, target, chance):
        self.chance, self.is_calm, self.cuts = chance, False, 0
        super().__init__(target)

    def asked(self, chunk, _):
        return self.answered(chunk, _)

    def answered(self, chunk, _):
        if self.is_calm:
            return chunk, False
        time.sleep(self.chance.uniform(0, 0.03))
        if self.chance.random() < CUT:
            self.cuts += 1
            return chunk[: self.chance.randrange(len(chunk) + 1)], True
        return chunk, False


def change_at_random(room, values, chance, is_over):
    while not is_over.wait(chance.expovariate(PACE)):
        if len(room.pending) >= 100:
            continue
        keys = chance.sample(sorted(values), chance.choice([1, 1, 1, 2, 4]))
        changes = {key: chance.choice([None, *values[key]]) for key in keys}
        seq = room.seq or 0
        room.submit(changes, guard=max(0, seq - chance.randrange(8)) if chance.random() < 0.3 else None)
        room.show({"panel": "scatter", "pointer": {"x": chance.random(), "y": chance.random()}})


def change_and_kill(server, rooms, values, seed):
    """All of them at once, and the server ends in between."""
    chance, is_over = random.Random(seed), threading.Event()
    with ThreadPoolExecutor(PEOPLE) as pool:
        people = [
            pool.submit(change_at_random, room, values, random.Random(f"{seed} {at}"), is_over) for at, room in enumerate(rooms)
        ]
        try:
            for _ in range(KILLS):
                server.runs_for(SECONDS / (KILLS + 1) * chance.uniform(0.8, 1.2))
                server.kill()
                server.start_again()
            server.runs_for(SECONDS / (KILLS + 1))
        finally:
            is_over.set()
    for person in people:
        person.result()


def history_of(rooms, last):
    """The order, which is the same for all."""
    history = {}
    for room in rooms:
        for seq, operation in room.log.items():
            assert history.setdefault(seq, operation) == operation, f"{seq} is another operation for {room}"
    assert sorted(history) == list(range(1, last + 1))
    return history


def written(history, after, before):
    return {key for seq in range(after + 1, before) for key in history[seq]["set"]}


def check_outcomes(room, history):
    """Everything that was sent is in the order as it was acknowledged, or was refused for its guard."""
    assert room.outcomes.keys() == room.sent.keys()
    for n, outcome in room.outcomes.items():
        changes, guard = room.sent[n]["set"], room.sent[n].get("guard")
        if isinstance(outcome, int):
            operation = history[outcome]
            assert (operation["by"], operation["n"]) == (room.you["id"], n)
            lost = set() if guard is None else written(history, guard, outcome)
            assert operation["set"] == {key: value for key, value in changes.items() if key not in lost}, room.sent[n]
        else:
            # A refusal is not in the log: after a restart the resend is told that the number has passed.
            assert outcome in ("superseded", "stale") and guard is not None, (outcome, room.sent[n])
            assert changes.keys() <= written(history, guard, len(history) + 1), room.sent[n]


def check_agreement(rooms, fresh):
    history = history_of(rooms, fresh.seq)
    for room in rooms:
        check_outcomes(room, history)
    outcomes = Counter(type(outcome) for room in rooms for outcome in room.outcomes.values())
    assert outcomes[int] == fresh.seq, "operations were applied twice"
    assert len({(operation["by"], operation["n"]) for operation in history.values()}) == fresh.seq
    replayed = {}
    for _, operation in sorted(history.items()):
        apply(replayed, operation["set"])
    for room in (*rooms, fresh):
        assert room.document == room.view == replayed, room
        assert room.people == fresh.people and len(room.people) == PEOPLE + 1, room
        assert not room.resyncs and not room.errors, room
    return outcomes


def test_people_agree_after_cuts_and_kills(mortal):
    seed = int(os.environ.get("LABBOARD_SEED", random.randrange(1 << 32)))
    print(f"LABBOARD_SEED={seed}")
    dataset = id_in(mortal.start().post(Dataset("rooms", 200)))
    page, values = f"/data/{dataset}", choices(mortal.url, dataset)
    rough = Rough(mortal.url, random.Random(seed))
    with ExitStack() as stack:
        stack.callback(rough.die)
        rooms = [
            stack.enter_context(Room(rough.url, page, f"Person {at}", random.Random(f"{seed} {at}"))) for at in range(PEOPLE)
        ]
        change_and_kill(mortal, rooms, values, seed)
        rough.is_calm = True
        for room in rooms:
            room.wait_until(lambda room: room.is_ready and not room.pending, 60, "an answer to everything")
        with Room(mortal.url, page, "Fresh") as fresh:
            for room in rooms:
                room.wait_until(lambda room: room.seq == fresh.seq and room.people == fresh.people, 30, f"the end, {fresh.seq}")
            outcomes = check_agreement(rooms, fresh)
    welcomes = sum(room.welcomes for room in rooms)
    print(f"{dict(outcomes)} outcomes, {rough.cuts} connections were cut, {welcomes} welcomes")
    assert rough.cuts > SECONDS / 4 and welcomes > PEOPLE + rough.cuts / 2 and outcomes[str]
