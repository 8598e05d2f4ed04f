"""Whether a webhook answers: one question, asked as the API server asks it. Called by `register`.

The TLS connection is verified against the caBundle that the API server has for the webhook, and for the name that
the API server would verify: `<service>.<namespace>.svc`, or the host of the URL. A question is an AdmissionReview
about the deletion of a Pod as a dry run, which podseal lets pass on every path.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import ssl
import urllib.parse
import uuid
from collections.abc import Mapping
from typing import Any

from certs import errors
from certs.cluster import webhooks

_TIMEOUT_SECONDS = 5.0
_LONGEST_ANSWER = 64 * 1024
_API_VERSION = "admission.k8s.io/v1"


@dataclasses.dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a webhook is asked."""

    host: str
    port: int
    path: str

    def __str__(self) -> str:
        return f"https://{self.host}:{self.port}{self.path}"


def endpoint(client: Mapping[str, Any]) -> Endpoint:
    """The endpoint that a clientConfig means.

    Raises:
        ValueError: its URL has no host, or a port that is none.
    """
    if client.get("url"):
        parts = urllib.parse.urlsplit(client["url"])
        if not parts.hostname:
            raise ValueError(f"the URL {client['url']!r} has no host")
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        return Endpoint(parts.hostname, parts.port or http.client.HTTPS_PORT, path)
    service = client["service"]
    host = f"{service['name']}.{service['namespace']}.svc"
    return Endpoint(host, service.get("port") or http.client.HTTPS_PORT, service.get("path") or "/")


def ask(webhook: webhooks.Webhook) -> None:
    """Ask, and return when the answer is as it must be.

    Raises:
        errors.CertsError: there is no such answer; the cause says what came instead.
    """
    place = f"webhook {webhook.name}"
    try:
        asked = endpoint(webhook.client)
        place = f"webhook {webhook.name} at {asked}"
        uid = str(uuid.uuid4())
        _check(*_post(asked, _trust(webhook), _question(uid)), uid)
    except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
        cause = " ".join(f"{error}".split()) or type(error).__name__
        raise errors.CertsError(place, cause, "start it with the certificate from the Secret") from error


def _trust(webhook: webhooks.Webhook) -> ssl.SSLContext:
    if not webhook.authorities:  # without any, the context would trust the system's authorities
        raise ValueError("its caBundle holds no certificate")
    return ssl.create_default_context(cadata=webhook.bundle.decode())


def _post(asked: Endpoint, context: ssl.SSLContext, body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPSConnection(asked.host, asked.port, timeout=_TIMEOUT_SECONDS, context=context)
    with contextlib.closing(connection):
        connection.request("POST", asked.path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read(_LONGEST_ANSWER)


def _check(status: int, body: bytes, uid: str) -> None:
    if status != http.HTTPStatus.OK:
        raise ValueError(f"answers with HTTP status {status}")
    review = json.loads(body)
    response = review.get("response") if isinstance(review, dict) else None
    if not isinstance(response, dict) or review.get("kind") != "AdmissionReview" or response.get("uid") != uid:
        raise ValueError("answers with something else than the AdmissionReview of the question")
    if response.get("allowed") is not True:
        raise ValueError("refuses the deletion of a Pod, which podseal never does")


def _question(uid: str) -> bytes:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "podseal-certs-asks", "namespace": "default"}}
    request = {
        "uid": uid,
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "name": pod["metadata"]["name"],  # type: ignore[index]  # a literal two lines above
        "namespace": "default",
        "operation": "DELETE",
        "userInfo": {"username": "podseal-certs"},
        "object": None,
        "oldObject": pod | {"spec": {"containers": []}},
        "dryRun": True,
    }
    return json.dumps({"apiVersion": _API_VERSION, "kind": "AdmissionReview", "request": request}).encode()
