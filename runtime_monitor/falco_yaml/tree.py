"""falco.yaml as a tree of texts, put together from files and `-o`.

In: texts of YAML, options of the command line, an environment. Out: one `rules.document.Value` whose leaves are texts,
each with its place. Pure. Called by `files`; `section` reads it. The meaning is Falco's: a later file of `config_files`
adds to lists or replaces keys (yaml_helper's strategies), `${NAME}` is the environment's, `$${` a plain `${`, and
`-o key.of[1].it=value` sets one leaf, `-o list[]=value` adds to a list.
"""

import re
from collections.abc import Mapping

from runtime_monitor.rules import document
from runtime_monitor.rules.document import Value
from runtime_monitor.rules.problems import Place, RuleError

CONFIG_FILES = "config_files"
STRATEGIES = ("append", "override", "add-only")
VARIABLE = re.compile(r"\$(\$?)\{([^}]*)\}")
STEP = re.compile(r"\.?([A-Za-z0-9_-]+)|\[([0-9]{0,4})\]")
MAX_INDEX = 1000
MAX_STEPS = 20


class FalcoYamlError(ValueError):
    """The configuration cannot be used; the text names the place, the key, the cause and the remedy."""


def parse(text: str, name: str) -> Value:
    """The tree of a file; an empty file is an empty mapping.

    Raises:
        FalcoYamlError: no YAML, or no mapping.
    """
    try:
        value = document.single(text, name)
    except RuleError as error:
        raise FalcoYamlError(f"{_shown(error.problem.place)}: {error.problem.message}") from None
    if value is None:
        return empty(Place(name))
    if value.entries is None:
        raise FalcoYamlError(f"{name}: expected a mapping of keys, as Falco's falco.yaml is")
    return value


def empty(place: Place) -> Value:
    """A mapping without keys."""
    value = Value(place)
    value.entries = {}
    return value


def expand(value: Value, environment: Mapping[str, str]) -> None:
    """Put the environment's values in, everywhere; a variable that is not set is empty, as in Falco."""
    if value.text is not None:
        value.text = VARIABLE.sub(
            lambda found: f"${{{found[2]}}}" if found[1] else environment.get(found[2], ""), value.text
        )
    for item in value.items or ():
        expand(item, environment)
    for entry in (value.entries or {}).values():
        expand(entry, environment)


def merge(root: Value, included: Value, strategy: str) -> None:
    """Put the keys of an included file in.

    Raises:
        FalcoYamlError: it includes further files, which Falco refuses too.
    """
    entries = root.entries
    assert entries is not None and included.entries is not None  # noqa: PT018, S101 -- parse gives mappings
    for key, value in included.entries.items():
        if key == CONFIG_FILES:
            message = "an included file cannot include others: list them in the main file"
            raise FalcoYamlError(f"{_shown(value.place)}: {CONFIG_FILES}: {message}")
        known = entries.get(key)
        if known is None or strategy == "override":
            entries[key] = value
        elif strategy == "append":
            if value.items is not None:
                _listed(known).extend(value.items)
            else:
                entries[key] = value


def set_option(root: Value, option: str) -> None:
    """Let `key=value` have its effect. A value that begins with `{` or `[` is YAML, any other is text.

    Raises:
        FalcoYamlError: it has no `=`, or its key cannot be followed.
    """
    key, equals, text = option.partition("=")
    place = Place(f"-o {key}")
    if not equals:
        raise FalcoYamlError(f"-o {option}: expected KEY=VALUE, such as json_output=true")
    target = root
    for name, index in _steps(key):
        target = _child(target, name, place) if name else _item(target, index, place)
    value = _value(text, place)
    target.text, target.items, target.entries = value.text, value.items, value.entries


def _steps(key: str) -> list[tuple[str, str]]:
    found, offset = [], 0
    while offset < len(key):
        step = STEP.match(key, offset)
        if step is None or (step[2] is not None and offset == 0) or (key.startswith(".") and offset == 0):
            message = f"expected names with dots between and [NUMBER] behind, here: {key[offset : offset + 20]!r}"
            raise FalcoYamlError(f"-o {key}: {message}")
        found.append((step[1] or "", step[2] or ""))
        offset = step.end()
    if not found or len(found) > MAX_STEPS:
        raise FalcoYamlError(f"-o {key}: expected a key of at most {MAX_STEPS} parts before '='")
    return found


def _child(value: Value, name: str, place: Place) -> Value:
    if value.entries is None:
        value.text, value.items, value.entries = None, None, {}
    return value.entries.setdefault(name, _blank(place))


def _item(value: Value, index: str, place: Place) -> Value:
    """The item of a number, or a new one behind the last."""
    items = _listed(value)
    position = int(index) if index else len(items)
    if position > len(items) or position >= MAX_INDEX:
        message = f"the list has {len(items)} items: give [0] to [{len(items)}], or [] for one more"
        raise FalcoYamlError(f"{place.file}: {message}")
    if position == len(items):
        items.append(_blank(place))
    return items[position]


def _listed(value: Value) -> list[Value]:
    """The items of a value; a single text is a list of one, as Falco reads it."""
    if value.items is None:
        alone = Value(value.place)
        alone.text, alone.entries = value.text, value.entries
        value.items = [] if value.text in ("", None) and not value.entries else [alone]
        value.text = value.entries = None
    return value.items


def _value(text: str, place: Place) -> Value:
    if not text.startswith(("{", "[")):
        value = _blank(place)
        value.text = text
        return value
    try:
        return document.single(text, place.file) or _blank(place)
    except RuleError as error:
        raise FalcoYamlError(f"{place.file}: {error.problem.message}") from None


def _blank(place: Place) -> Value:
    value = Value(place)
    value.text = ""
    return value


def _shown(place: Place) -> str:
    return f"{place.file}:{place.line}:{place.column}" if place.line else place.file
