"""Conditions as deep as Falco takes them, and deeper."""

import sys
import threading
from collections.abc import Callable

import msgspec
import pytest
from msgspec import structs

from runtime_monitor import events
from runtime_monitor.rules import depth, engine, explain, program, pushdown, ruleset
from tests.runtime_monitor.rules import given

HAPPENED = given.event("open", fd__name="/x")


def alternating(parentheses: int) -> str:
    """Each parenthesis a level of its own, with a `not` before it: nothing of it dissolves."""
    levels = "".join(f"proc.name = a{n} {'and' if n % 2 else 'or'} not (" for n in range(parentheses - 1))
    return f"evt.type = open and ({levels}fd.name = /x{')' * parentheses}"


def plain(parentheses: int) -> str:
    """Parentheses that change nothing."""
    return f"evt.type = open and {'(' * parentheses}fd.name = /x{')' * parentheses}"


def judged(condition: str) -> bool:
    """Whether the rule fires: loaded, sent elsewhere, linked, explained, pushed down, beside a rule that raises."""
    raising = given.rule("raising", "evt.type = open and fd.name startswith /y")
    loaded = given.loaded(raising + given.rule("deep", condition))
    assert not loaded.problems
    data = msgspec.msgpack.encode(program.build(loaded))
    running = engine.Engine(msgspec.msgpack.decode(data, type=program.Program))
    fires = running.verdict(HAPPENED) == ("deep",)
    why = explain.explain(loaded.rules[1].condition, HAPPENED)
    assert why.truth is fires
    assert list(explain.deciding(why))
    assert list(pushdown.of_rule("deep", loaded.rules[1].condition).types) == ["open"]
    running.judge(structs.replace(HAPPENED, fd=events.File(name=7)))  # type: ignore[arg-type] # on purpose
    assert list(running.disabled) == ["raising"]
    assert (running.verdict(HAPPENED) == ("deep",)) is fires
    return fires


SHAPES: dict[str, Callable[[int], str]] = {"alternating": alternating, "plain": plain}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_thousand_parentheses_are_taken(shape: str) -> None:
    """As Falco takes them, on half of the stack that a thread has; Python's own limit is what it was."""
    before, fired = sys.getrecursionlimit(), []
    stack = threading.stack_size(4 << 20)
    try:
        thread = threading.Thread(target=lambda: fired.append(judged(SHAPES[shape](depth.PARENTHESES))))
        thread.start()
    finally:
        threading.stack_size(stack)
    thread.join()
    assert fired == [True]
    assert sys.getrecursionlimit() == before


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("parentheses", [depth.PARENTHESES + 1, 20_000, 100_000])
def test_more_are_refused(shape: str, parentheses: int) -> None:
    """By one problem; what is deeper is not even looked at."""
    (problem,) = given.loaded(given.rule("deep", SHAPES[shape](parentheses))).problems
    assert problem.severity == "error"
    assert "nested deeper than 1000 parentheses" in problem.message or "at most 1048576 are read" in problem.message


def test_macros_in_each_other_are_as_deep_at_most() -> None:
    """A macro of a thousand parentheses is taken, one more around it too, and one that doubles the depth is not."""
    inner = alternating(depth.PARENTHESES - 2).removeprefix("evt.type = open and ")
    macros = f"- macro: inner\n  condition: {inner}\n"
    rule = given.rule("deep", "evt.type = open and (proc.name = x or (proc.pname exists and inner) or inner)")
    assert not given.loaded(macros + rule).errors
    doubled = inner.replace("fd.name = /x", "proc.name = y or (proc.pname exists and inner)")
    (problem,) = given.loaded(f"{macros}- macro: outer\n  condition: {doubled}\n{given.rule('d', 'outer')}").errors[:1]
    assert f"nests deeper than {depth.LEVELS} levels" in problem.message


def test_transformers_have_a_limit_of_their_own() -> None:
    """A hundred."""
    text = "evt.type = open and " + "tolower(" * 101 + "proc.name" + ")" * 101 + " = x"
    (problem,) = ruleset.load([ruleset.Source("f", given.rule("a", text))]).errors
    assert "nested deeper than 100 transformers" in problem.message
    less = text.replace("tolower(tolower(", "tolower(", 1).replace("))", ")", 1)
    assert not given.loaded(given.rule("a", less)).errors
