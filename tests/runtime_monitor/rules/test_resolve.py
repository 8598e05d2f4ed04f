"""Names and literals; what is refused is in cases/, with test_ruleset."""

from hypothesis import given, settings

from runtime_monitor import events
from runtime_monitor.rules import compile as compiler
from runtime_monitor.rules import parser, resolve, tree
from tests.runtime_monitor.rules import given as rules
from tests.runtime_monitor.rules import strategies


def test_equal_operands_are_one_value() -> None:
    """So that compiled code reads them once."""
    resolver = resolve.Resolver(None)
    tests = list(resolve.tests(rules.resolved("proc.aname[2] = a or proc.aname[2] = b", resolver)))
    assert tests[0].left is tests[1].left


def test_icontains_of_one_field_is_lowered_once() -> None:
    """The same value under every icontains."""
    one, two = resolve.tests(rules.resolved("proc.args icontains A or proc.args icontains B"))
    assert one.left.key == two.left.key == "tolower(proc.args)"
    assert (one.operator, one.values) == ("contains", ("a",))


@settings(max_examples=150, deadline=None)
@given(strategies.conditions, strategies.happenings())
def test_a_rendered_condition_means_the_same(condition: tree.Node, event: events.Event) -> None:
    """What `engine` keeps as text for a rule that raises."""
    resolver = resolve.Resolver(None)
    node = resolver.node(condition, "")
    text = resolve.render(node)
    again = resolver.node(parser.parse(text), text)
    functions = [compiler.link(compiler.compile_rules([each], first=True), resolver) for each in (node, again)]
    assert functions[0](event) == functions[1](event)
