"""The compiled condition means what a plain interpreter means, for every condition and every event."""

import pytest
from hypothesis import given, settings

from runtime_monitor import events
from runtime_monitor.rules import compile as compiler
from runtime_monitor.rules import macros, ordering, parser, resolve, tree
from tests.runtime_monitor.rules import given as rules
from tests.runtime_monitor.rules import oracle, strategies


@settings(max_examples=250, deadline=None)
@given(strategies.conditions, strategies.happenings())
def test_compiled_code_agrees_with_the_interpreter(condition: tree.Node, event: events.Event) -> None:
    """Every operator, null or not, in any nesting and in the cheapest order."""
    node = resolve.Resolver(None).node(condition, "")
    code = compiler.compile_rules([ordering.order(node)], first=True)
    assert bool(compiler.link(code, resolve.Resolver(None))(event)) is oracle.holds(condition, event)


@settings(max_examples=80, deadline=None)
@given(strategies.conditions, strategies.conditions, strategies.conditions, strategies.happenings())
def test_rules_in_one_function_do_not_disturb_each_other(
    one: tree.Node, two: tree.Node, three: tree.Node, event: events.Event
) -> None:
    """Variables are shared by the rules of a function, and read only where they were set."""
    resolver = resolve.Resolver(None)
    nodes = [resolver.node(each, "") for each in (one, two, three)]
    expected = [position for position, each in enumerate((one, two, three)) if oracle.holds(each, event)]
    every = compiler.link(compiler.compile_rules(nodes, first=False), resolver)(event)
    assert list(every) == expected
    assert list(compiler.link(compiler.compile_rules(nodes, first=True), resolver)(event)) == expected[:1]


NULLS = (
    ("proc.name = x", False),
    ("proc.name != x", False),
    ("not proc.name = x", True),
    ("not proc.name in (x)", True),
    ("proc.name exists", False),
    ("proc.tty < 1", False),
    ("fd.net != 10.0.0.0/8", False),
    ("proc.aname != x", False),
    ("proc.name glob *", False),
    ("proc.name startswith ''", False),
    ("proc.name = val(proc.name)", False),
    ("container.privileged = false", False),
    ("not container.privileged = false", True),
)


@pytest.mark.parametrize(("condition", "expected"), NULLS, ids=[condition for condition, _ in NULLS])
def test_a_missing_value_makes_every_comparison_false(condition: str, expected: bool) -> None:  # noqa: FBT001 -- a table
    """Falco's semantics of null, `!=` included."""
    assert rules.fires(condition, rules.event("open")) is expected


def test_a_huge_condition_compiles() -> None:
    """What the parser's bound lets through."""
    condition = " or ".join(f"proc.name = n{number}" for number in range(20_000))
    assert rules.fires(condition, rules.event("open", proc__name="n19999"))


def test_a_deep_condition_compiles() -> None:
    """As deep as Python's own stack allows; for a thousand see test_depth."""
    condition = "proc.name = x"
    for _level in range(50):
        condition = f"(proc.name = y or (proc.name exists and {condition}))"
    assert macros.expand(parser.parse(condition), lambda _name: None, condition).depth == 101
    assert rules.fires(condition, rules.event("open", proc__name="x"))
