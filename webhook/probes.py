"""GET /healthz, /readyz and /metrics on a listener of their own, without TLS and beside the workers.

In: a bound socket, and the board on which gunicorn's master and workers note how each worker is. Out: answers to
kubelet and Prometheus. Forked by gunicorn's master (`webhook.serve`) into a process of its own, which outlives every
worker, ends with the master, and is replaced by it.
"""

import http.server
import mmap
import os
import signal
import socket
import socketserver
import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol

from msgspec import Struct
from prometheus_client.registry import Collector

from webhook import metrics

SLOTS = 256
MOST_CONNECTIONS = 32
SECONDS_FOR_CLIENT = 5.0
FREE, STARTING, READY, STOPPING = range(4)
STATES = {"starting": STARTING, "ready": READY, "stopping": STOPPING}
TEXT = "text/plain; charset=utf-8"


class Board:
    """One byte of shared memory for each worker, and one for the whole server.

    Made before any fork. A slot is claimed and cleared by the master, and changed by its worker in between. The server
    is starting until `workers` of them have been ready at once; later, one may be missing for as long as the master
    needs to notice and replace it.
    """

    def __init__(self, workers: int) -> None:
        self._bytes = mmap.mmap(-1, SLOTS + 1)
        self._bytes[SLOTS] = STARTING
        self._workers = workers

    def claim(self) -> int:
        """A slot for a worker that is about to be forked."""
        slot = self._bytes[:SLOTS].index(FREE)
        self._bytes[slot] = STARTING
        return slot

    def mark(self, slot: int, state: int) -> None:
        """Note the state of a worker; FREE once it is gone."""
        self._bytes[slot] = state

    def stop(self) -> None:
        """The whole server begins to stop."""
        self._bytes[SLOTS] = STOPPING

    def count(self) -> dict[str, int]:
        """State -> number of workers in it."""
        now = self._bytes[:SLOTS]
        return {name: now.count(state) for name, state in STATES.items()}

    def obstacle(self) -> str:
        """Why no request should come here now, empty where every live worker is ready."""
        workers = self.count()
        if self._bytes[SLOTS] == STOPPING:
            return "the server is stopping"
        if workers["ready"] >= self._workers:
            self._bytes[SLOTS] = READY
        if workers["starting"] or self._bytes[SLOTS] == STARTING:
            return f"workers ready: {workers['ready']} of {max(self._workers, workers['ready'] + workers['starting'])}"
        return "" if workers["ready"] else "no worker is ready"


class Companion(Protocol):
    """What runs in threads of this process, which there is once, however many workers there are."""

    @property
    def figures(self) -> Collector:
        """What it has to tell at /metrics."""

    def start(self) -> None:
        """The process has been forked."""


class Answer(Struct, frozen=True):
    """An HTTP answer."""

    status: HTTPStatus
    content_type: str
    body: bytes


def answer(path: str, board: Board, directory: str, *more: Collector) -> Answer:
    """The answer to a GET; `more` is what this process itself has to tell at /metrics."""
    path = path.partition("?")[0]
    if path == "/healthz":
        # It only says that the server is there at all: a restart mends no worker, which the master restarts itself.
        return Answer(HTTPStatus.OK, TEXT, b"ok\n")
    if path == "/readyz":
        obstacle = board.obstacle()
        status = HTTPStatus.SERVICE_UNAVAILABLE if obstacle else HTTPStatus.OK
        return Answer(status, TEXT, f"{obstacle or 'ok'}\n".encode())
    if path == "/metrics":
        return Answer(HTTPStatus.OK, metrics.CONTENT_TYPE, metrics.render(directory, board.count(), *more))
    return Answer(HTTPStatus.NOT_FOUND, TEXT, b"there are /healthz, /readyz and /metrics\n")


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection of the probes' listener."""

    timeout = SECONDS_FOR_CLIENT
    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        """Answer, or say that something is wrong without saying what: the log has it."""
        found = answer(self.path, self.server.board, self.server.directory, *self.server.more)
        self.send_response(found.status)
        self.send_header("Content-Type", found.content_type)
        self.send_header("Content-Length", str(len(found.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(found.body)

    do_HEAD = do_GET  # noqa: N815 -- the base class calls methods by the verb

    def log_message(self, *_: object) -> None:
        """Nothing: probes come every few seconds."""

    def version_string(self) -> str:
        """No need to tell which Python this is."""
        return "podseal"


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Serves on a socket that is bound already; refuses connections beyond a small number."""

    daemon_threads = True
    more: tuple[Collector, ...] = ()

    def __init__(self, listener: socket.socket, board: Board, directory: str, master: int) -> None:
        super().__init__(("", 0), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.board = board
        self.directory = directory
        self._master = master
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """A thread for a connection, as long as there are few."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        """One connection, in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no event."""
        del request, client_address

    def service_actions(self) -> None:
        """Twice a second: end with the master."""
        if os.getppid() != self._master:
            os._exit(0)


class Process:
    """The forked process, as the master sees it."""

    def __init__(
        self, listener: socket.socket, board: Board, directory: str, companion: Companion | None = None
    ) -> None:
        self._listener = listener
        self.board = board
        self._directory = directory
        self._companion = companion
        self.pid = 0

    def ensure(self, in_child: Callable[[], None]) -> None:
        """Fork it if it is not there. `in_child` closes what belongs to the master alone."""
        if self.pid and not self._has_ended():
            return
        master = os.getpid()
        pid = os.fork()
        if pid:
            self.pid = pid
            return
        try:
            for number in (
                signal.SIGTERM,
                signal.SIGINT,
                signal.SIGQUIT,
                signal.SIGHUP,
                signal.SIGUSR1,
                signal.SIGUSR2,
            ):
                # A terminal sends some of them to every process of the group: the master decides when this one ends.
                signal.signal(number, signal.SIG_IGN)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            in_child()
            self._serve(master)
        finally:
            os._exit(1)

    def _serve(self, master: int) -> None:
        server = Server(self._listener, self.board, self._directory, master)
        if self._companion:
            server.more = (self._companion.figures,)
            self._companion.start()
        server.serve_forever()

    def stop(self) -> None:
        """End it."""
        if self.pid and not self._has_ended():
            os.kill(self.pid, signal.SIGKILL)
            self._has_ended()
        self.pid = 0

    def _has_ended(self) -> bool:
        try:
            return os.waitpid(self.pid, os.WNOHANG)[0] != 0
        except ChildProcessError:
            # gunicorn's master reaps every child that it has.
            return True
