"""A RuleSet made ready to run, as values alone: another process may make it, a file may keep it.

In: a RuleSet. Out: a Program: each rule's data, and for each group of event types the code of one function. Called by
`reload` in a child process and by `replay`; `engine` runs it.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from runtime_monitor.alerts import Priority
from runtime_monitor.demands import Clause
from runtime_monitor.rules import compile as compiler
from runtime_monitor.rules import depth, event_types, ordering, pushdown, resolve
from runtime_monitor.rules.ruleset import Rule, RuleSet

OTHER = ""
"""Stands for event types that no rule names."""


class RuleData(Struct, frozen=True):
    """What an alert says of its rule, and the condition as text, for the case that it raises.

    `fields` are output_fields beside those of the output (`template.compile_output`).
    """

    name: str
    hash: str
    priority: Priority
    source: str
    tags: tuple[str, ...]
    output: str
    condition: str
    fields: tuple[tuple[str, str | None], ...] = ()


class Group(Struct, frozen=True):
    """Event types that share one function, and the positions in `Program.rules` of the rules it asks, in order."""

    types: tuple[str, ...]
    rules: tuple[int, ...]
    code: compiler.Code


class Program(Struct, frozen=True):
    """Everything that `engine` needs, and what the kernel may leave out.

    The first `own` rules are podseal's, the gravest first; they judge every event by themselves, and the first that
    fires is told. Else they would take an event away from the rules that were given, or the other way round. `first`:
    of the given ones too the first that fires ends an event (`rule_matching: first`).
    """

    rules: tuple[RuleData, ...]
    groups: tuple[Group, ...]
    pushdown: dict[str, tuple[Clause, ...]]
    first: bool = True
    own: int = 0
    own_groups: tuple[Group, ...] = ()


@depth.allowed
def build(loaded: RuleSet, *, first: bool = True) -> Program:
    """The program of rules that were loaded without error."""
    own = sorted((rule for rule in loaded.rules if rule.own), key=lambda rule: rule.priority)
    given = [rule for rule in loaded.rules if not rule.own]
    rules = [*own, *given]
    return Program(
        rules=tuple(map(_data, rules)),
        groups=tuple(groups([rule.condition for rule in given], first=first, start=len(own))),
        pushdown=pushdown.together(pushdown.of_rule(rule.name, rule.condition) for rule in rules),
        first=first,
        own=len(own),
        own_groups=tuple(groups([rule.condition for rule in own], first=True)) if own else (),
    )


def groups(conditions: Sequence[resolve.Node], *, first: bool, start: int = 0) -> Iterable[Group]:
    """Code for every event type that can fire a rule; types for which all conditions come out alike share it.

    `start` is the position of the first of them.
    """
    rules = [_Condition(start + position, node) for position, node in enumerate(conditions)]
    named = sorted(frozenset().union(*(rule.possible for rule in rules)))
    alike: dict[tuple[_Asked, ...], list[str]] = {}
    for name in [*named, OTHER]:
        asked = tuple(found for rule in rules if (found := rule.asked(name)) is not None)
        if asked or name == OTHER:
            alike.setdefault(asked, []).append(name)
    for same, types in alike.items():
        nodes = [conditions[each.position - start] if each.left is None else each.left for each in same]
        ordered = [node if node is True else ordering.order(node) for node in nodes]
        code = compiler.compile_rules(ordered, first=first)
        yield Group(tuple(types), tuple(each.position for each in same), code)


class _Asked(NamedTuple):
    """What is left of a rule's condition for an event type; None where all of it is."""

    position: int
    left: resolve.Node | Literal[True] | None


class _Condition:
    """A rule's condition, and for which event types it can be true."""

    def __init__(self, position: int, node: resolve.Node) -> None:
        self.possible = event_types.possible(node)
        self._position = position
        self._node = node
        self._binds = event_types.binds(node)

    def asked(self, name: str) -> _Asked | None:
        """What is to be asked of events of a type; None where it cannot be true."""
        if name not in self.possible and name != OTHER:
            return None
        if not self._binds:
            return _Asked(self._position, None)
        left = event_types.specialise(self._node, name)
        return None if left is False else _Asked(self._position, left)


def _data(rule: Rule) -> RuleData:
    return RuleData(
        name=rule.name,
        hash=rule.hash,
        priority=rule.priority,
        source=rule.source,
        tags=rule.tags,
        output=rule.output.text,
        condition=resolve.render(rule.condition),
        fields=rule.output.further,
    )
