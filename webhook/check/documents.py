"""Bytes -> documents: YAML and JSON, composed into nodes that know their lines, or problems that name theirs.

In: the bytes of one file and its name. Out: a Document or a Problem each. Called by `webhook.check.run`.
libyaml composes; PyYAML's tag resolution, which takes most of its time, is left out: `scalars` reads a plain scalar
when its value is wanted. A broken document does not hide the ones after it: reading goes on at the next `---`.
"""

import bisect
import codecs
import itertools
import re
from collections.abc import Generator, Iterator

import yaml
from yaml import nodes
from yaml._yaml import CParser

from webhook.check import model

MAX_DEPTH = 400
"""Levels of nesting. Objects of Kubernetes stay below 100, schemas in CRDs included; libyaml recurses in C without
a bound of its own, so that a few kilobytes of `[` could overflow the stack."""

MAX_BROKEN = 100
"""Broken documents that one file may have before the rest of it is given up."""

# Patterns that few inputs need are compiled where they are used; re keeps them.
SEPARATOR = rb"(?m)^---(?=[ \t\r\n]|\Z)"
SOURCE_MARK = b"# Source:"
SOURCE = rb"(?m)^# Source: *(\S[^\r\n]*)"
TEMPLATE_HINT = "; this looks like a template: render it first (helm template CHART | podseal check -)"
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class TooDeepError(yaml.MarkedYAMLError):
    """The document nests deeper than MAX_DEPTH."""


class Composer(CParser):
    """libyaml's composer. A node without a tag gets a non-specific one: `?` a plain scalar, `!` any other node."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._depth = 0

    def resolve(self, _kind: type, _value: str | None, implicit: object) -> str:
        """Called for each node without a tag of its own."""
        return "?" if implicit == (True, False) else "!"

    def descend_resolver(self, parent: nodes.Node, _index: object) -> None:
        """Called before each node: the one place where composing can be bounded."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise TooDeepError(problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=parent.start_mark)

    def ascend_resolver(self) -> None:
        """Called after each node."""
        self._depth -= 1


def read(data: bytes, file: str) -> Iterator[model.Document | model.Problem]:
    """Each document of a file, and each place where it cannot be read."""
    if data.startswith(UTF_16):
        try:
            data = data.decode("utf-16").encode()
        except UnicodeError as error:
            yield model.Problem(file, 1, f"not valid UTF-16: {error}")
            return
    sources = list(_sources(data)) if SOURCE_MARK in data else []
    start, first_line, broken = 0, 1, 0
    while broken < MAX_BROKEN:
        failed = yield from _compose(data[start:], file, first_line, sources)
        if failed is None:
            return
        broken += 1
        line_start = _offset_of_line(data, failed - first_line, start)
        following = re.compile(SEPARATOR).search(data, max(line_start, start + 1))
        if following is None:
            return
        first_line += data.count(b"\n", start, following.start())
        start = following.start()
    yield model.Problem(file, first_line, f"more than {MAX_BROKEN} broken documents; the rest of the file is not read")


def _compose(
    data: bytes, file: str, first_line: int, sources: list[tuple[int, bytes]]
) -> Generator[model.Document | model.Problem, None, int | None]:
    """The documents up to the first error; returns the line of that error, None where there was none."""
    composer = Composer(data)
    previous = first_line - 1
    composed = 0
    try:
        while composer.check_node():
            node = composer.get_node()
            composed += 1
            line = node.start_mark.line + first_line if node else first_line
            source = _source(sources, previous, line) if sources else ""
            yield model.Document(node, file, first_line, source, len(data))
            previous = line
    except yaml.YAMLError as error:
        if isinstance(error, yaml.scanner.ScannerError | yaml.parser.ParserError) and _looks_like_json(data):
            from webhook.check import json_nodes  # noqa: PLC0415 -- rare, and start-up counts

            again = json_nodes.read(data, file, first_line, MAX_DEPTH)
            yield from itertools.islice(again, composed, None)
            return None
        line, reason = _explained(error, data)
        yield model.Problem(file, line + first_line, reason)
        return line + first_line
    finally:
        composer.dispose()
    return None


def _looks_like_json(data: bytes) -> bool:
    """Whether the file begins as JSON does, as kubectl guesses too, but has neither a template's `{{` nor `---`."""
    start = data.lstrip(b" \t\r\n\xef\xbb\xbf")[:2]
    return start[:1] in (b"{", b"[") and start != b"{{" and not re.search(SEPARATOR, data)


def _sources(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Each comment that names a template, with its line."""
    line, start = 1, 0
    for found in re.finditer(SOURCE, data):
        line += data.count(b"\n", start, found.start())
        start = found.start()
        yield line, found[1]


def _source(sources: list[tuple[int, bytes]], after: int, line: int) -> str:
    """The template named in the last comment between the previous document's start and this one's."""
    index = bisect.bisect_right(sources, (line, b"")) - 1
    if index < 0 or sources[index][0] < after:
        return ""
    return sources[index][1].strip().decode("utf-8", "replace")


def _explained(error: yaml.YAMLError, data: bytes) -> tuple[int, str]:
    """The line of an error, from 0, and what to tell of it."""
    if isinstance(error, yaml.reader.ReaderError):
        line = data.count(b"\n", 0, error.position)
        what = "a control character, so not a text file" if "control" in error.reason else error.reason
        return line, f"not readable as UTF-8 text: {what} at byte {error.position}"
    if not isinstance(error, yaml.MarkedYAMLError):
        return 0, " ".join(str(error).split())
    mark = error.problem_mark or error.context_mark
    line = mark.line if mark else 0
    parts = [part for part in (error.context, error.problem) if part]
    reason = " ".join(", ".join(parts).split())
    return line, f"not valid YAML: {reason}{_tab_hint(data, line)}{TEMPLATE_HINT if b'{{' in data else ''}"


def _tab_hint(data: bytes, line: int) -> str:
    text = data.split(b"\n", line + 1)[line] if data.count(b"\n") >= line else b""
    return "; indent with spaces, not tabs" if text.lstrip(b" ").startswith(b"\t") else ""


def _offset_of_line(data: bytes, line: int, start: int) -> int:
    """Where the n-th line (from 0) after `start` begins."""
    for _ in range(line):
        found = data.find(b"\n", start)
        if found < 0:
            return len(data)
        start = found + 1
    return start
