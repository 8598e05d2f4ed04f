"""Transformers."""

from typing import Any

import pytest

from runtime_monitor.rules.transformers import TRANSFORMERS


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("tolower", "AbÄ", "abä"),
        ("toupper", "ab", "AB"),
        ("basename", "/usr/bin/sh", "sh"),
        ("basename", "sh", "sh"),
        ("basename", "/usr/", ""),
        ("b64", "c2g=", "sh"),
        ("b64", "no base64", None),
        ("len", "abc", 3),
        ("len", ("a", "b"), 2),
        ("join", ("-", "a", "b"), "a-b"),
        ("concat", ("a", "b"), "ab"),
    ],
)
def test_what_they_yield(name: str, value: Any, expected: Any) -> None:  # noqa: ANN401 -- any type
    """None is "not known"."""
    assert TRANSFORMERS[name].apply(value) == expected
