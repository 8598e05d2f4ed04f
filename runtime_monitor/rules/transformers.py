"""Transformers: `tolower(FIELD)` and the like, at the left of an operator, within `val`, and in outputs.

In: the name of a transformer and the types of what it gets. Out: what it yields and the function that does it, on
values that are known; it may itself yield None for "not known". Called by `resolve`.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from runtime_monitor.rules.fields.field import Type


class Transformer(Struct, frozen=True):
    """`joins` takes its arguments as one tuple; the others take one value. `accepts` are the types of the arguments."""

    apply: Callable[[Any], Any]
    yields: Type
    accepts: frozenset[Type] = frozenset({Type.STRING})
    joins: bool = False
    whole: bool = False  # of a field with several values it takes all at once, the others one by one


def _decoded(value: str) -> str | None:
    try:
        return base64.b64decode(value, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return None


def _joined(values: tuple[str, ...]) -> str:
    separator, *rest = values
    return separator.join(rest)


TRANSFORMERS: dict[str, Transformer] = {
    "tolower": Transformer(str.lower, Type.STRING),
    "toupper": Transformer(str.upper, Type.STRING),
    "basename": Transformer(lambda value: value[value.rfind("/") + 1 :], Type.STRING),
    "b64": Transformer(_decoded, Type.STRING),
    "len": Transformer(len, Type.NUMBER, frozenset({Type.STRING, Type.BYTES}), whole=True),
    "join": Transformer(_joined, Type.STRING, joins=True),
    "concat": Transformer("".join, Type.STRING, joins=True),
}
"""By name, but `getopt`, which takes words (`getopt`), and `val`, which is none."""
