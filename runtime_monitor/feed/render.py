"""An alert as one line of text or of JSON, in which nothing can pretend to be another line or speak to a terminal.

In: an Alert. Out: a line without its end. Pure. Called by the outputs and by `podseal-monitor alerts`.
Falco's forms: `05:10:10.000000001: Critical text`, and its eight keys in a JSON object.
"""

import re
from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from runtime_monitor.alerts import Alert, iso_time

UNSAFE: Final = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f"  # controls, the C1 ones among them: some terminals obey those too
    "\\u061c\\u200b\\u200e\\u200f\\u202a-\\u202e\\u2060-\\u2069\\ufeff"  # direction and invisible characters
    "\\u2028\\u2029]"  # which end a line for JavaScript and for Python's splitlines
)
PREFIX: Final = re.compile(r"\d\d:\d\d:\d\d\.\d{9}: [A-Z][a-z]+ ")
"""What Falco puts in front of a rule's output: time of day and priority."""
_ENCODER = msgspec.json.Encoder(enc_hook=str)


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    """What a line holds: the keys of the JSON object that may be left out, and how a text's time is written.

    `message` is the text without time and priority; `iso_8601` gives the text the date too.
    """

    output: bool = True
    message: bool = False
    output_fields: bool = True
    tags: bool = True
    iso_8601: bool = False


FALCO: Final = Line()
Form = Literal["text", "json"]


def form(kind: Form, line: Line = FALCO) -> Callable[[Alert], str]:
    """What makes a line of an alert."""
    if kind == "json":
        return lambda alert: json_line(alert, line)
    return lambda alert: text(alert, line)


def text(alert: Alert, line: Line = FALCO) -> str:
    """Falco's line of text."""
    return printable(_text(alert, line))


def json_line(alert: Alert, line: Line = FALCO) -> str:
    """Falco's object. What JSON need not escape and a terminal would obey is escaped as well."""
    return printable_json(as_object(alert, line))


def as_object(alert: Alert, line: Line = FALCO) -> dict[str, Any]:
    """Falco's object, its keys in their order."""
    found = alert.as_falco()
    if line == FALCO:
        return found
    if line.iso_8601:
        found["output"] = _text(alert, line)
    if line.message:
        found["message"] = PREFIX.sub("", alert.output, count=1)
    unwanted = {name for name in ("output", "output_fields", "tags") if not getattr(line, name)}
    return {key: found[key] for key in sorted(found) if key not in unwanted}


def _text(alert: Alert, line: Line) -> str:
    if PREFIX.match(alert.output) and not line.iso_8601:
        return alert.output
    time = iso_time(alert.time) if line.iso_8601 else iso_time(alert.time)[11:29]
    return f"{time}: {alert.priority.label} {PREFIX.sub('', alert.output, count=1)}"


def printable_json(value: Any) -> str:  # noqa: ANN401 -- as encode
    """A value as one line of JSON that a terminal obeys in nothing."""
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", encode(value).decode())


def encode(value: Any) -> bytes:  # noqa: ANN401 -- whatever JSON can say
    """JSON; a lone surrogate becomes a question mark."""
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        return _ENCODER.encode(_clean(value))


def printable(value: str) -> str:
    r"""Text in which every unsafe character stands as its escape: a line break as `\x0a`."""
    safe = value.encode("utf-8", "backslashreplace").decode()
    return UNSAFE.sub(lambda found: _visible(ord(found[0])), safe)


def _visible(code: int) -> str:
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 -- what two digits hold


def _clean(value: Any) -> Any:  # noqa: ANN401 -- as encode
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_clean(key): _clean(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    return value
