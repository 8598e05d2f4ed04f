"""What podseal finds by itself, without rules: the first verdict that fits makes an Event an Alert.

In: an enriched Event. Out: an Alert, or none for what belongs to a container's daily life. Called by the pipeline as
its stage `judge`. Pure. One event, one alert at most; the order of `VERDICTS` is that of gravity.
"""

import hashlib
import re
from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Struct

from runtime_monitor import alerts, events
from runtime_monitor.alerts import Alert, Priority, printable
from runtime_monitor.events import Event

TAGS: Final = ("container", "podseal")
FIELDS: Final[tuple[str, ...]] = (
    "evt.type", "evt.res", "evt.hostname", "proc.name", "proc.exe", "proc.argv", "proc.exepath", "proc.pid",
    "proc.pname", "proc.tty", "fd.name", "podseal.second_name", "fd.path_source", "user.name", "user.uid",
    "container.id", "container.name", "container.image.repository", "container.image.tag", "container.image.digest",
    "k8s.ns.name", "k8s.pod.name", "k8s.pod.uid", "k8s.pending", "exec.session", "exec.kind", "exec.tty",
    "session.stdin", "session.command", "drift.kind", "drift.layer", "podseal.shell", "cp.direction", "cp.paths",
    "podseal.gap",
)  # fmt: skip
"""What an alert tells of its event, where it is known."""


PLACE: Final = re.compile(r"\{([a-z.]+)\}")


class Verdict(Struct, frozen=True):
    """A behaviour: when it is one, how grave, and in which words; the text is filled in with the alert's fields."""

    rule: str
    priority: Priority
    text: str
    fits: Callable[[Event], bool]

    @property
    def hash(self) -> str:
        """Eight digits that change with the verdict's words."""
        return hashlib.sha256(f"{self.rule}\n{self.text}".encode()).hexdigest()[:8]


def _is_started(event: Event) -> bool:
    return bool(event.session.entry and event.evt.type == "execve" and event.drift.copy_direction is None)


def _is_copied(event: Event) -> bool:
    # The exec that begins a copy carries its direction as well; it is told at the end.
    return event.drift.copy_paths is not None and event.evt.type != "execve"


def _is_shell(event: Event) -> bool:
    drift, session = event.drift, event.session
    # The retry form of `kubectl cp` runs a shell: the copy is told, not its tool.
    return bool(drift.shell and session.id is not None and session.kind != "probe" and drift.copy_direction is None)


def _is_written(event: Event) -> bool:
    drift = event.drift
    if event.fd.root is None:
        return False
    # A summary of further writes follows the event of the first one.
    return drift.kind == "write" and drift.copy_direction is None and not drift.repeated and event.fd.writes is None


VERDICTS: Final = (
    Verdict(
        "Escape from a container to the host",
        Priority.CRITICAL,
        "a process of {where} has come into the host's file system: {command}",
        lambda event: event.drift.kind == "escape",
    ),
    Verdict(
        "Program executed that was not in the image",
        Priority.CRITICAL,
        "{where} executed {exepath} ({drift.layer}), which was not in its image: {command}",
        lambda event: event.drift.kind == "exec",
    ),
    Verdict(
        "Files copied between a container and the outside",
        Priority.WARNING,
        "files were copied {direction} {where}: {paths}",
        _is_copied,
    ),
    Verdict(
        "Shell started in a container from outside",
        Priority.WARNING,
        "a shell was started in {where} by {exec.kind}: {command}",
        lambda event: _is_shell(event) and _is_started(event),
    ),
    Verdict(
        "Process started in a container from outside",
        Priority.NOTICE,
        "a process was started in {where} by {exec.kind}: {command}",
        lambda event: _is_started(event) and event.session.kind != "probe",
    ),
    Verdict(
        "Shell spawned in a session",
        Priority.NOTICE,
        "a shell was spawned in {where} by {proc.pname}: {command}",
        lambda event: _is_shell(event) and not _is_started(event),
    ),
    Verdict(
        "Write to a container's root file system",
        Priority.WARNING,
        "{proc.name} changed the root file system of {where}: {evt.type} {fd.name}",
        _is_written,
    ),
    Verdict(
        "Write to a container's root file system refused",
        Priority.NOTICE,
        "{proc.name} tried to change the root file system of {where}: {evt.type} {fd.name}: {evt.res}",
        lambda event: (
            event.fd.root is not None
            and event.drift.kind == "attempt"
            and event.evt.result in ("EROFS", "EACCES", "EPERM")
        ),
    ),
)


def judge(event: Event) -> tuple[Alert, ...]:
    """The alert of an event; none where no verdict fits."""
    verdict = next((each for each in VERDICTS if each.fits(event)), None)
    return () if verdict is None else (_alert(verdict, event),)


def _alert(verdict: Verdict, event: Event) -> Alert:
    flat = events.record(event)
    fields = {name: printable(flat[name]) for name in FIELDS if name in flat}
    return Alert(
        id=f"{event.id}/{verdict.hash}",
        time=event.evt.time,
        rule=verdict.rule,
        priority=verdict.priority,
        output=f"{_clock(event.evt.time)}: {verdict.priority.label} {_text(verdict.text, event, fields)}",
        output_fields=fields,
        hostname=event.evt.node or "",
        tags=TAGS,
    )


def _text(text: str, event: Event, fields: dict[str, Any]) -> str:
    """The words of a verdict, on one line: what a container called a file does not begin a new one."""
    command = [event.proc.exe or event.proc.name or "?", *(event.proc.arguments or ())]
    names = {
        "where": _where(event),
        "command": printable(" ".join(command)),
        "exepath": fields.get("proc.exepath", "a file"),
        "direction": "into" if event.drift.copy_direction == "in" else "out of",
        "paths": " ".join(fields.get("cp.paths", ())),
        **fields,
    }
    # In one pass: a file may be called {fd.name}.
    return PLACE.sub(lambda place: _escaped(str(names.get(place[1], "<NA>"))), text)


def _where(event: Event) -> str:
    container, pod = event.container, event.pod
    named = f"{pod.namespace}/{pod.name}/{container.name}" if pod.name else container.name or container.id or "unknown"
    return f"container {named}" + (f" ({container.image})" if container.image else "")


def _escaped(text: str) -> str:
    return msgspec.json.encode(printable(text)).decode()[1:-1]


def _clock(nanoseconds: int) -> str:
    return alerts.iso_time(nanoseconds)[11:-1]
