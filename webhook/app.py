"""POST /validate and POST /mutate: body -> review -> decide -> reply. Counts and logs what came of it.

In: HTTP requests of the API server, and the policies, read once. Out: AdmissionReviews. Made by `webhook.serve`.
/mutate repairs and never refuses; /validate sees the result and has the last word. A decision that raises is a bug of
podseal: /validate then refuses, /mutate leaves the pod alone.
"""

import itertools
import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import flask
import werkzeug.exceptions
from msgspec import Struct

from webhook import metrics, review, settings
from webhook.policy import decide, exceptions, guard, model

MOST_CACHED_POLICIES = 4096
MOST_LOGGED_FINDINGS = 20
PIECE, MOST_PIECES = 65536, 512
"""How much of a body that is too large is read and thrown away: 32 MiB."""
JSON = "application/json"
VALIDATE, MUTATE = "validate", "mutate"
NO_KEYS = guard.NamespaceKeys()

Clock = Callable[[], datetime]
Lookup = Callable[[str], guard.NamespaceKeys]
log = logging.getLogger("podseal.webhook")


def no_cluster(_namespace: str) -> guard.NamespaceKeys:
    """The labels of a namespace where no cluster is configured: none, so that the defaults hold."""
    return NO_KEYS


class Answer(Struct, frozen=True):
    """What goes back, and the word under which it is counted."""

    status: int
    body: bytes
    outcome: str


class Webhook:
    """Decides about the bodies that come in. Threads share it; what it keeps is only a cache."""

    def __init__(
        self, policies: settings.Policies, counts: metrics.Requests, clock: Clock, labels_of: Lookup = no_cluster
    ) -> None:
        self._policies = policies
        self._counts = counts
        self._clock = clock
        self._labels_of = labels_of
        self._cached: dict[str, tuple[guard.NamespaceKeys, datetime, model.Policy]] = {}

    def answer(self, endpoint: str, content_type: str, body: bytes) -> Answer:
        """The answer to one request, counted and logged."""
        started = time.perf_counter()
        found = self._answer(endpoint, content_type, body, started)
        self._counts.answered(endpoint, found.outcome, time.perf_counter() - started)
        return found

    def _answer(self, endpoint: str, content_type: str, body: bytes, started: float) -> Answer:
        if content_type != JSON and content_type.partition(";")[0].strip().lower() != JSON:
            return refused(review.Refusal(415, f"expected Content-Type {JSON}, got {content_type[:100]!r}"))
        parsed = review.parse(body)
        if isinstance(parsed, review.Refusal):
            return self._not_understood(endpoint, parsed)
        try:
            return self._decided(endpoint, parsed, started)
        except Exception:
            # Whatever it is, the API server has to hear something definite, and the worker has to live on.
            self._counts.failed(endpoint)
            log.exception("decision failed", extra={"fields": _identity(parsed)})
            text = f"podseal failed to decide, a bug; its log has the reason under review {parsed.uid}"
            if endpoint == MUTATE:
                return Answer(200, review.passed(parsed.uid, text), "error")
            return Answer(200, review.denied(parsed.uid, 500, text), "error")

    def _not_understood(self, endpoint: str, refusal: review.Refusal) -> Answer:
        if not refusal.uid:
            return refused(refusal)
        log.info("not understood", extra={"fields": {"uid": refusal.uid, "reason": refusal.message}})
        if endpoint == MUTATE:
            return Answer(200, review.passed(refusal.uid, f"podseal: {refusal.message}"), "invalid")
        return Answer(200, review.denied(refusal.uid, refusal.status, refusal.message), "invalid")

    def _decided(self, endpoint: str, parsed: review.Review, started: float) -> Answer:
        subject = parsed.subject
        exempt = self._policies.exempt.reason(subject)
        if exempt:
            verdict = model.Verdict(subject, skipped=exempt)
        else:
            now = self._clock()
            verdict = decide.decide(subject, self._policy(subject.namespace, now), self._policies.catalogue, now)
        if endpoint == MUTATE:
            patched = bool(verdict.mutation.edits) and subject.kind == "Pod"
            if patched:
                self._counts.patched(subject.kind)
            return Answer(200, review.mutated(parsed, verdict), "patched" if patched else "allowed")
        self._counts.decided(verdict)
        if verdict.denied:
            body = review.validated(parsed, verdict)
            log.info("denied", extra={"fields": _denial(parsed, verdict, started)})
            return Answer(200, body, "denied")
        outcome = "exempt" if exempt else "skipped" if verdict.skipped else "allowed"
        return Answer(200, review.validated(parsed, verdict), outcome)

    def _policy(self, namespace: str, now: datetime) -> model.Policy:
        """The policy of a namespace, kept while its labels are the same and the minute lasts.

        Dates in labels are days, and `decide` looks at the exact time of each waiver again.
        """
        keys = self._labels_of(namespace)
        cached = self._cached.get(namespace)
        minute = now.replace(second=0, microsecond=0)
        if cached is not None and cached[0] is keys and cached[1] == minute:
            return cached[2]
        policy = exceptions.policy_for(namespace, keys.labels, self._policies.defaults, now, keys.annotations)
        if len(self._cached) >= MOST_CACHED_POLICIES:
            self._cached.clear()
        self._cached[namespace] = (keys, minute, policy)
        return policy


def create(webhook: Webhook) -> flask.Flask:
    """The WSGI application."""
    app = flask.Flask("podseal", static_folder=None)

    def respond(endpoint: str) -> flask.Response:
        environ = flask.request.environ
        body = _body(environ)
        if isinstance(body, review.Refusal):
            found = refused(body)
        else:
            found = webhook.answer(endpoint, environ.get("CONTENT_TYPE", ""), body)
        return flask.Response(found.body, found.status, content_type=JSON)

    def http_error(error: werkzeug.exceptions.HTTPException) -> flask.Response:
        found = refused(review.Refusal(error.code or 500, f"{error.name}: there are POST /validate and POST /mutate"))
        response = error.get_response()
        return flask.Response(found.body, found.status, response.headers, content_type=JSON)

    app.add_url_rule("/validate", VALIDATE, lambda: respond(VALIDATE), methods=["POST"])
    app.add_url_rule("/mutate", MUTATE, lambda: respond(MUTATE), methods=["POST"])
    app.register_error_handler(werkzeug.exceptions.HTTPException, http_error)
    return app


def refused(refusal: review.Refusal) -> Answer:
    """An HTTP error."""
    return Answer(refusal.status, review.error(refusal), "invalid")


def _body(environ: dict[str, Any]) -> bytes | review.Refusal:
    """The bytes of the request; a client that breaks off, stalls or sends too much is the client's fault."""
    stream = environ["wsgi.input"]
    try:
        body: bytes = stream.read(review.MAX_BYTES + 1)
        if len(body) <= review.MAX_BYTES:
            return body
        # Closed while it still sends, a client would see a broken connection instead of the answer.
        pieces = iter(lambda: stream.read(PIECE), b"")
        for _ in itertools.islice(pieces, MOST_PIECES):
            pass
    except OSError as error:
        return review.Refusal(400, f"the body cannot be read: {error}")
    return review.TOO_LARGE


def _identity(parsed: review.Review) -> dict[str, object]:
    subject = parsed.subject
    return {
        "uid": parsed.uid,
        "user": subject.user.username,
        "operation": subject.operation,
        "kind": subject.kind,
        "subresource": subject.subresource,
        "namespace": subject.namespace,
        "name": subject.name,
        "dry_run": subject.dry_run,
    }


def _denial(parsed: review.Review, verdict: model.Verdict, started: float) -> dict[str, object]:
    denied = verdict.denied
    findings = [{"control": each.control, "container": each.container, "path": each.path} for each in denied]
    return {
        **_identity(parsed),
        "name": denied[0].name,
        "findings": findings[:MOST_LOGGED_FINDINGS],
        "milliseconds": round((time.perf_counter() - started) * 1000, 3),
    }
