"""A YAML configuration file -> typed documents, or every mistake in it with its line.

In: the text of a file and a Struct for each kind it may hold. Out: one value per document. Called by
`webhook.settings`.
msgspec checks fast, but stops at the first mistake and knows no lines: where it refuses, the tree is walked again
beside its nodes, and everything that does not fit is told at once.
"""

import re
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeVar

import msgspec
import yaml
from msgspec import Struct
from yaml import nodes

from webhook.policy import labels

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 50
BOOL = "tag:yaml.org,2002:bool"
TIMESTAMP = "tag:yaml.org,2002:timestamp"
Document = TypeVar("Document", bound=Struct)
Place = tuple[str | int, ...]


class ConfigError(ValueError):
    """A file that cannot be used. `problems` are one line each: file, line, place, reason, remedy."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class Loader(yaml.CSafeLoader):
    """YAML with the booleans of version 1.2: the word `off`, which is the name of a profile, stays a word.

    Its depth is bounded: PyYAML's composer recurses in C until the stack is gone, and `podseal check` reads files that
    it finds in a repository.
    """

    depth = 0

    def descend_resolver(self, parent: nodes.Node | None, index: object) -> None:
        """Called before each node."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            mark = parent.start_mark if parent else None
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=mark)
        super().descend_resolver(parent, index)

    def ascend_resolver(self) -> None:
        """Called after each node."""
        self.depth -= 1
        super().ascend_resolver()


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in (BOOL, TIMESTAMP)]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(BOOL, re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def read(text: bytes, source: str, kinds: Mapping[str, type[Document]]) -> list[Document]:
    """The documents of a file, each as the Struct of its kind.

    Raises:
        ConfigError: it is not YAML, or holds a kind, a key or a value that is none of ours.
    """
    if len(text) > MAX_BYTES:
        raise ConfigError([f"{source}: larger than {MAX_BYTES} bytes; this is no configuration file"])
    found: list[Document] = []
    problems: list[str] = []
    try:
        loader = Loader(text)
        while loader.check_node():
            node = loader.get_node()
            tree = loader.construct_document(node) if node else None
            if node and tree is not None:
                document = _document(tree, kinds)
                problems += [
                    f"{source}:{line}: {reason}" for line, reason in _all_problems(tree, node, kinds, document)
                ]
                found += [document] if document is not None else []
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problems.append(f"{source}:{line}: not valid YAML: {error.problem or error.context}")
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        problems.append(f"{source}:1: not valid YAML: {' '.join(str(error).split())}")
    if problems:
        raise ConfigError(problems)
    return found


def _document(tree: object, kinds: Mapping[str, type[Document]]) -> Document | None:
    """The document, None where it does not fit."""
    kind = kinds.get(str(tree.get("kind"))) if isinstance(tree, dict) else None
    try:
        return msgspec.convert(tree, kind) if kind else None
    except (msgspec.ValidationError, RecursionError):
        return None


def _all_problems(
    tree: object, node: nodes.Node, kinds: Mapping[str, type[Document]], document: Document | None
) -> Iterator[tuple[int, str]]:
    """Line and reason of every mistake."""
    yield from _repeated(node)
    if document is not None:
        return
    kind = str(tree.get("kind")) if isinstance(tree, dict) else ""
    if not isinstance(tree, dict) or kind not in kinds:
        known = " or ".join(kinds)
        yield _line(node, ("kind",)), f"kind: expected {known}, got {kind!r}{labels.nearest(kind, kinds)}"
        return
    # The walk must not be more generous than msgspec is: something is told in any case.
    told = False
    for place, reason in _misfits(tree, kinds[kind], ()):
        told = True
        yield _line(node, place), f"{_path(place)}: {reason}"
    if not told:
        yield _line(node, ()), f"does not fit kind {kind}"


def _misfits(tree: object, expected: Any, place: Place) -> Iterator[tuple[Place, str]]:  # noqa: ANN401 -- a type
    """Place and reason of everything that does not fit the type, as deep as Structs and tuples of them go."""
    item = _item_type(expected)
    if _is_struct(expected) and isinstance(tree, dict):
        fields = {field.encode_name: field for field in msgspec.structs.fields(expected)}
        for key, value in tree.items():
            if key in fields:
                yield from _misfits(value, fields[key].type, (*place, key))
            else:
                yield (*place, str(key)), f"unknown key{labels.nearest(str(key), fields)}"
        for name, field in fields.items():
            if field.required and name not in tree:
                yield place, f"{name} is missing"
    elif item is not None and isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from _misfits(value, item, (*place, index))
    else:
        try:
            msgspec.convert(tree, expected)
        except msgspec.ValidationError as error:
            yield place, f"{str(error).partition(' - at ')[0]}{_nearest_value(tree, expected)}"


def _is_struct(expected: object) -> bool:
    return isinstance(expected, type) and issubclass(expected, Struct)


def _item_type(expected: object) -> object:
    """T of `tuple[T, ...]`, which may also be null; None for every other type."""
    for each in (expected, *typing.get_args(expected)):
        if typing.get_origin(each) is tuple:
            return typing.get_args(each)[0]
    return None


def _nearest_value(tree: object, expected: object) -> str:
    """What the words are that would fit, where they are a closed set."""
    known = [str(value) for value in typing.get_args(expected)] if typing.get_origin(expected) is Literal else []
    return f"; write {', '.join(known)}{labels.nearest(str(tree), known)}" if known else ""


def _line(node: nodes.Node, place: Place) -> int:
    """The line of a place, or of its nearest parent that is written down."""
    mark = node.start_mark
    for step in place:
        if isinstance(node, nodes.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(step)]
            if not found:
                break
            mark, node = found[-1][0].start_mark, found[-1][1]
        elif isinstance(node, nodes.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            mark = node.start_mark
        else:
            break
    line: int = mark.line
    return line + 1


def _path(place: Place) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.removeprefix(".") or "top level"


def _repeated(node: nodes.Node) -> Iterator[tuple[int, str]]:
    """Keys that a mapping has twice: the second would silently win."""
    seen: set[str] = set()
    for child in node.value if isinstance(node, nodes.MappingNode | nodes.SequenceNode) else ():
        key, value = child if isinstance(node, nodes.MappingNode) else (None, child)
        if key is not None:
            if key.value in seen:
                yield key.start_mark.line + 1, f"{key.value}: this key is written twice; keep one"
            seen.add(str(key.value))
        yield from _repeated(value)
