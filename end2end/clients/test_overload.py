"""More figures than the server can draw: who comes too late is told when to come again, and a room next door notices nothing."""

import asyncio
import os
import random
import statistics
import subprocess
import threading
import time
from collections import Counter
from urllib.parse import urlsplit

import labboard
import numpy as np
import pytest
import requests
from mortal import Server
from room import Room

LONG = os.environ.get("LABBOARD_LONG") == "1"
CLIENTS = 500 if LONG else 300
SECONDS = 30 if LONG else 6
# Large enough that a figure takes some milliseconds, with or without an index.
ROWS = 300_000
# Of a change in a room, acknowledged, while all the others ask for figures. The clients take half of the machine.
MEDIAN = 0.1
# The memory that the server may take on top, in bytes.
MEMORY = 400 << 20


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crowded")
    table = folder / "points.csv"
    numbers = np.random.default_rng(1).normal(size=(ROWS, 2))
    classes = np.random.default_rng(2).integers(0, 6, ROWS)
    with table.open("w") as file:
        file.write("x,y,class\n")
        file.writelines(f"{x:.6f},{y:.6f},c{c}\n" for (x, y), c in zip(numbers, classes, strict=True))
    server = Server(folder, folder / "data")
    server.start()
    subprocess.run([labboard.binary(), "import", "--data-dir", server.data, table], check=True, stdout=subprocess.DEVNULL)
    yield server
    server.kill()


def memory(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("RssAnon:"))


async def crowd(address, end, seen):
    """Asks for one figure after the other, each in a window of its own; waits as long as a refusal says."""
    chance = random.Random()
    while time.monotonic() < end:
        try:
            reader, writer = await asyncio.open_connection(*address)
            while time.monotonic() < end:
                window = f"{chance.uniform(-6, -3)},{chance.uniform(3, 6)},-6,{chance.uniform(3, 6)}"
                path = f"/api/figures/data/1/scatter?x=x&y=y&color=class&size=800x500&raster=inline&window={window}"
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\n\r\n".encode())
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.split("content-length:")[1].split()[0])
                await reader.readexactly(length)
                status = head.split(" ", 2)[1]
                seen[status] += 1
                if status == "503":
                    seen["says when"] += "retry-after:" in head
                    await asyncio.sleep(float(head.split("retry-after:")[1].split()[0]))
            writer.close()
        except (OSError, asyncio.IncompleteReadError) as error:
            seen[type(error).__name__] += 1


def test_too_many_figures(crowded):
    address = urlsplit(crowded.url)
    seen, times = Counter(), []
    before = memory(crowded.process.pid)
    most = before
    end = time.monotonic() + SECONDS

    def ask():
        async def everybody():
            await asyncio.gather(*(crowd((address.hostname, address.port), end, seen) for _ in range(CLIENTS)))

        asyncio.run(everybody())

    asking = threading.Thread(target=ask)
    with Room(crowded.url, "/data/1") as onlooker:
        asking.start()
        while time.monotonic() < end - 0.5:
            start = time.monotonic()
            onlooker.set({"scatter.x": ("x", "y")[len(times) % 2]})
            times.append(time.monotonic() - start)
            most = max(most, memory(crowded.process.pid))
            time.sleep(0.05)
    asking.join()
    median, p95 = statistics.median(times), sorted(times)[int(len(times) * 0.95)]
    print(f"{dict(seen)}; a change in the room: median {median * 1e3:.0f} ms, p95 {p95 * 1e3:.0f} ms; {(most - before) >> 20} MB more")
    assert set(seen) <= {"200", "503", "says when"}, seen
    assert seen["200"] > 0
    assert seen["503"] > 0, "there was no overload"
    assert seen["says when"] == seen["503"]
    assert median < MEDIAN, f"{median * 1e3:.0f} ms"
    assert most - before < MEMORY
    # Afterwards all is as before.
    answer = requests.get(f"{crowded.url}/api/figures/data/1/scatter?x=x&y=y&color=class", timeout=10)
    assert answer.status_code == 200
    assert answer.json()["provenance"]["rows_shown"] == ROWS
