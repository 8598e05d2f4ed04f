"""Macros in conditions, by tree."""

import pytest

from runtime_monitor.rules import depth, macros, parser, tree
from runtime_monitor.rules.problems import ConditionError


def _expanded(text: str, **known: str) -> macros.Expanded:
    found: dict[str, macros.Expanded] = {}
    for name, condition in known.items():
        found[name] = macros.expand(parser.parse(condition), found.get, condition)
    return macros.expand(parser.parse(text), found.get, text)


def test_a_macro_keeps_its_own_parentheses() -> None:
    """An `or` stays whole; an `and` in an `and` dissolves; a negation of a negation vanishes."""
    known = {"a": "x.y = 1", "either": "b.c = 1 or b.c = 2", "both": "a and d.e = 3", "never": "not z.z = 1"}
    text = _expanded("a and either and both and not never", **known)
    assert tree.render(text.node) == "x.y = 1 and (b.c = 1 or b.c = 2) and x.y = 1 and d.e = 3 and z.z = 1"


def test_all_macros_in_it_count_as_used() -> None:
    """Those in macros as well."""
    assert _expanded("outer", inner="a.b = c", outer="inner", unused="inner").used == {"outer", "inner"}


def test_an_undefined_macro_is_named_with_its_place() -> None:
    """A macro that stands later is undefined for an earlier one."""
    with pytest.raises(ConditionError, match="undefined macro 'later'") as caught:
        _expanded("a.b = c and later")
    assert caught.value.excerpt() == "a.b = c and later\n            ^"


def test_macros_of_macros_are_bounded() -> None:
    """Doubling twenty times would be a million checks, nesting thousands of times too deep to walk."""
    bomb = {"m0": "a.b = c or a.b = d"} | {f"m{i}": f"m{i - 1} and not m{i - 1}" for i in range(1, 21)}
    with pytest.raises(ConditionError, match="more than 100000 checks"):
        _expanded("m20", **bomb)
    levels = range(1, depth.LEVELS + 1)
    deep = {"n0": "a.b = c"} | {f"n{i}": f"x.y = z {'or' if i % 2 else 'and'} n{i - 1}" for i in levels}
    with pytest.raises(ConditionError, match=f"deeper than {depth.LEVELS} levels"):
        _expanded(f"n{depth.LEVELS}", **deep)
