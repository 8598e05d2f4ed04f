"""A listener of the sensor: its health and its metrics over HTTP, for Prometheus and for the kubelet's probes.

In: where to listen, what to serve, a registry. Out: answers to GET; a thread for each request. Called by `node`.
No alert is served here: those are the feed's.
"""

import http.server
import socket
import ssl
import threading

from msgspec import Struct
from prometheus_client import CollectorRegistry, exposition

SECONDS = 10.0
METRICS = "/metrics"
HEALTHY = b'{"status": "ok"}'
"""What Falco's own web server answers."""


class Listener(Struct, frozen=True):
    """Where, and what. `healthz` is the path of the probe, `certificate` a PEM file with the key in it, or empty."""

    address: str
    port: int
    metrics: bool = True
    healthz: str = "/healthz"
    certificate: str = ""


def serve(listener: Listener, registry: CollectorRegistry) -> "Server":
    """Begin to serve, in a thread of its own.

    Raises:
        OSError: the address is taken, or the certificate cannot be read (`ssl.SSLError` is one).
    """
    server = Server(listener, registry)
    threading.Thread(target=server.serve_forever, name=f"http {listener.port}", daemon=True).start()
    return server


class Server(http.server.ThreadingHTTPServer):
    """Serves one listener until the process ends."""

    daemon_threads = True

    def __init__(self, listener: Listener, registry: CollectorRegistry) -> None:
        self.address_family = socket.AF_INET6 if ":" in listener.address else socket.AF_INET
        self.listener = listener
        self.registry = registry
        self._context = _context(listener.certificate)
        super().__init__((listener.address, listener.port), Answer)

    def finish_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Answer one client, in its thread: a handshake that never ends holds up nobody else."""
        assert isinstance(request, socket.socket)  # noqa: S101 -- it is a stream
        request.settimeout(SECONDS)
        if self._context is None:
            super().finish_request(request, client_address)
            return
        with self._context.wrap_socket(request, server_side=True) as encrypted:
            super().finish_request(encrypted, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away, or that speaks no TLS, is nothing to tell of."""


class Answer(http.server.BaseHTTPRequestHandler):
    """One request."""

    server: Server
    server_version = "podseal"
    sys_version = ""

    def do_GET(self) -> None:
        """Health, metrics, or nothing."""
        path, listener = self.path.partition("?")[0], self.server.listener
        if path == listener.healthz:
            self._send(200, "application/json", HEALTHY)
        elif path == METRICS and listener.metrics:
            encode, kind = exposition.choose_encoder(self.headers.get("Accept", ""))
            self._send(200, kind, encode(self.server.registry))
        else:
            self._send(404, "text/plain", b"not found\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- http.server's name
        """Requests are not logged."""

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _context(certificate: str) -> ssl.SSLContext | None:
    if not certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate)
    return context
