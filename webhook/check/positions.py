"""Field path -> line and column, found in the composed document when a finding needs them.

In: a document and the path of a field of one of its objects. Out: where the field stands or, where it does not, its
nearest parent that does. Called by `objects` and `judge`. libyaml marks every node for nothing; recording lines while
values are built would cost every object what only those with findings need.
"""

import re

from yaml import nodes
from yaml.error import Mark

from webhook.check import model

STEP = re.compile(r"([^.\[\]]+)|\[([^\]]*)\]")
MERGE = "<<"


def locate(document: model.Document, node: nodes.Node, path: str) -> tuple[int, int]:
    """Line and column, both from 1, of the field at `path` below `node`.

    Args:
        document: the document that holds the node.
        node: the object's node; an item of a List has its own.
        path: as in `spec.containers[0].image`; a key with dots stands in brackets.
    """
    mark, _ = _nearest(node, path)
    return mark.line + document.first_line, mark.column + 1


def nearest(node: nodes.Node, path: str) -> nodes.Node:
    """The node at a path or, where there is none, its nearest parent."""
    return _nearest(node, path)[1]


def _nearest(node: nodes.Node, path: str) -> tuple[Mark, nodes.Node]:
    mark = node.start_mark
    for step in STEP.finditer(path):
        found = _child(node, step[1] if step[1] is not None else step[2])
        if found is None:
            break
        mark, node = found
    return mark, node


def line_of(document: model.Document, node: nodes.Node) -> int:
    """The line, from 1, at which a node begins."""
    line: int = node.start_mark.line
    return line + document.first_line


def _child(node: nodes.Node, key: str) -> tuple[Mark, nodes.Node] | None:
    """The mark and the node of one step down; a repeated key is found where it counts, at its last place."""
    if isinstance(node, nodes.MappingNode):
        merged = None
        for name, value in reversed(node.value):
            if name.value == key:
                return name.start_mark, value
            if name.value == MERGE:
                merged = value
        return _merged_child(merged, key) if merged is not None else None
    if isinstance(node, nodes.SequenceNode) and key.isascii() and key.isdigit() and int(key) < len(node.value):
        item = node.value[int(key)]
        return item.start_mark, item
    return None


def _merged_child(node: nodes.Node, key: str) -> tuple[Mark, nodes.Node] | None:
    """The field in what `<<` merges in: one mapping, or the first of several that has it."""
    sources = node.value if isinstance(node, nodes.SequenceNode) else [node]
    for source in sources:
        if isinstance(source, nodes.MappingNode):
            for name, value in reversed(source.value):
                if name.value == key:
                    return name.start_mark, value
    return None
