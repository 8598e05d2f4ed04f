"""Macros are put into conditions as trees.

In: a parsed condition and the macros that it may see. Out: the condition without names of macros. Called by `ruleset`:
a macro sees the macros defined before it, a rule sees all.
"""

from collections.abc import Callable

from runtime_monitor.rules import depth, tree
from runtime_monitor.rules.problems import ConditionError

MOST_LEAVES = 100_000
"""Checks of a condition with its macros put in; the largest stock rule has 70. Macros of macros grow exponentially."""


class Expanded:
    """A tree without macros, how many checks and levels it has, and which macros it used."""

    def __init__(self, node: tree.Node, leaves: int, depth: int, used: frozenset[str]) -> None:
        self.node = node
        self.leaves = leaves
        self.depth = depth
        self.used = used


Find = Callable[[str], "Expanded | None"]
"""Name -> the macro, None where it is not defined or not visible."""


def expand(node: tree.Node, find: Find, text: str) -> Expanded:
    """The tree with the macros put in; `text` is the condition's, for messages.

    Raises:
        ConditionError: a macro that is not defined (or not before), or a tree that grows too large or too deep.
    """
    expanded = _expand(node, find, text)
    if expanded.leaves > MOST_LEAVES:
        raise ConditionError(f"with its macros put in, it has more than {MOST_LEAVES} checks", text, 0)
    if expanded.depth > depth.LEVELS:
        raise ConditionError(f"with its macros put in, it nests deeper than {depth.LEVELS} levels", text, 0)
    return expanded


def _expand(node: tree.Node, find: Find, text: str) -> Expanded:
    if isinstance(node, tree.Check):
        return Expanded(node, 1, 1, frozenset())
    if isinstance(node, tree.Macro):
        found = find(node.name)
        if found is None:
            raise ConditionError(f"undefined macro '{node.name}': define it before its use", text, node.offset)
        return Expanded(found.node, found.leaves, found.depth, found.used | {node.name})
    if isinstance(node, tree.Not):
        child = _expand(node.child, find, text)
        inner = child.node
        negated: tree.Node = inner.child if isinstance(inner, tree.Not) else tree.Not(inner)
        return Expanded(negated, child.leaves, child.depth + 1, child.used)
    return _expand_all(node, [_expand(child, find, text) for child in node.children])


def _expand_all(node: tree.And | tree.Or, parts: list[Expanded]) -> Expanded:
    kind = type(node)
    children: list[tree.Node] = []
    for part in parts:
        if isinstance(part.node, kind):
            children.extend(part.node.children)
        else:
            children.append(part.node)
    return Expanded(
        kind(tuple(children)),
        sum(part.leaves for part in parts),
        1 + max(part.depth for part in parts),
        frozenset().union(*(part.used for part in parts)),
    )
