"""Globs, expressions and prefixes: what they match, and that no text makes them slow."""

import fnmatch

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from runtime_monitor.rules import globs


@settings(max_examples=500, deadline=None)
@given(st.text("ab*?[]!-/.\n", max_size=8), st.text("ab-]!/.\n[", max_size=8))
def test_globs_agree_with_fnmatch(glob: str, text: str) -> None:
    """Python's fnmatch has the same language but for backslashes and a second range in one bracket."""
    assume(glob.count("-") < 2)
    assert globs.matcher(glob)(text) is fnmatch.fnmatchcase(text, glob)


@pytest.mark.parametrize(
    ("glob", "text", "expected"),
    [
        (r"\*", "*", True),
        (r"\*", "a", False),
        (r"\?x", "?x", True),
        ("/home/*/.ssh/*", "/home/a/b/.ssh/id", True),
        ("[a", "[a", True),
        ("[^a]", "b", True),
        ("*", "", True),
    ],
)
def test_fnmatch_3_where_python_differs(glob: str, text: str, expected: bool) -> None:  # noqa: FBT001 -- a table
    """A backslash takes the next character as it is, `[^a]` negates, `*` crosses slashes."""
    assert globs.matcher(glob)(text) is expected


def test_the_case_is_ignored_on_demand() -> None:
    """For iglob."""
    assert globs.matcher("A*[X-Z]", ignore_case=True)("abz")


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|aa)+b", "(.*)*x", "a{1,500}" * 2])
def test_expressions_that_backtrack_elsewhere_end_here(pattern: str) -> None:
    """Without the suite's time limit being met: RE2 is linear."""
    assert not globs.regex(pattern)("a" * 200_000 + "!")


def test_globs_that_backtrack_elsewhere_end_here() -> None:
    """Stars are found one after the other."""
    assert not globs.matcher("*a" * 200 + "*b")("a" * 100_000)
    assert not globs.matcher("*[a]" * 200 + "*b")("a" * 20_000)


@pytest.mark.parametrize("pattern", ["(?=a)", r"\1", "(", "a{5000}", "((a{100}){100}){100}", "x" * 20_000])
def test_expressions_that_re2_has_not_are_refused(pattern: str) -> None:
    """With the reason."""
    with pytest.raises(globs.PatternError):
        globs.regex(pattern)


def test_a_glob_beyond_the_bound_is_refused() -> None:
    """As expressions are."""
    with pytest.raises(globs.PatternError):
        globs.matcher("?" * 20_000)


@pytest.mark.parametrize(
    ("paths", "text", "expected"),
    [
        (["/var/run"], "/var/run/x", True),
        (["/var/run"], "/var/run", True),
        (["/var/run/"], "/var/run", True),
        (["/var/run"], "/var/runner", False),
        (["/var/*/x"], "/var/a/x/y", True),
        (["/var/*/x"], "/var/a/b/x", False),
        (["/"], "/anything", True),
        ([], "/x", False),
    ],
)
def test_prefixes_are_whole_components(paths: list[str], text: str, expected: bool) -> None:  # noqa: FBT001 -- a table
    """A glob stands for one component."""
    assert globs.prefixes(paths)(text) is expected
