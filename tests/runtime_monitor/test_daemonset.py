"""Whether a sensor's pod ends for good, and what becomes of its pins then."""

import http.server
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from runtime_monitor import daemonset
from runtime_monitor.kernel import pins
from webhook import apiserver

WHICH = daemonset.Name("podseal-system", "podseal-monitor")
PATH = "/apis/apps/v1/namespaces/podseal-system/daemonsets/podseal-monitor"


@contextmanager
def serving(status: int, body: str) -> Iterator[tuple[str, list[str]]]:
    """An API server with one answer: its address, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def client(address: str, folder: Path) -> apiserver.Client:
    """A client of the address."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": address}}],
        "users": [{"name": "u", "user": {}}],
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(config))
    return apiserver.connect(str(folder / "kubeconfig"))


@pytest.fixture
def pinned(tmp_path: Path) -> Path:
    """A folder with one program, as a sensor leaves it."""
    program = tmp_path / "podseal" / "open-1" / "programs" / "follow_open"
    program.parent.mkdir(parents=True)
    program.touch()
    return tmp_path / "podseal"


CASES = {
    "it stays": (200, '{"metadata": {"name": "podseal-monitor"}}', False),
    "it is about to go": (200, '{"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}', True),
    "it is gone": (404, "{}", True),
    "the account is gone": (401, "{}", True),
    "the right is gone": (403, "{}", True),
    "the API server is out of order": (500, "{}", False),
    "the answer is no DaemonSet": (200, "[]", False),
}


@pytest.mark.parametrize(("status", "body", "removed"), CASES.values(), ids=CASES.keys())
def test_pins_go_where_the_daemonset_does(tmp_path: Path, pinned: Path, status: int, body: str, removed: bool) -> None:  # noqa: FBT001 -- a table
    """And stay where it does, or where nobody knows."""
    with serving(status, body) as (address, asked):
        daemonset.leave(WHICH, pinned, lambda: client(address, tmp_path))
    assert asked == [PATH]
    assert pinned.exists() is not removed


def test_without_an_api_server_the_programs_stay(
    tmp_path: Path, pinned: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said, with the remedy."""
    daemonset.leave(WHICH, pinned, lambda: client("http://127.0.0.1:9", tmp_path))
    assert pinned.exists()
    assert "podseal-monitor unload" in caplog.text


def test_pins_of_another_monitor_stay(tmp_path: Path, pinned: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It holds the lock."""
    other = pins.Store(pinned)
    other.lock()
    with serving(404, "{}") as (address, _), caplog.at_level(logging.INFO):
        daemonset.leave(WHICH, pinned, lambda: client(address, tmp_path))
    other.close()
    assert pinned.exists()
    assert "another monitor watches this node" in caplog.text
