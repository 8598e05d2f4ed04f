"""Why a rule fires or not."""

from hypothesis import given, settings

from runtime_monitor import events
from runtime_monitor.rules import explain, resolve, tree
from tests.runtime_monitor.rules import given as rules
from tests.runtime_monitor.rules import oracle, strategies


def _deciding(condition: str, event: events.Event) -> list[str]:
    return [str(each) for each in explain.deciding(explain.explain(rules.resolved(condition), event))]


def test_null_is_told_from_false() -> None:
    """A near miss: one check is false, one lacks its value."""
    event = rules.event("execve", proc__name="sh", proc__tty=0)
    assert _deciding("evt.type = execve and proc.tty != 0 and user.name = root and proc.name = sh", event) == [
        "false proc.tty != 0  (proc.tty is 0)",
        "null  user.name = root  (user.name is not known)",
    ]


def test_what_is_true_is_shown_where_it_fires() -> None:
    """Of an `or` the parts that are true, with what a `not` holds."""
    event = rules.event("execve", proc__name="sh")
    assert _deciding("(proc.name = sh or proc.name = bash) and not user.name = root", event) == [
        "true  proc.name = sh  (proc.name is 'sh')",
        "null  user.name = root  (user.name is not known)",
    ]


def test_both_sides_of_a_comparison_are_shown() -> None:
    """And a field compared with itself is asked once."""
    event = rules.event("execve", proc__name="sh")
    assert _deciding("proc.name = val(proc.pname)", event) == [
        "null  proc.name = val(proc.pname)  (proc.name is 'sh', proc.pname is not known)"
    ]
    assert _deciding("proc.name = val(proc.name)", event) == ["true  proc.name = val(proc.name)  (proc.name is 'sh')"]


@settings(max_examples=200, deadline=None)
@given(strategies.conditions, strategies.happenings())
def test_an_explanation_has_the_truth(condition: tree.Node, event: events.Event) -> None:
    """The same as the interpreter's; and some check always decides."""
    found = explain.explain(resolve.Resolver(None).node(condition, ""), event)
    assert found.truth is oracle.holds(condition, event)
    assert list(explain.deciding(found))
