"""How problems read."""

import pytest

from runtime_monitor.rules.problems import Place, Problem, excerpt


def test_a_problem_names_place_item_cause_and_code() -> None:
    """With the excerpt indented below."""
    problem = Problem("error", "CODE", "is wrong", Place("a.yaml", 3, 5), "rule 'x'", "abc\n ^")
    assert str(problem) == "a.yaml:3:5: error: rule 'x': is wrong [CODE]\n    abc\n     ^"
    assert str(Problem("warning", "CODE", "odd", Place("a.yaml"))) == "a.yaml: warning: odd [CODE]"


@pytest.mark.parametrize(
    ("text", "offset", "expected"),
    [
        ("abc", 1, "abc\n ^"),
        ("abc", 3, "abc\n   ^"),
        ("ab\ncd\nef", 4, "cd\n ^"),
        ("a\tb", 2, "a b\n  ^"),
        ("x" * 200, 100, f"...{'x' * 72}...\n{' ' * 39}^"),
    ],
)
def test_an_excerpt_shows_the_line_around_the_offset(text: str, offset: int, expected: str) -> None:
    """The caret stands below the character, whatever was cut."""
    assert excerpt(text, offset) == expected
