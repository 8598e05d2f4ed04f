"""A session as a story: who came in and how, the tree of processes, what changed, when it ended.

In: the alerts of one session, the oldest first. Out: a `Story`. Pure. Called by the API for `/sessions/ID`.
The engine puts `session.pid`, `.parent`, `.process` and `.event` into every alert of a session (`rules.engine`).
What an alert does not say is not invented: a process whose parent no alert names is a root of the tree.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from runtime_monitor.alerts import Alert
from runtime_monitor.spool.reader import Entry

PERSON: Final = ("exec.", "session.")
PLACE: Final = ("k8s.ns.name", "k8s.pod.name", "k8s.pod.uid", "container.name", "container.id", "container.image")
OF_A_PROCESS: Final = frozenset({"session.pid", "session.parent", "session.process", "session.event"})
CHANGES: Final = frozenset(
    {
        "creat",
        "unlink",
        "unlinkat",
        "rename",
        "renameat",
        "renameat2",
        "chmod",
        "fchmod",
        "fchmodat",
        "mkdir",
        "mkdirat",
    }
    | {"rmdir", "link", "linkat", "symlink", "symlinkat", "truncate", "ftruncate"}
)
ENDS: Final = frozenset({"procexit", "session_end"})


class Process(Struct, frozen=True):
    """A process of the session, as its alerts describe it. Times are nanoseconds since the epoch."""

    pid: int
    parent: int | None
    name: str | None
    command: str | None
    first: int
    alerts: int
    children: tuple["Process", ...] = ()


class File(Struct, frozen=True):
    """A file that changed. `change` is the kind of drift, else the kind of event."""

    path: str
    change: str
    first: int
    times: int


class Moment(Struct, frozen=True):
    """One alert on the timeline."""

    seq: int
    time: int
    priority: str
    rule: str
    event: str | None
    pid: int | None
    process: str | None
    command: str | None
    file: str | None
    output: str


class Story(Struct, frozen=True):
    """A whole session. `ended` is None while nothing says that it is over."""

    session: str
    who: dict[str, Any]
    where: dict[str, Any]
    first: int
    last: int
    ended: int | None
    processes: tuple[Process, ...]
    files: tuple[File, ...]
    timeline: tuple[Moment, ...]


def story(identifier: str, entries: Sequence[tuple[Entry, Alert]]) -> Story:
    """The story that alerts tell; there must be one at least."""
    alerts = [alert for _, alert in entries]
    ended = [alert.time for alert in alerts if _event(alert) in ENDS and alert.output_fields.get("session.end")]
    return Story(
        session=identifier,
        who=_known(alerts, PERSON),
        where=_known(alerts, PLACE),
        first=min(alert.time for alert in alerts),
        last=max(alert.time for alert in alerts),
        ended=max(ended) if ended else None,
        processes=_tree(alerts),
        files=_files(alerts),
        timeline=tuple(_moment(entry, alert) for entry, alert in entries),
    )


def _known(alerts: Sequence[Alert], prefixes: tuple[str, ...]) -> dict[str, Any]:
    """The last value that is known of each field."""
    known: dict[str, Any] = {}
    for alert in alerts:
        found = alert.output_fields.items()
        known.update({key: value for key, value in found if key.startswith(prefixes) and value is not None})
    return {key: value for key, value in known.items() if key not in OF_A_PROCESS}


def _tree(alerts: Sequence[Alert]) -> tuple[Process, ...]:
    seen: dict[int, list[Alert]] = {}
    for alert in alerts:
        pid = _number(_either(alert, "proc.pid", "session.pid"))
        if pid is not None:
            seen.setdefault(pid, []).append(alert)
    parents = {pid: _number(_latest(found, "proc.ppid", "session.parent")) for pid, found in seen.items()}
    children: dict[int | None, list[int]] = {}
    for pid in seen:
        parent = parents[pid]
        # Numbers come round again: who is its own ancestor is shown as a root.
        known = parent in seen and not _is_above(pid, parent, parents)
        children.setdefault(parent if known else None, []).append(pid)

    def process(pid: int) -> Process:
        found = seen[pid]
        return Process(
            pid=pid,
            parent=parents[pid],
            name=_text(_latest(found, "proc.name", "session.process")),
            command=_text(_latest(found, "proc.cmdline")),
            first=min(alert.time for alert in found),
            alerts=len(found),
            children=tuple(process(child) for child in children.get(pid, ())),
        )

    return tuple(process(pid) for pid in children.get(None, ()))


DEEPEST: Final = 100
"""How deep a tree is followed; what is deeper is shown beside it."""


def _is_above(pid: int, start: int | None, parents: dict[int, int | None]) -> bool:
    steps = 0
    while start is not None and steps < DEEPEST:
        if start == pid:
            return True
        start = parents.get(start)
        steps += 1
    return steps >= DEEPEST


def _files(alerts: Sequence[Alert]) -> tuple[File, ...]:
    found: dict[tuple[str, str], list[int]] = {}
    for alert in alerts:
        path = alert.output_fields.get("fd.name")
        change = alert.output_fields.get("drift.kind") or (_event(alert) if _event(alert) in CHANGES else None)
        if path and change:
            found.setdefault((str(path), str(change)), []).append(alert.time)
    return tuple(File(path, change, min(times), len(times)) for (path, change), times in found.items())


def _moment(entry: Entry, alert: Alert) -> Moment:
    fields = alert.output_fields
    return Moment(
        seq=entry.seq,
        time=alert.time,
        priority=alert.priority.name.lower(),
        rule=alert.rule,
        event=_event(alert),
        pid=_number(_either(alert, "proc.pid", "session.pid")),
        process=_text(_either(alert, "proc.name", "session.process")),
        command=_text(fields.get("proc.cmdline")),
        file=_text(fields.get("fd.name")),
        output=alert.output,
    )


def _event(alert: Alert) -> str | None:
    return _text(_either(alert, "evt.type", "session.event"))


def _either(alert: Alert, *keys: str) -> object:
    """The first of these fields that is known."""
    return next((found for key in keys if (found := alert.output_fields.get(key)) is not None), None)


def _latest(alerts: Sequence[Alert], *keys: str) -> object:
    return next((found for alert in reversed(alerts) if (found := _either(alert, *keys)) is not None), None)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None
