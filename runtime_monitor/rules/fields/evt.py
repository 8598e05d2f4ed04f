"""evt.*: what happened, when, and with which result. Source: the system call's exit record of the sensor."""

from datetime import UTC, datetime

from runtime_monitor.alerts import iso_time
from runtime_monitor.events import Event
from runtime_monitor.rules import arguments
from runtime_monitor.rules.fields.field import Argument, Field, Type, plain

OPENS = frozenset({"open", "openat", "openat2", "creat"})
TRANSFERS = frozenset({"sendto", "recvfrom", "sendmsg", "recvmsg"})


def clock(nanoseconds: int) -> str:
    """The time of day in UTC with nine digits, as alerts begin: `05:10:10.000000001`."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}.{rest:09d}"


def _number(event: Event) -> int | None:
    call = event.evt
    if call.num is not None or call.sequence is None:
        return call.num
    return call.sequence + 1


def _argument(event: Event, name: str) -> str | None:
    value = event.evt.arguments.get(name)
    return None if value is None else arguments.text(event.evt.type, name, value)


def _arguments(event: Event) -> str:
    kind = event.evt.type
    return " ".join(f"{name}={arguments.text(kind, name, value)}" for name, value in event.evt.arguments.items())


def _failed(event: Event) -> bool | None:
    result = event.evt.raw_result
    return None if result is None else result < 0


def _buffer_length(event: Event) -> int | None:
    return None if event.evt.buffer is None else len(event.evt.buffer)


def _datetime(event: Event) -> str:
    return iso_time(event.evt.time).rstrip("Z").replace("T", " ")


FIELDS = (
    Field(
        name="evt.num",
        type=Type.NUMBER,
        doc="Number of the event since the sensor started, from 1.",
        needs=("podseal.sequence",),
        read=_number,
    ),
    plain("evt.type", "evt.type", Type.STRING, "Name of the system call or event: openat, execve."),
    plain("evt.type", "syscall.type", Type.STRING, "The same as evt.type.", needs=("evt.type",)),
    Field(
        name="evt.dir",
        type=Type.STRING,
        doc="Always <: events are judged at the call's exit. Deprecated in Falco as well.",
        read=lambda _event: "<",
    ),
    Field(
        name="evt.time",
        type=Type.STRING,
        doc="Time of day in UTC with nanoseconds.",
        needs=("evt.rawtime",),
        read=lambda event: clock(event.evt.time),
    ),
    Field(
        name="evt.time.s",
        type=Type.STRING,
        doc="Time of day in UTC, whole seconds.",
        needs=("evt.rawtime",),
        read=lambda event: clock(event.evt.time)[:8],
    ),
    Field(
        name="evt.time.iso8601",
        type=Type.STRING,
        doc="Date and time in UTC, ISO 8601.",
        needs=("evt.rawtime",),
        read=lambda event: iso_time(event.evt.time),
    ),
    Field(
        name="evt.datetime",
        type=Type.STRING,
        doc="Date and time in UTC with a blank between.",
        needs=("evt.rawtime",),
        read=_datetime,
    ),
    plain("evt.time", "evt.rawtime", Type.NUMBER, "Nanoseconds since the epoch."),
    plain("evt.cpu", "evt.cpu", Type.NUMBER, "CPU on which it happened."),
    plain("evt.node", "evt.hostname", Type.STRING, "Name of the node."),
    Field(name="evt.source", type=Type.STRING, doc="Source of the event: syscall.", read=lambda _event: "syscall"),
    plain("evt.result", "evt.res", Type.STRING, "SUCCESS, or the error's name: ENOENT."),
    plain("evt.raw_result", "evt.rawres", Type.NUMBER, "The call's return value; negative is an error."),
    Field(
        name="evt.failed",
        type=Type.BOOLEAN,
        doc="Whether the call failed.",
        needs=("evt.rawres",),
        read=_failed,
    ),
    Field(
        name="evt.args",
        type=Type.STRING,
        doc="All arguments: name=value, with blanks between.",
        needs=("evt.args",),
        read=_arguments,
    ),
    Field(
        name="evt.arg",
        type=Type.STRING,
        doc="One argument by its name, as text: evt.arg.flags or evt.arg[flags].",
        needs=("evt.args",),
        read=_argument,
        argument=Argument.KEY,
        dotted=True,
    ),
    Field(
        name="evt.is_open_read",
        type=Type.BOOLEAN,
        doc="Whether a file was opened for reading.",
        needs=("evt.is_open_read",),
        path="evt.is_open_read",
        events=OPENS,
    ),
    Field(
        name="evt.is_open_write",
        type=Type.BOOLEAN,
        doc="Whether a file was opened for writing.",
        needs=("evt.is_open_write",),
        path="evt.is_open_write",
        events=OPENS,
    ),
    Field(
        name="evt.is_open_exec",
        type=Type.BOOLEAN,
        doc="Whether a file was made executable while being created.",
        needs=("evt.is_open_exec",),
        path="evt.is_open_exec",
        events=OPENS,
    ),
    Field(
        name="evt.buffer",
        type=Type.BYTES,
        doc="The first 80 bytes that were sent or received.",
        needs=("evt.buffer",),
        path="evt.buffer",
        events=TRANSFERS,
    ),
    Field(
        name="evt.buflen",
        type=Type.NUMBER,
        doc="How many bytes evt.buffer has.",
        needs=("evt.buffer",),
        read=_buffer_length,
        events=TRANSFERS,
    ),
)
