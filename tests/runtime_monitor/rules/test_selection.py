"""Which rules are in force."""

import pytest

from runtime_monitor.rules import selection
from runtime_monitor.rules.selection import Selection
from tests.runtime_monitor.rules import given

NAMES = (
    ("*", "anything (CVE-1) [x]?", True),
    ("any*", "anything", True),
    ("any", "anything", False),
    ("*thing*", "anything at all", True),
    ("Anything", "anything", False),
    ("what? [x]", "what? [x]", True),
    ("what? [x]", "what! x", False),
    (r"a\b*", r"a\bc", True),
    ("*a" * 400, "a" * 399, False),
)


@pytest.mark.parametrize(("pattern", "name", "fits"), NAMES, ids=[pattern[:20] for pattern, _, _ in NAMES])
def test_only_a_star_is_special(pattern: str, name: str, fits: bool) -> None:  # noqa: FBT001 -- a table
    """Names of rules have brackets and question marks."""
    assert Selection(enable=True, rule=pattern).fits(name, ()) is fits


def test_the_last_that_fits_counts() -> None:
    """And where none fits, what the rule's file says."""
    steps = (Selection(enable=False, rule="*"), Selection(enable=True, tag="net"), Selection(enable=False, rule="b"))
    assert selection.enabled(steps, "a", ("net",), otherwise=False)
    assert not selection.enabled(steps, "b", ("net",), otherwise=True)
    assert not selection.enabled(steps, "c", (), otherwise=True)
    assert selection.enabled((), "c", (), otherwise=True)


def test_rules_are_loaded_accordingly() -> None:
    """A rule that its file disables can be enabled."""
    text = given.rule("off", "evt.type = open", enabled="false") + given.rule("on", "evt.type = open")
    chosen = (Selection(enable=True, rule="off"), Selection(enable=False, rule="on"))
    assert [rule.name for rule in given.loaded(text, selection=chosen).rules] == ["off"]
