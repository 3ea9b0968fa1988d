"""A client of rooms, made after docs/collaboration.md and nothing else."""

import json
import random
import secrets
import socket
import threading
import time
from contextlib import suppress
from decimal import Decimal
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import connect

MOST_UNANSWERED = 128
FIRST_WAIT, LONGEST_WAIT = 0.25, 15
WAIT = 15


def number(value):
    """A number as `JSON.stringify` writes it: the shortest digits of the double, laid out as ECMAScript does."""
    value = float(value)
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    digits, point = "".join(map(str, digits)), len(digits) + exponent
    if len(digits) <= point <= 21:
        text = digits.ljust(point, "0")
    elif 0 < point <= 21:
        text = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = f"0.{'0' * -point}{digits}"
    else:
        text = f"{digits[0]}{'.' * (len(digits) > 1)}{digits[1:]}e{point - 1:+}"
    return "-" * sign + text


def canonical(value):
    match value:
        case dict():
            members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be", "surrogatepass"))
            return "{" + ",".join(f"{canonical(name)}:{canonical(member)}" for name, member in members) + "}"
        case list():
            return f"[{','.join(map(canonical, value))}]"
        case bool() | None | str():
            return json.dumps(value, ensure_ascii=False)
    return number(value)


def checksum(document):
    sum = 0xCBF29CE484222325
    for byte in canonical(document).encode():
        sum = (sum ^ byte) * 0x100000001B3 % (1 << 64)
    return f"{sum:016x}"


def apply(document, changes):
    for key, value in changes.items():
        if value is None:
            document.pop(key, None)
        else:
            document[key] = value


def own_origin(url):
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def open_socket(url, narrow=False):
    """`narrow`: little is on the way, so that the server soon notices who does not read."""
    parts = urlsplit(url)
    plain = None
    if narrow:
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        # The other side's buffer is a multiple of the segment, which is huge within one machine.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        plain.connect((parts.hostname, parts.port))
    return connect(
        f"{parts.scheme.replace('http', 'ws')}://{parts.netloc}{parts.path}/live",
        origin=own_origin(url),
        sock=plain,
        proxy=None,
        compression=None,
        # The server asks whether the connection is alive.
        ping_interval=None,
        close_timeout=1,
        max_size=None,
        max_queue=1 if narrow else None,
        legacy=True,
    )


class Wire:
    """One connection, message by message, for whoever does not keep to the protocol."""

    def __init__(self, url):
        self.socket, self.heard = open_socket(url), []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, content, **options):
        """What the server does not take because it has closed is answered by that, see `next`."""
        with suppress(ConnectionClosed):
            self.socket.send(content, **options)

    def say(self, t, **members):
        self.send(json.dumps({"t": t, **members}))

    def next(self, deadline, awaited):
        try:
            return json.loads(self.socket.recv(timeout=max(0, deadline - time.monotonic())))
        except ConnectionClosed as closed:
            frame = closed.rcvd
            return {"t": "closed", "code": frame and frame.code, "reason": frame and frame.reason}
        except TimeoutError:
            raise AssertionError(f"the server did not say {awaited}") from None

    def listen(self, *kinds, where=lambda message: True, timeout=WAIT):
        """All messages to the first one of these kinds that is so; the end of the connection is one too."""
        first, deadline = len(self.heard), time.monotonic() + timeout
        while True:
            awaited = f"{' or '.join(kinds)} within {timeout} s, but {self.heard[first:][-5:]}"
            last = self.next(deadline, awaited)
            self.heard.append(last)
            if last["t"] == "closed" or (last["t"] in kinds and where(last)):
                return self.heard[first:]

    def hear(self, *kinds, where=lambda message: True, timeout=WAIT):
        """The next message of these kinds."""
        last = self.listen(*kinds, where=where, timeout=timeout)[-1]
        assert last["t"] in kinds, f"the connection ended before {' or '.join(kinds)}: {last}"
        return last

    def enter(self, room, client=None, **members):
        self.say("hello", protocol=1, room=room, client=client or secrets.token_urlsafe(16), **members)
        return self.hear("welcome")

    def before_pong(self):
        """What the server has answered so far: it answers one message after the other."""
        self.say("ping")
        *heard, last = self.listen("pong")
        return heard if last["t"] == "pong" else [*heard, last]


class Room:
    """Somebody in a room, who comes back after a broken connection. Everything may be called from any thread.

    Without `resumes` only the answers to what is sent again say what became of it while the connection was broken.
    """

    def __init__(self, url, room, name=None, chance=random, narrow=False, resumes=True):
        self.url, self.room, self.name, self.narrow, self.resumes = url, room, name, narrow, resumes
        self.client, self.chance = secrets.token_urlsafe(16), chance
        self.changed = threading.Condition()
        # The server's order: the document, its last operation, and all operations that were seen one by one.
        self.document, self.seq, self.log = {}, None, {}
        self.sent, self.pending, self.outcomes = {}, {}, {}
        self.you, self.people, self.presence, self.left = None, {}, {}, []
        # What went wrong: `faults` must never happen, `resyncs` say what the client asked anew for.
        self.faults, self.resyncs, self.errors = [], [], []
        self.welcomes = self.failures = self.acknowledged = 0
        self.wire, self.is_ready, self.broken, self.visits = None, False, None, 0
        self.closing, self.ended = None, threading.Event()
        self.reading = threading.Event()
        self.reading.set()
        self.thread = threading.Thread(target=self.live, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self.wait_until(lambda room: room.is_ready)

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.ended.set()
        self.reading.set()
        with self.changed:
            wire = self.wire
        if wire:
            wire.close()
        self.thread.join(WAIT)
        assert not self.thread.is_alive(), f"{self} does not end"

    def __repr__(self):
        state = f"seq {self.seq}, {len(self.pending)} unanswered, {self.welcomes} welcomes, resyncs {self.resyncs}"
        trouble = f"errors {self.errors[-3:]}, closing {self.closing}, broken by {self.broken!r}"
        return f"{self.name or self.client} in {self.room} ({state}, {trouble})"

    # What a person sees and does.

    @property
    def view(self):
        """The document in the server's order, and the own unanswered operations on top."""
        with self.changed:
            seen = dict(self.document)
            for message in self.pending.values():
                apply(seen, message["set"])
            return seen

    def submit(self, changes, guard=None):
        """Applies and sends a change, and answers its number."""
        with self.changed:
            assert len(self.pending) < MOST_UNANSWERED, f"too much is unanswered for {self}"
            n = len(self.sent) + 1
            message = {"t": "submit", "n": n, "set": changes}
            if guard is not None:
                message["guard"] = guard
            self.sent[n] = self.pending[n] = message
            if self.is_ready:
                self.say(message)
            self.changed.notify_all()
            return n

    def set(self, changes, guard=None, timeout=WAIT):
        """Applies and sends a change, and waits for its outcome: the place in the order, or the refusal."""
        n = self.submit(changes, guard)
        self.wait_until(lambda room: n in room.outcomes, timeout)
        return self.outcomes[n]

    def show(self, state):
        self.say_if_ready({"t": "presence", "state": state})

    def rename(self, name):
        self.say_if_ready({"t": "rename", "name": name})

    def wait_until(self, happened, timeout=WAIT, awaited="what was awaited"):
        """Until that is true of this room, which is answered."""
        with self.changed:
            came = self.changed.wait_for(lambda: self.faults or happened(self), timeout)
            assert not self.faults, f"{self.faults} of {self}"
            assert came, f"not within {timeout} s: {awaited}, of {self}"
            return self

    # The connection.

    def live(self):
        while not self.ended.is_set():
            try:
                self.visit()
            except (OSError, WebSocketException) as error:
                self.broken = error
            except Exception as error:
                with self.changed:
                    self.faults.append(repr(error))
                    self.changed.notify_all()
                return
            if self.closing and "retry_after_ms" not in self.closing:
                return
            self.ended.wait(self.pause())

    def pause(self):
        if self.closing:
            pause, self.closing = self.closing["retry_after_ms"] / 1000, None
            return pause
        self.failures += 1
        return min(LONGEST_WAIT, FIRST_WAIT * 2 ** (self.failures - 1)) * self.chance.random()

    def visit(self):
        """One connection, from its beginning to its end."""
        with open_socket(self.url, self.narrow) as wire:
            try:
                with self.changed:
                    self.wire, self.visits = wire, self.visits + 1
                    resume = {} if self.seq is None or not self.resumes else {"resume": self.seq}
                    name = {"name": self.name} if self.name else {}
                    self.say({"t": "hello", "protocol": 1, "room": self.room, "client": self.client, **name, **resume})
                while not self.ended.is_set():
                    self.reading.wait()
                    self.receive(json.loads(wire.recv()))
            finally:
                with self.changed:
                    self.wire, self.is_ready = None, False
                    self.changed.notify_all()

    def say(self, message):
        # What cannot be sent is sent again on the next connection.
        with suppress(WebSocketException, OSError):
            self.wire.send(json.dumps(message))

    def say_if_ready(self, message):
        with self.changed:
            if self.is_ready:
                self.say(message)

    def resync(self, why):
        self.resyncs.append(why)
        self.is_ready = False
        self.say({"t": "resync"})

    # What comes in.

    def receive(self, message):
        with self.changed:
            kind = message["t"]
            if kind in ("welcome", "error", "closing") or self.is_ready:
                handle = getattr(self, f"on_{kind}", None)
                if handle:
                    handle(message)
            self.changed.notify_all()

    def on_welcome(self, welcome):
        self.you = welcome["you"]
        if self.seq is not None and welcome["seq"] < self.seq:
            self.faults.append(f"operations are lost: {self.seq} were there, now {welcome['seq']}")
        if "snapshot" in welcome:
            self.document, self.seq = welcome["snapshot"], welcome["seq"]
        for operation in welcome.get("tail", []):
            self.take(operation)
        if self.seq != welcome["seq"]:
            self.faults.append(f"a welcome to {welcome['seq']} leads to {self.seq}")
        if checksum(self.document) != welcome["checksum"]:
            self.faults.append(f"a welcome to another document than {self.document}")
        self.people = {person["id"]: person for person in welcome["people"]}
        self.presence = {each["from"]: each["state"] for each in welcome.get("presence", [])}
        self.welcomes += 1
        self.is_ready, self.failures = True, 0
        for message in self.pending.values():
            self.say(message)

    def on_committed(self, message):
        for operation in message["ops"]:
            if operation["seq"] > self.seq + 1:
                return self.resync(f"a gap before {operation['seq']}")
            self.take(operation)

    def take(self, operation):
        """The next operation; an earlier one is left unread."""
        seq = operation["seq"]
        if seq <= self.seq:
            return
        if seq != self.seq + 1:
            self.faults.append(f"a tail with a gap before {seq}")
        apply(self.document, operation["set"])
        self.seq = seq
        self.log[seq] = operation
        if operation["by"] == self.you["id"]:
            self.settle(operation["n"], seq)

    def settle(self, n, outcome):
        self.pending.pop(n, None)
        if self.outcomes.setdefault(n, outcome) != outcome:
            self.faults.append(f"operation {n} had the outcome {self.outcomes[n]}, and now {outcome}")

    def on_acknowledged(self, message):
        self.acknowledged += 1
        self.settle(message["n"], message["seq"])

    def on_rejected(self, message):
        self.settle(message["n"], message["code"])

    def on_checksum(self, message):
        if message["seq"] == self.seq and message["sum"] != checksum(self.document):
            self.resync(f"another checksum at {self.seq}")

    def on_people(self, message):
        self.people |= {person["id"]: person for person in message.get("changed", [])}
        self.left += message.get("left", [])
        for id in message.get("left", []):
            self.people.pop(id, None)
            self.presence.pop(id, None)

    def on_presence(self, message):
        self.presence |= {each["from"]: each["state"] for each in message["people"]}

    def on_error(self, message):
        self.errors.append(message)

    def on_closing(self, message):
        self.closing = message
