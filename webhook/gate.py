"""Whether a request may reach into what runs, once the policy has been asked: break-glass rights, and the record.

In: what the exec gate of the policy says, who asks, and a cluster to ask and to write to. Out: an `Entry`. Called by
the webhook's app for /connect, and for those UPDATEs of pods that bring code in.
A denial opens for who holds the verb `break-glass` on `execsessions.podseal.dev`; that is recorded before the answer,
or denied. Else `record` queues the record, and writes it first only where the settings require it.
"""

import logging
import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from webhook import apiserver, sessions
from webhook.policy import exec as exec_gate
from webhook.policy import model, redaction

ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
BREAK_GLASS = "break-glass"
Outcome = Literal["allowed", "recorded", "excluded", "broken-through", "denied", "unrecorded"]

log = logging.getLogger("podseal.gate")


class Entry(msgspec.Struct, frozen=True):
    """Whether somebody may enter; `message` says why not."""

    outcome: Outcome
    action: str
    message: str = ""

    @property
    def allowed(self) -> bool:
        """Whether the request passes."""
        return self.outcome != "denied"


class Rules(msgspec.Struct, frozen=True):
    """What the settings say about records."""

    require_record: bool = False
    exclude_users: frozenset[str] = frozenset()
    redact: tuple[re.Pattern[str], ...] = redaction.compiled(redaction.DEFAULT_PATTERNS)
    caller: sessions.Caller = "unverified"


class ReviewStatus(msgspec.Struct, frozen=True):
    """The answer of the API server's authorizer."""

    allowed: bool = False


class AccessReview(msgspec.Struct, frozen=True):
    """A SubjectAccessReview that came back."""

    status: ReviewStatus = ReviewStatus()


class Gate:
    """Lets in, records and refuses. Without a cluster nothing can be recorded or broken through; the log tells it."""

    def __init__(self, rules: Rules, client: apiserver.Client | None = None) -> None:
        self._rules = rules
        self._client = client
        self.recorder = sessions.Recorder(client) if client else None

    def enter(self, uid: str, subject: model.Subject, verdict: model.GateVerdict, seconds: float) -> Entry:
        """Decide about one request.

        Args:
            uid: the review's, which names the record.
            subject: who does what.
            verdict: what the labels say of it.
            seconds: how long the answer may take, records included.
        """
        if verdict.gate == "allow" or not verdict.action:
            return Entry("allowed", verdict.action)
        if verdict.gate == "deny":
            return self._broken_through(uid, subject, verdict, seconds)
        if subject.dry_run:
            return Entry("allowed", verdict.action)
        if subject.user.username in self._rules.exclude_users:
            return Entry("excluded", verdict.action)
        return self._record(self._session(uid, subject, verdict), seconds)

    def _broken_through(self, uid: str, subject: model.Subject, verdict: model.GateVerdict, seconds: float) -> Entry:
        remedy = (
            f"{verdict.action} refused: {verdict.reason}; in an emergency, whoever holds the verb {BREAK_GLASS} on "
            "execsessions.podseal.dev (by a ClusterRoleBinding) passes, and is recorded"
        )
        if self._client is None:
            return Entry("denied", verdict.action, remedy)
        try:
            if not self._may_break_glass(subject.user, seconds):
                return Entry("denied", verdict.action, remedy)
            if subject.dry_run:
                return Entry("allowed", verdict.action)
            session = msgspec.structs.replace(self._session(uid, subject, verdict), verdict="broken-through")
            self._recorder.record_now(session, seconds / 2)
        except (apiserver.Refused, msgspec.DecodeError) as error:
            log.warning("break-glass refused, since it cannot be asked for or recorded: %s", error)
            return Entry("denied", verdict.action, f"{remedy}; now this cannot be asked for or recorded: {error}")
        return Entry("broken-through", verdict.action)

    def _record(self, session: sessions.Session, seconds: float) -> Entry:
        if self.recorder is None:
            log.info("unrecorded session, without a cluster to record it in", extra={"fields": {"session": session}})
            return Entry("unrecorded", session.action)
        if not self._rules.require_record:
            self.recorder.submit(session)
            return Entry("recorded", session.action)
        try:
            self.recorder.record_now(session, seconds / 2)
        except (apiserver.Refused, msgspec.DecodeError) as error:
            return Entry(
                "denied", session.action, f"{session.action} refused: it must be recorded, and cannot be: {error}"
            )
        return Entry("recorded", session.action)

    @property
    def _recorder(self) -> sessions.Recorder:
        if self.recorder is None:
            raise apiserver.Refused(0, "no cluster is configured")
        return self.recorder

    def _may_break_glass(self, user: model.User, seconds: float) -> bool:
        if self._client is None:
            return False
        spec = {
            "user": user.username,
            "uid": user.uid,
            "groups": list(user.groups),
            "resourceAttributes": {"group": "podseal.dev", "resource": "execsessions", "verb": BREAK_GLASS},
        }
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        answer = self._client.send("POST", ACCESS_REVIEWS, body, seconds=seconds / 4)
        return msgspec.json.decode(answer, type=AccessReview).status.allowed

    def _session(self, uid: str, subject: model.Subject, verdict: model.GateVerdict) -> sessions.Session:
        asked = subject.connect or model.Connect()
        command = redaction.redact(asked.command, self._rules.redact)
        is_node = verdict.action == "nodes/proxy"
        target = sessions.Target(
            namespace=subject.namespace,
            pod="" if is_node or verdict.action == "services/proxy" else subject.name,
            container=asked.container or ",".join(_changed(subject)),
            node=exec_gate.node_name(subject.name) if is_node else "",
        )
        return sessions.Session(
            request_uid=uid,
            action=verdict.action,
            user=subject.user,
            target=target,
            command=command,
            command_line=" ".join(command),
            path=asked.path[:4096],
            stdin=asked.stdin,
            tty=asked.tty,
            caller=self._rules.caller,
        )


def _changed(subject: model.Subject) -> Sequence[str]:
    """The containers that an UPDATE brings in or changes."""
    return exec_gate.changed_containers(subject) if subject.operation == "UPDATE" else ()
