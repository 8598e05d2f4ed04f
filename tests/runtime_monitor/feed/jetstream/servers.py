"""Real servers of NATS JetStream on the loopback, with the permissions that podseal prints, behind mTLS.

In: a folder, how many servers, the nodes' names. Out: running servers, and the settings by which each user reaches
them. Called by the tests of `feed.jetstream`, by the drill and the benchmark of the stream.
"""

import contextlib
import pathlib
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import urllib3

from runtime_monitor.feed.jetstream import stream
from runtime_monitor.feed.jetstream.client import Client, JetStreamError
from runtime_monitor.feed.jetstream.permissions import authorization
from runtime_monitor.feed.jetstream.settings import MAKER, READER, Connection, Stream
from tests import waiting
from tests.cluster import build
from tests.runtime_monitor import parts
from tests.runtime_monitor.feed.tls import Authority

LOOPBACK = "127.0.0.1"
PATIENCE = 120.0
CONFIGURATION = """
server_name: {name}
listen: {loopback}:{port}
prof_port: {profile}
max_payload: 1MB
pid_file: "{folder}/pid"
jetstream {{ store_dir: "{folder}", max_file_store: 2GB }}
tls {{ cert_file: "{cert}", key_file: "{key}", ca_file: "{ca}", verify_and_map: true }}
"""
CLUSTER = """
cluster {{ name: tests, listen: {loopback}:{port}, routes: [{routes}], no_advertise: true }}
"""


class _PortTakenError(Exception):
    pass


@dataclass
class Server:
    """One server; `process` is None while it is down."""

    name: str
    port: int
    profile: int
    folder: pathlib.Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def log(self) -> pathlib.Path:
        """What it says."""
        return self.folder / "log"

    def start(self) -> None:
        """Return once it takes connections."""
        assert self.process is None
        with self.log.open("ab") as output:
            begun = output.tell()
            self.process = subprocess.Popen(
                [build.find("nats-server"), "-c", str(self.folder / "nats.conf")],
                stdout=output,
                stderr=output,
            )

        def said() -> bytes:
            return self.log.read_bytes()[begun:]

        waiting.until(lambda: b"Server is ready" in said() or self._has_ended(), f"{self.name} to be ready", PATIENCE)
        if self._has_ended():
            self.process = None
            raise _PortTakenError(said().decode())

    def memory(self) -> int:
        """Bytes that it holds in memory, after a collection of garbage."""
        url = f"http://{LOOPBACK}:{self.profile}/debug/pprof/heap?debug=1&gc=1"
        text = urllib3.request("GET", url, retries=False, timeout=60).data.decode()
        (held,) = re.findall(r"^# HeapAlloc = (\d+)$", text, re.MULTILINE)
        return int(held)

    def kill(self) -> None:
        """As the kernel would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None


@dataclass
class Servers:
    """All of them, and who may reach them. `changes` are to the settings of the stream."""

    folder: pathlib.Path
    authority: Authority
    nodes: Sequence[str]
    all: list[Server] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)

    def connection(self, user: str, ports: Sequence[int] = ()) -> Connection:
        """How a user reaches the servers, or those who listen on these ports in their place."""
        cert, key = self.authority.issue(user)
        return Connection(
            servers=tuple(f"tls://{LOOPBACK}:{port}" for port in ports or [each.port for each in self.all]),
            ca_file=str(self.authority.certificate),
            client_cert_file=cert,
            client_key_file=key,
            timeout_seconds=30.0,
        )

    def settings_of(self, user: str) -> Stream:
        """The stream's settings for a user."""
        replicas: Any = len(self.all)
        return Stream(connection=self.connection(user), **{"replicas": replicas, **self.changes})

    def settings(self) -> dict[str, Any]:
        """The part `stream` of the configuration of the cluster's feed."""
        made: dict[str, Any] = msgspec.to_builtins(self.settings_of(READER))
        return made

    @contextlib.contextmanager
    def client(self, user: str) -> Iterator[Client]:
        """A connection of a user."""
        made = Client(self.connection(user), user)
        try:
            yield made
        finally:
            made.close()

    def make_stream(self) -> None:
        """Make the stream once the servers have agreed on a leader."""
        wanted = self.settings_of(MAKER)
        with self.client(MAKER) as client:
            waiting.until(lambda: _made(client, wanted), "the stream to be made", PATIENCE)

    def information(self) -> stream.Information:
        """What they say of the stream."""
        with self.client(READER) as client:
            return client.run(lambda nats: stream.information(nats, self.settings_of(READER).name))

    def leader(self) -> Server:
        """Who leads the stream."""
        name = self.information().cluster.leader
        return next(each for each in self.all if each.name == name)


def _made(client: Client, wanted: Stream) -> bool:
    with contextlib.suppress(JetStreamError):
        return client.run(lambda nats: stream.apply(nats, wanted)) in ("made", "as it was")
    return False


@contextlib.contextmanager
def servers(
    folder: pathlib.Path,
    count: int = 1,
    nodes: Sequence[str] = (),
    **changes: Any,  # noqa: ANN401 -- of Stream
) -> Iterator[Servers]:
    """Servers and their stream while the block runs."""
    folder.mkdir(exist_ok=True)
    made = Servers(folder, Authority(folder), nodes, changes=changes)
    try:
        _start(made, count)
        made.make_stream()
        yield made
    finally:
        for server in made.all:
            server.kill()


def _start(made: Servers, count: int) -> None:
    """On ports that were free a moment ago; should one be taken, on others."""
    for _ in range(5):
        _configure(made, count)
        try:
            for server in made.all:
                server.start()
        except _PortTakenError as error:
            reason = str(error)
            for server in made.all:
                server.kill()
        else:
            return
    raise AssertionError(f"the servers do not start: {reason}")


def _configure(made: Servers, count: int) -> None:
    routes = [parts.free_port() for _ in range(count)]
    made.all = [
        Server(f"nats-{number}", parts.free_port(), parts.free_port(), made.folder / f"nats-{number}")
        for number in range(count)
    ]
    cert, key = made.authority.issue(LOOPBACK)
    for server, route in zip(made.all, routes, strict=True):
        server.folder.mkdir(exist_ok=True)
        text = CONFIGURATION.format(
            name=server.name,
            loopback=LOOPBACK,
            port=server.port,
            profile=server.profile,
            folder=server.folder,
            cert=cert,
            key=key,
            ca=made.authority.certificate,
        )
        if count > 1:
            others = ", ".join(f'"nats-route://{LOOPBACK}:{each}"' for each in routes)
            text += CLUSTER.format(loopback=LOOPBACK, port=route, routes=others)
        (server.folder / "nats.conf").write_text(text + authorization(made.settings_of(MAKER), made.nodes))


def require() -> None:
    """Raise `MissingError` where the server is not built."""
    build.find("nats-server")
