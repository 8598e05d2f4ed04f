"""A plain YAML scalar -> the value that kubectl makes of it.

In: the text of an unquoted scalar. Out: None, bool, int, float or the text. Called by `webhook.check.tree`.
The rules are those of sigs.k8s.io/yaml (goyaml.v2, resolve.go), which kubectl and the API server's tools read with,
and not PyYAML's: `on` and `y` are true, `017` and `0o17` are 15, but `1:30` stays text, and so does a date.
"""

import functools
import math
import re

WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}

NUMERIC_START = frozenset("0123456789+-.")
INTEGER = r"[-+]?(?:0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0[0-7]+|0|[1-9][0-9]*)"
FLOAT = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
LONGEST_PLAIN_INTEGER = 18
LONGEST_NUMBER = 400
"""Digits beyond any number that JSON readers keep; Python refuses to parse more than 4,300."""

Scalar = str | bool | int | float | None


@functools.lru_cache(maxsize=4096)
def plain(text: str) -> Scalar:
    """The value of an unquoted scalar."""
    if text in WORDS:
        return WORDS[text]
    if text[0] not in NUMERIC_START or len(text) > LONGEST_NUMBER:
        return text
    if text.isdigit() and text.isascii() and text[0] != "0" and len(text) <= LONGEST_PLAIN_INTEGER:
        return int(text)
    digits = text.replace("_", "")
    if re.fullmatch(INTEGER, digits):
        return _integer(digits)
    return float(digits) if re.fullmatch(FLOAT, digits) else text


def _integer(digits: str) -> int | float:
    """The integer, or a float beyond 64 bits, as Go's ParseInt fails there and its ParseFloat does not."""
    unsigned = digits.lstrip("+-")
    octal = len(unsigned) > 1 and unsigned[0] == "0" and unsigned.isdigit()
    value = int(digits, 8 if octal else 0)
    return value if -(2**63) <= value < 2**64 else float(value)
