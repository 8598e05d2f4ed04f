"""Tokens by what is expected at a place."""

import pytest

from runtime_monitor.rules import tokenizer
from runtime_monitor.rules.problems import ConditionError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b", "a"),
        ("'a b' c", "a b"),
        ('"a\\"b"', 'a"b'),
        ("registry.k8s.io/x:1)", "registry.k8s.io/x:1"),
        ("(", None),
    ],
)
def test_a_string_ends_where_it_must(text: str, expected: str | None) -> None:
    """Bare up to a blank, a comma, `=` or a parenthesis; quoted up to the quote."""
    assert tokenizer.Scanner(text).string() == expected


def test_a_quote_that_never_closes_is_refused_where_it_opens() -> None:
    """The offset stays at the quote."""
    scan = tokenizer.Scanner("x 'abc")
    scan.offset = 2
    with pytest.raises(ConditionError, match="expected a closing '") as caught:
        scan.string()
    assert caught.value.offset == 2


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (tokenizer.FIELD, "proc.name=x", "proc.name"),
        (tokenizer.FIELD, "proc", None),
        (tokenizer.FIELD, "proc.1", None),
        (tokenizer.WORD_OPERATOR, "in (", "in"),
        (tokenizer.WORD_OPERATOR, "in(", "in"),
        (tokenizer.WORD_OPERATOR, "inside", None),
        (tokenizer.WORD_OPERATOR, "intersects (", "intersects"),
        (tokenizer.SYMBOL_OPERATOR, "<=1", "<="),
        (tokenizer.NUMBER, "-1.5e+3,", "-1.5e+3"),
        (tokenizer.NUMBER, "0xff", "0xff"),
        (tokenizer.NOT, "not(", None),
    ],
)
def test_the_longest_token_is_taken(pattern: object, text: str, expected: str | None) -> None:
    """And nothing is passed over where it does not stand."""
    scan = tokenizer.Scanner(text)
    assert scan.take(pattern) == expected  # type: ignore[arg-type] # a compiled pattern
    assert scan.offset == len(expected or "")
