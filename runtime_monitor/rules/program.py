"""A RuleSet made ready to run, as values alone: another process may make it, a file may keep it.

In: a RuleSet. Out: a Program: each rule's data, and for each group of event types the code of one function. Called by
`reload` in a child process and by `replay`; `engine` runs it.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from runtime_monitor.alerts import Priority
from runtime_monitor.rules import compile as compiler
from runtime_monitor.rules import event_types, ordering, pushdown, resolve
from runtime_monitor.rules.ruleset import Rule, RuleSet

OTHER = ""
"""Stands for event types that no rule names."""


class RuleData(Struct, frozen=True):
    """What an alert says of its rule, and the condition as text, for the case that it raises."""

    name: str
    hash: str
    priority: Priority
    source: str
    tags: tuple[str, ...]
    output: str
    condition: str


class Group(Struct, frozen=True):
    """Event types that share one function, and the positions in `Program.rules` of the rules it asks, in order."""

    types: tuple[str, ...]
    rules: tuple[int, ...]
    code: compiler.Code


class Program(Struct, frozen=True):
    """Everything that `engine` needs, and what the kernel may leave out.

    `first`: the first rule that fires ends an event (`rule_matching: first`).
    """

    rules: tuple[RuleData, ...]
    groups: tuple[Group, ...]
    pushdown: dict[str, tuple[pushdown.Clause, ...]]
    first: bool = True
    append_output: bool = True


def build(loaded: RuleSet, *, first: bool = True, append_output: bool = True) -> Program:
    """The program of rules that were loaded without error."""
    rules = loaded.rules
    return Program(
        rules=tuple(map(_data, rules)),
        groups=tuple(groups([rule.condition for rule in rules], first=first)),
        pushdown=pushdown.together(pushdown.of_rule(rule.name, rule.condition) for rule in rules),
        first=first,
        append_output=append_output,
    )


def groups(conditions: Sequence[resolve.Node], *, first: bool) -> Iterable[Group]:
    """Code for every event type that can fire a rule; types for which all conditions come out alike share it."""
    possible = [event_types.possible(node) for node in conditions]
    named = sorted(frozenset().union(*possible))
    alike: dict[tuple[_Asked, ...], list[str]] = {}
    for name in [*named, OTHER]:
        asked = tuple(_asked(conditions, possible, name))
        if asked or name == OTHER:
            alike.setdefault(asked, []).append(name)
    for same, types in alike.items():
        ordered = [each.left if each.left is True else ordering.order(each.left) for each in same]
        code = compiler.compile_rules(ordered, first=first)
        yield Group(tuple(types), tuple(each.position for each in same), code)


class _Asked(NamedTuple):
    """What is left of a rule's condition for an event type."""

    position: int
    left: resolve.Node | Literal[True]


def _asked(conditions: Sequence[resolve.Node], possible: Sequence[frozenset[str]], name: str) -> Iterable[_Asked]:
    for position, node in enumerate(conditions):
        if name in possible[position] or name == OTHER:
            left = event_types.specialise(node, name)
            if left is not False:
                yield _Asked(position, left)


def _data(rule: Rule) -> RuleData:
    return RuleData(
        name=rule.name,
        hash=rule.hash,
        priority=rule.priority,
        source=rule.source,
        tags=rule.tags,
        output=rule.output.text,
        condition=resolve.render(rule.condition),
    )
