"""What an item does to those before it; whole files are in cases/, with test_ruleset."""

import pytest

from runtime_monitor.rules import collect
from runtime_monitor.rules.items import ListItem, MacroItem
from runtime_monitor.rules.problems import Place, RuleError

HERE = Place("f")


def test_a_new_definition_keeps_the_position_and_moves_the_visibility() -> None:
    """So a macro redefined at the end sees what came between, and is seen as before."""
    collected = collect.Collected()
    for item in (MacroItem("a", "x", HERE), MacroItem("b", "y", HERE), MacroItem("a", "z", HERE)):
        collect.add(collected, item, [])
    assert [(m.name, m.condition, m.index, m.visibility) for m in collected.macros.values()] == [
        ("a", "z", 1, 3),
        ("b", "y", 2, 2),
    ]


def test_an_append_adds_behind_a_blank() -> None:
    """To conditions as text, before they are parsed; to lists as items."""
    collected = collect.Collected()
    for item in (
        MacroItem("a", "x", HERE),
        MacroItem("a", "or y", HERE, append=True),
        ListItem("l", ("1",), HERE),
        ListItem("l", ("2",), HERE, append=True),
    ):
        collect.add(collected, item, [])
    assert collected.macros["a"].condition == "x or y"
    assert collected.lists["l"].items == ("1", "2")


def test_nothing_to_append_to_is_an_error() -> None:
    """Mostly the order of the files."""
    with pytest.raises(RuleError, match="does not exist before: check the order"):
        collect.add(collect.Collected(), ListItem("l", (), HERE, append=True), [])


def test_two_collections_share_nothing() -> None:
    """Each starts empty."""
    collect.add(collect.Collected(), ListItem("l", (), HERE), [])
    assert not collect.Collected().lists
