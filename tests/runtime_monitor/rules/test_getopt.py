"""Short options of command lines."""

import shlex

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from runtime_monitor.rules import getopt
from tests.runtime_monitor.rules import given

LISTED: tuple[tuple[str, str, list[str]], ...] = (
    ("-n", "n", ["n"]),
    ("-t hello", "t:", ["t", "hello"]),
    ("-thello", "t:", ["t", "hello"]),
    ("-nt hello", "nt:", ["n", "t", "hello"]),
    ("-nat hello", "na:t", ["n", "a", "t"]),
    ("-l -p 8080 -e /bin/sh host", "lp:e:", ["l", "p", "8080", "e", "/bin/sh"]),
    ("-n -- -t", "nt", ["n"]),
    ("-x -n", "n", ["?", "n"]),
    ("-n file -t", "nt", ["n"]),
    ("- -n", "n", []),
    ("'' -n", "n", []),
    ("-t", "t:", [""]),
    ("-t ''", "t:", ["t", ""]),
    ("-t -123", "t:", ["t", "-123"]),
    ("--exec -n", "n", ["n"]),
    ("-n-t", "nt", ["n", "?", "t"]),
    ("-a:b", "a:b", ["a", ":b"]),
    ("-:", ":a", ["?"]),
    ("-a", "", ["?"]),
    ("-v x", "v::", ["v", "x"]),
    ("", "n", []),
)


@pytest.mark.parametrize(("line", "options", "expected"), LISTED, ids=[f"{line} ({opts})" for line, opts, _ in LISTED])
def test_options_are_listed_with_their_arguments(line: str, options: str, expected: list[str]) -> None:
    """As getopt(3) finds them, in their order."""
    assert list(getopt.listed(shlex.split(line), getopt.known(options))) == expected


SELECTED = (
    ("-n", "n", "n", "n"),
    ("-t a -t b", "t:", "t", "b"),
    ("-t", "t:", "t", ""),
    ("-x", "n", "n", None),
    ("-n", "n", "?", None),
    ("-x", "n", "?", None),
    ("-n", "nt:", "t", None),
)


@pytest.mark.parametrize(("line", "options", "option", "expected"), SELECTED)
def test_one_option_is_selected(line: str, options: str, option: str, expected: str | None) -> None:
    """The last of it; not known where it is not given."""
    assert getopt.selected(shlex.split(line), getopt.known(options), option) == expected


@drawn(st.lists(st.text("-abc:", max_size=4), max_size=6), st.text("abc:", max_size=6))
def test_both_forms_agree(words: list[str], options: str) -> None:
    """What is selected has been listed."""
    known = getopt.known(options)
    everything = getopt.listed(words, known)
    for option in "abc":
        selected = getopt.selected(words, known, option)
        assert selected is None or selected in everything


NETCAT = given.event("execve", proc__name="nc", proc__argv=["-l", "-p", "8080", "-e", "/bin/sh"])
CONDITIONS = (
    ("getopt(proc.args, 'lp:e:') intersects (e, x)", True),
    ("getopt(proc.args, 'lp:e:') intersects (x)", False),
    ('getopt(proc.args, "lp:e:")[p] = 8080', True),
    ("getopt(proc.args, 'lp:e:')[e] endswith sh", True),
    ("getopt(proc.args, 'lp:e:')[x] exists", False),
    ("tolower(proc.name) = nc and getopt(proc.args, 'lp:e:')['l'] = l", True),
    ("not getopt(proc.args, 'lp:e:')[z] = x", True),
)


@pytest.mark.parametrize(("condition", "fires"), CONDITIONS)
def test_in_conditions(condition: str, fires: bool) -> None:  # noqa: FBT001 -- a table
    """Compiled, after a way through their text."""
    assert given.fires(condition, NETCAT) is fires


def test_in_outputs() -> None:
    """As text; the field in it becomes an output field."""
    text = given.rule(
        "a", "evt.type = execve", output="'%getopt(proc.args, \"lp:e:\")[e] of %getopt(proc.args, lp:e:)'"
    )
    (alert,) = given.running(text).judge(NETCAT)
    assert "Warning /bin/sh of (l,p,8080,e,/bin/sh) " in alert.output
    assert alert.output_fields["proc.args"] == "-l -p 8080 -e /bin/sh"


REFUSED = (
    ("getopt(proc.args) intersects (a)", "takes a field of words, such as proc.args, and a string"),
    ("getopt(proc.args, a, b) intersects (a)", "takes a field of words, such as proc.args, and a string"),
    ("getopt(x, a) intersects (a)", "takes a field of words"),
    ("getopt(proc.args, proc.name) intersects (a)", "takes a field of words"),
    ("getopt(proc.name, a) intersects (a)", "takes a field of words, such as proc.args: proc.name is none"),
    ("getopt(proc.args, ab)[ab] = x", "selects one option: a single character"),
    ("getopt(proc.args, ab)[a = x", "expected ']' after the argument of getopt"),
)


@pytest.mark.parametrize(("condition", "reason"), REFUSED)
def test_what_it_does_not_take_is_refused(condition: str, reason: str) -> None:
    """With what it takes."""
    (problem,) = given.loaded(given.rule("a", f"evt.type = execve and {condition}")).errors
    assert reason in problem.message
