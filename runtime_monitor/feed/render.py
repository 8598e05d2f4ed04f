"""An alert as one line of text or of JSON, in which nothing can pretend to be another line or speak to a terminal.

In: an Alert. Out: a line without its end. Pure. Called by the outputs and by `podseal-monitor alerts`.
Falco's forms: `05:10:10.000000001: Critical text`, and its eight keys in a JSON object.
"""

import re
from typing import Any, Final

import msgspec

from runtime_monitor.alerts import Alert, iso_time

UNSAFE: Final = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f"  # controls, the C1 ones among them: some terminals obey those too
    "\\u061c\\u200b\\u200e\\u200f\\u202a-\\u202e\\u2060-\\u2069\\ufeff"  # direction and invisible characters
    "\\u2028\\u2029]"  # which end a line for JavaScript and for Python's splitlines
)
PREFIX: Final = re.compile(r"\d\d:\d\d:\d\d\.\d{9}: [A-Z][a-z]+ ")
"""What Falco puts in front of a rule's output: time of day and priority."""
_ENCODER = msgspec.json.Encoder(enc_hook=str)


def text(alert: Alert) -> str:
    """Falco's line of text."""
    prefix = "" if PREFIX.match(alert.output) else f"{iso_time(alert.time)[11:29]}: {alert.priority.label} "
    return prefix + printable(alert.output)


def json_line(alert: Alert) -> str:
    """Falco's object. What JSON need not escape and a terminal would obey is escaped as well."""
    return printable_json(alert.as_falco())


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
