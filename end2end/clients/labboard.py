"""A labboard server to test, and its keys."""

import os
import re
import socket
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests


@dataclass(frozen=True)
class Labboard:
    url: str
    anna: str
    ben: str
    owner: str

    @property
    def api(self):
        return f"{self.url}/api/v1/xml"

    def json(self, path):
        return requests.get(f"{self.url}/api/v1/json/{path}")


def running():
    """The server that LABBOARD_URL names, or None."""
    url = os.environ.get("LABBOARD_URL")
    if not url:
        return None
    return Labboard(url.rstrip("/"), *os.environ["LABBOARD_KEYS"].split(","))


def add_user(name, data, within=()):
    """Makes a user, and answers the key."""
    command = [*within, binary(), "user", "add", name, "--data-dir", data]
    made = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    key = made.stdout.splitlines()[-1].split()[-1]
    assert re.fullmatch("[0-9a-f]{32}", key), f"labboard user add printed {made.stdout!r}"
    return key


def binary():
    named = os.environ.get("LABBOARD_BINARY")
    assert named, "set LABBOARD_BINARY to the server's binary, or LABBOARD_URL and LABBOARD_KEYS to a running server"
    return str(Path(named).resolve())


def launch(data, folder: Path, *flags, within=()):
    """Starts the server on a data directory, as a command of `within`. `folder` is for its log and its port."""
    port_file = folder / "port"
    port_file.unlink(missing_ok=True)
    address = [] if "--addr" in flags else ["--addr", "127.0.0.1:0"]
    with (folder / "log").open("a") as log:
        command = [*within, binary(), "serve", "--data-dir", data, "--port-file", port_file, *address, *flags]
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


@contextmanager
def serving(folder: Path, *flags):
    """Runs LABBOARD_BINARY in that folder, and answers its address and its process."""
    folder.mkdir(parents=True, exist_ok=True)
    process = launch(folder / "data", folder, *flags)
    try:
        yield f"http://127.0.0.1:{wait_for_port(process, folder / 'port')}", process
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def start(folder: Path):
    """Runs a server until the generator ends. One user is older than the server, one younger."""
    data = folder / "data"
    anna = add_user("anna", data)
    with serving(folder, "--no-demo") as (url, _):
        yield Labboard(url, anna, add_user("ben", data), (data / "owner-key").read_text().strip())


def wait_for_port(process, port_file):
    for _ in range(6000):
        try:
            code = process.wait(timeout=0.01)
        except subprocess.TimeoutExpired:
            text = port_file.read_text().strip() if port_file.exists() else ""
            if text and answers(int(text)):
                return int(text)
        else:
            log = (port_file.parent / "log").read_text()
            raise AssertionError(f"the server ended with {code}:\n{log}")
    raise AssertionError("no server within a minute")


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
