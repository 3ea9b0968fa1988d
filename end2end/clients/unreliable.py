"""A TCP proxy that can be slow, cut connections, fall silent and count requests."""

import re
import socket
import threading
import time
from contextlib import contextmanager


class Proxy:
    def __init__(self, target):
        host, port = target.removeprefix("http://").split(":")
        self.target = (host, int(port))
        self.requests = []
        # Bytes of answers after which a connection is cut.
        self.cut_after = None
        # Bytes per second of all answers.
        self.rate = None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.open = set()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self.target)
            except OSError:
                client.close()
                continue
            self.open |= {client, server}
            threading.Thread(target=self.pump, args=(client, server, self.asked), daemon=True).start()
            threading.Thread(target=self.pump, args=(server, client, self.answered), daemon=True).start()

    def pump(self, source, sink, seen):
        passed = 0
        try:
            while chunk := source.recv(16384):
                chunk, is_last = seen(chunk, passed)
                sink.sendall(chunk)
                passed += len(chunk)
                if is_last:
                    break
        except OSError:
            pass
        self.close(source, sink)

    def asked(self, chunk, _):
        self.requests += re.findall(r"^GET (\S+) HTTP", chunk.decode("latin-1"), re.MULTILINE)
        return chunk, False

    def answered(self, chunk, passed):
        if self.rate:
            time.sleep(len(chunk) / self.rate)
        if self.cut_after is not None and passed + len(chunk) > self.cut_after:
            return chunk[: max(0, self.cut_after - passed)], True
        return chunk, False

    def close(self, *ends):
        for end in ends:
            self.open.discard(end)
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def die(self):
        # Waking `accept` takes a shutdown; closing alone leaves it waiting.
        self.close(self.listener)
        self.close(*list(self.open))


@contextmanager
def proxy(target):
    running = Proxy(target)
    try:
        yield running
    finally:
        running.die()
