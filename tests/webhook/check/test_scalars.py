"""Plain scalars, as kubectl reads them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.check import scalars

READ: dict[str, tuple[str, object]] = {
    "YAML 1.1 words are booleans": ("on", True),
    "so is one letter": ("n", False),
    "mixed case is text": ("oN", "oN"),
    "nothing is null": ("", None),
    "a tilde is null": ("~", None),
    "decimal": ("1000", 1000),
    "a sign": ("-5", -5),
    "a leading zero is octal": ("017", 15),
    "0o is octal": ("0o17", 15),
    "hexadecimal": ("0x1F", 31),
    "binary": ("0b101", 5),
    "09 is no octal number but a decimal fraction": ("09", 9.0),
    "underscores are dropped": ("1_000", 1000),
    "fraction": ("1.5", 1.5),
    "exponent": ("1e3", 1000.0),
    "infinity": (".inf", math.inf),
    "beyond 64 bits": ("99999999999999999999", 1e20),
    "no base 60": ("22:22", "22:22"),
    "no dates": ("2026-11-23", "2026-11-23"),
    "an image": ("nginx:1.25", "nginx:1.25"),
    "a quantity": ("100m", "100m"),
    "a lone sign": ("-", "-"),
    "a lone point": (".", "."),
    "only underscores": ("-_", "-_"),
    "more digits than Python would parse": ("1" * 5000, "1" * 5000),
}


@pytest.mark.parametrize(("text", "value"), READ.values(), ids=READ.keys())
def test_a_plain_scalar_is_read_as_kubectl_reads_it(text: str, value: object) -> None:
    """The value and its type; the cases follow goyaml.v2's resolve.go."""
    seen = scalars.plain(text)
    assert seen == value
    assert type(seen) is type(value)


def test_nan_is_a_float() -> None:
    """The one value that equals nothing."""
    assert math.isnan(float(str(scalars.plain(".nan"))))


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    """Whatever stands there has a value."""
    assert isinstance(scalars.plain(text), str | bool | int | float | None)
