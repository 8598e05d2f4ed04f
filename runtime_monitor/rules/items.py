"""The items of a rules file: list, macro, rule, and what a file requires.

In: a `document.Value`. Out: one frozen item, with the keys that stand there and no others, or a RuleError. Called
by `ruleset`; `collect` then says what an item does to those before it. The keys are Falco's (falco.org: Rules).
"""

from collections.abc import Mapping

from msgspec import Struct

from runtime_monitor.alerts import Priority
from runtime_monitor.rules import quoting, tokenizer
from runtime_monitor.rules.document import Value
from runtime_monitor.rules.exceptions import Exception_, read_exceptions
from runtime_monitor.rules.problems import Place, Problem, RuleError

INVALID = "LOAD_ERR_YAML_VALIDATE"
LIST_KEYS = frozenset({"list", "items", "append", "override"})
MACRO_KEYS = frozenset({"macro", "condition", "append", "override"})
APPENDABLE = frozenset({"condition", "output", "desc", "tags", "exceptions"})
REPLACEABLE = APPENDABLE | {
    *("priority", "enabled", "warn_evttypes", "skip-if-unknown-filter", "capture", "capture_duration"),
}
RULE_KEYS = REPLACEABLE | {"rule", "source", "append", "override"}
PRIORITIES = {priority.name.lower(): priority for priority in Priority} | {"info": Priority.INFORMATIONAL}


class ListItem(Struct, frozen=True):
    """`index` is the position that counts for others, `visibility` the last position that changed it."""

    name: str
    items: tuple[str, ...]
    place: Place
    append: bool = False
    index: int = 0
    visibility: int = 0


class MacroItem(Struct, frozen=True):
    """As ListItem."""

    name: str
    condition: str
    place: Place
    append: bool = False
    index: int = 0
    visibility: int = 0


class RuleItem(Struct, frozen=True):
    """A rule or a change of one: what is None is not said. `appended` and `replaced` are the keys under `override`."""

    name: str
    place: Place
    condition: str | None = None
    condition_place: Place | None = None
    output: str | None = None
    output_place: Place | None = None
    desc: str | None = None
    priority: Priority | None = None
    source: str | None = None
    tags: tuple[str, ...] | None = None
    exceptions: tuple[Exception_, ...] | None = None
    enabled: bool | None = None
    warn_evttypes: bool | None = None
    skip_if_unknown_filter: bool | None = None
    append: bool = False
    appended: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()


class Requirement(Struct, frozen=True):
    """`required_engine_version` (plugin is empty) or one of `required_plugin_versions` with its alternatives."""

    place: Place
    engine: str = ""
    plugins: tuple[tuple[str, str], ...] = ()


Item = ListItem | MacroItem | RuleItem | Requirement


def read(value: Value, warnings: list[Problem]) -> list[Item]:
    """The items that one entry of a file stands for: one, or several for required plugins, none where it is unknown.

    Raises:
        RuleError: a key is missing, empty or of the wrong kind, an override does not fit.
    """
    if value.entries is None:
        raise RuleError(INVALID, "is no mapping: expected '- rule:', '- macro:' or '- list:'", value.place)
    entries = value.entries
    if "required_engine_version" in entries:
        return [Requirement(value.place, engine=text(entries, "required_engine_version", value.place))]
    if "required_plugin_versions" in entries:
        return _plugins(entries["required_plugin_versions"])
    if "list" in entries:
        return [_list(entries, value.place, warnings)]
    if "macro" in entries:
        return [_macro(entries, value.place, warnings)]
    if "rule" in entries:
        return [_rule(entries, value.place, warnings)]
    names = ", ".join(entries)
    warnings.append(Problem("warning", "LOAD_UNKNOWN_ITEM", f"unknown top level item ({names})", value.place))
    return []


def text(entries: Mapping[str, Value], key: str, place: Place) -> str:
    """The text of a key that must be there."""
    value = entries.get(key)
    if value is None:
        raise RuleError(INVALID, f"has no key '{key}'", place)
    if value.text is None:
        raise RuleError(INVALID, f"'{key}' must be text", value.place)
    if not value.text:
        raise RuleError(INVALID, f"'{key}' is empty", value.place)
    return value.text


def _texts(entries: Mapping[str, Value], key: str, place: Place) -> tuple[str, ...]:
    value = entries.get(key)
    if value is None:
        raise RuleError(INVALID, f"has no key '{key}'", place)
    if value.items is None:
        raise RuleError(INVALID, f"'{key}' must be a list", value.place)
    found = []
    for item in value.items:
        if item.text is None:
            raise RuleError(INVALID, f"an item of '{key}' must be text", item.place)
        found.append(item.text)
    return tuple(found)


def _boolean(entries: Mapping[str, Value], key: str) -> bool | None:
    """As yaml-cpp reads one: true, yes, on, y; None where the key is not there."""
    value = entries.get(key)
    if value is None:
        return None
    word = (value.text or "").lower()
    if word in ("true", "yes", "on", "y"):
        return True
    if word in ("false", "no", "off", "n"):
        return False
    raise RuleError(INVALID, f"'{key}' must be true or false", value.place)


def _unknown_keys(entries: Mapping[str, Value], known: frozenset[str], item: str, warnings: list[Problem]) -> None:
    for key, value in entries.items():
        if key not in known:
            message = f"unknown key '{key}' is not read"
            warnings.append(Problem("warning", "LOAD_UNKNOWN_ITEM", message, value.place, item))


def _list(entries: Mapping[str, Value], place: Place, warnings: list[Problem]) -> ListItem:
    name = text(entries, "list", place)
    item = f"list '{name}'"
    if not quoting.BARE.fullmatch(name):
        raise RuleError(INVALID, "a list's name has no blank, quote, comma, '=' or parenthesis", place, item=item)
    _unknown_keys(entries, LIST_KEYS, item, warnings)
    append = _appends(entries, "items", item, warnings)
    return ListItem(name, _texts(entries, "items", place), place, append)


def _macro(entries: Mapping[str, Value], place: Place, warnings: list[Problem]) -> MacroItem:
    name = text(entries, "macro", place)
    item = f"macro '{name}'"
    if not tokenizer.IDENTIFIER.fullmatch(name):
        raise RuleError(INVALID, "a macro's name has letters, digits and '_' only", place, item=item)
    _unknown_keys(entries, MACRO_KEYS, item, warnings)
    append = _appends(entries, "condition", item, warnings)
    return MacroItem(name, text(entries, "condition", place), entries["condition"].place, append)


def _appends(entries: Mapping[str, Value], key: str, item: str, warnings: list[Problem]) -> bool:
    """Whether a list or a macro adds to an earlier one."""
    append = _append_key(entries, item, warnings)
    appended, _replaced = _overrides(entries, frozenset({key}), frozenset({key}), item)
    return append or key in appended


def _append_key(entries: Mapping[str, Value], item: str, warnings: list[Problem]) -> bool:
    append = bool(_boolean(entries, "append"))
    if append:
        message = "'append' is deprecated: use 'override'"
        warnings.append(Problem("warning", "LOAD_DEPRECATED_ITEM", message, entries["append"].place, item))
        if "override" in entries:
            message = "has both 'append: true' and 'override': keep 'override'"
            raise RuleError("LOAD_ERR_YAML_VALIDATE", message, entries["append"].place, item=item)
    return append


def _overrides(
    entries: Mapping[str, Value], appendable: frozenset[str], replaceable: frozenset[str], item: str
) -> tuple[frozenset[str], frozenset[str]]:
    override = entries.get("override")
    if override is None:
        return frozenset(), frozenset()
    if override.entries is None:
        raise RuleError(INVALID, "'override' must be a mapping of keys to append or replace", override.place, item=item)
    found: dict[str, set[str]] = {"append": set(), "replace": set()}
    for key, value in override.entries.items():
        allowed = {"append": appendable, "replace": replaceable}.get(value.text or "")
        if allowed is None:
            message = f"override of '{key}' is '{value.text}': expected append or replace"
            raise RuleError(INVALID, message, value.place, item=item)
        if key not in allowed:
            message = f"'{key}' cannot be overridden by {value.text}"
            raise RuleError(INVALID, message, value.place, item=item)
        if key not in entries:
            message = f"an override of '{key}' is announced, but '{key}' is not there"
            raise RuleError(INVALID, message, value.place, item=item)
        found[value.text or ""].add(key)
    return frozenset(found["append"]), frozenset(found["replace"])


def _rule(entries: Mapping[str, Value], place: Place, warnings: list[Problem]) -> RuleItem:
    name = text(entries, "rule", place)
    item = f"rule '{name}'"
    _unknown_keys(entries, RULE_KEYS, item, warnings)
    append = _append_key(entries, item, warnings)
    appended, replaced = _overrides(entries, APPENDABLE, REPLACEABLE, item)
    if appended or replaced:
        for key in entries:
            if key in REPLACEABLE and key not in appended | replaced:
                message = f"key '{key}' has no entry under 'override'"
                raise RuleError(INVALID, message, entries[key].place, item=item)
    try:
        return RuleItem(
            name=name,
            place=place,
            condition=text(entries, "condition", place) if "condition" in entries else None,
            condition_place=entries["condition"].place if "condition" in entries else None,
            output=text(entries, "output", place).strip() if "output" in entries else None,
            output_place=entries["output"].place if "output" in entries else None,
            desc=text(entries, "desc", place) if "desc" in entries else None,
            priority=_priority(entries),
            source=text(entries, "source", place) if "source" in entries else None,
            tags=_texts(entries, "tags", place) if "tags" in entries else None,
            exceptions=read_exceptions(entries["exceptions"]) if "exceptions" in entries else None,
            enabled=_boolean(entries, "enabled"),
            warn_evttypes=_boolean(entries, "warn_evttypes"),
            skip_if_unknown_filter=_boolean(entries, "skip-if-unknown-filter"),
            append=append,
            appended=appended,
            replaced=replaced,
        )
    except RuleError as error:
        raise RuleError(error.problem.code, error.problem.message, error.problem.place, item=item) from None


def _priority(entries: Mapping[str, Value]) -> Priority | None:
    value = entries.get("priority")
    if value is None:
        return None
    priority = PRIORITIES.get((value.text or "").strip().lower())
    if priority is None:
        expected = ", ".join(priority.label for priority in Priority)
        raise RuleError(INVALID, f"'{value.text}' is no priority: expected one of {expected}", value.place)
    return priority


def _plugins(value: Value) -> list[Item]:
    if value.items is None:
        raise RuleError(INVALID, "'required_plugin_versions' must be a list", value.place)
    found: list[Item] = []
    for plugin in value.items:
        if plugin.entries is None:
            raise RuleError(INVALID, "a required plugin must be a mapping with name and version", plugin.place)
        alternatives = plugin.entries.get("alternatives")
        choices = [plugin, *((alternatives.items or []) if alternatives else [])]
        pairs = []
        for choice in choices:
            if choice.entries is None:
                raise RuleError(INVALID, "an alternative must be a mapping with name and version", choice.place)
            pairs.append((text(choice.entries, "name", choice.place), text(choice.entries, "version", choice.place)))
        found.append(Requirement(plugin.place, plugins=tuple(pairs)))
    return found
