"""POST /validate, /mutate, /connect, /preview-namespace: body -> review -> decide -> reply, counted and logged.

In: HTTP requests of the API server, and the policies, read once. Out: AdmissionReviews. Made by `webhook.serve`.
/mutate repairs and never refuses; /validate sees the result and has the last word; /connect guards running pods;
/preview-namespace only warns. A decision that raises is a bug of podseal: what never refuses then lets pass, the others
refuse.
"""

import http
import itertools
import logging
import re
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Protocol

import flask
import werkzeug.exceptions
from msgspec import Struct

from webhook import entrances as known_paths
from webhook import gate, metrics, review, settings
from webhook.policy import decide, exceptions, guard, model
from webhook.policy import exec as exec_gate

MOST_CACHED_POLICIES = 4096
MOST_LOGGED_FINDINGS = 20
PIECE, MOST_PIECES = 65536, 512
"""How much of a body that is too large is read and thrown away: 32 MiB."""
JSON = "application/json"
WAITED = "podseal.waited"
"""Key in the WSGI environment: seconds that the request has waited for a thread, where the server tells it."""
LONGEST_WAIT = 0.4
"""Share of the API server's patience that a request may have waited for a thread; the rest is for its decision."""
VALIDATE, MUTATE, CONNECT, PREVIEW = "validate", "mutate", "connect", "preview-namespace"
ENDPOINTS = {f"/{name}": name for name in (VALIDATE, MUTATE, CONNECT, PREVIEW)}
NEVER_REFUSE = frozenset({MUTATE, PREVIEW})
NO_KEYS = guard.NamespaceKeys()
DEFAULT_SECONDS = 2.0
TIMEOUT = re.compile(r"(?:^|&)timeout=([0-9]{1,2})s(?:&|$)")
"""The API server tells a webhook its timeoutSeconds in the query (k8s.io/apiserver/pkg/admission/plugin/webhook)."""

Clock = Callable[[], datetime]
Lookup = Callable[[str], guard.NamespaceKeys]
Previewer = Callable[[review.Relabelling, datetime, float], list[str]]
log = logging.getLogger("podseal.webhook")


def no_cluster(_namespace: str) -> guard.NamespaceKeys:
    """The labels of a namespace where no cluster is configured: none, so that the defaults hold."""
    return NO_KEYS


def no_preview(_relabelling: review.Relabelling, _now: datetime, _seconds: float) -> list[str]:
    """What other labels would change where no cluster is configured: nobody knows."""
    return []


class Cluster(Struct, frozen=True):
    """What the app asks of a cluster: the podseal labels of a namespace, the gate to running pods, what runs."""

    labels_of: Lookup
    gate: gate.Gate
    preview: Previewer = no_preview


class Stream(Protocol):
    """The body of a request as it arrives."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at its end."""


class Request(Struct, frozen=True):
    """A POST to an endpoint. `waited` is how many seconds it waited for a thread."""

    endpoint: str
    query: str
    content_type: str
    body: Stream
    waited: float


class Answer(Struct, frozen=True):
    """What goes back, the word under which it is counted, and the verdict whose findings are."""

    status: int
    body: bytes
    outcome: str
    verdict: model.Verdict | None = None


class Reply(Struct, frozen=True):
    """An answer that may be sent. Counting it comes after that: nobody waits for it."""

    endpoint: str
    answer: Answer
    seconds: float


class Webhook:
    """Decides about the bodies that come in. Threads share it; what it keeps is only a cache."""

    def __init__(
        self, policies: settings.Policies, counts: metrics.Requests, clock: Clock, cluster: Cluster | None = None
    ) -> None:
        self._policies = policies
        self._counts = counts
        self._clock = clock
        self._cluster = cluster or Cluster(no_cluster, gate.Gate(gate.Rules()))
        self._cached: dict[str, tuple[guard.NamespaceKeys, datetime, model.Policy]] = {}

    def answer(self, endpoint: str, content_type: str, body: bytes, seconds: float = DEFAULT_SECONDS) -> Reply:
        """The answer to one request, logged; `seconds` is how long the API server waits for it."""
        started = time.perf_counter()
        found = self._answer(endpoint, content_type, body, Budget(started, seconds))
        return Reply(endpoint, found, time.perf_counter() - started)

    def count(self, reply: Reply) -> None:
        """One answer was sent."""
        found = reply.answer
        self._counts.answered(reply.endpoint, found.outcome, reply.seconds)
        if found.verdict:
            self._counts.decided(found.verdict)

    def met_stranger(self, path: str) -> None:
        """Somebody asked on a path that the API server was not told."""
        self._counts.met_stranger(ENDPOINTS.get(path) or ENDPOINTS.get(path.rpartition("/")[0], metrics.OTHER))

    def turned_away(self, endpoint: str, waited: float) -> Reply:
        """The answer under overload: cheap, so that the queue shrinks, and before the API server gives up.

        The API server quotes the text to the user. There is no Retry-After: it would ask again until its time is up,
        and then tell of that alone (k8s.io/client-go/rest, with_retry.go).
        """
        text = f"podseal is overloaded, the request waited {waited:.1f} s for a thread; try again, or add replicas"
        return Reply(endpoint, Answer(429, review.error(review.Refusal(429, text)), "overloaded"), waited)

    def _answer(self, endpoint: str, content_type: str, body: bytes, budget: "Budget") -> Answer:
        if content_type != JSON and content_type.partition(";")[0].strip().lower() != JSON:
            return refused(review.Refusal(415, f"expected Content-Type {JSON}, got {content_type[:100]!r}"))
        parsed = review.parse(body)
        if isinstance(parsed, review.Refusal):
            return self._not_understood(endpoint, parsed)
        try:
            return self._decided(endpoint, parsed, budget)
        except Exception:
            # Whatever it is, the API server has to hear something definite, and the worker has to live on.
            self._counts.failed(endpoint)
            log.exception("decision failed", extra={"fields": _identity(parsed)})
            text = f"podseal failed to decide, a bug; its log has the reason under review {parsed.uid}"
            if endpoint in NEVER_REFUSE:
                return Answer(200, review.passed(parsed.uid, text), "error")
            return Answer(200, review.denied(parsed.uid, 500, text), "error")

    def _not_understood(self, endpoint: str, refusal: review.Refusal) -> Answer:
        if not refusal.uid:
            return refused(refusal)
        log.info("not understood", extra={"fields": {"uid": refusal.uid, "reason": refusal.message}})
        if endpoint in NEVER_REFUSE:
            return Answer(200, review.passed(refusal.uid, f"podseal: {refusal.message}"), "invalid")
        return Answer(200, review.denied(refusal.uid, refusal.status, refusal.message), "invalid")

    def _decided(self, endpoint: str, parsed: review.Review, budget: "Budget") -> Answer:
        subject = parsed.subject
        if endpoint == CONNECT:
            return self._entered(parsed, budget) or _let_in(parsed, "", "allowed")
        if endpoint == PREVIEW:
            return self._previewed(parsed, budget)
        exempt = self._policies.exempt.reason(subject)
        verdict = model.Verdict(subject, skipped=exempt) if exempt else self._verdict(endpoint, subject)
        if endpoint == MUTATE:
            patched = bool(verdict.mutation.edits) and subject.kind == "Pod"
            if patched:
                self._counts.patched(subject.kind)
            return Answer(200, review.mutated(parsed, verdict), "patched" if patched else "allowed")
        if verdict.denied:
            body = review.validated(parsed, verdict)
            log.info("denied", extra={"fields": _denial(parsed, verdict, budget.started)})
            return Answer(200, body, "denied", verdict)
        if subject.operation == "UPDATE" and subject.kind == "Pod":
            entry = self._entered(parsed, budget)
            if entry and entry.outcome == "denied":
                return Answer(entry.status, entry.body, entry.outcome, verdict)
        outcome = "exempt" if exempt else "skipped" if verdict.skipped else "allowed"
        return Answer(200, review.validated(parsed, verdict), outcome, verdict)

    def _verdict(self, endpoint: str, subject: model.Subject) -> model.Verdict:
        """As much of the verdict as the endpoint answers with."""
        now = self._clock()
        policy = self._policy(subject.namespace, now)
        if endpoint == MUTATE:
            return decide.repair(subject, policy, self._policies.catalogue)
        if subject.kind == "Pod":
            return decide.judge(subject, policy, now)
        return decide.decide(subject, policy, self._policies.catalogue, now)

    def _entered(self, parsed: review.Review, budget: "Budget") -> Answer | None:
        """What the gate to running pods says; None where nobody enters one.

        Exempt namespaces are asked too: kube-system and our own hold the most valuable pods.
        """
        subject = parsed.subject
        verdict = exec_gate.exec_gate(subject, self._policy(subject.namespace, self._clock()))
        if not verdict.action:
            return None
        entry = self._cluster.gate.enter(parsed.uid, subject, verdict, budget.seconds)
        self._counts.entered(entry.action, entry.outcome)
        if not entry.allowed:
            fields = {**_identity(parsed), "action": entry.action, "reason": entry.message}
            log.info("entry denied", extra={"fields": fields})
            return Answer(200, review.denied(parsed.uid, 403, entry.message), "denied")
        if entry.outcome == "broken-through":
            log.warning("glass broken", extra={"fields": {**_identity(parsed), "action": entry.action}})
        return _let_in(parsed, entry.action, entry.outcome)

    def _previewed(self, parsed: review.Review, budget: "Budget") -> Answer:
        """What other labels of a namespace would do to its pods."""
        warnings: list[str] = []
        if parsed.relabelling and not self._policies.exempt.reason(parsed.subject):
            warnings = self._cluster.preview(parsed.relabelling, self._clock(), budget.seconds)
        return Answer(200, review.previewed(parsed, warnings), "allowed")

    def _policy(self, namespace: str, now: datetime) -> model.Policy:
        """The policy of a namespace, kept while its labels are the same and the minute lasts.

        Dates in labels are days, and `decide` looks at the exact time of each waiver again.
        """
        keys = self._cluster.labels_of(namespace)
        cached = self._cached.get(namespace)
        minute = now.replace(second=0, microsecond=0)
        if cached is not None and cached[0] is keys and cached[1] == minute:
            return cached[2]
        policy = exceptions.policy_for(namespace, keys.labels, self._policies.defaults, now, keys.annotations)
        if len(self._cached) >= MOST_CACHED_POLICIES:
            self._cached.clear()
        self._cached[namespace] = (keys, minute, policy)
        return policy


class Budget(Struct, frozen=True):
    """When a request came (perf_counter seconds), and how many seconds its answer may take."""

    started: float
    seconds: float


def _let_in(parsed: review.Review, action: str, outcome: str) -> Answer:
    return Answer(200, review.connected(parsed, action=action, outcome=outcome), outcome)


class Application(flask.Flask):
    """Flask, but for its endpoints, which are answered before it makes a request of its own.

    Its request, context and response cost as much as a decision, and no decision uses them. What is no POST to an
    endpoint is Flask's: wrong paths and wrong methods.
    """

    def __init__(self, webhook: Webhook, entrances: known_paths.Entrances | None = None) -> None:
        super().__init__("podseal", static_folder=None)
        self._webhook = webhook
        self._entrances = entrances
        for path, endpoint in ENDPOINTS.items() if entrances is None else ():
            # No view: a POST never comes so far, and every other method is a 405.
            self.add_url_rule(path, endpoint, methods=["POST"])
        self.register_error_handler(werkzeug.exceptions.HTTPException, _http_error)

    def meant(self, path: str) -> str | None:
        """The endpoint that a path means; None where it is none, or its random end is not the API server's."""
        if self._entrances is None:
            return ENDPOINTS.get(path)
        base, _, token = path.rpartition("/")
        endpoint = ENDPOINTS.get(base)
        return endpoint if endpoint and self._entrances.know(token) else None

    def wsgi_app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """PEP 3333."""
        path = environ["PATH_INFO"]
        endpoint = self.meant(path)
        if endpoint is None and self._entrances:
            self._webhook.met_stranger(path)
        if endpoint is None or environ["REQUEST_METHOD"] != "POST":
            return super().wsgi_app(environ, start_response)
        query, content_type = environ.get("QUERY_STRING", ""), environ.get("CONTENT_TYPE", "")
        request = Request(endpoint, query, content_type, environ["wsgi.input"], environ.get(WAITED, 0.0))
        reply = self.respond(request)
        self.count(reply)
        found = reply.answer
        headers = [("Content-Type", JSON), ("Content-Length", str(len(found.body)))]
        start_response(f"{found.status} {http.HTTPStatus(found.status).phrase}", headers)
        return [found.body]

    def respond(self, request: Request) -> Reply:
        """The answer to a POST to an endpoint, for `count` once it is sent."""
        said = TIMEOUT.search(request.query)
        seconds = float(said[1]) if said else DEFAULT_SECONDS
        body = _body(request.body)
        if request.waited > LONGEST_WAIT * seconds:
            # Not before the body is read: on a connection that is closed meanwhile, no answer would arrive.
            return self._webhook.turned_away(request.endpoint, request.waited)
        if isinstance(body, review.Refusal):
            return Reply(request.endpoint, refused(body), 0.0)
        return self._webhook.answer(request.endpoint, request.content_type, body, seconds)

    def count(self, reply: Reply) -> None:
        """One answer was sent."""
        self._webhook.count(reply)


def create(webhook: Webhook, entrances: known_paths.Entrances | None = None) -> flask.Flask:
    """The WSGI application; with entrances it answers nobody who does not know them."""
    return Application(webhook, entrances)


def _http_error(error: werkzeug.exceptions.HTTPException) -> flask.Response:
    found = refused(review.Refusal(error.code or 500, f"{error.name}: there are POST {', '.join(ENDPOINTS)}"))
    response = error.get_response()
    return flask.Response(found.body, found.status, response.headers, content_type=JSON)


def refused(refusal: review.Refusal) -> Answer:
    """An HTTP error."""
    return Answer(refusal.status, review.error(refusal), "invalid")


def _body(stream: Stream) -> bytes | review.Refusal:
    """The bytes of the request; a client that breaks off, stalls or sends too much is the client's fault."""
    try:
        body = stream.read(review.MAX_BYTES + 1)
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
