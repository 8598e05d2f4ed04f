"""Exceptions as text behind a condition; faults of theirs are in cases/, with test_ruleset."""

import pytest

from runtime_monitor.rules import exceptions
from runtime_monitor.rules.problems import Place

HERE = Place("f")
Exception_ = exceptions.Exception_

CONJOINED = {
    "none": ((), "c"),
    "without values": ((Exception_("a", HERE, "p.n", "in"),), "(c)"),
    "one field": ((Exception_("a", HERE, "p.n", "in", ("x", "y z")),), '(c) and not (p.n in (x, "y z"))'),
    "fields": (
        (Exception_("a", HERE, ("p.n", "f.n"), ("=", "in"), (("x", ("y", "z")), ("v", "w"))),),
        "(c) and not ((p.n = x and f.n in (y, z)) or (p.n = v and f.n in (w)))",
    ),
    "a list in parentheses already": (
        (Exception_("a", HERE, ("p.n",), ("in",), (("(x, y)",),)),),
        "(c) and not ((p.n in (x, y)))",
    ),
    "several": (
        (Exception_("a", HERE, "p.n", "in", ("x",)), Exception_("b", HERE, "f.n", "pmatch", ("/y",))),
        "(c) and not (p.n in (x)) and not (f.n pmatch (/y))",
    ),
}


@pytest.mark.parametrize("case", CONJOINED)
def test_exceptions_stand_behind_the_condition(case: str) -> None:
    """As text, since names of lists among the values count."""
    given, expected = CONJOINED[case]
    assert exceptions.conjoin("c", given) == expected


def test_operators_are_filled_in() -> None:
    """`in` for one field, `=` for each of several."""
    assert exceptions.complete(Exception_("a", HERE, "p.n")).comps == "in"
    assert exceptions.complete(Exception_("a", HERE, ("p.n", "f.n"))).comps == ("=", "=")


def test_values_are_added_by_name() -> None:
    """An exception of another name comes behind."""
    known = (Exception_("a", HERE, "p.n", "in", ("x",)),)
    added = (Exception_("a", HERE, values=("y",)), Exception_("b", HERE, "f.n", values=("z",)))
    first, second = exceptions.append(known, added)
    assert (first.values, second.name, second.comps) == (("x", "y"), "b", "in")
