"""Health and metrics over HTTP and HTTPS."""

import contextlib
import pathlib
import socket
from collections.abc import Iterator

import pytest
import urllib3
from prometheus_client import CollectorRegistry, Counter

from runtime_monitor import listener
from runtime_monitor.listener import Listener
from tests.runtime_monitor import parts
from tests.runtime_monitor.feed.tls import Authority


@contextlib.contextmanager
def served(**options: object) -> Iterator[int]:
    """A listener on a free port of the loopback, with one counter."""
    registry = CollectorRegistry()
    Counter("seen", "Seen.", registry=registry).inc()
    server = listener.serve(Listener("127.0.0.1", parts.free_port(), **options), registry)  # type: ignore[arg-type] # a table's
    try:
        yield server.listener.port
    finally:
        server.shutdown()
        server.server_close()


def got(url: str, **options: object) -> urllib3.BaseHTTPResponse:
    """The answer to a GET."""
    with urllib3.PoolManager(retries=False, timeout=60, **options) as pool:  # type: ignore[arg-type] # urllib3's own
        return pool.request("GET", url)


def test_health_and_metrics() -> None:
    """As Falco's web server answers; nothing else is there."""
    with served() as port:
        health = got(f"http://127.0.0.1:{port}/healthz")
        assert (health.status, health.json()) == (200, {"status": "ok"})
        metrics = got(f"http://127.0.0.1:{port}/metrics?x=y")
        assert metrics.status == 200
        assert b"seen_total 1.0" in metrics.data
        assert got(f"http://127.0.0.1:{port}/").status == 404
        assert "Python" not in health.headers["Server"]


def test_metrics_only_where_they_are_wanted() -> None:
    """And the probe's path is what falco.yaml says."""
    with served(metrics=False, healthz="/live") as port:
        assert got(f"http://127.0.0.1:{port}/live").status == 200
        assert [got(f"http://127.0.0.1:{port}{path}").status for path in ("/metrics", "/healthz")] == [404, 404]


def test_over_tls(tmp_path: pathlib.Path) -> None:
    """A client that says nothing holds up nobody."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue("127.0.0.1")
    both = tmp_path / "both.pem"
    both.write_text(pathlib.Path(certificate).read_text() + pathlib.Path(key).read_text())
    with served(certificate=str(both)) as port, socket.create_connection(("127.0.0.1", port)):
        answer = got(f"https://127.0.0.1:{port}/healthz", ca_certs=str(authority.certificate))
        assert answer.status == 200


def test_what_cannot_be_served_raises_before_it_serves(tmp_path: pathlib.Path) -> None:
    """A port that is taken, a certificate that is none."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        listener.serve(Listener("127.0.0.1", taken.getsockname()[1]), CollectorRegistry())
    with pytest.raises(OSError, match="No such file"):
        listener.serve(Listener("127.0.0.1", 0, certificate=str(tmp_path / "none")), CollectorRegistry())
