"""A real feed process, `podseal-monitor feed`, for tests, drills and benchmarks.

In: a configuration as a dictionary. Out: the process, its URL, its log. Called by the tests of the server and the page.
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import urllib3
import yaml

from tests import waiting
from tests.runtime_monitor import parts

ROOT = pathlib.Path(__file__).resolve().parents[3]
LOOPBACK = "127.0.0.1"


@dataclass
class Feed:
    """A running feed."""

    url: str
    process: "subprocess.Popen[bytes]"
    log: pathlib.Path

    def get(self, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
        """An answer of it; underscores in a header's name stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return urllib3.request("GET", self.url + path, headers=named, retries=False, timeout=20)

    def json(self, path: str) -> Any:  # noqa: ANN401 -- whatever it answers
        """An answer that has to be good."""
        answer = self.get(path)
        assert answer.status == 200, answer.data
        return json.loads(answer.data)

    def metric(self, name: str, output: str = "") -> float:
        """One of its counters."""
        wanted = f'podseal_feed_{name}{{output="{output}"}} ' if output else f"podseal_feed_{name} "
        for line in self.get("/metrics").data.decode().splitlines():
            if line.startswith(wanted):
                return float(line.rpartition(" ")[2])
        return 0.0

    def kill(self) -> None:
        """As the kernel would when memory is short."""
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """In good order."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


@contextlib.contextmanager
def feed(folder: pathlib.Path, *, port: int = 0, **settings: Any) -> Iterator[Feed]:  # noqa: ANN401 -- the configuration's
    """A feed that reads `spool.db` of a folder and keeps its positions there, until the block ends."""
    port = port or parts.free_port()
    listen = {"address": f"{LOOPBACK}:{port}", **settings.pop("listen", {})}
    tree = {"spool": str(folder / "spool.db"), "state": str(folder / "state"), "listen": listen, **settings}
    (folder / "feed.yaml").write_text(yaml.safe_dump(tree))
    command = [sys.executable, "-m", "tests.runtime_monitor.feed.feeds", str(folder / "feed.yaml")]
    log = folder / "feed.log"
    with (
        log.open("ab") as output,
        subprocess.Popen(
            command, cwd=ROOT, stdout=output, stderr=output, env={**os.environ, "PYTHONUNBUFFERED": "1"}
        ) as process,
    ):
        made = Feed(f"http://{LOOPBACK}:{port}", process, log)
        try:
            if "tls_cert_file" not in listen:
                waiting.until(lambda: _answers(made), f"the feed to answer: {log.read_text()[-2000:]}", 120)
            yield made
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def _answers(made: Feed) -> bool:
    assert made.process.poll() is None, made.log.read_text()
    with contextlib.suppress(urllib3.exceptions.HTTPError):
        return made.get("/healthz").status == 200
    return False


if __name__ == "__main__":
    from runtime_monitor.cli import main

    sys.argv = ["podseal-monitor", "feed", "--config", sys.argv[1]]
    main()
