r"""Reads tokens of a condition, by what the parser expects at a place.

In: the text of a condition. Out: the tokens, taken one after the other by `parser`. Falco's unquoted strings
(`registry.k8s.io/`), its field names and its operators overlap, so no token has a kind of its own: the parser asks for
one and the scanner says whether it stands there. The expressions are those of libsinsp's filter/parser.h.
"""

import re
from typing import NoReturn

from runtime_monitor.rules import quoting
from runtime_monitor.rules.problems import ConditionError

BLANK = re.compile(r"[ \t\b\r\n]+")
FIELD = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*(?:\.[a-zA-Z][a-zA-Z0-9_]*)+")
IDENTIFIER = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")
ARGUMENT = re.compile(r"""[^\]\["'\s]+""")
NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
QUOTED = re.compile(r""""[^"\\]*(?:\\.[^"\\]*)*"|'[^'\\]*(?:\\.[^'\\]*)*'""", re.DOTALL)
NOT = re.compile(r"not[ \t\b\r\n]+")
SYMBOL_OPERATOR = re.compile(r"<=|>=|==|!=|<|>|=")
WORD_OPERATOR = re.compile(
    r"(?:exists|glob|iglob|contains|icontains|bcontains|startswith|bstartswith|endswith|regex|intersects|in|pmatch)"
    r"(?![a-zA-Z0-9_.])"
)
QUANTIFIER = re.compile(r"(?:oneof|anyof|allof)(?=[ \t\b\r\n(])")
TRANSFORMER = re.compile(r"(?:tolower|toupper|b64|basename|len|join|concat|getopt)\(")


class Scanner:
    """A text and how far it is read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.offset = 0

    def blank(self) -> bool:
        """Pass over blanks; whether there were any."""
        found = BLANK.match(self.text, self.offset)
        if found:
            self.offset = found.end()
        return bool(found)

    def take(self, pattern: re.Pattern[str]) -> str | None:
        """The text that the pattern matches here, passed over; None where it does not."""
        found = pattern.match(self.text, self.offset)
        if not found:
            return None
        self.offset = found.end()
        return found.group()

    def symbol(self, symbol: str) -> bool:
        """Whether exactly this stands here; it is passed over."""
        found = self.text.startswith(symbol, self.offset)
        if found:
            self.offset += len(symbol)
        return found

    def string(self) -> str | None:
        """The value of a quoted or bare string."""
        start = self.offset
        if self.text[start : start + 1] in ('"', "'"):
            if self.take(QUOTED) is None:
                self.fail(f"expected a closing {self.text[start]}")
            return quoting.unquote(self.text, start, self.offset)
        return self.take(quoting.BARE)

    def argument(self) -> str | None:
        """The value between the brackets of a field."""
        if self.text[self.offset : self.offset + 1] in ('"', "'"):
            return self.string()
        return self.take(ARGUMENT)

    @property
    def ended(self) -> bool:
        """Whether all is read."""
        return self.offset == len(self.text)

    def fail(self, message: str) -> NoReturn:
        """Raise: what was expected, here."""
        raise ConditionError(message, self.text, self.offset)
