"""A composed node -> the value that the API server would get: dicts, lists and scalars.

In: a node of a document. Out: its value; what is wrong with it goes to a list of problems. Called by `objects` and
`mutated`. Aliases are expanded within a budget, keys become text, a repeated key is reported and its last value counts,
as the API server reads JSON (kubectl refuses it, `kubectl --validate=strict` being the default).
"""

from yaml import nodes

from webhook.check import model, positions, scalars

SMALLEST_BUDGET = 100_000
"""Nodes that any document may have: without aliases none has more nodes than bytes, so that only aliases meet it."""

CORE = "tag:yaml.org,2002:"
MERGE = "<<"


class TooLargeError(Exception):
    """Aliases expand to more than any object needs: a YAML bomb."""


class Builder:
    """Builds the values of one document; the budget is the document's, the problems are whoever asks for."""

    def __init__(self, document: model.Document) -> None:
        self._document = document
        self._left = max(SMALLEST_BUDGET, document.size)
        self.problems: list[model.Problem] = []

    def build(self, node: nodes.Node) -> model.Tree:
        """The value of a node.

        Raises:
            TooLargeError: its aliases expand beyond the budget, or into themselves.
        """
        if isinstance(node, nodes.ScalarNode):
            return self._scalar(node)
        self._left -= len(node.value) + 1
        if self._left < 0:
            raise TooLargeError
        try:
            if isinstance(node, nodes.MappingNode):
                return self._mapping(node)
            return [self.build(item) for item in node.value]
        except RecursionError:
            # Composing bounds the depth of what is written; an alias to an ancestor has none.
            raise TooLargeError from None

    def _mapping(self, node: nodes.MappingNode) -> dict[str, model.Tree]:
        values: dict[str, model.Tree] = {}
        merged: list[nodes.Node] = []
        build, plain = self.build, scalars.plain
        for key, value in node.value:
            name = key.value
            if type(name) is not str:
                self._complain(key, "a key must be text; an unrendered template, perhaps: render it first")
            elif name == MERGE and not key.style:
                merged.append(value)
            elif type(value) is nodes.ScalarNode and not value.style and value.tag == "?":
                values[name] = plain(value.value)
            else:
                values[name] = build(value)
        if len(values) + len(merged) != len(node.value):
            self._complain_of_duplicates(node)
        for value in merged:
            self._merge(value, values)
        return values

    def _merge(self, node: nodes.Node, values: dict[str, model.Tree]) -> None:
        """Take over what `<<` refers to where the mapping has no own value."""
        sources = node.value if isinstance(node, nodes.SequenceNode) else [node]
        for source in sources:
            built = self.build(source)
            if not isinstance(built, dict):
                self._complain(source, "<< merges mappings, and this is none")
                return
            for key, value in built.items():
                values.setdefault(key, value)

    def _scalar(self, node: nodes.ScalarNode) -> scalars.Scalar:
        tag: str = node.tag
        text: str = node.value
        if tag == "?":
            return scalars.plain(text)
        if tag in (f"{CORE}str", "!"):
            return text
        value = scalars.plain(text)
        if tag.removeprefix(CORE) in ("int", "float", "bool", "null") and not isinstance(value, str):
            return value
        self._complain(node, f"the tag {tag.replace(CORE, '!!')} does not fit {text[:40]!r} or means nothing here")
        return text

    def _complain(self, node: nodes.Node, reason: str) -> None:
        line = positions.line_of(self._document, node)
        self.problems.append(model.Problem(self._document.file, line, reason))

    def _complain_of_duplicates(self, node: nodes.MappingNode) -> None:
        first: dict[str, int] = {}
        for key, _ in node.value:
            name = key.value
            if type(name) is not str:
                continue
            line = positions.line_of(self._document, key)
            if name in first:
                self._complain(
                    key, f"key {name!r} is repeated (first in line {first[name]}); the last counts; remove one of them"
                )
            first.setdefault(name, line)
