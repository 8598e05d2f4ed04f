"""A real `podseal serve` for tests: started on ports that the kernel chooses, stopped by SIGTERM.

In: a folder with certificates and more options. Out: a `Server`, ready. Its log is parsed for the addresses, so that
no port is guessed.
"""

import contextlib
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import waiting

PODSEAL = Path(sys.executable).parent / "podseal"
DATA = Path(__file__).resolve().parent.parent / "data" / "reviews"
REVIEWS = sorted(DATA.glob("*.json"))
JSON = {"Content-Type": "application/json"}


@dataclass
class Server:
    """A running server: its process, its addresses and its log so far."""

    process: subprocess.Popen[str]
    certificates: Path
    log: list[dict[str, Any]] = field(default_factory=list)
    noise: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        """The webhook's port."""
        return int(self._address("webhook").rpartition(":")[2])

    @property
    def metrics_port(self) -> int:
        """The port of probes and metrics."""
        return int(self._address("metrics").rpartition(":")[2])

    def _address(self, name: str) -> str:
        return next((str(line[name]) for line in self.log if name in line), "")

    def context(self) -> ssl.SSLContext:
        """A client's TLS context that trusts the server's authority."""
        return ssl.create_default_context(cafile=str(self.certificates / "ca.crt"))

    def connect(self, context: ssl.SSLContext | None = None) -> http.client.HTTPSConnection:
        """A connection, opened by the first request."""
        return http.client.HTTPSConnection("localhost", self.port, context=context or self.context(), timeout=30)

    def post(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        """Status and body of one POST on a connection of its own."""
        with contextlib.closing(self.connect()) as connection:
            connection.request("POST", path, body, JSON if headers is None else headers)
            response = connection.getresponse()
            return response.status, response.read()

    def probe(self, path: str) -> tuple[int, str]:
        """Status and text of a GET on the listener of the probes; 0 where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=10)
        with contextlib.closing(connection):
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                return response.status, response.read().decode()
            except OSError:
                return 0, ""

    def children(self) -> set[int]:
        """The processes that the master has started: the workers and the one of the probes."""
        found = set()
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                pid, _, rest = stat.read_text().partition(" (")
                if int(rest.rpartition(") ")[2].split()[1]) == self.process.pid:
                    found.add(int(pid))
        return found

    def workers(self) -> set[int]:
        """The workers: those who hold the webhook's socket."""
        return {int(line["message"].rpartition(" ")[2]) for line in self.log if "Booting worker" in line["message"]} & (
            self.children()
        )

    def is_ready(self) -> bool:
        """Whether /readyz says so."""
        return bool(self._address("metrics")) and self.probe("/readyz")[0] == 200

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)

    def read_log(self) -> None:
        """Collect the lines of the log; what is not JSON is noise, and no test should see any."""
        for line in self.process.stderr or ():
            try:
                self.log.append(json.loads(line))
            except ValueError:
                self.noise.append(line)


@contextlib.contextmanager
def serve(certificates: Path, *options: str, program: tuple[str, ...] = ()) -> Iterator[Server]:
    """A server that is ready; at the end it is stopped, and must have written nothing but its log.

    Args:
        certificates: the folder of its certificate.
        options: of `podseal serve`.
        program: what is run in place of `podseal`.
    """
    command = [
        *(program or (str(PODSEAL),)),
        "serve",
        "--bind=127.0.0.1:0",
        "--metrics-bind=127.0.0.1:0",
        f"--tls-cert-file={certificates / 'tls.crt'}",
        f"--tls-private-key-file={certificates / 'tls.key'}",
        *options,
    ]
    with run(certificates, command) as server:
        yield server


@contextlib.contextmanager
def run(certificates: Path, command: list[str]) -> Iterator[Server]:
    """A program that logs as `podseal serve` does, ready."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PODSEAL_")}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    server = Server(process, certificates)
    reader = threading.Thread(target=server.read_log, daemon=True)
    reader.start()
    try:
        waiting.until(lambda: server.is_ready() or process.poll() is not None, "the server is ready", 40)
        assert process.poll() is None, server.noise
        yield server
        server.stop()
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        reader.join(10)
        if process.stderr:
            process.stderr.close()
    assert not server.noise
