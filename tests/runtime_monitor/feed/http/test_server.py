"""The feed's server as clients meet it: a real process, real sockets."""

import contextlib
import json
import pathlib
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from runtime_monitor.feed.http import guard, server
from runtime_monitor.feed.settings import Listen
from runtime_monitor.spool.writer import Writer
from tests import waiting
from tests.runtime_monitor import generated
from tests.runtime_monitor.feed import feeds
from tests.runtime_monitor.feed.tls import Authority


@pytest.fixture
def writer(tmp_path: pathlib.Path) -> Iterator[Writer]:
    """The sensor's end, with 50 alerts written."""
    made = Writer(tmp_path / "spool.db")
    made.append(generated.stream(50))
    yield made
    made.close()


class Client:
    """Reads a stream line by line, in a thread."""

    def __init__(self, url: str, **headers: str) -> None:
        self.lines: list[str] = []
        self.status = 0
        self._pool = urllib3.PoolManager(retries=False)
        self._answer = self._pool.request("GET", url, headers=headers, preload_content=False, timeout=20)
        self.status = self._answer.status
        self.headers = self._answer.headers
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        pending = b""
        with contextlib.suppress(urllib3.exceptions.HTTPError, OSError, ValueError, AttributeError):
            for chunk in self._answer.stream(4096):
                *lines, pending = (pending + chunk).split(b"\n")
                self.lines += [line.decode() for line in lines]

    def ids(self) -> list[str]:
        """The ids of the alerts received."""
        alerts = [json.loads(line[6:]) for line in list(self.lines) if line.startswith("data: ")]
        return [alert["output_fields"]["podseal.alert_id"] for alert in alerts]

    def events(self) -> int:
        """How many alerts were received."""
        return sum(line.startswith("data: ") for line in list(self.lines))

    def last(self) -> str:
        """The id of the last event."""
        return [line[4:] for line in self.lines if line.startswith("id: ")][-1]

    def close(self) -> None:
        """Go away."""
        connection: Any = self._answer.connection
        with contextlib.suppress(OSError, AttributeError):
            connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(20)
        self._answer.close()


def test_a_stream_goes_on_where_it_was(tmp_path: pathlib.Path, writer: Writer) -> None:
    """From now on without an id; behind its last event with one, also after the feed was killed."""
    port = 0
    with feeds.feed(tmp_path) as feed:
        port = int(feed.url.rpartition(":")[2])
        client = Client(f"{feed.url}/alerts/stream")
        assert client.headers["Content-Type"] == "text/event-stream"
        assert client.headers["Cache-Control"] == "no-store"
        waiting.until(lambda: "retry: 2000" in client.lines, "the stream to begin")
        writer.append(generated.stream(10, start=50))
        waiting.until(lambda: len(client.ids()) == 10, "ten alerts")
        last = client.last()
        feed.kill()
        client.close()
    writer.append(generated.stream(10, start=60))
    with feeds.feed(tmp_path, port=port) as feed:
        again = Client(f"{feed.url}/alerts/stream", **{"Last-Event-ID": last})
        waiting.until(lambda: len(again.ids()) == 10, "those that came meanwhile")
        writer.append(generated.stream(5, start=70))
        waiting.until(lambda: len(again.ids()) == 15, "those that follow")
        again.close()
    assert client.ids() + again.ids() == [alert.id for alert in generated.stream(25, start=50)]


def test_a_stream_is_filtered(tmp_path: pathlib.Path, writer: Writer) -> None:
    """As the list is; hostile contents are one event each."""
    with feeds.feed(tmp_path) as feed:
        client = Client(f"{feed.url}/alerts/stream?priority=critical")
        waiting.until(lambda: "retry: 2000" in client.lines, "the stream to begin")
        writer.append([*generated.stream(20, start=50), *generated.hostile()])
        expected = [each.id for each in generated.stream(20, start=50) if each.priority <= 2]
        expected += [each.id for each in generated.hostile()]
        waiting.until(lambda: len(client.ids()) >= len(expected), "the alerts that fit")
        assert client.ids() == expected
        assert {line.partition(":")[0] for line in client.lines if line} == {"retry", "id", "event", "data"}
        assert feed.get("/alerts/stream?priority=grave").status == 400
        client.close()


def test_too_many_streams_are_told_to_come_back(tmp_path: pathlib.Path, writer: Writer) -> None:
    """And the page still answers; a client that goes away makes room."""
    del writer
    with feeds.feed(tmp_path, listen={"max_streams": 3}) as feed:
        clients = [Client(f"{feed.url}/alerts/stream") for _ in range(3)]
        waiting.until(lambda: feed.metric("stream_clients") == 3, "three clients")
        refused = feed.get("/alerts/stream")
        assert (refused.status, refused.headers["Retry-After"]) == (503, "30")
        assert feed.get("/alerts").status == 200
        clients[0].close()
        waiting.until(lambda: feed.metric("stream_clients") == 2, "one to be gone")
        fourth = Client(f"{feed.url}/alerts/stream")
        assert fourth.status == 200
        for client in (*clients[1:], fourth):
            client.close()


def test_two_hundred_streams_need_no_two_hundred_threads(tmp_path: pathlib.Path, writer: Writer) -> None:
    """Each gets every alert, and questions are still answered."""
    with feeds.feed(tmp_path) as feed, contextlib.ExitStack() as stack:
        host, _, port = feed.url.removeprefix("http://").partition(":")
        sockets = [stack.enter_context(socket.create_connection((host, int(port)), 20)) for _ in range(200)]
        for each in sockets:
            each.sendall(b"GET /alerts/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        waiting.until(lambda: feed.metric("stream_clients") == 200, "200 clients")
        threads = len(list(pathlib.Path(f"/proc/{feed.process.pid}/task").iterdir()))
        assert threads < 30
        alerts = list(generated.stream(20, start=50))
        writer.append(alerts)
        for each in sockets:
            received = b""
            while received.count(b"event: alert") < len(alerts):
                chunk = each.recv(65536)
                assert chunk
                received += chunk


@pytest.mark.slow
def test_a_client_that_reads_nothing_is_dropped_and_delays_no_other(tmp_path: pathlib.Path, writer: Writer) -> None:
    """Its buffers fill, then its connection ends."""
    with feeds.feed(tmp_path) as feed:
        host, _, port = feed.url.removeprefix("http://").partition(":")
        with socket.socket() as stuck:
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stuck.connect((host, int(port)))
            stuck.sendall(b"GET /alerts/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            client = Client(f"{feed.url}/alerts/stream")
            waiting.until(lambda: feed.metric("stream_clients") == 2, "both clients")
            for sent in range(0, 12_000, 400):
                writer.append(generated.stream(400, start=1000 + sent))
            waiting.until(lambda: client.events() == 12_000, "the other client to have everything", 60)
            waiting.until(lambda: feed.metric("stream_clients") == 1, "the stuck client to be dropped", 60)
            client.close()


def test_a_token_is_asked_for(tmp_path: pathlib.Path, writer: Writer) -> None:
    """By everything that shows an alert; the page itself shows none. A new token in the file counts at once."""
    del writer
    tokens = tmp_path / "tokens"
    tokens.write_text("first\nsecond\n")
    with feeds.feed(tmp_path, listen={"token_file": str(tokens)}) as feed:
        for path in ("/alerts", "/alerts/stream", "/alerts/minutes", "/sessions", "/sessions/x", "/status", "/metrics"):
            assert feed.get(path).status == 401, path
            assert feed.get(path, Authorization="Bearer wrong").status == 401
            assert feed.get(path, Authorization="Basic Zmlyc3Q=").status == 401
        assert feed.get("/alerts", Authorization="Bearer second").status == 200
        for path in ("/", "/static/main.js", "/healthz", "/openapi.json"):
            assert feed.get(path).status == 200
        tokens.write_text("third\n")
        assert feed.get("/alerts", Authorization="Bearer second").status == 401
        assert feed.get("/alerts", Authorization="Bearer third").status == 200
        # With a token no name can be borrowed, so any name will do.
        assert feed.get("/alerts", Authorization="Bearer third", Host="feed.example").status == 200


def test_without_a_token_only_the_loopbacks_names_are_served(tmp_path: pathlib.Path, writer: Writer) -> None:
    """A site whose name points to the loopback gets nothing (DNS rebinding)."""
    del writer
    with feeds.feed(tmp_path, listen={"hosts": ["feed.local"]}) as feed:
        for host in ("localhost", "127.0.0.1:9480", "[::1]:1", "feed.local"):
            assert feed.get("/alerts", Host=host).status == 200, host
        for host in ("evil.example", "127.0.0.1.evil.example", ""):
            assert feed.get("/alerts", Host=host).status == 403, host


def test_a_client_certificate_is_asked_for(tmp_path: pathlib.Path, writer: Writer) -> None:
    """mTLS: without one there is no word."""
    del writer
    authority = Authority(tmp_path)
    files, client = authority.issue("127.0.0.1"), authority.issue("client")
    listen = {
        "tls_cert_file": files[0],
        "tls_private_key_file": files[1],
        "client_ca_file": str(authority.certificate),
    }
    with feeds.feed(tmp_path, listen=listen) as feed:
        url = feed.url.replace("http://", "https://")
        context = ssl.create_default_context(cafile=str(authority.certificate))
        context.load_cert_chain(*client)
        good = urllib3.PoolManager(retries=False, ssl_context=context, timeout=30)

        def answers() -> bool:
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                return good.request("GET", f"{url}/alerts").status == 200
            return False

        waiting.until(answers, "the feed to answer")
        bare = urllib3.PoolManager(retries=False, ca_certs=str(authority.certificate), timeout=30)
        with pytest.raises(urllib3.exceptions.HTTPError):
            bare.request("GET", f"{url}/alerts")
        good.clear()
        bare.clear()


@pytest.mark.parametrize(
    ("listen", "told"),
    [
        (Listen(address="0.0.0.0:0"), "served to nobody unauthenticated; set token_file"),
        (Listen(address="0.0.0.0:0", token_file="t"), "in clear text; set tls_cert_file"),  # noqa: S106 -- refused
        (Listen(address="[::]:0"), "served to nobody unauthenticated"),
        (Listen(address="node.example:0", token_file="t"), "in clear text"),  # noqa: S106 -- a file's name
    ],
)
def test_off_the_loopback_it_is_never_open(listen: Listen, told: str) -> None:
    """Neither unauthenticated nor in clear text."""

    async def nothing(_scope: guard.Scope, _receive: guard.Receive, _send: guard.Send) -> None:
        raise AssertionError

    with pytest.raises(guard.ConfigurationError, match=told):
        guard.Guard(nothing, listen)


def test_an_address_that_is_taken_is_told() -> None:
    """With the setting's name."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"listen\.address 127\.0\.0\.1:{port}: "):
            server._bound(f"127.0.0.1:{port}")
    with pytest.raises(OSError, match=r"listen\.address nonsense: "):
        server._bound("nonsense")


def test_it_ends_in_good_order_with_streams_open(tmp_path: pathlib.Path, writer: Writer) -> None:
    """A rollout waits for nobody."""
    del writer
    with feeds.feed(tmp_path) as feed:
        client = Client(f"{feed.url}/alerts/stream")
        waiting.until(lambda: "retry: 2000" in client.lines, "the stream to begin")
        feed.end()
        assert feed.process.returncode == 0
        assert "ERROR" not in feed.log.read_text()
        client.close()
