"""An API server that holds what a test gives it, in pages as small as the test wants, and forgets on demand.

In: collections by path. Out: an address, and what was written. Used where a real one cannot be made to do it: to
expire a list half-way, to refuse. Against a real API server the same code runs in tests/cluster/e2e/test_scan.py.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]


class Cluster:
    """What the server holds, how it behaves, and what was asked of it."""

    def __init__(self) -> None:
        self.collections: dict[str, list[Json]] = {"/api/v1/namespaces": [], "/api/v1/pods": []}
        self.documents: dict[str, Any] = {}
        self.page = 500
        self.expired: set[str] = set()
        self.refused: dict[str, tuple[int, str]] = {}
        self.unwritable: dict[str, int] = {}
        self.requests: list[str] = []
        self.writes: list[tuple[str, str, Any]] = []

    def add_namespace(self, name: str, **metadata: object) -> None:
        """A namespace; metadata are its labels and annotations."""
        self.collections["/api/v1/namespaces"].append({"metadata": {"name": name, **metadata}})
        self.collections[f"/api/v1/namespaces/{name}/pods"] = []

    def add_pod(self, pod: Json) -> None:
        """A pod, in all namespaces and in its own."""
        self.collections["/api/v1/pods"].append(pod)
        path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods"
        self.collections.setdefault(path, []).append(pod)

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        """Status and body of a GET."""
        if path in self.refused:
            status, message = self.refused[path]
            return status, {"kind": "Status", "message": message, "code": status}
        if path in self.documents:
            return 200, self.documents[path]
        if path in self.collections:
            return self._list(self.collections[path], query)
        collection, _, name = path.rpartition("/")
        for each in self.collections.get(collection, ()):
            if each["metadata"]["name"] == name:
                return 200, each
        return 404, {"kind": "Status", "message": f"{path} not found", "code": 404}

    def _list(self, items: list[Json], query: dict[str, str]) -> tuple[int, Any]:
        token = query.get("continue", "0")
        if token in self.expired:
            again = {"continue": f"{token}-now"}
            return 410, {"kind": "Status", "message": "too old", "code": 410, "metadata": again}
        start = int(token.removesuffix("-now"))
        end = start + min(self.page, int(query.get("limit", 500)))
        left = max(len(items) - end, 0)
        metadata: Json = {"resourceVersion": "1"}
        if left:
            metadata["continue"] = str(end)
            if "labelSelector" not in query:
                metadata["remainingItemCount"] = left
        return 200, {"metadata": metadata, "items": items[start:end]}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class names it so
        """Say nothing."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.server.cluster.requests.append(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        self._reply(*self.server.cluster.answer(url.path, query))

    def do_PATCH(self) -> None:
        self._write()

    def do_DELETE(self) -> None:
        self._write()

    def _write(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.cluster.writes.append((self.command, self.path, json.loads(text) if text else None))
        refused = self.server.cluster.unwritable.get(urlsplit(self.path).path)
        self._reply(refused or 200, {"kind": "Status", "message": "no", "code": refused} if refused else {})

    def _reply(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.cluster = cluster


@contextmanager
def serve(cluster: Cluster) -> Iterator[str]:
    """Serve it on a free loopback port; yields its address."""
    server = _Server(cluster)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
