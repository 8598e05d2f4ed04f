"""A webhook that answers as it is told: HTTPS on the loopback, with a certificate that can be changed."""

from __future__ import annotations

import http.server
import json
import pathlib
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from certs import model

Answer = Callable[[dict[str, Any]], tuple[int, bytes]]
"""From the AdmissionReview to status and body."""


def allow(review: dict[str, Any]) -> tuple[int, bytes]:
    """The right answer."""
    response = {"uid": review["request"]["uid"], "allowed": True}
    return 200, json.dumps({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response}).encode()


class Hooks(http.server.ThreadingHTTPServer):
    """The webhook. Each connection gets the next of the certificates in turn, as replicas that lag would give it.

    Args:
        folder: where keys may lie for a moment.
        answer: what it answers.
    """

    daemon_threads = True

    def __init__(self, folder: pathlib.Path, answer: Answer = allow) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.asked: list[dict[str, Any]] = []
        self._folder = folder
        self._contexts: Sequence[ssl.SSLContext] = ()
        self._connections = 0

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"https://127.0.0.1:{self.server_port}/validate"

    def serve(self, *pairs: tuple[bytes, bytes]) -> None:
        """Serve these certificates and keys (PEM) from now on."""
        self._contexts = [self._context(*pair) for pair in pairs]

    def serve_pair(self, pair: model.Pair) -> None:
        """Serve one Pair."""
        self.serve((pair.certificate.pem, pair.key))

    def get_request(self) -> tuple[Any, Any]:
        """Accept a connection; the handshake happens in its thread."""
        connection, address = super().get_request()
        if not self._contexts:
            connection.close()
            raise OSError("there is no certificate to serve yet")
        self._connections += 1
        connection.settimeout(10)
        context = self._contexts[self._connections % len(self._contexts)]
        return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's signature
        """Say nothing of refused handshakes: the tests see them on the other side."""

    def _context(self, certificate: bytes, key: bytes) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        path = self._folder / "hooks.pem"
        path.write_bytes(certificate + key)
        context.load_cert_chain(path)
        path.unlink()
        return context


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Hooks

    def do_POST(self) -> None:
        """Answer, and close: the next question meets the certificate that is served then."""
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(review)
        status, body = self.server.answer(review)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def running(folder: pathlib.Path, answer: Answer = allow) -> Iterator[Hooks]:
    """A webhook that runs; give it a certificate before it is asked."""
    hooks = Hooks(folder, answer)
    thread = threading.Thread(target=hooks.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hooks
    finally:
        hooks.shutdown()
        hooks.server_close()
        thread.join()
