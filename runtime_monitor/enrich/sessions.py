"""By which way somebody came into a container, and what they copied: the part `session` of every event in that tree.

In: Events with the kernel's session id, which a whole tree of processes inherits; the facts of pods. Out: the Event
with the session's kind, terminal, standard input and first command, and of copies direction and paths. Called by the
pipeline.

exec: a runtime put the process into the container. debug: an ephemeral container. nsenter: the process stayed in the
host's cgroup. probe: the command is a probe or lifecycle hook of the pod's spec, without terminal and input; that word
silences the exec event alone. unknown: none of these, or its beginning was not seen.
A copy is told with the end of the session, when all its paths are known, and at a write every ten seconds until then.
"""

from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct

from runtime_monitor.enrich import copies, pod_spec
from runtime_monitor.events import Drift, Event, Process, Session

EXEC, DEBUG, NSENTER, PROBE, UNKNOWN = "exec", "debug", "nsenter", "probe", "unknown"
RUNTIMES: Final = ("runc", "crun", "youki", "runsc", "exe", "containerd-shim", "conmon", "docker-init", "6")
"""How the parent of a process is called that a runtime put in: itself, its copies from memory (`exe`, `6`) and, once
it has ended, the shim (sensor's probe on containerd 1.6 with runc 1.1)."""
MOST_SESSIONS: Final = 4096
MOST_PATHS: Final = 100
ENDS: Final = "procexit"
PIPE: Final = "pipe"
COPY_SECONDS: Final = 10
"""How long a copy may go on before it is told: a program called `tar` that never ends hides nothing behind that."""


class Tracked(Struct):
    """A session while it lives. `told` is when its copy was told last, in nanoseconds since the epoch."""

    session: Session
    leader: int | None
    told: int
    copy: copies.Copy | None = None
    paths: list[str] = msgspec.field(default_factory=list)


class Sessions:
    """The sessions of this node; `facts` gives what is known of a pod by its uid."""

    def __init__(self, facts: Callable[[str | None], pod_spec.Facts | None]) -> None:
        self._facts = facts
        self._tracked: dict[str, Tracked] = {}
        self._debug: dict[str, Session] = {}

    def __call__(self, event: Event) -> Event:
        """The event with all that is known of its session."""
        event = self._in_ephemeral_container(event)
        number = event.session.id
        if number is None:
            return event
        tracked = self._tracked.get(number)
        if tracked is None:
            tracked = self._begin(number, event)
        session = msgspec.structs.replace(tracked.session, entry=event.session.entry)
        return msgspec.structs.replace(event, session=session, drift=_copied(tracked, event))

    def _begin(self, number: str, event: Event) -> Tracked:
        proc, session = event.proc, event.session
        command = (proc.exe or "", *(proc.arguments or ())) if session.entry else None
        full = msgspec.structs.replace(session, kind=session.kind or self._kind(event), command=command)
        # A session that began before the monitor did has no beginning here, and its leader is not known.
        tracked = Tracked(full, proc.pid if session.entry else None, event.evt.time)
        while len(self._tracked) >= MOST_SESSIONS:
            del self._tracked[next(iter(self._tracked))]
        self._tracked[number] = tracked
        return tracked

    def _kind(self, event: Event) -> str:
        session, proc = event.session, event.proc
        if not session.entry:
            return UNKNOWN
        if session.in_cgroup is False:
            return NSENTER
        facts = self._facts(event.pod.uid)
        if facts is not None:
            name = event.container.name or ""
            if name in facts.ephemeral:
                return DEBUG
            command = (proc.exe or "", *(proc.arguments or ()))
            if command in facts.commands.get(name, ()) and not session.tty and session.stdin != PIPE:
                return PROBE
        return EXEC if _put_in_by_a_runtime(proc) else UNKNOWN

    def _in_ephemeral_container(self, event: Event) -> Event:
        """To the kernel an ephemeral container is one like any other: its first process begins the session."""
        container = event.container.full_id
        if event.session.id is not None or container is None or event.container.name is None:
            return event
        known = self._debug.get(container)
        if known is None:
            facts = self._facts(event.pod.uid)
            if facts is None or event.container.name not in facts.ephemeral:
                return event
            known = _debug_session(event)
            while len(self._debug) >= MOST_SESSIONS:
                del self._debug[next(iter(self._debug))]
            self._debug[container] = known
        else:
            known = msgspec.structs.replace(known, entry=None)
        return msgspec.structs.replace(event, session=known)


def _debug_session(event: Event) -> Session:
    evt, proc = event.evt, event.proc
    return Session(
        id=f"{evt.node}/{evt.boot}/{proc.pid}/{proc.start}",
        kind=DEBUG,
        entry=evt.type == "execve" or None,
        tty=bool(proc.tty) if proc.tty is not None else None,
        start=evt.time,
    )


def _put_in_by_a_runtime(proc: Process) -> bool:
    return (proc.parent_name or "").startswith(RUNTIMES)


def _copied(tracked: Tracked, event: Event) -> Drift:
    """What the event adds to the session's copy, and at its end what was copied."""
    if event.evt.type == "execve":
        return _begun(tracked, event)
    if event.drift.kind == "write":
        return _written(tracked, event)
    if event.evt.type == ENDS and event.proc.pid == tracked.leader:
        return _told(tracked, event)
    return event.drift


def _begun(tracked: Tracked, event: Event) -> Drift:
    proc = event.proc
    copy = copies.recognise((proc.exe or "", *(proc.arguments or ())))
    if copy is None or not (event.session.entry or tracked.session.stdin == PIPE):
        return event.drift
    tracked.copy = copy
    if not event.session.entry:
        return event.drift
    return msgspec.structs.replace(event.drift, copy_direction=copy.direction, copy_paths=copy.paths)


def _written(tracked: Tracked, event: Event) -> Drift:
    """A write of the unpacking process itself belongs to the copy; those of others are told each, and listed too."""
    name, copy = event.fd.name, tracked.copy
    unpacks = copy is not None and copy.direction == copies.IN
    if (unpacks or _reads_a_pipe(tracked)) and name and name not in tracked.paths and len(tracked.paths) < MOST_PATHS:
        tracked.paths.append(name)
    if not unpacks or event.proc.pid != tracked.leader:
        return event.drift
    if event.evt.time - tracked.told > COPY_SECONDS * 1_000_000_000:
        return _told(tracked, event)
    return msgspec.structs.replace(event.drift, copy_direction=copies.IN)


def _told(tracked: Tracked, event: Event) -> Drift:
    """The copy with its paths; the drift as it is where nothing was copied."""
    copy, paths = tracked.copy, tuple(tracked.paths)
    tracked.told, tracked.paths = event.evt.time, []
    if copy is not None:
        found = paths if paths and copy.direction == copies.IN else copy.paths
        return msgspec.structs.replace(event.drift, copy_direction=copy.direction, copy_paths=found)
    if paths:
        return msgspec.structs.replace(event.drift, copy_direction=copies.IN, copy_paths=paths)
    return event.drift


def _reads_a_pipe(tracked: Tracked) -> bool:
    """Bytes come from the caller, and no person types them: `kubectl exec -i -- sh -c 'cat > f'`."""
    return tracked.session.stdin == PIPE and not tracked.session.tty
