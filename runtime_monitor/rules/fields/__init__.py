"""Every field of the rule language: one file for each class, found by its presence in this folder.

In: nothing. Out: `FIELDS`, name -> Field; `find` for the name that a condition uses; `fillable` for what a sensor can
fill. Read by `resolve`, `template` and `podseal-monitor rules fields`. A new class of fields is a new module here with
a tuple `FIELDS`; there is no list to edit. Each class's names and needs are checked when the package is imported.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from runtime_monitor import events
from runtime_monitor.rules.fields.field import Argument, Field, Several, Type

ATTRIBUTES = frozenset(field.encode_name for part in events.PARTS.values() for field in msgspec.structs.fields(part))
"""Everything that an Event can say, by the names in recorded events."""


def _load() -> Mapping[str, Field]:
    found: dict[str, Field] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name == "field":
            continue
        for field in importlib.import_module(f"{__name__}.{module.name}").FIELDS:
            if field.name in found:
                raise ValueError(f"fields/{module.name}.py: field {field.name} exists already")
            if not ATTRIBUTES.issuperset(field.needs):
                raise ValueError(f"fields/{module.name}.py: field {field.name} needs what no Event has: {field.needs}")
            if bool(field.path) == bool(field.read):
                raise ValueError(f"fields/{module.name}.py: field {field.name} must have either a path or a function")
            found[field.name] = field
    return MappingProxyType(found)


FIELDS: Mapping[str, Field] = _load()


class Unknown(LookupError):  # noqa: N818 -- said of a name, not an error of ours
    """A name that is no field, or an argument that the field does not take; the text says which."""


def find(name: str, argument: str | None) -> tuple[Field, str | int | None]:
    """The field of a name and its argument, ready to be read.

    Raises:
        Unknown: see there.
    """
    field = FIELDS.get(name)
    if field is None:
        base, _, rest = _longest(name)
        field = FIELDS.get(base)
        if field is None or not field.dotted or argument is not None:
            raise Unknown(f"nonexistent field {name}{_suggestion(name)}")
        argument = rest
    return field, _argument(field, argument)


def _longest(name: str) -> tuple[str, str, str]:
    """`k8s.pod.label.app.name` -> the longest known base and the rest."""
    parts = name.split(".")
    for end in range(len(parts) - 1, 1, -1):
        base = ".".join(parts[:end])
        if base in FIELDS:
            return base, ".", ".".join(parts[end:])
    return name, "", ""


def _argument(field: Field, argument: str | None) -> str | int | None:
    if argument is None:
        if field.argument in (Argument.INDEX, Argument.KEY):
            raise Unknown(f"field {field.name} needs an argument: {field.name}[...]")
        return None
    if field.argument is Argument.NONE:
        raise Unknown(f"field {field.name} takes no argument")
    if field.argument in (Argument.KEY, Argument.OPTIONAL_KEY):
        return argument
    if not (argument.isascii() and argument.isdigit() and len(argument) < 10):  # noqa: PLR2004 -- fits any index
        raise Unknown(f"the argument of field {field.name} must be a number, not {argument!r}")
    return int(argument)


def _suggestion(name: str) -> str:
    """The field that was probably meant: same class, one or two letters away."""
    import difflib  # noqa: PLC0415 -- needed for messages alone

    close = difflib.get_close_matches(name, FIELDS, n=1, cutoff=0.8)
    return f": did you mean {close[0]}?" if close else ""


__all__ = ["ATTRIBUTES", "FIELDS", "Argument", "Field", "Several", "Type", "Unknown", "find"]
