"""A mapping of falco.yaml, read key by key: each with its type, and a warning for what nobody asked for.

In: a `rules.document.Value`. Out: values, or a FalcoYamlError with the place and the key. Called by the modules that
read falco.yaml's parts. Who reads a key says so by reading it; `left` names the others.
"""

from collections.abc import Iterator

from runtime_monitor.falco_yaml.tree import FalcoYamlError, empty
from runtime_monitor.rules.document import Value
from runtime_monitor.rules.problems import Place, Problem

CODE = "LOAD_UNKNOWN_ITEM"
TRUE = ("true", "yes", "on", "y")
FALSE = ("false", "no", "off", "n")
NOTHING = ("", "~", "null")


class Section:
    """A mapping: the whole file, or what stands under a key. `name` is how errors call it, `warnings` are collected.

    `names` are its keys.
    """

    def __init__(self, value: Value, name: str, warnings: list[Problem]) -> None:
        self.name = name
        self.warnings = warnings
        self._place = value.place
        self._entries = value.entries or {}
        self._asked: set[str] = set()
        self.names = tuple(self._entries)
        if value.entries is None and value.text not in NOTHING:
            raise _error(value.place, name, "expected a mapping of keys")

    def has(self, key: str) -> bool:
        """Whether the key is there with a value."""
        return self._get(key) is not None

    def text(self, key: str, default: str = "") -> str:
        """A text."""
        value = self._get(key)
        if value is None:
            return default
        if value.text is None:
            raise self.error(key, "expected a text")
        return value.text

    def boolean(self, key: str, *, default: bool = False) -> bool:
        """True or false, in the words that YAML has for them."""
        word = self.text(key).lower()
        if word not in (*TRUE, *FALSE, ""):
            raise self.error(key, f"{word!r}: expected true or false")
        return word in TRUE if word else default

    def number(self, key: str, default: int, most: int) -> int:
        """A whole number from 0 to `most`."""
        text = self.text(key)
        if not text:
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and int(text) <= most):
            raise self.error(key, f"{text[:40]!r}: expected a number from 0 to {most}")
        return int(text)

    def choice(self, key: str, choices: tuple[str, ...], default: str) -> str:
        """One of some words, in any case."""
        word = self.text(key, default).lower()
        if word not in choices:
            raise self.error(key, f"{word!r}: expected one of {', '.join(choices)}")
        return word

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; a single one may stand alone."""
        value = self._get(key)
        if value is None:
            return ()
        items = [value] if value.text is not None else value.items or ()
        found = tuple(item.text for item in items if item.text is not None)
        if len(found) < len(items) or value.entries is not None:
            raise self.error(key, "expected a list of texts")
        return found

    def values(self, key: str) -> list[Value]:
        """The items of a list, of whatever kind; a single one may stand alone."""
        value = self._get(key)
        if value is None:
            return []
        return [value] if value.items is None else value.items

    def sections(self, key: str) -> Iterator["Section"]:
        """The items of a list of mappings."""
        for number, item in enumerate(self.values(key)):
            yield Section(item, f"{self._named(key)}[{number}]", self.warnings)

    def section(self, key: str) -> "Section":
        """What stands under a key; without it an empty one."""
        value = self._get(key)
        return Section(empty(self._place) if value is None else value, self._named(key), self.warnings)

    def mapping(self, key: str) -> dict[str, str]:
        """Names and texts."""
        section = self.section(key)
        return {name: section.text(name) for name in section.names}

    def unfollowed(self, key: str, usual: tuple[str, ...], reason: str) -> None:
        """Warn that a key has no effect here, where it says anything but what is usual."""
        value = self._get(key)
        if value is not None and not (value.text is not None and value.text.lower() in usual):
            self.warn(key, f"is not followed: {reason}")

    def left(self, reasons: dict[str, str], otherwise: str) -> None:
        """Warn of each key that nobody asked for and that is switched on."""
        for key in self._entries:
            if key not in self._asked and self._says_something(key):
                self.warn(key, f"is not followed: {reasons.get(key, otherwise)}")

    def warn(self, key: str, message: str) -> None:
        """Collect a warning about a key."""
        self.warnings.append(Problem("warning", CODE, f"{self._named(key)} {message}", self._place_of(key)))

    def error(self, key: str, message: str) -> FalcoYamlError:
        """The error about a key, to be raised."""
        return _error(self._place_of(key), self._named(key), message)

    def _get(self, key: str) -> Value | None:
        self._asked.add(key)
        value = self._entries.get(key)
        return None if value is None or value.text in NOTHING else value

    def _says_something(self, key: str) -> bool:
        """Whether it is switched on: `http_output: {enabled: false}` asks for nothing."""
        value = self._entries[key]
        if value.entries is not None:
            enabled = value.entries.get("enabled")
            return enabled is None or (enabled.text or "").lower() not in FALSE
        return bool(value.items) or (value.text or "").lower() not in (*NOTHING, *FALSE, "0")

    def _place_of(self, key: str) -> Place:
        return self._entries[key].place if key in self._entries else self._place

    def _named(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key


def _error(place: Place, name: str, message: str) -> FalcoYamlError:
    where = f"{place.file}:{place.line}:{place.column}" if place.line else place.file
    named = f"{name}: " if name else ""
    return FalcoYamlError(f"{where}: {named}{message}")
