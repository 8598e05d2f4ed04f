r"""JSON that libyaml refuses -> the same nodes: surrogate pairs (`"\ud83d\ude00"`) and documents without separator.

In: bytes. Out: Documents or one Problem. Called by `webhook.check.documents` when YAML, of which JSON is nearly a part,
has failed. Nodes carry lines and columns, so that everything after works alike.
"""

import json
import re
from collections.abc import Iterator

from yaml import nodes
from yaml.error import Mark

from webhook.check import model

TOKEN = re.compile(r'[ \t\r\n]*(?:("(?:[^"\\\x00-\x1f]|\\.)*")|([{}\[\],:])|([-+.\w]+)|(\Z))', re.ASCII)
NUMBER_OR_WORD = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null")
PLAIN, QUOTED = "?", "!"


class _JsonError(Exception):
    """Where in the text, and what is wrong there."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(reason)
        self.position = position
        self.reason = reason


def read(data: bytes, file: str, first_line: int, max_depth: int) -> Iterator[model.Document | model.Problem]:
    """Each value of the file, one after the other."""
    text = data.decode("utf-8-sig", "replace")
    try:
        reader = _Reader(text, max_depth)
        while not reader.at_end():
            yield model.Document(reader.value(0), file, first_line, size=len(data))
    except _JsonError as error:
        line = text.count("\n", 0, error.position) + first_line
        yield model.Problem(file, line, f"not valid JSON: {error.reason}")


class _Reader:
    """A recursive descent over the tokens; each method's docstring is its line of the grammar (RFC 8259)."""

    def __init__(self, text: str, max_depth: int) -> None:
        self._text = text
        self._max_depth = max_depth
        self._line = 0
        self._line_start = 0
        self._scanned = 0
        self._next()

    def _next(self) -> None:
        found = TOKEN.match(self._text, self._scanned)
        if not found:
            raise _JsonError(self._scanned, "expected a value or one of {}[],:")
        self._kind = found.lastindex or 0
        self._found = found[self._kind]
        self._start = found.start(self._kind)
        lines = self._text.count("\n", self._scanned, self._start)
        if lines:
            self._line += lines
            self._line_start = self._text.rfind("\n", 0, self._start) + 1
        self._scanned = found.end()

    def _mark(self) -> Mark:
        return Mark("", self._start, self._line, self._start - self._line_start, None, 0)

    def _expect(self, token: str) -> None:
        if self._found != token:
            raise _JsonError(self._start, f"expected {token!r}, found {self._found[:20]!r}")
        self._next()

    def at_end(self) -> bool:
        """Whether nothing but white space is left."""
        return self._kind == len(("string", "punctuation", "word", "end"))

    def value(self, depth: int) -> nodes.Node:
        """Value = object | array | string | number | word."""
        if depth > self._max_depth:
            raise _JsonError(self._start, f"nested deeper than {self._max_depth} levels")
        mark = self._mark()
        if self._found == "{":
            return nodes.MappingNode(QUOTED, self._members(depth), mark)
        if self._found == "[":
            return nodes.SequenceNode(QUOTED, self._items(depth), mark)
        return self._scalar()

    def _scalar(self) -> nodes.ScalarNode:
        """Scalar = string | number | "true" | "false" | "null"."""
        mark, token = self._mark(), self._found
        if token.startswith('"'):
            try:
                text = json.loads(token)
                text.encode()
            except ValueError as error:
                raise _JsonError(self._start, f"bad string: {error}") from None
            self._next()
            return nodes.ScalarNode(QUOTED, text, mark, style='"')
        if not NUMBER_OR_WORD.fullmatch(token):
            raise _JsonError(self._start, f"expected a value, found {token[:20]!r}")
        self._next()
        return nodes.ScalarNode(PLAIN, token, mark, style="")

    def _members(self, depth: int) -> list[tuple[nodes.Node, nodes.Node]]:
        """Object = "{" [string ":" value {"," string ":" value}] "}"."""
        members: list[tuple[nodes.Node, nodes.Node]] = []
        self._expect("{")
        while self._found != "}":
            if members:
                self._expect(",")
            if not self._found.startswith('"'):
                raise _JsonError(self._start, f"expected a key in quotes, found {self._found[:20]!r}")
            key = self._scalar()
            self._expect(":")
            members.append((key, self.value(depth + 1)))
        self._expect("}")
        return members

    def _items(self, depth: int) -> list[nodes.Node]:
        """Array = "[" [value {"," value}] "]"."""
        items: list[nodes.Node] = []
        self._expect("[")
        while self._found != "]":
            if items:
                self._expect(",")
            items.append(self.value(depth + 1))
        self._expect("]")
        return items
