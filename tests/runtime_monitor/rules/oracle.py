"""Another interpreter of conditions, slow and plain, to check the compiled code against.

It walks the parsed tree and knows Falco's semantics from its documentation alone: a missing value makes every
comparison false. It shares with the product only the parser and the reading of a field from an event.
"""

import fnmatch
import ipaddress
import re
from collections.abc import Callable
from typing import Any

from runtime_monitor.events import Event
from runtime_monitor.rules import fields, tree
from runtime_monitor.rules.fields.field import Several, Type

Value = Any
"""Any type of the language."""


def holds(node: tree.Node, event: Event) -> bool:
    """Whether a condition is true for an event."""
    if isinstance(node, tree.Not):
        return not holds(node.child, event)
    if isinstance(node, tree.And):
        return all(holds(child, event) for child in node.children)
    if isinstance(node, tree.Or):
        return any(holds(child, event) for child in node.children)
    assert isinstance(node, tree.Check)
    return _check(node, event)


def _check(check: tree.Check, event: Event) -> bool:
    kind, several, value = _value(check.left, event)
    if value is None:
        return False
    if check.operator == "exists":
        return True
    right = check.right
    if isinstance(right, tree.Field | tree.Transformed):
        _kind, _several, other = _value(right, event)
        return other is not None and _compare(kind, check.operator, value, other)
    literals = right.values if isinstance(right, tree.Values) else (right,) if right else ()
    texts = [each.value for each in literals]
    found = value if isinstance(value, tuple) else (value,)
    if several is Several.LIST and check.operator == "in":
        return all(_one(kind, "in", each, texts) for each in found)
    if several is Several.EITHER and check.operator not in ("=", "==", "in"):
        return all(_one(kind, check.operator, each, texts) for each in found)
    return any(_one(kind, check.operator, each, texts) for each in found)


def _one(kind: Type, operator: str, value: Value, texts: list[str]) -> bool:
    if operator in ("in", "intersects"):
        return any(_compare(kind, "=", value, _literal(kind, text)) for text in texts)
    if operator == "pmatch":
        return any(_below(value, text) for text in texts)
    return _compare(kind, operator, value, _literal(kind, texts[0]))


def _literal(kind: Type, text: str) -> Value:
    if kind is Type.NUMBER:
        return int(text, 0)
    if kind is Type.BOOLEAN:
        return text == "true"
    return text


def _compare(kind: Type, operator: str, value: Value, other: Value) -> bool:
    if kind in (Type.ADDRESS, Type.NETWORK):
        inside = ipaddress.ip_address(value) in ipaddress.ip_network(other)
        return not inside if operator == "!=" else inside
    table: dict[str, Callable[[], object]] = {
        "=": lambda: value == other,
        "==": lambda: value == other,
        "!=": lambda: value != other,
        "<": lambda: value < other,
        "<=": lambda: value <= other,
        ">": lambda: value > other,
        ">=": lambda: value >= other,
        "contains": lambda: other in value,
        "icontains": lambda: other.lower() in value.lower(),
        "startswith": lambda: value[: len(other)] == other,
        "endswith": lambda: not other or value[-len(other) :] == other,
        "glob": lambda: fnmatch.fnmatchcase(value, other),
        "iglob": lambda: fnmatch.fnmatchcase(value.lower(), other.lower()),
        "regex": lambda: re.fullmatch(other, value) is not None,
    }
    return bool(table[operator]())


def _below(value: str, path: str) -> bool:
    """Whether `value` is `path` or below it, by whole components."""
    mine, its = [part for part in value.split("/") if part], [part for part in path.split("/") if part]
    return len(its) <= len(mine) and all(fnmatch.fnmatchcase(a, b) for a, b in zip(mine, its, strict=False))


def _value(operand: tree.Operand, event: Event) -> tuple[Type, Several, Value]:
    if isinstance(operand, tree.Field):
        field, argument = fields.find(operand.name, operand.argument)
        several = Several.NO if field.several is Several.ANY and argument is not None else field.several
        return field.type, several, field.value(event, argument)
    argument_of = operand.arguments[0]
    assert not isinstance(argument_of, tree.Literal)
    kind, several, value = _value(argument_of, event)
    if operand.transformer == "val":
        return kind, several, value
    change: dict[str, Callable[[Value], Value]] = {
        "tolower": lambda text: text.lower(),
        "toupper": lambda text: text.upper(),
        "basename": lambda text: text.split("/")[-1],
        "len": len,
    }
    apply = change[operand.transformer]
    if value is None:
        return (Type.NUMBER if operand.transformer == "len" else kind), several, None
    if operand.transformer == "len":
        return Type.NUMBER, Several.NO, len(value)
    return kind, several, tuple(map(apply, value)) if isinstance(value, tuple) else apply(value)
