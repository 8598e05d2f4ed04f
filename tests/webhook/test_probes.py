"""The probes: what the board says, and what is answered from it. Processes and sockets are test_serve's."""

import contextlib
import http.client
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from webhook import probes


def test_ready_means_that_every_live_worker_is_ready() -> None:
    """From the first start to the stop, with a worker that dies in between."""
    board = probes.Board(2)
    first, second = board.claim(), board.claim()
    assert board.obstacle() == "workers ready: 0 of 2"
    board.mark(first, probes.READY)
    assert board.obstacle() == "workers ready: 1 of 2"
    board.mark(second, probes.READY)
    assert board.obstacle() == ""
    board.mark(second, probes.FREE)
    assert board.obstacle() == "", "the one that lives is ready"
    third = board.claim()
    assert third == second
    assert board.obstacle() == "workers ready: 1 of 2"
    board.mark(third, probes.READY)
    assert board.count() == {"starting": 0, "ready": 2, "stopping": 0}
    board.mark(first, probes.FREE)
    board.mark(third, probes.STOPPING)
    assert board.obstacle() == "no worker is ready"
    board.stop()
    assert board.obstacle() == "the server is stopping"


def test_a_worker_that_never_came_is_missed() -> None:
    """At the start one of two is not enough: the other may not even have been forked."""
    board = probes.Board(2)
    board.mark(board.claim(), probes.READY)
    assert board.obstacle() == "workers ready: 1 of 2"


def test_the_board_is_shared_with_forked_processes() -> None:
    """What a worker marks, the others see."""
    board = probes.Board(1)
    slot = board.claim()
    pid = os.fork()
    if not pid:
        board.mark(slot, probes.READY)
        os._exit(0)
    os.waitpid(pid, 0)
    assert board.obstacle() == ""


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/healthz", 200, b"ok\n"),
        ("/healthz?verbose", 200, b"ok\n"),
        ("/readyz", 503, b"workers ready: 0 of 1\n"),
        ("/", 404, b"there are /healthz, /readyz and /metrics\n"),
    ],
)
def test_each_path_has_its_answer(tmp_path: Path, path: str, status: int, text: bytes) -> None:
    """Health does not depend on workers: the master restarts those."""
    found = probes.answer(path, probes.Board(1), str(tmp_path))
    assert (found.status, found.body) == (status, text)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A server of probes in a thread of this process."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = probes.Server(listener, probes.Board(1), str(tmp_path), os.getppid())
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield listener.getsockname()[1]
    server.shutdown()
    thread.join()
    server.server_close()


def test_silent_clients_do_not_keep_the_others_out(port: int) -> None:
    """Connections have a limit, and each a time of its own; HEAD has no body."""
    with contextlib.ExitStack() as stack:
        for _ in range(probes.MOST_CONNECTIONS - 1):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        connection = stack.enter_context(contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)))
        for method, body in (("GET", b"ok\n"), ("HEAD", b"")):
            connection.request(method, "/healthz")
            response = connection.getresponse()
            assert (response.status, response.read()) == (200, body)


def test_other_methods_are_refused(port: int) -> None:
    """There is nothing to change here."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("POST", "/healthz", b"")
        assert connection.getresponse().status == 501
