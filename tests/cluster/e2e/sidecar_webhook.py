"""Somebody else's mutating webhook, which adds a container to every pod of a namespace.

In: a bed, a folder and a namespace. Out: the container's name, while the webhook is registered. Its configuration's
name sorts behind `podseal`: the API server calls mutating webhooks in the order of these names.
"""

import base64
import contextlib
import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.cluster import beds, manifests, networks, waiting
from tests.cluster.e2e import objects
from tests.webhook import pki

NAME = "sidecar"
CONFIGURATION = "zz-somebody-elses"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers every review with a patch that adds the container, once."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """One review."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
        response: dict[str, Any] = {"uid": request["uid"], "allowed": True}
        if all(each["name"] != NAME for each in request["object"]["spec"]["containers"]):
            added = manifests.container(image=manifests.NGINX) | {"name": NAME}
            patch = [{"op": "add", "path": "/spec/containers/-", "value": added}]
            response |= {"patchType": "JSONPatch", "patch": base64.b64encode(json.dumps(patch).encode()).decode()}
        body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def registered(bed: beds.Bed, folder: Path, namespace: str) -> Iterator[str]:
    """The webhook in force for the pods of one namespace; its container's name."""
    authority = pki.issue("somebody else's authority")
    files = pki.write(folder / "tls", authority, pki.issue("somebody else", authority))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / "tls.crt", files / "tls.key")
    with http.server.ThreadingHTTPServer((networks.LOOPBACK, 0), Handler) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            bed.apply(_configuration(namespace, server.server_address[1], authority.pem))
            waiting.until(lambda: NAME in _probe(bed, namespace), "the second webhook to be asked")
            yield NAME
        finally:
            bed.admin("delete", "--ignore-not-found", "mutatingwebhookconfiguration", CONFIGURATION)
            server.shutdown()
            thread.join(10)


def _probe(bed: beds.Bed, namespace: str) -> str:
    return objects.create(bed, namespace, objects.sealed("probe"), "--dry-run=server", "-o", "json").stdout


def _configuration(namespace: str, port: int, trust: bytes) -> dict[str, Any]:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    webhook = {
        "name": "sidecar.example.com",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "clientConfig": {
            "url": f"https://{networks.LOOPBACK}:{port}/",
            "caBundle": base64.b64encode(trust).decode(),
        },
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "rules": [rule],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": CONFIGURATION},
        "webhooks": [webhook],
    }
