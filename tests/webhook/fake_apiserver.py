"""A scripted API server for what the real one cannot be made to do on demand: forget, fall silent, cut connections.

In: namespaces, and the lines of each watch. Out: an address. Used by test_apiserver.py and test_namespaces.py; against
a real API server the same code runs in tests/cluster.
"""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

END = object()
"""Put into `watch_lines`: the server ends the watch, as it does after timeoutSeconds."""
CUT = object()
"""Put into `watch_lines`: the connection breaks in the middle of a chunk."""


class Script:
    """What the server holds and what was asked of it."""

    def __init__(self) -> None:
        self.namespaces: dict[str, dict[str, str]] = {}
        self.version = 1
        self.page = 500
        self.watch_lines: queue.Queue[Any] = queue.Queue()
        self.requests: list[str] = []
        self.status = 200
        self.may_break_glass: set[str] = set()
        self.sent: list[tuple[str, str, dict[str, Any]]] = []
        self.release = threading.Event()
        self.release.set()

    def metadata(self, name: str) -> dict[str, Any]:
        """A namespace as PartialObjectMetadata."""
        labels = self.namespaces[name]
        return {"metadata": {"name": name, "uid": name, "resourceVersion": str(self.version), "labels": labels}}

    def event(self, kind: str, name: str, labels: dict[str, str] | None = None) -> dict[str, Any]:
        """A watch event about a namespace."""
        self.version += 1
        metadata = {"name": name, "resourceVersion": str(self.version), "labels": labels or {}}
        return {"type": kind, "object": {"metadata": metadata}}


class Handler(BaseHTTPRequestHandler):
    """Answers from the server's script."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class names it so
        """Say nothing."""

    def do_GET(self) -> None:
        """List, watch or get."""
        script = self.server.script
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        script.requests.append(self.path)
        if script.status != 200:
            self.answer(script.status, {"kind": "Status", "message": "no", "code": script.status})
        elif query.get("watch"):
            with suppress(OSError):
                self.watch(script)
        elif url.path in ("/api/v1/namespaces", "/api/v1/pods"):
            self.list(script, int(query.get("continue", 0)))
        else:
            self.get(script, url.path.rpartition("/")[2])

    def do_POST(self) -> None:
        """An access review, or an object to store."""
        script = self.server.script
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        script.sent.append((self.command, self.path, body))
        if script.status != 200:
            self.answer(script.status, {"kind": "Status", "message": "no", "code": script.status})
        elif self.path.endswith("subjectaccessreviews"):
            self.answer(201, body | {"status": {"allowed": body["spec"]["user"] in script.may_break_glass}})
        else:
            self.answer(201, body)

    do_PATCH = do_POST  # noqa: N815 -- the base class names it so

    def get(self, script: Script, name: str) -> None:
        """One namespace, once the test lets it go."""
        script.release.wait(10)
        if name in script.namespaces:
            self.answer(200, script.metadata(name))
        else:
            self.answer(404, {"kind": "Status", "message": f"{name} not found", "code": 404})

    def list(self, script: Script, start: int) -> None:
        """One page."""
        names = sorted(script.namespaces)
        end = start + script.page
        metadata = {"resourceVersion": str(script.version), "continue": str(end) if end < len(names) else ""}
        self.answer(200, {"metadata": metadata, "items": [script.metadata(name) for name in names[start:end]]})

    def watch(self, script: Script) -> None:
        """The lines of the script, as chunks."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while (line := script.watch_lines.get()) is not END:
            if line is CUT:
                self.wfile.write(b"40\r\nhalf a chu")
                self.close_connection = True
                return
            body = json.dumps(line).encode() + b"\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def answer(self, status: int, value: object) -> None:
        """A whole answer; whoever asked may have gone."""
        body = json.dumps(value).encode()
        with suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """A server with a script."""

    daemon_threads = True

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = script


@contextmanager
def serve(script: Script) -> Iterator[str]:
    """Serve a script on a free loopback port; yields its address."""
    server = Server(script)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        script.watch_lines.put(END)
        script.release.set()
        server.shutdown()
        thread.join()
        server.server_close()
