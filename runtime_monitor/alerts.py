"""The Alert: an event on which a rule fired, with its text, in Falco's form.

In: `rules.engine` makes one of each match. Out: the spool keeps `encode(alert)`; the feed reads it back by `decode` and
hands it to the sinks. `Alert.as_falco` is the object with exactly Falco's eight keys.
"""

import enum
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct


class Priority(enum.IntEnum):
    """Falco's priorities, the gravest first; the numbers are syslog's severities."""

    EMERGENCY = 0
    ALERT = 1
    CRITICAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFORMATIONAL = 6
    DEBUG = 7

    @property
    def label(self) -> str:
        """As alerts print it: `Critical`."""
        return self.name.capitalize()


class Alert(Struct, frozen=True, kw_only=True):
    """One rule fired on one event.

    `id` is `<event id>/<first eight hexadecimal digits of the rule's hash>`, so that a replayed event yields the same
    one; `time` is in nanoseconds since the epoch; `output_fields` maps Falco's field names to values, None where
    they are missing.
    """

    id: str
    time: int
    rule: str
    priority: Priority
    output: str
    output_fields: dict[str, Any]
    hostname: str = ""
    source: str = "syscall"
    tags: tuple[str, ...] = ()

    def as_falco(self) -> dict[str, Any]:
        """Falco's eight keys in its order; the id stands in `output_fields` as `podseal.alert_id`."""
        return {
            "hostname": self.hostname,
            "output": self.output,
            "output_fields": {**self.output_fields, "podseal.alert_id": self.id},
            "priority": self.priority.label,
            "rule": self.rule,
            "source": self.source,
            "tags": sorted(self.tags),
            "time": iso_time(self.time),
        }


def iso_time(nanoseconds: int) -> str:
    """RFC 3339 in UTC with nine digits, as Falco writes it: `2026-11-26T05:10:10.000000001Z`."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def printable(value: Any) -> Any:  # noqa: ANN401 -- whatever an event holds
    """A value for people and for JSON: bytes that are no UTF-8, surrogates so far, become U+FFFD as in Falco."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, dict):
        return {printable(key): printable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [printable(each) for each in value]
    return value


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Alert)


def encode(alert: Alert) -> bytes:
    """An alert as the spool keeps it."""
    return _ENCODER.encode(alert)


def decode(data: bytes) -> Alert:
    """An alert from the spool; raises `msgspec.DecodeError` where it is none."""
    return _DECODER.decode(data)
