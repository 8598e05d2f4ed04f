"""A real HTTP server on the loopback that records what it is sent and answers as it is told.

Called by the tests of outputs, by drills and benchmarks.
"""

import contextlib
import gzip
import http.server
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Answer = tuple[int, dict[str, str]]
TAKEN: Answer = (200, {})


@dataclass(frozen=True)
class Request:
    """One request as it arrived; the body is unpacked."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 -- whatever was sent
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """`answer` is asked for each request; `release` lets those go on that `hold` keeps waiting."""

    port: int = 0
    scheme: str = "http"
    requests: list[Request] = field(default_factory=list)
    answer: Callable[[Request], Answer] = lambda _: TAKEN
    body: bytes = b""
    hold: bool = False
    release: threading.Event = field(default_factory=threading.Event)
    _ids: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def ids(self) -> list[str]:
        """The ids of the alerts that arrived in Falco's form and were taken, in order."""
        new = self.requests[len(self._ids) :]
        self._ids += [str(each.json["output_fields"]["podseal.alert_id"]) for each in new]
        return list(self._ids)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    receiver: Receiver

    def do_POST(self) -> None:
        """Record and answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        request = Request(self.path, dict(self.headers), body)
        if self.receiver.hold:
            self.receiver.release.wait(60)
        status, headers = self.receiver.answer(request)
        if status < 300:
            self.receiver.requests.append(request)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.receiver.body)))
        self.end_headers()
        self.wfile.write(self.receiver.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the parent's name
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    connections: list[socket.socket]

    def get_request(self) -> tuple[socket.socket, Any]:
        """Remember the connection, which a server that goes away takes with it."""
        connection, address = super().get_request()
        self.connections.append(connection)
        return connection, address

    def end_connections(self) -> None:
        """As the end of a process would."""
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away, or that has no certificate, is what the tests are about."""


@contextlib.contextmanager
def receiver(port: int = 0, context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver while the block runs; the same port again after an end is a server that came back."""
    made = Receiver(scheme="https" if context else "http")
    server = _Server(("127.0.0.1", port), type("Handler", (_Handler,), {"receiver": made}))
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    made.port = server.server_address[1]
    server.connections = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.release.set()
        server.shutdown()
        server.end_connections()
        server.server_close()
        thread.join()
