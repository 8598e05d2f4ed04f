"""A rules file as text -> a sequence of mappings whose values are strings, each with its place.

In: YAML text and the name of its file. Out: nodes of one kind, `Value`, with `text`, `items` or `entries`. Called by
`items` through `ruleset`. Everything is a string, as in yaml-cpp: a loader that knows types would make `yes` of a list
a boolean and fail at `comps: [=, in]` (tag:yaml.org,2002:value).
"""

from collections.abc import Iterator

import yaml
from yaml import nodes
from yaml._yaml import CParser

from runtime_monitor.rules.problems import Place, RuleError, excerpt

MAX_BYTES = 16 << 20
MAX_DEPTH = 40
"""Levels of nesting. A rule has five; libyaml recurses in C without a bound."""
MIN_BUDGET = 100_000
"""Nodes that any document may have: without aliases none has more nodes than characters."""


class Value:
    """One node: exactly one of `text`, `items` and `entries` is not None; an empty value is an empty text."""

    __slots__ = ("entries", "items", "place", "text")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.text: str | None = None
        self.items: list[Value] | None = None
        self.entries: dict[str, Value] | None = None


class _Composer(CParser):
    """libyaml's composer; every scalar is a string, so that no tag needs to be resolved."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def resolve(self, _kind: type, _value: str | None, _implicit: object) -> str:
        """Called for each node without a tag of its own."""
        return "?"

    def descend_resolver(self, parent: nodes.Node, _index: object) -> None:
        """Called before each node: the one place where composing can be bounded."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=parent.start_mark)

    def ascend_resolver(self) -> None:
        """Called after each node."""
        self._depth -= 1


def read(text: str, file: str) -> Iterator[Value]:
    """The items of all documents of a file, in order; empty documents and items are passed over.

    Raises:
        RuleError: not YAML, nested too deeply, too long, or not a sequence.
    """
    for document in _documents(text, file):
        if isinstance(document, nodes.ScalarNode) and not document.value:
            continue
        if not isinstance(document, nodes.SequenceNode):
            message = "is no list of rules: expected items that begin with '- rule:', '- macro:' or '- list:'"
            raise RuleError("LOAD_ERR_YAML_VALIDATE", message, _place(document, file))
        builder = _Builder(file, max(MIN_BUDGET, len(text)))
        for node in document.value:
            if not (isinstance(node, nodes.ScalarNode) and not node.value):
                yield builder.build(node)


def single(text: str, file: str) -> Value | None:
    """The value of a text with one document, of whatever kind; None where it is empty.

    Raises:
        RuleError: not YAML, nested too deeply, too long, or several documents.
    """
    documents = _documents(text, file)
    if len(documents) > 1:
        raise RuleError("LOAD_ERR_YAML_PARSE", "has several documents: expected one", _place(documents[1], file))
    if not documents:
        return None
    value = _Builder(file, max(MIN_BUDGET, len(text))).build(documents[0])
    return None if value.text == "" else value


def _documents(text: str, file: str) -> list[nodes.Node]:
    if len(text) > MAX_BYTES:
        raise RuleError("LOAD_ERR_FILE_READ", f"has more than {MAX_BYTES >> 20} MiB", Place(file))
    try:
        return [node for node in _compose(text) if node is not None]
    except (yaml.YAMLError, ValueError) as error:
        raise _yaml_error(error, text, file) from None


def _compose(text: str) -> Iterator[nodes.Node | None]:
    composer = _Composer(text)
    while composer.check_node():
        yield composer.get_node()


class _Builder:
    """Makes Values of nodes, within a budget: an alias may stand for a tree of any size, even for its own ancestor."""

    def __init__(self, file: str, budget: int) -> None:
        self._file = file
        self._left = budget

    def build(self, node: nodes.Node, depth: int = 0) -> Value:
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise RuleError("LOAD_ERR_YAML_VALIDATE", "aliases expand beyond all measure", _place(node, self._file))
        value = Value(_place(node, self._file))
        if isinstance(node, nodes.ScalarNode):
            value.text = node.value
        elif isinstance(node, nodes.SequenceNode):
            value.items = [self.build(item, depth + 1) for item in node.value]
        else:
            value.entries = {}
            for key, entry in node.value:
                place = _place(key, self._file)
                if not isinstance(key, nodes.ScalarNode):
                    raise RuleError("LOAD_ERR_YAML_VALIDATE", "a key must be text", place)
                if key.value in value.entries:
                    raise RuleError("LOAD_ERR_YAML_VALIDATE", f"key '{key.value}' occurs twice", place)
                value.entries[key.value] = self.build(entry, depth + 1)
        return value


def _place(node: nodes.Node, file: str) -> Place:
    return Place(file, node.start_mark.line + 1, node.start_mark.column + 1)


def _yaml_error(error: Exception, text: str, file: str) -> RuleError:
    mark = getattr(error, "problem_mark", None)
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    if mark is None:
        return RuleError("LOAD_ERR_YAML_PARSE", f"is no YAML: {reason}", Place(file))
    lines = text.split("\n")
    line = lines[mark.line] if mark.line < len(lines) else ""
    place = Place(file, mark.line + 1, mark.column + 1)
    return RuleError("LOAD_ERR_YAML_PARSE", f"is no YAML: {reason}", place, excerpt=excerpt(line, mark.column))
