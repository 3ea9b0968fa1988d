"""Rooms over real sockets: people agree in the end, whatever network and server go through and whoever is there."""

import json
import os
import random
import statistics
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
import requests
from entities import Dataset, id_in
from mortal import Server
from room import WAIT, Room, Wire, apply, canonical, checksum
from unreliable import Proxy

LONG = os.environ.get("LABBOARD_LONG") == "1"
SECONDS = 300 if LONG else 20
KILLS = 15 if LONG else 1
CHANGES = 2000 if LONG else 1000
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
    document = {"\ufb33": 1, "\U0001f600": 2, "b": [True, None, 'ü"\n\x1f']}
    assert canonical(document) == '{"b":[true,null,"ü\\"\\n\\u001f"],"\U0001f600":2,"\ufb33":1}'


@pytest.fixture
def room(flowers, word):
    """A room of its own for each test."""
    return f"/data/{flowers.id}#{word}"


@pytest.fixture
def couple(server, room):
    with Room(server.url, room, "Ada") as ada, Room(server.url, room, "Ben") as ben:
        yield ada, ben


def test_this_client_asks_anew_after_a_gap(couple):
    ada, ben = couple
    ada.set({"scatter.x": "rate"})
    ben.wait_until(lambda room: room.seq == 1)
    with ben.changed:
        ben.seq, ben.document = 0, {}
    ada.set({"scatter.y": "rate"})
    ben.wait_until(lambda room: room.seq == 2)
    assert ben.resyncs == ["a gap before 2"] and ben.document == ada.document


def test_this_client_asks_anew_after_another_checksum(couple):
    ada, ben = couple
    with ben.changed:
        ben.document["scatter.y"] = "rate"
    while not ben.resyncs and ada.seq < 200:
        ada.set({"scatter.x": "rate"})
    assert ben.resyncs, "no checksum came with 200 operations"
    ben.wait_until(lambda room: room.is_ready and room.seq == ada.seq)
    assert ben.document == ada.document == {"scatter.x": "rate"}


def test_this_client_sends_again_what_was_not_answered(couple):
    ada, ben = couple
    with ada.changed:
        ada.wire.close()
        numbers = [ada.submit({"scatter.x": value}) for value in ("rate", "count")]
        assert ada.view == {"scatter.x": "count"} and ada.document == {}
    ada.wait_until(lambda room: not room.pending and room.welcomes == 2)
    assert [ada.outcomes[n] for n in numbers] == [1, 2]
    ben.wait_until(lambda room: room.document == {"scatter.x": "count"})


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
            stack.enter_context(Room(rough.url, page, f"Person {at}", random.Random(f"{seed} {at}"), resumes=at % 2 == 0))
            for at in range(PEOPLE)
        ]
        change_and_kill(mortal, rooms, values, seed)
        rough.is_calm = True
        for room in rooms:
            room.wait_until(lambda room: room.is_ready and not room.pending, 60, "an answer to everything")
        with Room(mortal.url, page, "Fresh") as fresh:
            for room in rooms:
                room.wait_until(lambda room: room.seq == fresh.seq and room.people == fresh.people, 30, f"the end, {fresh.seq}")
            outcomes = check_agreement(rooms, fresh)
    welcomes, repeated = (sum(getattr(room, name) for room in rooms) for name in ("welcomes", "acknowledged"))
    print(f"{dict(outcomes)} outcomes, {rough.cuts} connections were cut, {welcomes} welcomes, {repeated} acknowledged again")
    assert rough.cuts > SECONDS / 4 and welcomes > PEOPLE + rough.cuts / 2 and outcomes[str] and repeated


# Hostile clients.

BEFORE = {"scatter.x": "length", "scatter.y": "count"}
SAFE = 2**53 - 1


@pytest.fixture
def watcher(server, room):
    """Somebody in the room who must not be disturbed, and who has set something."""
    with Room(server.url, room, "Watcher") as watcher:
        assert watcher.set(BEFORE) == 1
        yield watcher
        assert_undisturbed(watcher)


def assert_undisturbed(watcher):
    place = watcher.set({"scatter.log_y": "on"})
    assert isinstance(place, int), f"the watcher can no longer change anything: {place}"
    assert watcher.document["scatter.log_y"] == "on"
    assert watcher.welcomes == 1 and not watcher.resyncs and not watcher.errors, watcher


@pytest.fixture
def innocent(watcher):
    """The same, and nobody else changes anything."""
    yield watcher
    # The own change comes after all others that there were.
    assert_undisturbed(watcher)
    assert watcher.document == {**BEFORE, "scatter.log_y": "on"} and watcher.seq == 2, watcher.log


@pytest.fixture
def wire(server):
    with Wire(server.url) as wire:
        yield wire


@pytest.fixture
def hostile(wire, room):
    """A connection that is in the room."""
    wire.you = wire.enter(room, name="Hostile")["you"]
    return wire


def refusals(messages):
    return [message for message in messages if message["t"] in ("rejected", "error", "closing", "closed")]


def assert_refused(messages, *codes):
    """One refusal with a reason for a person; an operation's has its number too."""
    refused = refusals(messages)
    assert len(refused) == 1, f"one refusal was expected, not {messages}"
    (refusal,) = refused
    assert refusal.get("code") in codes, refusal
    assert (refusal.get("reason") or refusal.get("message") or "").strip(), f"without a reason: {refusal}"
    return refusal


def nested(levels):
    value = "length"
    for _ in range(levels):
        value = [value]
    return value


# The operations are well formed.
WRONG_CHANGES = {
    "unknown panel": {"nosuch.control": "x"},
    "unknown control": {"scatter.nosuch": "x"},
    "control of another page": {"leaderboard.measure": "x"},
    "prototype": {"constructor.prototype": "x"},
    "unknown choice": {"scatter.x": "hight"},
    "empty choice": {"scatter.x": ""},
    "other case": {"scatter.x": "Length"},
    "blank around": {"scatter.x": " length"},
    "NUL behind": {"scatter.x": "length\0"},
    "ignored feature": {"scatter.x": "id"},
    "SQL": {"scatter.x": "length' OR '1'='1"},
    "markup": {"scatter.x": "<script>alert(1)</script>"},
    "several for one": {"scatter.x": ["length", "count"]},
    "none for one": {"scatter.x": []},
    "number": {"scatter.x": 1},
    "fraction": {"scatter.x": 0.5},
    "true": {"scatter.x": True},
    "object": {"scatter.x": {"length": "length"}},
    "null in a list": {"distribution.features": [None]},
    "number in a list": {"distribution.features": ["length", 1]},
    "list in a list": {"distribution.features": [["length"]]},
    "unknown in a list": {"distribution.features": ["length", "hight"]},
    "toggle with a word": {"scatter.log_x": "off"},
    "toggle with true": {"scatter.log_x": True},
    "toggle twice": {"scatter.log_x": ["on", "on"]},
    "16 levels": {"scatter.x": nested(16)},
    "nothing": {},
}


@pytest.mark.parametrize("changes", named(WRONG_CHANGES))
def test_a_wrong_value(innocent, hostile, changes):
    hostile.say("submit", n=1, set=changes)
    refusal = assert_refused(hostile.before_pong(), "invalid")
    assert (refusal["t"], refusal["n"]) == ("rejected", 1)
    assert refusal.get("key") in (changes or [None])


def test_one_wrong_value_among_right_ones(innocent, hostile):
    hostile.say("submit", n=1, set={"scatter.x": "rate", "scatter.y": "hight", "scatter.log_x": "on"})
    assert assert_refused(hostile.before_pong(), "invalid")["key"] == "scatter.y"


FORMS = ["scatter", "scatter.", ".x", ".", "", "scatter.x.y", "scatter..x", "scatter x", "Scatter.x", "scatter.X", "scätter.x"]
FORMS += ["scatter.x ", "scatter.\0x", "scatter/x", "__proto__", "s" * 32 + "." + "x" * 32]


@pytest.mark.parametrize("key", FORMS)
def test_a_key_of_another_form(innocent, hostile, key):
    hostile.say("submit", n=1, set={key: "length"})
    assert_refused(hostile.before_pong(), "invalid", "limit", "bad_message")


def test_too_many_properties(innocent, hostile):
    hostile.say("submit", n=1, set={f"scatter.x{at}": None for at in range(65)})
    assert assert_refused(hostile.before_pong(), "limit")["n"] == 1


LARGE_VALUES = {"17 levels": nested(17), "100 levels": nested(100), "text": "x" * (32 * 1024 - 1), "list": ["length"] * 4000}


@pytest.mark.parametrize("value", named(LARGE_VALUES))
def test_a_value_over_its_limit(innocent, hostile, value):
    hostile.say("submit", n=1, set={"scatter.x": value})
    assert_refused(hostile.before_pong(), "limit", "invalid", "bad_message")


WRONG_NUMBERS = {"negative": -1, "fraction": 1.5, "text": "1", "null": None, "list": [1], "true": True}
TOO_LARGE = {"2^53": 2**53, "2^53+1": 2**53 + 1, "2^63": 2**63, "2^64-1": 2**64 - 1, "2^64": 2**64, "1e300": 1e300}


@pytest.mark.parametrize("n", named({"zero": 0, **WRONG_NUMBERS, **TOO_LARGE}))
def test_a_wrong_operation_number(innocent, hostile, n):
    hostile.say("submit", n=n, set={"scatter.x": "rate"})
    assert_refused(hostile.before_pong(), "bad_message", "stale", "invalid")


@pytest.mark.parametrize("guard", named({name: value for name, value in WRONG_NUMBERS.items() if name != "null"}))
def test_a_wrong_guard(innocent, hostile, guard):
    hostile.say("submit", n=1, set={"scatter.x": "rate"}, guard=guard)
    assert_refused(hostile.before_pong(), "bad_message")


NO_CHANGES = {"null": None, "list": [], "pairs": [["scatter.x", "rate"]], "text": "scatter.x", "number": 1}


@pytest.mark.parametrize("changes", named(NO_CHANGES))
def test_changes_that_are_no_object(innocent, hostile, changes):
    hostile.say("submit", n=1, set=changes)
    assert_refused(hostile.before_pong(), "bad_message")


NO_MESSAGES = {
    "nothing": "",
    "blanks": " \n",
    "a word": "hello",
    "cut": '{"t":"submit","n":1,"set":{"scatter.x":"ra',
    "cut escape": '{"t":"submit","n":1,"set":{"scatter.x":"\\u12',
    "half a surrogate": '{"t":"submit","n":1,"set":{"scatter.x":"\\ud800"}}',
    "two objects": '{"t":"resync"}{"t":"resync"}',
    "trailing comma": '{"t":"resync",}',
    "comment": '{"t":"resync"/**/}',
    "single quotes": "{'t':'resync'}",
    "byte order mark": '\ufeff{"t":"resync"}',
    "NaN": '{"t":"submit","n":NaN,"set":{"scatter.x":"rate"}}',
    "number too large": '{"t":"submit","n":1e999,"set":{"scatter.x":"rate"}}',
    "list": '[{"t":"submit","n":1,"set":{"scatter.x":"rate"}}]',
    "text": '"resync"',
    "number": "1",
    "null": "null",
    "deep": "[" * 60_000,
    "deep state": '{"t":"presence","state":' + '{"a":' * 10_000 + "1" + "}" * 10_001,
    "unknown t": '{"t":"nosuch"}',
    "a server's t": '{"t":"committed","ops":[{"seq":2,"by":1,"n":1,"set":{"scatter.x":"rate"}}]}',
    "t in capitals": '{"t":"RESYNC"}',
    "t a number": '{"t":1}',
    "t null": '{"t":null}',
    "no t": '{"n":1,"set":{"scatter.x":"rate"}}',
    "no members": '{"t":"submit"}',
    "no state": '{"t":"presence"}',
    "no name": '{"t":"rename"}',
    "no room": '{"t":"join"}',
}


@pytest.mark.parametrize("text", named(NO_MESSAGES))
def test_text_that_is_no_message(innocent, hostile, text):
    hostile.send(text)
    assert_refused(hostile.before_pong(), "bad_message")


BINARY = {"a message": b'{"t":"resync"}', "noise": random.Random(1).randbytes(1000), "nothing": b""}


@pytest.mark.parametrize("content", named(BINARY))
def test_a_binary_frame(innocent, hostile, content):
    hostile.send(content)
    assert_said_why(hostile.before_pong(), {1002, 1003, 1007, 1008})


NO_UTF8 = {"alone": b"\xff\xfe", "overlong": b'{"t":"\xc0\xaf"}', "surrogate": b'{"t":"\xed\xa0\x80"}', "cut": b'"\xf0\x9f'}


@pytest.mark.parametrize("content", named(NO_UTF8))
def test_text_that_is_not_utf8(innocent, hostile, content):
    hostile.send(content, text=True)
    assert_said_why(hostile.before_pong(), {1007, 1008})


def assert_said_why(messages, close_codes):
    """A refusal as any other, or the end of the connection with a code that says it all."""
    refused = refusals(messages)
    if refused and refused[0]["t"] == "closed":
        assert refused[0]["code"] in close_codes, refused
    else:
        assert refused and refused[0].get("code", refused[0].get("reason")) in ("bad_message", "misbehaved"), messages


EARLY = {
    "submit": {"n": 1, "set": {"scatter.x": "rate"}},
    "presence": {"state": {}},
    "rename": {"name": "Nobody"},
    "resync": {},
}


@pytest.mark.parametrize("t", EARLY)
def test_before_hello(innocent, wire, room, t):
    wire.say(t, **EARLY[t])
    assert_refused([wire.hear("error")], "not_joined")
    wire.enter(room)
    assert not refusals(wire.before_pong())


@pytest.mark.parametrize("t", EARLY)
def test_after_leave(innocent, hostile, t):
    hostile.say("leave")
    hostile.say(t, **EARLY[t])
    assert_refused([hostile.hear("error")], "not_joined")
    innocent.wait_until(lambda room: len(room.people) == 1)


@pytest.mark.parametrize("protocol", named({"0": 0, "2": 2, "-1": -1, "1.5": 1.5, "text": "1", "null": None, "2^32+1": 2**32 + 1}))
def test_another_protocol(innocent, wire, room, protocol):
    wire.say("hello", protocol=protocol, room=room, client="stranger")
    assert_refused([wire.hear("error")], "protocol", "bad_message")
    assert len(innocent.people) == 1


PAGES = ["/data/999999", "/task/999999", "/flow/999999", "/run/999999", "/data/0", "/data/-1", "/data/18446744073709551617"]
PAGES += ["/data/x", "/data/{id}x", "/data/{id}/", "/data/{id}/x", "/data/{id}?x=1", "/data/{id}.0", "/data/0{id}", "/data/+{id}"]
PAGES += ["/data/%31", "/data/../data/{id}", "/data//{id}", "//data/{id}", "/DATA/{id}", "/nosuch", "/nosuch/1", "/live"]
PAGES += ["/api/v1/json/data/{id}"]
FORMLESS = ["", "data/{id}", "http://x/data/{id}", "/data/{id} ", "/data/{id}\n", "/data/{id}\0", "/d\u00e4ta/{id}"]
FORMLESS += ["/data/{id}#", "/data/{id}##a", "/data/{id}#a b", "/data/{id}#a#b", "/data/{id}#\u00e4", "/data/{id}#../x"]
FORMLESS += ["/data/{id}#" + "x" * 41, "/" + "x" * 300, "/" + "x" * 60_000]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_does_not_exist(innocent, wire, flowers, page):
    wire.say("hello", protocol=1, room=page.format(id=flowers.id), client="stranger")
    assert_refused([wire.hear("welcome", "error")], "not_found")


@pytest.mark.parametrize("page", FORMLESS, ids=lambda page: ascii(page[:30]))
def test_a_room_of_another_form(innocent, wire, flowers, page):
    wire.say("hello", protocol=1, room=page.format(id=flowers.id), client="stranger")
    assert_refused([wire.hear("welcome", "error")], "not_found", "bad_message")


MEMBERS = {
    "room null": {"room": None},
    "room list": {"room": []},
    "client empty": {"client": ""},
    "client too long": {"client": "x" * 65},
    "client with a blank": {"client": "a b"},
    "client with an umlaut": {"client": "\u00fc"},
    "client null": {"client": None},
    "client number": {"client": 1},
    "resume negative": {"resume": -1},
    "resume fraction": {"resume": 0.5},
    "resume text": {"resume": "1"},
    "name number": {"name": 1},
    "name list": {"name": []},
}


@pytest.mark.parametrize("members", named(MEMBERS))
def test_a_wrong_hello(innocent, wire, room, members):
    wire.say("hello", **{"protocol": 1, "room": room, "client": "stranger", **members})
    assert_refused([wire.hear("welcome", "error")], "bad_message", "invalid_name")
    assert len(innocent.people) == 1


def test_a_second_hello(innocent, hostile, room):
    hostile.say("hello", protocol=1, room=room, client="again")
    answer = hostile.hear("welcome", "error")
    assert answer["t"] == "welcome" or answer["code"] == "protocol", answer
    hostile.say("resync")
    people = hostile.hear("welcome")["people"]
    assert len(people) == 2, people
    innocent.wait_until(lambda room: sorted(room.people) == sorted(person["id"] for person in people))


def test_a_join_to_a_page_that_does_not_exist(innocent, hostile):
    hostile.say("join", room="/nosuch", client="elsewhere")
    assert_refused([hostile.hear("error")], "not_found")


# Forged, guessed and old members.


def test_an_operation_with_another_author(watcher, hostile):
    forged = {"by": 1, "from": 1, "id": 1, "you": watcher.you, "client": watcher.client, "seq": 77, "room": "/data/1"}
    hostile.say("submit", n=1, set={"scatter.x": "rate"}, **forged)
    assert hostile.hear("committed")["ops"] == [{"seq": 2, "by": hostile.you["id"], "n": 1, "set": {"scatter.x": "rate"}}]
    watcher.wait_until(lambda room: room.seq == 2)
    assert watcher.log[2]["by"] == hostile.you["id"] != watcher.you["id"]
    assert watcher.outcomes == {1: 1}


def test_a_presence_of_another_person(innocent, hostile):
    forged = {"from": 1, "by": 1, "client": innocent.client, "people": [{"from": 1, "state": {}}]}
    hostile.say("presence", state={"panel": "scatter"}, **forged)
    innocent.wait_until(lambda room: room.presence)
    assert innocent.presence == {hostile.you["id"]: {"panel": "scatter"}}


def test_a_rename_of_another_person(innocent, hostile):
    hostile.say("rename", name="Forged", **{"id": 1, "from": 1, "by": 1, "client": innocent.client})
    innocent.wait_until(lambda room: "Forged" in {person["name"] for person in room.people.values()})
    assert innocent.people[innocent.you["id"]]["name"] == "Watcher"


def test_a_guessed_client_is_another_person(watcher, wire, room):
    guessed = watcher.client[:-1] + ("A" if watcher.client[-1] != "A" else "B")
    welcome = wire.enter(room, client=guessed, name="Watcher")
    assert welcome["you"]["id"] != watcher.you["id"]
    wire.say("submit", n=1, set={"scatter.x": "rate"})
    assert wire.hear("committed")["ops"][0]["by"] == welcome["you"]["id"]
    assert {person["id"] for person in welcome["people"]} == {welcome["you"]["id"], watcher.you["id"]}


def test_nobody_hears_the_client_of_another(watcher, hostile):
    hostile.say("submit", n=1, set={"scatter.x": "rate"})
    heard = [hostile.hear("committed")]
    hostile.say("resync")
    heard += hostile.before_pong()
    with Room(watcher.url, watcher.room, "Late") as late:
        late.set({"scatter.x": "count"})
        heard.append(hostile.hear("people"))
    heard += hostile.before_pong()
    assert {"committed", "welcome", "people"} <= {message["t"] for message in heard}
    assert watcher.client not in str(heard) and late.client not in str(heard)


def test_a_number_that_was_used(watcher, hostile):
    hostile.say("submit", n=5, set={"scatter.x": "rate"})
    assert hostile.hear("committed")["ops"][0]["seq"] == 2
    hostile.say("submit", n=5, set={"scatter.x": "count"})
    assert hostile.hear("acknowledged") == {"t": "acknowledged", "n": 5, "seq": 2}
    for n in (4, 1):
        hostile.say("submit", n=n, set={"scatter.x": "count"})
        assert assert_refused(hostile.before_pong(), "stale")["n"] == n
    assert watcher.set({"scatter.y": "rate"}) == 3
    assert watcher.document == {"scatter.x": "rate", "scatter.y": "rate"}


def test_a_refused_number_stays_refused(innocent, hostile):
    hostile.say("submit", n=1, set={"scatter.x": "hight"})
    first = assert_refused(hostile.before_pong(), "invalid")
    hostile.say("submit", n=1, set={"scatter.x": "rate"})
    assert hostile.hear("rejected") == first


def test_the_largest_number(watcher, hostile):
    hostile.say("submit", n=SAFE, set={"scatter.x": "rate"})
    assert hostile.hear("committed")["ops"][0]["n"] == SAFE
    hostile.say("submit", n=1, set={"scatter.x": "count"})
    assert_refused(hostile.before_pong(), "stale")


@pytest.mark.parametrize("guard", [0, 1])
def test_an_old_guard(watcher, hostile, guard):
    watcher.set({"scatter.x": "rate"})
    hostile.say("submit", n=1, set={"scatter.x": "count", "scatter.y": "rate", "scatter.log_x": "on"}, guard=guard)
    watcher.wait_until(lambda room: room.seq == 3)
    left = {"scatter.log_x": "on"} if guard == 0 else {"scatter.log_x": "on", "scatter.y": "rate"}
    assert watcher.log[3] == {"seq": 3, "by": hostile.you["id"], "n": 1, "set": left}
    hostile.say("submit", n=2, set={"scatter.x": "count"}, guard=guard)
    assert assert_refused(hostile.before_pong(), "superseded")["n"] == 2
    assert watcher.document["scatter.x"] == "rate"


@pytest.mark.parametrize("seq", [2, 1000, SAFE])
def test_a_resume_from_the_future(innocent, wire, room, seq):
    welcome = wire.enter(room, resume=seq)
    assert (welcome["seq"], welcome["snapshot"], welcome["checksum"]) == (1, BEFORE, checksum(BEFORE))


def test_a_resume_from_the_past(watcher, wire, room):
    watcher.set({"scatter.x": "rate"})
    welcome = wire.enter(room, resume=1)
    assert "snapshot" not in welcome and welcome["tail"] == [watcher.log[2]] and welcome["checksum"] == checksum(watcher.document)


NO_NAMES = {
    "empty": "",
    "blanks": " \t\n",
    "invisible": "\u200b\u200d\u2060",
    "direction": "\u202e",
    "control": "\0\7\x1b",
    "41 characters": "x" * 41,
    "41 umlauts": "\u00fc" * 41,
    "60 kB": "x" * 60_000,
}
TRICKY_NAMES = {"bell": "A\7da", "escape": "\x1b[31mAda", "direction": "\u202eadA", "joined": "A\u200dda"}
TRICKY_NAMES |= {"line": "Ada\nBen", "NUL": "Ada\0"}


def is_a_name(name):
    is_clean = not any(ord(c) < 32 or c in "\u200b\u200d\u202e\u2060" for c in name)
    return is_clean and 1 <= len(name) <= 40 and name == name.strip()


@pytest.mark.parametrize("name", named(NO_NAMES))
def test_a_new_name_that_is_none(innocent, hostile, name):
    hostile.say("rename", name=name)
    assert_refused(hostile.before_pong(), "invalid_name")
    # Who is there travels in rounds.
    innocent.wait_until(lambda room: hostile.you["id"] in room.people, awaited="the hostile client")
    assert innocent.people[hostile.you["id"]]["name"] == "Hostile"


@pytest.mark.parametrize("name", named({**NO_NAMES, **TRICKY_NAMES}))
def test_a_first_name_that_is_none(innocent, wire, room, name):
    """The room gives another one."""
    welcome = wire.enter(room, name=name)
    assert is_a_name(welcome["you"]["name"]), welcome["you"]


@pytest.mark.parametrize("name", named(TRICKY_NAMES))
def test_a_tricky_name(innocent, hostile, name):
    hostile.say("rename", name=name)
    hostile.before_pong()
    hostile.say("resync")
    assert all(is_a_name(person["name"]) for person in hostile.hear("welcome")["people"])


def test_a_presence_over_its_limit(innocent, hostile):
    hostile.say("presence", state={"panel": "x" * 4096})
    assert_refused(hostile.before_pong(), "too_large")
    assert hostile.you["id"] not in innocent.presence


# Pages of other origins.


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


def upgrade(server, headers, host=None):
    """The status of the answer to a request for the socket."""
    parts = urlsplit(server.url)
    connection = HTTPConnection(parts.hostname, parts.port, timeout=WAIT)
    with closing(connection):
        connection.putrequest("GET", f"{parts.path}/live", skip_host=True, skip_accept_encoding=True)
        for name, value in [("Host", host or parts.netloc), *UPGRADE.items(), *headers]:
            connection.putheader(name, value.encode())
        connection.endheaders()
        return connection.getresponse().status


# {at} is the host and port of the server, {host} and {port} are its parts.
ORIGINS = """
null
http://evil.com
http://evil.com:{port}
https://{at}
ws://{at}
HTTP://{at}
file://{at}
ftp://{at}
http://{host}
http://{host}:1
http://{host}:80
http://{at}0
http://{host}:0{port}
http://{host}:+{port}
http://{host}:
http://{at}.evil.com
http://{host}.evil.com:{port}
http://evil.com.{at}
http://evil{at}
http://localhost.evil.com:{port}
http://localhost:{port}
http://LOCALHOST:{port}
http://{host}.:{port}
http://localhost.:{port}
http://user@{at}
http://user:pass@{at}
http://{at}@evil.com
http://{at}#@evil.com
http://{at}/
http://{at}/live
http://{at}?
http://{at}#
http://{at}\\
http:/{at}
http:{at}
//{at}
{at}
http://
http:///
http://[::1]:{port}
http://[::ffff:{host}]:{port}
http://[::ffff:7f00:1]:{port}
http://[0:0:0:0:0:0:0:1]:{port}
http://[::]:{port}
http://2130706433:{port}
http://0x7f000001:{port}
http://0x7f.0.0.1:{port}
http://0177.0.0.1:{port}
http://127.1:{port}
http://127.0.0.01:{port}
http://127.0.0.2:{port}
http://0.0.0.0:{port}
http://0:{port}
http://127。0。0。1:{port}
http://１２７.0.0.1:{port}
http://①27.0.0.1:{port}
http://lοcalhost:{port}
http://%31%32%37.0.0.1:{port}
http://{at}%00
http://{host}%00.evil.com:{port}
http://{host} :{port}
http://{at} http://evil.com
http://evil.com http://{at}
http://{at},http://evil.com
http://{at}, http://{at}
http://{at};
"http://{at}"
<http://{at}>
chrome-extension://{at}
data:text/html,x
about:blank
blob:http://{at}
*
""".strip().split("\n")


def filled(origin, server):
    parts = urlsplit(server.url)
    return origin.format(at=parts.netloc, host=parts.hostname, port=parts.port)


def test_the_own_origin(server):
    assert upgrade(server, [("Origin", filled("http://{at}", server))]) == 101


@pytest.mark.parametrize("origin", ["", *ORIGINS], ids=ascii)
def test_a_foreign_origin(server, origin):
    assert upgrade(server, [("Origin", filled(origin, server))]) == 403


HEADERS = {
    "none": [],
    "own and foreign": ["http://{at}", "http://evil.com"],
    "foreign and own": ["http://evil.com", "http://{at}"],
    "own twice": ["http://{at}", "http://{at}"],
    "own and null": ["http://{at}", "null"],
}


@pytest.mark.parametrize("origins", named(HEADERS))
def test_origin_headers(server, origins):
    assert upgrade(server, [("Origin", filled(origin, server)) for origin in origins]) == 403


@pytest.mark.parametrize("name", ["Referer", "X-Origin", "Sec-WebSocket-Origin", "X-Forwarded-Host"])
def test_other_headers_are_no_origin(server, name):
    assert upgrade(server, [(name, filled("http://{at}", server))]) == 403


HOSTS = ["evil.com:{port}", "evil.com", "localhost.evil.com:{port}", "{host}.evil.com:{port}", "127.0.0.1.:{port}"]


@pytest.mark.parametrize("host", HOSTS)
def test_a_name_that_was_bound_to_this_machine(server, host):
    """The page and its request agree on a name, which leads here only now."""
    host = filled(host, server)
    assert upgrade(server, [("Origin", f"http://{host}")], host) == 403
    assert upgrade(server, [("Origin", f"http://{host}"), ("X-Forwarded-Host", host)]) == 403


# Rates.

RATES = pytest.mark.rates
OPERATIONS, MOST_OPERATIONS = 20, 200
MESSAGES, MOST_MESSAGES = 100, 1000
PRESENCES = 30
LONG_MESSAGE, LONGEST_MESSAGE = 64 * 1024, 256 * 1024


def submit_many(wire, numbers):
    """Sends them as fast as a client may, with at most 100 unanswered, and answers what was committed and what not."""
    committed, rejected = {}, {}
    for first in range(0, len(numbers), 100):
        waiting = set(numbers[first : first + 100])
        for n in sorted(waiting):
            wire.say("submit", n=n, set={"scatter.x": ["length", "rate"][n % 2]})
        while waiting:
            answer = wire.hear("committed", "rejected")
            operations = [each for each in answer.get("ops", []) if each["by"] == wire.you["id"]]
            committed |= {each["n"]: each for each in operations}
            rejected |= {answer["n"]: answer} if answer["t"] == "rejected" else {}
            waiting -= committed.keys() | rejected.keys()
    return committed, rejected


@RATES
def test_too_many_operations(watcher, hostile):
    begun = time.monotonic()
    committed, rejected = submit_many(hostile, range(1, 401))
    most = MOST_OPERATIONS + OPERATIONS * (time.monotonic() - begun) + 1
    assert MOST_OPERATIONS <= len(committed) <= most, f"{len(committed)} of 400 were taken, {most:.0f} may be"
    assert all(refusal["code"] == "limit" and refusal["reason"] for refusal in rejected.values())
    assert sorted([*committed, *rejected]) == list(range(1, 401))
    watcher.wait_until(lambda room: room.seq == 1 + len(committed))
    assert [operation["n"] for _, operation in sorted(watcher.log.items())[1:]] == sorted(committed)


@RATES
def test_operations_after_too_many(watcher, hostile):
    """Within a second there is room for one again."""
    submit_many(hostile, range(1, 301))
    until, n = time.monotonic() + 1, 300
    committed = {}
    while not committed:
        assert time.monotonic() < until and n < 800, f"{n - 300} operations were refused, for more than a second"
        n += 1
        committed, _ = submit_many(hostile, [n])


def flood(wire, count):
    for _ in range(count):
        wire.say("ping")


def count_heard(wire):
    return Counter(message.get("code", message["t"]) for message in wire.heard)


@RATES
def test_many_messages(innocent, hostile):
    flood(hostile, MOST_MESSAGES - 50)
    assert not refusals(hostile.before_pong())


@RATES
def test_too_many_messages(innocent, hostile):
    begun = time.monotonic()
    flood(hostile, MOST_MESSAGES + 500)
    assert_refused([hostile.hear("error")], "slow_down")
    until = time.monotonic() + WAIT
    is_welcome = False
    # What exceeds the budget has no answer, so that one has to ask again.
    while not is_welcome:
        assert time.monotonic() < until, "nothing was answered any more"
        hostile.say("resync")
        with suppress(AssertionError):
            is_welcome = bool(hostile.hear("welcome", timeout=0.2))
    most = MOST_MESSAGES + MESSAGES * (time.monotonic() - begun) + 1
    heard = count_heard(hostile)
    assert heard["pong"] <= most, heard
    assert heard["slow_down"] == 1 and not heard["closed"], heard


@RATES
def test_messages_without_end(innocent, hostile):
    flood(hostile, 10 * MOST_MESSAGES)
    *_, goodbye, _ = hostile.listen("closed")
    heard = count_heard(hostile)
    assert goodbye["t"] == "closing" and goodbye["reason"] == "misbehaved", goodbye
    assert heard["slow_down"] == 1, heard
    innocent.wait_until(lambda room: len(room.people) == 1)


def ping_of(length):
    empty = json.dumps({"t": "ping", "padding": ""})
    return empty[:-2] + "x" * (length - len(empty)) + empty[-2:]


def whole(text):
    return text


def in_fragments(text):
    return [text[at : at + 1000] for at in range(0, len(text), 1000)]


@pytest.mark.parametrize("cut", [whole, in_fragments])
def test_the_longest_message(innocent, hostile, cut):
    hostile.send(cut(ping_of(LONG_MESSAGE)))
    hostile.hear("pong")
    assert not refusals(hostile.before_pong())


@RATES
@pytest.mark.parametrize("cut", [whole, in_fragments])
@pytest.mark.parametrize("length", [LONG_MESSAGE + 1, 100_000, LONGEST_MESSAGE])
def test_a_long_message(innocent, hostile, length, cut):
    hostile.send(cut(ping_of(length)))
    assert_refused(hostile.before_pong(), "too_large")


@RATES
@pytest.mark.parametrize("cut", [whole, in_fragments])
@pytest.mark.parametrize("length", [LONGEST_MESSAGE + 1, 1 << 20, 8 << 20])
def test_a_message_that_is_not_read(innocent, hostile, length, cut):
    hostile.send(cut(ping_of(length)))
    assert hostile.listen("closed")[-1]["t"] == "closed"
    innocent.wait_until(lambda room: len(room.people) == 1)


@RATES
def test_too_much_presence(innocent, hostile):
    """All may be fast, but nobody else hears more than the rate; and the last one arrives."""
    with Wire(innocent.url) as observer:
        observer.enter(innocent.room)
        begun, count = time.monotonic(), MOST_MESSAGES // 2
        for at in range(count):
            hostile.say("presence", state={"panel": "scatter", "pointer": {"x": at, "y": 0}})
        last = {"from": hostile.you["id"], "state": {"panel": "scatter", "pointer": {"x": count - 1, "y": 0}}}
        observer.hear("presence", where=lambda message: last in message["people"])
        heard = [each for message in observer.heard if message["t"] == "presence" for each in message["people"]]
        most = PRESENCES * (time.monotonic() - begun + 1) + 1
        assert len(heard) <= most, f"{len(heard)} were passed on, {most:.0f} may be"
        places = [each["state"]["pointer"]["x"] for each in heard]
        assert places == sorted(set(places))
    assert not refusals(hostile.before_pong())


@RATES
def test_a_slow_reader(server, room):
    with ExitStack() as stack:
        writers = [stack.enter_context(Room(server.url, room, f"Writer {at}")) for at in range(10)]
        slow = stack.enter_context(Room(server.url, room, "Slow", narrow=True))
        slow.reading.clear()
        latencies = []
        for at in range(CHANGES):
            writer = writers[at % len(writers)]
            if at % 10 < 2:
                writer.show({"panel": f"{at} {'x' * 4000}"})
            begun = time.perf_counter()
            assert writer.set({"scatter.x": ["length", "rate"][at % 3 == 0], "scatter.y": "count"}) == at + 1
            latencies.append(time.perf_counter() - begun)
        assert slow.you["id"] in writers[0].people and slow.you["id"] not in writers[0].left, "the slow reader was put out"
        print(f"the slow reader had {len(slow.log)} of {CHANGES} operations")
        slow.reading.set()
        slow.wait_until(lambda room: room.seq == CHANGES, 30, "the end")
        assert slow.document == writers[0].document
        assert (slow.visits, slow.welcomes) == (1, 2) and len(slow.log) < CHANGES, slow
        assert slow.set({"scatter.log_x": "on"}) == CHANGES + 1
    assert statistics.median(latencies) < 0.1, f"median {statistics.median(latencies):.3f} s"
