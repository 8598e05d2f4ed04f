"""Single items; whole files are in cases/, with test_ruleset."""

import pytest

from runtime_monitor.alerts import Priority
from runtime_monitor.rules import document, items
from runtime_monitor.rules.problems import Problem, RuleError


def _read(text: str) -> tuple[list[items.Item], list[Problem]]:
    warnings: list[Problem] = []
    (value,) = document.read(text, "f")
    return items.read(value, warnings), warnings


@pytest.mark.parametrize(
    ("word", "expected"),
    [("info", Priority.INFORMATIONAL), ("INFORMATIONAL", Priority.INFORMATIONAL), ("Emergency", Priority.EMERGENCY)],
)
def test_priorities_have_any_case_and_one_alias(word: str, expected: Priority) -> None:
    """As Falco reads them."""
    (rule,), _ = _read(f"- {{rule: a, priority: {word}}}")
    assert isinstance(rule, items.RuleItem)
    assert rule.priority is expected


@pytest.mark.parametrize(("word", "expected"), [("yes", True), ("ON", True), ("n", False), ("False", False)])
def test_booleans_are_yaml_cpp_s(word: str, expected: bool) -> None:  # noqa: FBT001 -- a table
    """Words, since everything is a string here."""
    (rule,), _ = _read(f"- {{rule: a, enabled: {word}}}")
    assert isinstance(rule, items.RuleItem)
    assert rule.enabled is expected


def test_what_is_not_said_stays_unsaid() -> None:
    """So that an override changes nothing else."""
    (rule,), warnings = _read("- {rule: a, condition: x, override: {condition: replace}}")
    assert isinstance(rule, items.RuleItem)
    assert (rule.condition, rule.output, rule.tags, rule.enabled) == ("x", None, None, None)
    assert rule.replaced == {"condition"}
    assert not warnings


def test_each_required_plugin_is_an_item() -> None:
    """With its alternatives."""
    found, _ = _read(
        "- required_plugin_versions: [{name: a, version: 1.0.0, alternatives: [{name: b, version: 2.0.0}]}]"
    )
    assert [item.plugins for item in found if isinstance(item, items.Requirement)] == [(("a", "1.0.0"), ("b", "2.0.0"))]


def test_a_fault_carries_its_place() -> None:
    """Of the value, not of the item."""
    with pytest.raises(RuleError) as caught:
        _read("- rule: a\n  priority:   urgent\n")
    assert (caught.value.problem.place.line, caught.value.problem.place.column) == (2, 15)
