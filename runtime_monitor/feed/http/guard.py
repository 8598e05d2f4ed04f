"""Who may read: a bearer token of a file, a ServiceAccount's token, or whoever can reach the loopback.

In: a request, before anything else of the feed sees it. Out: the request goes on, or 401 or 403. Called by `server` as
the outermost ASGI application; it also puts the headers on every answer that keep a browser strict. A client
certificate (mTLS) is asked for by the TLS context, before there is a request.
"""

import asyncio
import collections
import hashlib
import hmac
import ipaddress
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, Final

from runtime_monitor.feed import kubernetes
from runtime_monitor.feed.settings import Listen, TokenReview

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN: Final = frozenset({"/", "/healthz", "/readyz", "/openapi.json"})
"""Nothing that an alert holds: the page itself, without any alert in it, asks for a token."""
STATIC: Final = "/static/"
LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
SECONDS_GRANTED: Final = 60.0
SECONDS_REFUSED: Final = 5.0
REMEMBERED: Final = 1000
CREATED: Final = 201
CONTENT_SECURITY_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none';"
    b" form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS: Final = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


class ConfigurationError(Exception):
    """The page would be open to everybody; the text names the remedy."""


class Guard:
    """Lets those through who may read.

    Raises:
        ConfigurationError: an address off the loopback without any authentication.
    """

    def __init__(self, application: Application, listen: Listen) -> None:
        host, _, _ = listen.address.rpartition(":")
        self._application = application
        self._token_file = Path(listen.token_file) if listen.token_file else None
        self._reviewer = Reviewer(listen.token_review) if listen.token_review else None
        self._needs_token = bool(self._token_file or self._reviewer)
        self._hosts = LOOPBACK_NAMES | {name.lower() for name in listen.hosts} | {host.lower()}
        self._certified = bool(listen.client_ca_file)
        if not (self._needs_token or self._certified or is_loopback(host)):
            raise ConfigurationError(
                f"listen.address {listen.address}: off the loopback the feed is served to nobody unauthenticated; "
                "set token_file, token_review or client_ca_file"
            )
        if not is_loopback(host) and not listen.tls_cert_file:
            raise ConfigurationError(
                f"listen.address {listen.address}: off the loopback tokens and alerts would pass in clear text; "
                "set tls_cert_file and tls_private_key_file"
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        status = await self._status(scope)
        if status:
            await refuse(send, status, b"Bearer" if status == 401 else b"")  # noqa: PLR2004 -- HTTP Unauthorized
            return
        await self._application(scope, receive, with_headers(send))

    async def _status(self, scope: Scope) -> int:
        """0 where the request may go on."""
        headers = dict(scope["headers"])
        path = scope["path"]
        if not self._needs_token:
            # A page of another site can let its own name point here; a browser would then send it our alerts.
            return 0 if self._certified or _host(headers.get(b"host", b"")) in self._hosts else 403
        if path in OPEN or path.startswith(STATIC):
            return 0
        scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return 401
        if await asyncio.to_thread(self._is_known, token.strip()):
            return 0
        if self._reviewer is None:
            return 401
        return await asyncio.to_thread(self._reviewer.status, token.strip(), path)

    def _is_known(self, token: str) -> bool:
        """Compared in a time that tells nothing; the file is read each time, since it is renewed."""
        if self._token_file is None:
            return False
        try:
            known = [line.strip().encode() for line in self._token_file.read_text().splitlines() if line.strip()]
        except (OSError, ValueError):
            return False
        return sum(hmac.compare_digest(each, token.encode()) for each in known) > 0


class Reviewer:
    """Asks the API server about a token: whose it is (TokenReview), and whether they may `get` the path
    (SubjectAccessReview of a non-resource URL). Answers are kept for a minute.
    """  # noqa: D205 -- one sentence

    def __init__(self, settings: TokenReview, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._client = kubernetes.Client(settings.server)
        self._clock = clock
        self._answers: collections.OrderedDict[bytes, tuple[float, int]] = collections.OrderedDict()

    def status(self, token: str, path: str) -> int:
        """0 where it may, 401, 403, or 503 where the API server does not answer."""
        right = "/sessions" if path.startswith("/sessions") else path
        key = hashlib.sha256(f"{right}\n{token}".encode()).digest()
        ends, answer = self._answers.get(key, (0.0, 0))
        if self._clock() < ends:
            return answer
        try:
            answer = self._asked(token, right)
        except kubernetes.ApiServerError:
            return 503
        self._answers[key] = (self._clock() + (SECONDS_REFUSED if answer else SECONDS_GRANTED), answer)
        while len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)
        return answer

    def _asked(self, token: str, path: str) -> int:
        spec: dict[str, Any] = {"token": token}
        if self._settings.audiences:
            spec["audiences"] = list(self._settings.audiences)
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec}
        status, answer = self._client.post("/apis/authentication.k8s.io/v1/tokenreviews", review)
        if status != CREATED:
            raise kubernetes.ApiServerError(f"TokenReview: HTTP {status}")
        found = answer.get("status") or {}
        wanted = set(self._settings.audiences)
        # An API server that knows no audiences answers without them, and then vouches for nothing.
        if not found.get("authenticated") or (wanted and not wanted & set(found.get("audiences") or ())):
            return 401
        user = found.get("user") or {}
        access = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": user.get("username", ""),
                "uid": user.get("uid", ""),
                "groups": user.get("groups") or [],
                "extra": user.get("extra") or {},
                "nonResourceAttributes": {"path": path, "verb": "get"},
            },
        }
        status, answer = self._client.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", access)
        if status != CREATED:
            raise kubernetes.ApiServerError(f"SubjectAccessReview: HTTP {status}")
        return 0 if (answer.get("status") or {}).get("allowed") else 403


def is_loopback(host: str) -> bool:
    """Whether an address reaches this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def with_headers(send: Send) -> Send:
    """Every answer gets the strict headers; what an application says itself wins."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = list(message.get("headers", ()))
            names = {name.lower() for name, _ in own}
            message["headers"] = [*own, *(each for each in HEADERS if each[0] not in names)]
        await send(message)

    return sending


async def refuse(send: Send, status: int, challenge: bytes = b"", retry_after: bytes = b"") -> None:
    """An answer that is only a status."""
    body = b'{"error":"%s"}' % {
        401: b"a bearer token is needed",
        403: b"this may not be read by you",
        503: b"busy, or the API server does not answer; try again",
    }.get(status, b"no")
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(b"www-authenticate", challenge)] if challenge else []
    headers += [(b"retry-after", retry_after)] if retry_after else []
    await with_headers(send)({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _host(header: bytes) -> str:
    """The name of a Host header without its port."""
    text = header.decode("latin-1").lower()
    if text.startswith("["):
        return text.partition("]")[0] + "]"
    return text.partition(":")[0]
