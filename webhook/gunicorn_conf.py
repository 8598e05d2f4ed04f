"""How gunicorn runs the webhook: its settings, its hooks, and the worker that tells when it is ready.

In: a `Server` of the settings, the certificates, the board of the probes. Out: a dict of gunicorn settings for the
application of `webhook.serve`. gunicorn calls the hooks in the master (`pre_fork`, `child_exit`) and in each worker.
"""

import http
import logging
import ssl
import threading
import time
from typing import Any, Protocol

from gunicorn import glogging, util
from gunicorn.workers import gthread
from msgspec import Struct

from webhook import app, metrics, probes, settings, tls

KEEPALIVE_SECONDS = 120
"""The API server keeps idle connections for 90 s (Go's DefaultTransport): the server must not close one first."""
CONNECTIONS = 1000
SILENT_WORKER_SECONDS = 30
SECONDS_FOR_FIRST_REQUEST = 0.05
"""A client that has one sends it in the same breath as the end of its handshake."""
HTTP_1_1 = (1, 1)
KEEP, CLOSE = True, False
"""What gunicorn is to do with a connection: wait for its next request without a thread, or end it."""


class Attendant(Protocol):
    """What runs beside the requests in each worker, in threads, which no fork survives."""

    def start(self) -> None:
        """The worker is about to be ready."""

    def stop(self) -> None:
        """The worker has answered its last request."""


class Shared(Struct, frozen=True):
    """What master and workers have in common, made before the first fork."""

    certificates: tls.Certificates
    board: probes.Board
    attendants: tuple[Attendant, ...] = ()


class Logger(glogging.Logger):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn's messages go the way of all others, and no line is written for a request that was served."""

    def setup(self, cfg: Any) -> None:  # noqa: ANN401 -- gunicorn has no types
        """Nothing of gunicorn's own: the root logger has the handler and the level."""
        self.cfg = cfg
        self.error_log.propagate = True
        self.error_log.handlers = []
        self.error_log.setLevel(logging.NOTSET)

    def access(self, *_: object) -> None:
        """Denials are logged by the app, with what was decided."""

    def reopen_files(self) -> None:
        """There are none."""


class Worker(gthread.ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """A worker with a slot on the board, which tells the app how long each request has waited for a thread."""

    slot = 0
    wsgi: Any

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 -- gunicorn has no types
        super().__init__(*arguments, **named)
        self._waited = threading.local()

    def handle_exit(self, sig: int, frame: object) -> None:
        """SIGTERM: no longer ready, but what was accepted is still answered."""
        self.shared.board.mark(self.slot, probes.STOPPING)
        super().handle_exit(sig, frame)

    def enqueue_req(self, conn: Any) -> None:  # noqa: ANN401 -- gunicorn has no types
        """Every request comes by here before it waits for a thread."""
        conn.enqueued = time.monotonic()
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:  # noqa: ANN401 -- gunicorn has no types
        """In the thread. What a client's handshake and sending take from here on is no wait."""
        self._waited.seconds = time.monotonic() - conn.enqueued
        if conn.initialized:
            return super().handle(conn)
        if not conn.wait_for_data(gthread.DEFAULT_WORKER_DATA_TIMEOUT):
            return gthread._DEFER  # noqa: SLF001 -- gunicorn's sign for it has no public name
        try:
            return super().handle(conn) if self._speaks(conn) else KEEP
        except OSError as error:
            if isinstance(error, ssl.SSLError) and error.args[0] != ssl.SSL_ERROR_EOF:
                self.handle_error(None, conn.sock, conn.client, error)
            return CLOSE

    def _speaks(self, conn: Any) -> bool:  # noqa: ANN401 -- gunicorn has no types
        """Shake hands; whether a request follows at once.

        Go's client dials for a request that a kept connection then carries, and keeps the new one for a later request
        (net/http, Transport.queueForDial). gunicorn would hold a thread for it, and close it when its patience ends.
        """
        conn.sock.setblocking(True)
        conn.init()
        conn.data_ready = False
        return bool(conn.wait_for_data(SECONDS_FOR_FIRST_REQUEST))

    def load_wsgi(self) -> None:
        """The app, and a way to tell it the wait."""
        super().load_wsgi()
        answer = self.wsgi
        self._reviews = answer if isinstance(answer, app.Application) else None

        def wsgi(environ: dict[str, Any], start_response: Any) -> Any:  # noqa: ANN401 -- gunicorn has no types
            environ[app.WAITED] = self._waited.seconds
            return answer(environ, start_response)

        self.wsgi = wsgi

    def handle_request(self, req: Any, conn: Any) -> Any:  # noqa: ANN401 -- gunicorn has no types
        """In the thread. A review is answered without gunicorn's WSGI environment and response, and in one piece.

        Both cost as much as the decision. gunicorn sends head and body apart, which wakes the API server twice.
        """
        endpoint = self._reviews.meant(req.path) if self._reviews else None
        if self._reviews is None or endpoint is None or req.method != "POST" or req.version != HTTP_1_1:
            return super().handle_request(req, conn)
        headers = dict(req.headers)
        if "EXPECT" in headers:
            return super().handle_request(req, conn)
        request = app.Request(endpoint, req.query, headers.get("CONTENT-TYPE", ""), req.body, self._waited.seconds)
        reply = self._reviews.respond(request)
        keep = self.alive and not req.should_close() and len(self.keepalived_conns) < self.max_keepalived
        try:
            conn.sock.sendall(_message(reply.answer, "keep-alive" if keep else "close"))
        finally:
            self._reviews.count(reply)
        return keep


def _message(answer: app.Answer, connection: str) -> bytes:
    phrase = http.HTTPStatus(answer.status).phrase
    head = (
        f"HTTP/1.1 {answer.status} {phrase}\r\nDate: {util.http_date()}\r\nConnection: {connection}\r\n"
        f"Content-Type: {app.JSON}\r\nContent-Length: {len(answer.body)}\r\n\r\n"
    )
    return head.encode() + answer.body


def options(server: settings.Server, shared: Shared, listener: int) -> dict[str, Any]:
    """Settings of gunicorn; `listener` is the file descriptor of the bound socket."""
    certificates, board = shared.certificates, shared.board
    worker_class = type("PodsealWorker", (Worker,), {"shared": shared})

    def pre_fork(_arbiter: object, worker: Any) -> None:  # noqa: ANN401 -- gunicorn has no types
        worker.slot = board.claim()

    def post_worker_init(worker: Any) -> None:  # noqa: ANN401 -- gunicorn has no types
        counts = metrics.Certificate()
        certificates.on_load, certificates.on_failure = counts.loaded, counts.failed
        counts.loaded(certificates.not_after)
        for attendant in shared.attendants:
            attendant.start()
        board.mark(worker.slot, probes.READY)

    def worker_exit(_arbiter: object, worker: Any) -> None:  # noqa: ANN401 -- gunicorn has no types
        if worker.booted:
            for attendant in shared.attendants:
                attendant.stop()

    def child_exit(_arbiter: object, worker: Any) -> None:  # noqa: ANN401 -- gunicorn has no types
        board.mark(worker.slot, probes.FREE)
        metrics.forget(worker.pid)

    def ssl_context(_config: object, _factory: object) -> ssl.SSLContext:
        return certificates.context()

    return {
        "bind": [f"fd://{listener}"],
        "workers": server.workers,
        "worker_class": worker_class,
        "threads": server.threads,
        "worker_connections": CONNECTIONS,
        "keepalive": KEEPALIVE_SECONDS,
        "graceful_timeout": server.graceful_seconds,
        "timeout": SILENT_WORKER_SECONDS,
        "preload_app": True,
        "worker_tmp_dir": "/dev/shm",  # noqa: S108 -- memory: a heartbeat must not wait for a disk
        "control_socket_disable": True,
        "certfile": server.tls.cert_file,
        "keyfile": server.tls.private_key_file,
        "ssl_context": ssl_context,
        "logger_class": Logger,
        "pre_fork": pre_fork,
        "post_worker_init": post_worker_init,
        "worker_exit": worker_exit,
        "child_exit": child_exit,
        "proc_name": "podseal",
    }
