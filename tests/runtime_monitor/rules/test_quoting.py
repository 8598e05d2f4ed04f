"""Strings in quotes and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_monitor.rules import quoting
from runtime_monitor.rules.problems import ConditionError

VALUES = {
    '"plain"': "plain",
    "'single'": "single",
    r'"\b\f\n\r\t"': "\b\f\n\r\t",
    r'"\x41\x7e"': "A~",
    r'"a\ b"': "a\\b",
    r'"\\\/\"' + "\\'" + '"': "\\/\"'",
    '""': "",
}


@pytest.mark.parametrize("text", VALUES)
def test_escapes_are_read(text: str) -> None:
    """As libsinsp reads them."""
    assert quoting.unquote(text, 0, len(text)) == VALUES[text]


@pytest.mark.parametrize("text", [r'"\q"', r'"\x4"', '"\\'])
def test_other_escapes_are_refused(text: str) -> None:
    """With what was expected."""
    with pytest.raises(ConditionError, match="invalid escape: expected"):
        quoting.unquote(text + '"', 0, len(text) + 1)


@given(st.text())
def test_what_is_quoted_reads_back(value: str) -> None:
    """Bare where it can be, else in quotes."""
    text = quoting.quote(value)
    assert (quoting.unquote(text, 0, len(text)) if text.startswith('"') else text) == value


@pytest.mark.parametrize(("text", "expected"), [("a", "a"), ("a b", '"a b"'), ("'a b'", "'a b'"), ('"a b"', '"a b"')])
def test_items_with_a_blank_get_quotes_once(text: str, expected: str) -> None:
    """Falco's quote_item."""
    assert quoting.item(text) == expected
