"""Clients that dawdle are let go, and whoever asks properly is served."""

import contextlib
import http.client
import pathlib
import socket
import threading
from collections.abc import Iterator

import pytest
import urllib3

from runtime_monitor.feed.http import app, patience, server
from runtime_monitor.feed.metrics import Metrics
from runtime_monitor.feed.settings import Listen
from runtime_monitor.feed.watch import Watch
from runtime_monitor.spool.writer import Writer
from tests import waiting
from tests.runtime_monitor import generated

PATIENCE = 60.0
HEAD = b"GET /alerts?limit=1 HTTP/1.1\r\nHost: localhost\r\n"
QUESTIONS = 60
"""Answers of about a megabyte each: more than the kernel's buffers hold."""


@pytest.fixture
def running(tmp_path: pathlib.Path) -> Iterator[server.Server]:
    """A server in this process over a thousand alerts."""
    spool = tmp_path / "spool.db"
    writer = Writer(spool)
    writer.append(generated.stream(1000))
    watch = Watch(spool)
    watch.start()
    made = server.Server(Listen(address="127.0.0.1:0"), app.Store(spool, watch, Metrics()))
    thread = threading.Thread(target=made.run)
    thread.start()
    waiting.until(lambda: listens(made.url), "the server to listen", PATIENCE)
    yield made
    made.stop()
    thread.join(PATIENCE)
    watch.stop()
    writer.close()


@pytest.fixture
def served(running: server.Server) -> str:
    """Its URL."""
    return running.url


def connected(url: str) -> socket.socket:
    """A client's connection with little room for answers."""
    host, _, port = url.removeprefix("http://").rstrip("/").partition(":")
    made = socket.create_connection((host, int(port)), PATIENCE)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return made


def listens(url: str) -> bool:
    """Whether a client can connect."""
    try:
        connected(url).close()
    except ConnectionRefusedError:
        return False
    return True


def answered(url: str) -> bytes:
    """The answer to somebody who asks properly."""
    with urllib3.PoolManager(retries=False, timeout=PATIENCE) as pool:
        return pool.request("GET", url).data


def ended(client: socket.socket) -> None:
    """Return once the server has ended the connection, whatever it said before."""
    with contextlib.suppress(ConnectionResetError):
        while client.recv(65536):
            pass


@pytest.mark.parametrize(
    "said",
    [b"", HEAD, HEAD + b"X-More: ", HEAD + b"Content-Length: 10\r\n\r\nhalf"],
    ids=["nothing", "half-a-head", "half-a-line", "half-a-body"],
)
def test_who_does_not_ask_is_let_go(served: str, said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next client is served."""
    monkeypatch.setattr(patience, "SECONDS_TO_ASK", 0.2)
    with connected(served) as client:
        client.sendall(said)
        ended(client)
    monkeypatch.undo()
    assert b'"alerts"' in answered(f"{served}alerts?limit=1")


def test_who_asks_slowly_but_in_time_is_served(served: str) -> None:
    """Byte by byte, and again on the same connection."""
    with connected(served) as client:
        for _ in range(2):
            for byte in HEAD + b"\r\n":
                client.sendall(bytes([byte]))
            answer = http.client.HTTPResponse(client)
            answer.begin()
            assert answer.status == http.HTTPStatus.OK
            assert b'"alerts"' in answer.read()


def test_who_takes_nothing_is_let_go(served: str, running: server.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one of its many answers was read; no thread waits for it any more."""
    monkeypatch.setattr(patience, "SECONDS_TO_TAKE", 0.2)
    with connected(served) as client:
        client.sendall((HEAD.replace(b"=1 ", b"=1000 ") + b"\r\n") * QUESTIONS)
        waiting.until(lambda: running.connections == 1, "the server to see it", PATIENCE)
        waiting.until(lambda: running.connections == 0, "the server to end it", PATIENCE)
