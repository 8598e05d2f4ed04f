r"""Strings of conditions: how they are quoted and escaped.

In: text with its quotes. Out: the value, and back. Used by the tokenizer and by `tree.render`. The escapes are those
of libsinsp's filter/escaping: `\b \f \n \r \t \\ \/ \" \'`, `\xHH`, and a backslash before a blank, which is a
backslash alone.
"""

import re

from runtime_monitor.rules.problems import ConditionError

ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", " ": "\\", "\\": "\\", "/": "/", '"': '"', "'": "'"}
BARE = re.compile(r"""[^()"'\s=,]+""")
"""A string that needs no quotes."""
QUANTIFIERS = ("oneof", "anyof", "allof")
HEX = re.compile(r"[0-9a-fA-F]{2}")


def unquote(text: str, start: int, end: int) -> str:
    """The value of the quoted string `text[start:end]`, quotes included.

    Raises:
        ConditionError: a backslash before a character that is no escape.
    """
    inner = text[start + 1 : end - 1]
    if "\\" not in inner:
        return inner
    parts: list[str] = []
    position = 0
    while (backslash := inner.find("\\", position)) >= 0:
        parts.append(inner[position:backslash])
        letter = inner[backslash + 1 : backslash + 2]
        digits = HEX.match(inner, backslash + 2) if letter == "x" else None
        if digits:
            parts.append(chr(int(digits.group(), 16)))
            position = digits.end()
        elif letter in ESCAPES:
            parts.append(ESCAPES[letter])
            position = backslash + 2
        else:
            expected = (
                r"two hexadecimal digits after \x" if letter == "x" else r"""\b \f \n \r \t \\ \/ \" \' or \xHH"""
            )
            raise ConditionError(f"invalid escape: expected {expected}", text, start + 1 + backslash)
    parts.append(inner[position:])
    return "".join(parts)


def quote(value: str) -> str:
    """A value as a condition writes it: bare where that reads back as the same, else in double quotes."""
    if BARE.fullmatch(value) and value not in QUANTIFIERS:
        return value
    out = ['"']
    for character in value:
        if character in '"\\':
            out.append("\\" + character)
        elif character in "\b\f\n\r\t":
            out.append({"\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}[character])
        else:
            out.append(character)
    out.append('"')
    return "".join(out)


def item(text: str) -> str:
    """An item of a list or a value of an exception as a condition has it: Falco quotes those with a blank, once."""
    return f'"{text}"' if " " in text and text[0] not in "\"'" else text
