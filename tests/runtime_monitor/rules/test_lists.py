"""Lists in conditions, by text."""

import pytest

from runtime_monitor.rules import lists
from runtime_monitor.rules.items import ListItem
from runtime_monitor.rules.problems import ConditionError, Place

SUBSTITUTED = {
    "the items": ("proc.name in (shells)", "proc.name in ( bash, sh )"),
    "beside others": ("proc.name in (a, shells, b)", "proc.name in (a, bash, sh , b)"),
    "an empty list eats the comma before": ("proc.name in (a, none)", "proc.name in (a  )"),
    "an empty list eats the comma behind": ("proc.name in (none, a)", "proc.name in (   a)"),
    "an empty list alone": ("proc.name in (none)", "proc.name in (  )"),
    "in quotes too, where blanks surround it": ("proc.cmdline = 'run shells now'", "proc.cmdline = 'run bash, sh now'"),
    "no part of a word": ("proc.name in (myshells, shells2)", "proc.name in (myshells, shells2)"),
    "items with blanks": ("a.b in (spaced)", 'a.b in ( "a b", c )'),
    "several times": ("a.b in (shells) or a.c in (shells)", "a.b in ( bash, sh ) or a.c in ( bash, sh )"),
    "the whole text": ("shells", "bash, sh "),
}
LISTS = {"shells": "bash, sh", "none": "", "spaced": '"a b", c'}


@pytest.mark.parametrize("case", SUBSTITUTED)
def test_a_list_is_put_in(case: str) -> None:
    """As Falco's resolve_list."""
    text, expected = SUBSTITUTED[case]
    assert lists.substitute(text, LISTS)[0] == expected


def test_which_lists_were_used() -> None:
    """For the warning of those that are not."""
    assert lists.substitute("a.b in (none) or c.d = shellsx", LISTS)[1] == {"none"}


def _list(name: str, items: list[str], index: int, visibility: int | None = None) -> ListItem:
    return ListItem(name, tuple(items), Place("x"), False, index, index if visibility is None else visibility)


def test_a_list_in_a_list_counts_one_level_deep_and_only_from_before() -> None:
    """`later` is not yet there for `middle`, and `deep` sees the items of `middle` as they are written."""
    given = {
        "first": _list("first", ["a", "b"], 1),
        "middle": _list("middle", ["first", "later"], 2),
        "later": _list("later", ["c"], 3),
        "deep": _list("deep", ["middle"], 4),
    }
    texts, used = lists.resolve(given)
    assert texts == {"first": "a, b", "middle": "a, b, later", "later": "c", "deep": "first, later"}
    assert used == {"first", "middle"}


def test_a_bomb_of_lists_is_refused() -> None:
    """Items and length are bounded."""
    given = {"one": _list("one", ["x"] * 10_000, 1), "two": _list("two", ["one"] * 1000, 2)}
    with pytest.raises(ConditionError, match="more than 100000 items"):
        lists.resolve(given)
    with pytest.raises(ConditionError, match="too long"):
        lists.substitute("l0", {f"l{i}": ", ".join([f"l{i + 1}"] * 100) for i in range(10)})
