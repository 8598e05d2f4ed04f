"""exec.* and session.*: podseal's own; by which way somebody came into the container.

Source: `enrich.process`, which sees the entry into the container's namespaces and hands the session on to all children.
"""

from runtime_monitor.events import Event
from runtime_monitor.rules.fields.field import Field, Type, plain


def _command(event: Event) -> str | None:
    command = event.session.command
    return None if command is None else " ".join(command)


def _duration(event: Event) -> int | None:
    start = event.session.start
    return None if start is None else event.evt.time - start


FIELDS = (
    plain("session.id", "exec.session", Type.STRING, "Id of the session: node/boot/pid/start."),
    plain("session.kind", "exec.kind", Type.STRING, "exec, debug, nsenter, probe or unknown."),
    plain("session.tty", "exec.tty", Type.BOOLEAN, "Whether the session has a terminal."),
    Field(
        name="session.entry",
        type=Type.BOOLEAN,
        doc="Whether this is the exec by which the session began.",
        needs=("podseal.session_entry",),
        path="session.entry",
    ),
    plain("session.stdin", "session.stdin", Type.STRING, "What its standard input is: pipe, tty, null, file."),
    Field(
        name="session.command",
        type=Type.STRING,
        doc="The command that was asked for, with blanks between.",
        needs=("session.command",),
        read=_command,
    ),
    plain("session.start", "session.start", Type.NUMBER, "Start of the session, nanoseconds since the epoch."),
    Field(
        name="session.duration",
        type=Type.NUMBER,
        doc="Nanoseconds from the start of the session to the event.",
        needs=("session.start",),
        read=_duration,
    ),
)
