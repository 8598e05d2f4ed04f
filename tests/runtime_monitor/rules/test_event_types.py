"""Which event types a condition can be true for."""

import pytest
from hypothesis import given, settings

from runtime_monitor import events
from runtime_monitor.rules import event_types, resolve, syscalls, tree
from tests.runtime_monitor.rules import given as rules
from tests.runtime_monitor.rules import oracle, strategies

ALL = "all"
POSSIBLE = {
    "evt.type = open": {"open"},
    "syscall.type in (open, openat)": {"open", "openat"},
    "evt.type in (open, openat) and evt.type != open": {"openat"},
    "proc.name = x": ALL,
    "evt.type = open or evt.type = execve and proc.name = x": {"open", "execve"},
    "evt.type = open or proc.name = x": ALL,
    "not (evt.type != open or proc.name = x)": {"open"},
    "not proc.name = x and evt.type = open": {"open"},
    "evt.num = 0": set(),
    "evt.num = 0 or evt.type = open": {"open"},
    "not evt.num = 0 and evt.type = open": {"open"},
    "evt.type startswith exec": {"execve", "execveat"},
    "evt.type exists and evt.type glob *it_module": {"finit_module", "init_module"},
}


@pytest.mark.parametrize("condition", POSSIBLE)
def test_the_possible_types(condition: str) -> None:
    """By the algebra of sets that libsinsp uses."""
    expected = POSSIBLE[condition]
    found = event_types.possible(rules.resolved(condition))
    assert found == (syscalls.NAMES if expected == ALL else expected)


@settings(max_examples=200, deadline=None)
@given(strategies.conditions, strategies.happenings())
def test_what_is_left_for_a_type_means_the_same(condition: tree.Node, event: events.Event) -> None:
    """And a condition that is true for an event says so of its type."""
    node = resolve.Resolver(None).node(condition, "")
    expected = oracle.holds(condition, event)
    if expected:
        assert event.evt.type in event_types.possible(node)
    left = event_types.specialise(node, event.evt.type)
    if isinstance(left, bool):
        assert left is expected
    else:
        assert not any(test.left.path == event_types.TYPE for test in resolve.tests(left))
        assert rules.fires(resolve.render(left), event) is expected
