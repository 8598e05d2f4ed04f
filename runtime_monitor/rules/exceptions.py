"""Exceptions of rules: fields, operators and the combinations of values on which a rule keeps silent.

In: the value of the key `exceptions`. Out: `Exception_` items, and by `conjoin` the rule's condition with them as text:
`(condition) and not ((f1 op v1 and f2 op v2) or ...)`, for a single field `and not (f in (v, ...))`. Called by `items`,
`collect` and `ruleset`. The rules are those of Falco's rule_loader_collector and rule_loader_compiler.
"""

from collections.abc import Sequence

from msgspec import Struct

from runtime_monitor.rules import parser, quoting
from runtime_monitor.rules.document import Value
from runtime_monitor.rules.problems import Place, Problem, RuleError

INVALID = "LOAD_ERR_VALIDATE"
Entry = str | tuple["Entry", ...]
"""A text, or a list of such entries."""


class Exception_(Struct, frozen=True):  # noqa: N801 -- the language's word for it, and Python's own name is taken
    """One exception; `fields` and `comps` are None where they are not said, which is right only when appending."""

    name: str
    place: Place
    fields: Entry | None = None
    comps: Entry | None = None
    values: tuple[Entry, ...] = ()


def read_exceptions(value: Value) -> tuple[Exception_, ...]:
    """The exceptions of one rule.

    Raises:
        RuleError: not a list of mappings with a name, or the same name twice.
    """
    if value.items is None:
        if value.text == "":
            return ()
        raise RuleError(INVALID, "'exceptions' must be a list", value.place)
    found: list[Exception_] = []
    for item in value.items:
        entries = item.entries
        name = entries.get("name") if entries is not None else None
        if entries is None or name is None or not name.text:
            raise RuleError(INVALID, "an exception must be a mapping with a name", item.place)
        if any(known.name == name.text for known in found):
            raise RuleError(INVALID, f"exception '{name.text}' occurs twice", item.place)
        values = entries.get("values")
        if values is not None and values.items is None and values.text != "":
            raise RuleError(INVALID, f"the values of exception '{name.text}' must be a list", values.place)
        found.append(
            Exception_(
                name.text,
                item.place,
                _entry(entries["fields"]) if "fields" in entries else None,
                _entry(entries["comps"]) if "comps" in entries else None,
                tuple(map(_entry, (values.items or []) if values else [])),
            )
        )
    return tuple(found)


def complete(exception: Exception_) -> Exception_:
    """An exception with its operators filled in.

    Raises:
        RuleError: no fields, as many operators as fields it has not, or an operator that does not exist.
    """
    fields, comps = exception.fields, exception.comps
    if fields is None:
        raise RuleError(INVALID, f"exception '{exception.name}' has no fields", exception.place)
    if isinstance(fields, str):
        comps = "in" if comps is None else comps
        if not isinstance(comps, str) or comps not in parser.LISTS:
            message = f"exception '{exception.name}' has one field: its operator must be in, pmatch or intersects"
            raise RuleError(INVALID, message, exception.place)
    else:
        comps = ("=",) * len(fields) if comps is None else comps
        if isinstance(comps, str) or len(comps) != len(fields):
            message = f"exception '{exception.name}' must have as many operators (comps) as fields"
            raise RuleError(INVALID, message, exception.place)
        for operator in comps:
            if operator not in parser.OPERATORS:
                message = f"exception '{exception.name}': {operator!r} is no operator"
                raise RuleError(INVALID, message, exception.place)
    return Exception_(exception.name, exception.place, fields, comps, exception.values)


def append(known: Sequence[Exception_], added: Sequence[Exception_]) -> tuple[Exception_, ...]:
    """Exceptions with others added: values to those of the same name, the rest behind.

    Raises:
        RuleError: fields or operators for an exception that exists, or a new one without values.
    """
    result = list(known)
    for exception in added:
        index = next((i for i, each in enumerate(result) if each.name == exception.name), None)
        if index is None:
            if not exception.values:
                raise RuleError(INVALID, f"exception '{exception.name}' has no values", exception.place)
            result.append(complete(exception))
        elif exception.fields is not None or exception.comps is not None:
            message = f"exception '{exception.name}' exists: only values can be appended to it"
            raise RuleError(INVALID, message, exception.place)
        else:
            old = result[index]
            result[index] = Exception_(old.name, old.place, old.fields, old.comps, old.values + exception.values)
    return tuple(result)


def conjoin(condition: str, exceptions: Sequence[Exception_]) -> str:
    """The condition with the exceptions, as text, so that names of lists among the values count.

    Raises:
        RuleError: a combination that has more or fewer values than there are fields.
    """
    if not exceptions:
        return condition
    parts = [f"({condition})"]
    for exception in exceptions:
        text = _single(exception) if isinstance(exception.fields, str) else _several(exception)
        if text:
            parts.append(f" and not {text}")
    return "".join(parts)


def unused(exceptions: Sequence[Exception_], item: str) -> list[Problem]:
    """A warning for each appended exception that brings nothing."""
    return [
        Problem("warning", "LOAD_APPEND_NO_VALUES", f"exception '{each.name}' has no values", each.place, item)
        for each in exceptions
        if not each.values
    ]


def _single(exception: Exception_) -> str:
    if not exception.values:
        return ""
    values = []
    for value in exception.values:
        if not isinstance(value, str):
            message = f"exception '{exception.name}' has one field: each of its values must be text"
            raise RuleError(INVALID, message, exception.place)
        values.append(quoting.item(value))
    return f"({exception.fields} {exception.comps} ({', '.join(values)}))"


def _several(exception: Exception_) -> str:
    fields, comps = exception.fields or (), exception.comps or ()
    alternatives = []
    for values in exception.values:
        if isinstance(values, str) or len(values) != len(fields):
            message = f"exception '{exception.name}': each combination must have {len(fields)} values"
            raise RuleError(INVALID, message, exception.place)
        checks = []
        for field, operator, value in zip(fields, comps, values, strict=True):
            right = _list(value, exception) if not isinstance(value, str) else _text(value, str(operator))
            checks.append(f"{field} {operator} {right}")
        alternatives.append(f"({' and '.join(checks)})")
    return f"({' or '.join(alternatives)})" if alternatives else ""


def _list(value: tuple[Entry, ...], exception: Exception_) -> str:
    if not all(isinstance(item, str) for item in value):
        raise RuleError(INVALID, f"exception '{exception.name}' nests lists too deeply", exception.place)
    return f"({', '.join(quoting.item(str(item)) for item in value)})"


def _text(value: str, operator: str) -> str:
    """One value; a list operator takes it in parentheses."""
    if operator in parser.LISTS:
        return value if value.startswith("(") else f"({value})"
    return quoting.item(value)


def _entry(value: Value) -> Entry:
    if value.items is not None:
        return tuple(map(_entry, value.items))
    if value.text:
        return value.text
    raise RuleError(INVALID, "expected text or a list", value.place)
