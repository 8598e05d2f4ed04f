"""A tiny API server in this process: objects by path, versions, patches, and failures.

It stands in where a real API server cannot be made to fail on purpose, and lets these tests run without one.
That it agrees with a real one is shown by tests/cluster/e2e/test_certs.py, which does the same things there.
"""

from __future__ import annotations

import base64
import http.server
import json
import pathlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jsonpatch

from certs import model, pem

SECRET = "/api/v1/namespaces/podseal-system/secrets/podseal-tls"  # noqa: S105 - a path
LEASE = "/apis/coordination.k8s.io/v1/namespaces/podseal-system/leases/podseal-certs"
_WEBHOOKS = "/apis/admissionregistration.k8s.io/v1"
VALIDATING = f"{_WEBHOOKS}/validatingwebhookconfigurations/podseal"
MUTATING = f"{_WEBHOOKS}/mutatingwebhookconfigurations/podseal"


class Double:
    """What the server holds, what it was asked, and how it is to fail."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.objects: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str]] = []
        self.failures: dict[tuple[str, str], tuple[int, bytes]] = {}
        """(method, path) to the status and body that it gets; the method of an apply that creates is CREATE."""
        self._version = 0

    def put(self, path: str, content: dict[str, Any]) -> None:
        """Store an object with a new version."""
        self._version += 1
        metadata = content.get("metadata", {}) | {"resourceVersion": str(self._version)}
        self.objects[path] = content | {"metadata": metadata}

    def put_webhooks(self, path: str, *names: str, url: str = "https://127.0.0.1:1/", rules: str | None = None) -> None:
        """Store a webhook configuration without caBundles and rules; `rules` is its annotation."""
        webhooks = [{"name": name, "clientConfig": {"url": url}} for name in names]
        annotations = {} if rules is None else {"podseal.dev/rules": rules}
        self.put(path, {"metadata": {"annotations": annotations}, "webhooks": webhooks})

    def forbid(self, method: str, path: str) -> None:
        """Refuse as RBAC does."""
        message = f'{path.rpartition("/")[2]} is forbidden: User "dev" cannot do it'
        self.failures[method, path] = (403, json.dumps({"kind": "Status", "message": message}).encode())

    def data(self) -> dict[str, bytes]:
        """The Secret's items."""
        return {name: base64.b64decode(text) for name, text in self.objects[SECRET]["data"].items()}

    def bundles(self, path: str) -> list[tuple[str, ...]]:
        """The fingerprints in each caBundle of a configuration."""
        return [
            tuple(one.fingerprint for one in _certificates(webhook["clientConfig"].get("caBundle", "")))
            for webhook in self.objects[path]["webhooks"]
        ]

    def answer(self, method: str, path: str, content_type: str, body: Any) -> tuple[int, bytes]:  # noqa: ANN401 - JSON
        """One request."""
        self.requests.append((method, path))
        if "apply-patch" in content_type and path not in self.objects:
            method = "CREATE"
        if (method, path) in self.failures:
            return self.failures[method, path]
        if "apply-patch" in content_type:
            if path not in self.objects:
                self.put(path, body)
        elif path not in self.objects:
            return 404, b"{}"
        elif method == "PATCH":
            version = body[0]["value"] if isinstance(body, list) else body["metadata"]["resourceVersion"]
            if version != self.objects[path]["metadata"]["resourceVersion"]:
                return 409, b"{}"
            change = _patched if "json-patch" in content_type else _merged
            self.put(path, change(self.objects[path], body))
        return 200, json.dumps(self.objects[path]).encode()


def authorities(*found: model.Certificate) -> str:
    """A caBundle."""
    return base64.b64encode(pem.join(found)).decode()


def _certificates(bundle: str) -> Sequence[model.Certificate]:
    return pem.certificates(base64.b64decode(bundle)) if bundle else ()


def _merged(old: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """RFC 7386."""
    new = dict(old)
    for key, value in patch.items():
        if value is None:
            new.pop(key, None)
        elif isinstance(value, dict):
            new[key] = _merged(old.get(key) or {}, value)
        else:
            new[key] = value
    return new


def _patched(old: dict[str, Any], operations: list[dict[str, Any]]) -> dict[str, Any]:
    """RFC 6902."""
    patched: dict[str, Any] = jsonpatch.apply_patch(old, operations)
    return patched


@contextmanager
def serving() -> Iterator[Double]:
    """A Double on a free port of the loopback."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.loads(text) if text else None
            path = self.path.partition("?")[0]
            status, content = double.answer(self.command, path, self.headers.get("Content-Type") or "", body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PATCH = _handle  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    double = Double(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def kubeconfig(folder: pathlib.Path, url: str) -> pathlib.Path:
    """A kubeconfig for an API server at this address."""
    path = folder / "kubeconfig"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{"name": "test", "cluster": {"server": url}}],
        "users": [{"name": "test", "user": {"token": "test"}}],
    }
    path.write_text(json.dumps(content))
    return path
