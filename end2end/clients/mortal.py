"""A server that tests start and kill."""

import subprocess

import labboard
import pytest
from entities import Api


class Server:
    """A server that is started and killed on one data directory. Commands run within `within`."""

    def __init__(self, folder, data, within=()):
        self.folder, self.data, self.within = folder, data, within
        self.key, self.process = labboard.add_user("anna", data, within), None

    def launch(self, *flags):
        self.process = labboard.launch(self.data, self.folder, "--no-demo", *flags, within=self.within)

    def start(self, *flags):
        self.launch(*flags)
        port = labboard.wait_for_port(self.process, self.folder / "port")
        self.url = f"http://127.0.0.1:{port}"
        return self.api()

    def start_again(self):
        """On the same port."""
        return self.start("--addr", self.url.removeprefix("http://"))

    def api(self):
        return Api(self.url, self.key)

    def runs_for(self, seconds):
        with pytest.raises(subprocess.TimeoutExpired):
            self.process.wait(timeout=seconds)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()

    def eventually(self, happened):
        """Waits until that is true."""
        for _ in range(1000):
            if happened():
                return
            self.runs_for(0.01)
        raise AssertionError(f"not within 10 seconds: {happened.__name__}")
