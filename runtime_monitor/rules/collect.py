"""What an item does to those before it: define, append, replace, enable.

In: the items of all files in their order. Out: the lists, macros and rules that hold in the end. Called by `ruleset`.
A new definition takes the earlier one's position, and its visibility is where it stands; an append moves the visibility
alone (Falco's rule_loader_collector).
"""

import msgspec
from msgspec import structs

from runtime_monitor.rules import exceptions
from runtime_monitor.rules.items import Item, ListItem, MacroItem, RuleItem
from runtime_monitor.rules.problems import Problem, RuleError

INVALID = "LOAD_ERR_VALIDATE"
SOURCES = frozenset({"syscall"})
"""Event sources that the monitor has."""
OWN_OR_ORDER = "check the order of the files, and give --own where it is one of podseal's"
REQUIRED = ("condition", "output", "desc", "priority")


class Collected(msgspec.Struct):
    """What holds so far; `position` counts the items read."""

    lists: dict[str, ListItem] = {}
    macros: dict[str, MacroItem] = {}
    rules: dict[str, RuleItem] = {}
    position: int = 0


def add(collected: Collected, item: Item, warnings: list[Problem]) -> None:
    """Let one item have its effect.

    Raises:
        RuleError: it changes something that does not exist, or what it says does not fit.
    """
    collected.position += 1
    if isinstance(item, ListItem):
        _list(collected, item)
    elif isinstance(item, MacroItem):
        _macro(collected, item)
    elif isinstance(item, RuleItem):
        _rule(collected, item, warnings)


def _list(collected: Collected, item: ListItem) -> None:
    known = collected.lists.get(item.name)
    at = collected.position
    if not item.append:
        index = known.index if known else at
        collected.lists[item.name] = structs.replace(item, index=index, visibility=at)
        return
    if known is None:
        raise _missing("list", item)
    collected.lists[item.name] = structs.replace(known, items=known.items + item.items, visibility=at)


def _macro(collected: Collected, item: MacroItem) -> None:
    known = collected.macros.get(item.name)
    at = collected.position
    if not item.append:
        index = known.index if known else at
        collected.macros[item.name] = structs.replace(item, index=index, visibility=at)
        return
    if known is None:
        raise _missing("macro", item)
    condition = f"{known.condition} {item.condition}"
    collected.macros[item.name] = structs.replace(known, condition=condition, visibility=at)


def _rule(collected: Collected, item: RuleItem, warnings: list[Problem]) -> None:
    known = collected.rules.get(item.name)
    name = f"rule '{item.name}'"
    if item.append or item.appended or item.replaced:
        if known is None:
            raise _missing("rule", item)
        keys = frozenset({"condition", "exceptions"}) if item.append else item.appended
        changed = _appended(known, item, keys, warnings)
        collected.rules[item.name] = _replaced(changed, item)
    elif all(getattr(item, key) is None for key in REQUIRED):
        if item.enabled is None:
            raise RuleError("LOAD_ERR_YAML_VALIDATE", "has no key 'condition'", item.place, item=name)
        if known is None:
            message = f"is to be enabled or disabled, but does not exist before: {OWN_OR_ORDER}"
            raise RuleError(INVALID, message, item.place, item=name)
        message = "'enabled' alone is deprecated: use 'override: {enabled: replace}'"
        warnings.append(Problem("warning", "LOAD_DEPRECATED_ITEM", message, item.place, name))
        collected.rules[item.name] = structs.replace(known, enabled=item.enabled)
    else:
        _define(collected, item, warnings)


def _define(collected: Collected, item: RuleItem, warnings: list[Problem]) -> None:
    name = f"rule '{item.name}'"
    for key in REQUIRED:
        if getattr(item, key) is None:
            raise RuleError("LOAD_ERR_YAML_VALIDATE", f"has no key '{key}'", item.place, item=name)
    known = collected.rules.get(item.name)
    if known is not None and (known.source or "syscall") != (item.source or "syscall"):
        raise RuleError(INVALID, "has been defined before with another source", item.place, item=name)
    if (item.source or "syscall") not in SOURCES:
        message = f"unknown source '{item.source}': the rule is skipped"
        warnings.append(Problem("warning", "LOAD_UNKNOWN_SOURCE", message, item.place, name))
    complete = tuple(map(exceptions.complete, item.exceptions or ()))
    collected.rules[item.name] = structs.replace(item, exceptions=complete)


def _appended(known: RuleItem, item: RuleItem, keys: frozenset[str], warnings: list[Problem]) -> RuleItem:
    changes: dict[str, object] = {}
    for key in keys & {"condition", "output", "desc"}:
        if getattr(item, key) is not None:
            changes[key] = f"{getattr(known, key)} {getattr(item, key)}"
    if "tags" in keys:
        changes["tags"] = tuple(dict.fromkeys([*(known.tags or ()), *(item.tags or ())]))
    if "exceptions" in keys and item.exceptions:
        warnings.extend(exceptions.unused(item.exceptions, f"rule '{item.name}'"))
        changes["exceptions"] = exceptions.append(known.exceptions or (), item.exceptions)
    return structs.replace(known, **changes)


def _replaced(known: RuleItem, item: RuleItem) -> RuleItem:
    changes: dict[str, object] = {}
    for key in item.replaced:
        attribute = key.replace("-", "_")
        if key == "exceptions":
            changes[key] = tuple(map(exceptions.complete, item.exceptions or ()))
        elif hasattr(item, attribute):
            changes[attribute] = getattr(item, attribute)
    if "condition" in changes:
        changes["condition_place"] = item.condition_place
    if "output" in changes:
        changes["output_place"] = item.output_place
    return structs.replace(known, **changes)


def _missing(kind: str, item: ListItem | MacroItem | RuleItem) -> RuleError:
    message = f"is to be changed, but does not exist before: {OWN_OR_ORDER}"
    return RuleError(INVALID, message, item.place, item=f"{kind} '{item.name}'")
