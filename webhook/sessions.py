"""Writes an ExecSession for each reach into a running pod: from a bounded queue, with retries, counting what is lost.

In: `Session` values that the webhook's app makes from CONNECT requests. Out: objects `es-<request uid>` in the API
server, so that a retried request makes no second one. `Recorder.submit` never waits; `Recorder.record_now` does, for
the setting `require-record`. One thread a worker, started after the fork.
The same user, pod and command within a minute of the last time count up in the status of the first object, as far as
one worker sees them: of several workers each makes one, since to ask the API server first would cost it a list an exec.
"""

import logging
import queue
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

import msgspec

from webhook import apiserver
from webhook.policy import model

PATH = "/apis/podseal.dev/v1alpha1/execsessions"
QUEUE_LENGTH = 2000
TRIES = 6
SECONDS = 4.0
"""How long one try from the queue may take."""
SHORTEST = 0.05
REPEAT_SECONDS = 60.0
REMEMBERED = 4096
CONFLICT = 409
NOT_FOUND = 404
TOO_MANY = 429
SERVER_ERROR = 500
MERGE = "application/merge-patch+json"

Caller = Literal["certificate", "path", "unverified"]
"""How it is known that a request came from the API server."""

log = logging.getLogger("podseal.sessions")


class Target(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What was reached into."""

    namespace: str = ""
    pod: str = ""
    pod_uid: str = msgspec.field(default="", name="podUID")
    container: str = ""
    node: str = ""


class Session(msgspec.Struct, frozen=True, rename="camel"):
    """The spec of an ExecSession; `command` is redacted already."""

    request_uid: str = msgspec.field(name="requestUID")
    action: str
    user: model.User
    target: Target
    verdict: Literal["allowed", "broken-through"] = "allowed"
    command: tuple[str, ...] = ()
    command_line: str = ""
    path: str = ""
    stdin: bool = False
    tty: bool = False
    source: Literal["admission", "audit"] = "admission"
    caller: Caller = "unverified"

    @property
    def name(self) -> str:
        """The object's name."""
        return f"es-{self.request_uid.lower()}"

    @property
    def repeat_key(self) -> tuple[object, ...]:
        """What makes two sessions the same to a reader."""
        return (
            self.user.username,
            self.target,
            self.action,
            self.verdict,
            self.command,
            self.path,
            self.stdin,
            self.tty,
        )


class PodMetadata(msgspec.Struct, frozen=True):
    """What is asked of the pod."""

    uid: str = ""


class PodSpec(msgspec.Struct, frozen=True, rename="camel"):
    """Where it runs."""

    node_name: str = ""


class Pod(msgspec.Struct, frozen=True):
    """The pod that was reached into."""

    metadata: PodMetadata = PodMetadata()
    spec: PodSpec = PodSpec()


class Recent(msgspec.Struct, frozen=True):
    """A session that may be repeated: its object, when it was last seen (monotonic seconds), how often."""

    name: str
    last: float
    count: int


class Counts(msgspec.Struct):
    """What became of the sessions, for the metrics."""

    written: int = 0
    repeated: int = 0
    lost: int = 0
    retried: int = 0


class Recorder:
    """Records sessions in one cluster."""

    def __init__(self, client: apiserver.Client, clock: Callable[[], float] = time.monotonic) -> None:
        self.counts = Counts()
        self.on_count: Callable[[str, int], None] = _nobody
        self._client = client
        self._clock = clock
        self._queue: queue.Queue[Session | None] = queue.Queue(QUEUE_LENGTH)
        self._lock = threading.Lock()
        self._recent: OrderedDict[tuple[object, ...], Recent] = OrderedDict()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="exec-sessions", daemon=True)

    def start(self) -> None:
        """Begin to write, in a thread of this process (threads do not survive a fork)."""
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Write what is queued, for at most some seconds; what is left is lost, and counted."""
        self._queue.put(None)
        self._thread.join(seconds)
        self._stopped.set()
        while True:
            try:
                left = self._queue.get_nowait()
            except queue.Empty:
                return
            if left is not None:
                self._lose(left, "stopped before it was written")

    def submit(self, session: Session) -> None:
        """Queue a session; never waits."""
        try:
            self._queue.put_nowait(session)
        except queue.Full:
            self._lose(session, f"more than {QUEUE_LENGTH} sessions wait to be written")

    def record_now(self, session: Session, seconds: float) -> None:
        """Write a session before returning.

        Raises:
            apiserver.Refused: it could not be written in that time.
        """
        deadline = self._clock() + seconds
        while True:
            try:
                return self._write(session, deadline - self._clock())
            except apiserver.Refused as refused:
                if not _may_pass(refused) or self._clock() + 0.1 > deadline:
                    raise
                self._stopped.wait(0.1)

    def _run(self) -> None:
        while (session := self._queue.get()) is not None:
            for attempt in range(TRIES):
                try:
                    self._write(session, SECONDS)
                    break
                except (apiserver.Refused, msgspec.DecodeError) as error:
                    last = attempt == TRIES - 1
                    if (
                        last
                        or self._stopped.is_set()
                        or (isinstance(error, apiserver.Refused) and not _may_pass(error))
                    ):
                        self._lose(session, str(error))
                        break
                    self._count("retried")
                    self._stopped.wait(random.uniform(0.05, 0.2 * 2**attempt))  # noqa: S311 -- no secret

    def _write(self, session: Session, seconds: float) -> None:
        """Create the object, or count up that of the same session of a moment ago, in at most so many seconds."""
        deadline = self._clock() + seconds
        key, now = session.repeat_key, self._clock()
        with self._lock:
            recent = self._recent.get(key)
        if recent and now - recent.last < REPEAT_SECONDS and self._count_up(recent, seconds):
            recent = Recent(recent.name, now, recent.count + 1)
            self._count("repeated")
        else:
            self._create(self._placed(session, seconds / 2), deadline)
            recent = Recent(session.name, now, 1)
        with self._lock:
            self._recent[key] = recent
            self._recent.move_to_end(key)
            if len(self._recent) > REMEMBERED:
                self._recent.popitem(last=False)

    def _count_up(self, recent: Recent, seconds: float) -> bool:
        """Count one more in the status of an object; False where the object is gone."""
        body = {"status": {"count": recent.count + 1, "lastTime": datetime.now(UTC).isoformat()}}
        try:
            self._client.send("PATCH", f"{PATH}/{recent.name}/status", body, content_type=MERGE, seconds=seconds)
        except apiserver.Refused as refused:
            if refused.status != NOT_FOUND:
                raise
            return False
        return True

    def _create(self, session: Session, deadline: float) -> None:
        left = max(deadline - self._clock(), SHORTEST)
        body = {
            "apiVersion": "podseal.dev/v1alpha1",
            "kind": "ExecSession",
            "metadata": {"name": session.name},
            "spec": msgspec.to_builtins(session),
        }
        try:
            self._client.send("POST", PATH, body, seconds=left)
        except apiserver.Refused as refused:
            # The API server called again for the same request: it is recorded already.
            if refused.status != CONFLICT:
                raise
        self._count("written")

    def _placed(self, session: Session, seconds: float) -> Session:
        """The session with the pod's uid and node; without them where the pod is gone already."""
        target = session.target
        if not target.pod or target.pod_uid:
            return session
        try:
            body = self._client.get(f"/api/v1/namespaces/{target.namespace}/pods/{target.pod}", seconds=seconds)
        except apiserver.Refused as refused:
            if refused.status != NOT_FOUND:
                raise
            return session
        pod = msgspec.json.decode(body, type=Pod)
        found = msgspec.structs.replace(target, pod_uid=pod.metadata.uid, node=pod.spec.node_name)
        return msgspec.structs.replace(session, target=found)

    def _count(self, name: str) -> None:
        setattr(self.counts, name, getattr(self.counts, name) + 1)
        self.on_count(name, getattr(self.counts, name))

    def _lose(self, session: Session, reason: str) -> None:
        """What cannot be written is counted, and told in full: the log is then the record."""
        self._count("lost")
        log.error("exec session lost: %s: %s", reason, msgspec.json.encode(session).decode())


def _nobody(_name: str, _value: int) -> None:
    """Until a worker has metrics, nobody is told."""


def _may_pass(refused: apiserver.Refused) -> bool:
    """Whether a later try may succeed: no answer, overload, a failing server."""
    return refused.status in (0, TOO_MANY) or refused.status >= SERVER_ERROR
