"""The cheapest and most selective check first.

In: a resolved condition. Out: the same condition, the parts of each `and` and `or` in an order that costs least. Called
by `compile` alone: checks neither change anything nor raise, so that any order has the same truth; `explain` keeps the
order in which the rule is written.

The costs are relative, after tests/bench/bench_rules.py: reading an attribute and comparing it is 1. The chances are
guesses that need only be right in their order: an equality is rarely true, a negation mostly.
"""

from msgspec import Struct

from runtime_monitor.rules import resolve
from runtime_monitor.rules.fields.field import Several, Type

OPERATOR_COST = {"=": 1.0, "!=": 1.0, "in": 1.0, "exists": 1.0, "startswith": 2.0, "endswith": 2.0, "contains": 2.0}
OTHER_COST = 5.0
READ_COST = 5.0
CHANCES = {"exists": 0.8, "!=": 0.8}
CHANCE, BOOLEAN_CHANCE = 0.05, 0.3


class _Ranked(Struct, frozen=True):
    node: resolve.Node
    cost: float
    chance: float


def order(node: resolve.Node) -> resolve.Node:
    """The condition in its cheapest order."""
    return _rank(node).node


def _rank(node: resolve.Node) -> _Ranked:
    if isinstance(node, resolve.Test):
        return _Ranked(node, _cost(node), _chance(node))
    if isinstance(node, resolve.Negated):
        child = _rank(node.child)
        return _Ranked(resolve.Negated(child.node), child.cost, 1 - child.chance)
    parts = [_rank(child) for child in node.children]
    conjunction = isinstance(node, resolve.All)
    parts.sort(key=lambda part: part.cost / max(1 - part.chance if conjunction else part.chance, 0.001))
    cost, reached = 0.0, 1.0
    for part in parts:
        cost += reached * part.cost
        reached *= part.chance if conjunction else 1 - part.chance
    return _Ranked(type(node)(tuple(part.node for part in parts)), cost, reached if conjunction else 1 - reached)


def _cost(test: resolve.Test) -> float:
    cost = OPERATOR_COST.get(test.operator, OTHER_COST)
    if test.left.several is not Several.NO or test.quantifier or test.right is not None:
        cost += OTHER_COST
    return cost if test.left.path else cost + READ_COST


def _chance(test: resolve.Test) -> float:
    if test.left.type is Type.BOOLEAN:
        return BOOLEAN_CHANCE
    return CHANCES.get(test.operator, CHANCE)
