"""What the operators mean, for each type: a literal becomes a value, an operator and its values become a predicate.

In: a type, an operator and the texts at its right. Out: functions of a value that is known. That a value which is not
known makes every comparison false, `!=` too, is the callers' part (`compile`, `explain`). Called by `resolve`.
"""

import ipaddress
import math
import operator as builtin
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from runtime_monitor.rules import globs, tokenizer
from runtime_monitor.rules.fields.field import Several, Type

Predicate = Callable[[Any], bool]
Comparison = Callable[[Any, Any], bool]

EQUAL = frozenset({"=", "==", "!="})
ORDER = frozenset({"<", "<=", ">", ">="})
LISTED = frozenset({"in", "intersects"})
TEXT = frozenset({"glob", "iglob", "regex", "contains", "icontains", "bcontains"})
ENDS = frozenset({"startswith", "bstartswith", "endswith", "pmatch"})
ALLOWED = {
    Type.STRING: EQUAL | ORDER | LISTED | TEXT | ENDS,
    Type.NUMBER: EQUAL | ORDER | LISTED,
    Type.BOOLEAN: EQUAL | LISTED,
    Type.ADDRESS: EQUAL | LISTED,
    Type.NETWORK: EQUAL | LISTED,
    Type.BYTES: EQUAL | {"contains", "bcontains", "startswith", "bstartswith", "endswith"},
}
"""Operators that a type has, beside `exists`."""

MAX_DIGITS = 40

COMPARISONS: dict[str, Comparison] = {
    "=": builtin.eq,
    "==": builtin.eq,
    "!=": builtin.ne,
    "<": builtin.lt,
    "<=": builtin.le,
    ">": builtin.gt,
    ">=": builtin.ge,
    "contains": builtin.contains,
    "icontains": lambda value, other: other.lower() in value.lower(),
    "startswith": lambda value, other: value.startswith(other),
    "endswith": lambda value, other: value.endswith(other),
    "glob": lambda value, other: globs.matcher(other)(value),
    "iglob": lambda value, other: globs.matcher(other, ignore_case=True)(value),
    "regex": lambda value, other: globs.regex(other)(value),
}
"""Operators between two values that are only known when an event comes: `proc.name = val(proc.pname)`."""


class OperandError(ValueError):
    """A literal that does not fit the type, or an operator that the type does not have."""


class Network:
    """An address or a range, comparable with addresses as text."""

    def __init__(self, text: str) -> None:
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError as error:
            raise OperandError(f"{text!r} is no address and no range of addresses") from error
        self.version = network.version
        self.first = int(network.network_address)
        self.mask = int(network.netmask)

    def __contains__(self, address: str) -> bool:
        version, number = parsed_address(address)
        return version == self.version and number & self.mask == self.first


@lru_cache(maxsize=8192)
def parsed_address(text: str) -> tuple[int, int]:
    """Version and number of an address; version 0 where it is none. An IPv4 address in IPv6 counts as IPv4."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return 0, 0
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    return address.version, int(address)


def literal(kind: Type, operator: str, text: str) -> Any:  # noqa: ANN401 -- any type of the language
    """The value that a literal stands for.

    Raises:
        OperandError: it is no value of the type.
    """
    if operator in ("bcontains", "bstartswith"):
        try:
            return bytes.fromhex(text)
        except ValueError as error:
            raise OperandError(f"{text!r} is no hexadecimal string, which {operator} needs") from error
    if kind is Type.NUMBER:
        return _number(text)
    if kind is Type.BOOLEAN:
        if text.lower() not in ("true", "false"):
            raise OperandError(f"{text!r} is neither true nor false")
        return text.lower() == "true"
    if kind in (Type.ADDRESS, Type.NETWORK):
        if kind is Type.ADDRESS and "/" in text:
            raise OperandError(f"{text!r} is no address; for ranges there is the field's .net form")
        return Network(text)
    return text.encode() if kind is Type.BYTES else text


def _number(text: str) -> int | float:
    if not tokenizer.NUMBER.fullmatch(text) or len(text) > MAX_DIGITS:
        raise OperandError(f"{text[:MAX_DIGITS]!r} is no number")
    if text[:2].lower() == "0x":
        return int(text, 16)
    try:
        return int(text)
    except ValueError:
        number = float(text)
    if not math.isfinite(number):
        raise OperandError(f"{text!r} is no finite number")
    return number


def predicate(kind: Type, operator: str, values: Sequence[Any]) -> Predicate:
    """Whether one known value fulfils the operator with these literals.

    Raises:
        OperandError: a pattern that cannot be compiled.
    """
    if kind in (Type.ADDRESS, Type.NETWORK):
        found = tuple(values)
        if operator == "!=":
            return lambda value: value not in found[0]
        return lambda value: any(value in network for network in found)
    if operator in LISTED:
        return frozenset(values).__contains__
    if operator == "pmatch":
        return globs.prefixes(values)
    (only,) = values
    return _single(operator, only)


def _single(operator: str, only: Any) -> Predicate:  # noqa: ANN401 -- any type of the language
    try:
        if operator in ("glob", "iglob"):
            return globs.matcher(only, ignore_case=operator == "iglob")
        if operator == "regex":
            return globs.regex(only)
    except globs.PatternError as error:
        raise OperandError(str(error)) from error
    if operator == "bcontains":
        return lambda value: only in _bytes(value)
    if operator == "bstartswith":
        return lambda value: _bytes(value).startswith(only)
    if operator == "icontains":
        lowered = only.lower()
        return lambda value: lowered in value.lower()
    compare = COMPARISONS[operator]
    return lambda value: compare(value, only)


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")


def spread(several: Several, operator: str, holds: Predicate, values: Sequence[Any] = ()) -> Predicate:
    """The predicate for a field with several values at once."""
    if several is Several.ANY:
        return lambda found: any(map(holds, found))
    if several is Several.EITHER:
        if operator in ("=", "==", "in"):
            return lambda found: any(map(holds, found))
        return lambda found: all(map(holds, found))
    if several is Several.LIST:
        if operator == "intersects":
            return lambda found: any(map(holds, found))
        if operator in ("=", "=="):
            return lambda found: len(found) == len(values) and all(map(holds, found))
        return lambda found: all(map(holds, found))
    return holds


def quantified(quantifier: str, predicates: Sequence[Predicate]) -> Predicate:
    """An operator spread over a list: any, all, or exactly one of its values must fulfil it."""
    if quantifier == "anyof":
        return lambda value: any(holds(value) for holds in predicates)
    if quantifier == "allof":
        return lambda value: all(holds(value) for holds in predicates)
    return lambda value: sum(holds(value) for holds in predicates) == 1
