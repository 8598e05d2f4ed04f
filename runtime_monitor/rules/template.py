"""Outputs of rules: text with fields in it, and the same fields as an object.

In: `Shell in %container.id | user=%user.name`. Out: a Template, which renders an event to text and to `output_fields`.
Called by `ruleset` and `engine`. After Falco: `%field`, `%field[arg]`, `%transformer(field)`, `%12field` pads or cuts
to 12 characters, `%%` is a percent sign; a value that is not known prints `<NA>` and is None among the fields; a
leading `*`, which says that, is Falco's default and may be left out.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from runtime_monitor.events import Event
from runtime_monitor.rules import globs, parser, resolve, tokenizer, tree
from runtime_monitor.rules.fields.field import Several, Type
from runtime_monitor.rules.problems import ConditionError, UnknownNameError

UNKNOWN = "<NA>"
MAX_LENGTH = 64 << 10
MAX_WIDTH = 4096
WIDTH = re.compile(r"[0-9]{1,5}")


class Slot(Struct, frozen=True):
    """A place for a value. `width` 0 leaves it as it is; `inner` are the fields in it, which become output_fields."""

    value: resolve.Value
    width: int = 0
    inner: tuple[resolve.Value, ...] = ()


class Template(Struct, frozen=True):
    """A compiled output: literal text and slots in turn, and the values that become `output_fields`.

    `extra` are further output_fields, each a text of its own; `further` is what they were made of.
    """

    text: str
    parts: tuple[str | Slot, ...]
    fields: tuple[resolve.Value, ...]
    extra: tuple[tuple[str, tuple[str | Slot, ...]], ...] = ()
    further: tuple[tuple[str, str | None], ...] = ()

    def render(self, event: Event) -> str:
        """The text for an event; bytes that are no UTF-8 become U+FFFD."""
        return _joined(self.parts, event)

    def values(self, event: Event) -> dict[str, Any]:
        """Field name -> value, with `evt.time` in nanoseconds as Falco has it; None where it is not known."""
        found = {value.key: _plain(value.read(event)) for value in self.fields}
        found["evt.time"] = event.evt.time
        for name, parts in self.extra:
            found[name] = _joined(parts, event)
        return found


def compile_output(text: str, resolver: resolve.Resolver, further: Sequence[tuple[str, str | None]] = ()) -> Template:
    """The template of an output; `further` are output_fields beside it: a field and None, or a name and a text.

    Raises:
        UnknownNameError: a field that does not exist or that the sensor cannot fill.
        ConditionError: a percent sign with nothing that can be read behind it.
    """
    if len(text) > MAX_LENGTH:
        raise ConditionError(f"the output has {len(text)} characters: at most {MAX_LENGTH} are read", text[:80], 0)
    whole = text.removeprefix("*")
    parts = _parts(whole, resolver)
    plain = [part for name, added in further if added is None for part in _parts(f"%{name}", resolver)]
    fields: dict[str, resolve.Value] = {}
    for part in [*parts, *plain]:
        if isinstance(part, Slot):
            for value in part.inner:
                fields.setdefault(value.key, value)
    extra = tuple((name, tuple(_parts(added, resolver))) for name, added in further if added is not None)
    return Template(whole, tuple(parts), tuple(fields.values()), extra, tuple(further))


def _parts(text: str, resolver: resolve.Resolver) -> list[str | Slot]:
    parts: list[str | Slot] = []
    scan = tokenizer.Scanner(text)
    while not scan.ended:
        percent = text.find("%", scan.offset)
        if percent < 0:
            parts.append(text[scan.offset :])
            break
        if percent > scan.offset:
            parts.append(text[scan.offset : percent])
        scan.offset = percent + 1
        parts.append("%" if scan.symbol("%") else _slot(scan, resolver))
    return parts


def _slot(scan: tokenizer.Scanner, resolver: resolve.Resolver) -> Slot:
    start = scan.offset
    width = int(scan.take(WIDTH) or 0)
    if width > MAX_WIDTH:
        raise ConditionError(f"a width of {width}: at most {MAX_WIDTH} are padded", scan.text, start)
    operand = parser.Parser(scan).operand()
    if operand is None:
        raise UnknownNameError("invalid formatting token: expected a field after '%', or '%%'", scan.text, start - 1)
    value = resolver.value(operand, scan.text)
    inner = tuple(resolver.value(field, scan.text) for field in tree.fields(operand))
    return Slot(value, width, inner)


def _joined(parts: Iterable[str | Slot], event: Event) -> str:
    text = "".join(part if isinstance(part, str) else _rendered(part, event) for part in parts)
    return globs.printable(text)


def _rendered(slot: Slot, event: Event) -> str:
    text = _text(slot.value, slot.value.read(event))
    return text if not slot.width else text[: slot.width].ljust(slot.width)


def _text(value: resolve.Value, found: Any) -> str:  # noqa: ANN401 -- any type of the language
    if found is None:
        return UNKNOWN
    if value.several is not Several.NO:
        joined = ",".join(str(each) for each in found)
        return f"({joined})" if value.several is Several.LIST else joined
    if value.type is Type.BOOLEAN:
        return "true" if found else "false"
    return found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found)


def _plain(found: Any) -> Any:  # noqa: ANN401 -- any type of the language
    """A value as JSON can have it."""
    if isinstance(found, str):
        return globs.printable(found)
    if isinstance(found, bytes):
        return found.decode("utf-8", "replace")
    return list(map(_plain, found)) if isinstance(found, tuple) else found
