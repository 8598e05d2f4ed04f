"""What is wrong with rules: a Problem says where, what and what was expected; an Excerpt shows the text with a caret.

In: faults of the parser, the readers and the checks. Out: values that `rules check`, a reload and `run` print.
The codes are Falco's own (`falco -V`), so that what is known about them holds here too.
"""

from typing import Literal

from msgspec import Struct

WIDTH = 72
"""Characters of a line that an excerpt shows at most."""


class Place(Struct, frozen=True):
    """Where in a file something stands: line and column count from 1, 0 says "not known"."""

    file: str
    line: int = 0
    column: int = 0


class Problem(Struct, frozen=True):
    """One error or warning. `item` names the object (`rule 'x'`), `excerpt` is text with a caret below, or empty."""

    severity: Literal["error", "warning"]
    code: str
    message: str
    place: Place
    item: str = ""
    excerpt: str = ""

    def __str__(self) -> str:
        """As a person reads it, the excerpt indented below."""
        where = f"{self.place.file}:{self.place.line}:{self.place.column}" if self.place.line else self.place.file
        item = f"{self.item}: " if self.item else ""
        shown = "".join(f"\n    {line}" for line in self.excerpt.splitlines())
        return f"{where}: {self.severity}: {item}{self.message} [{self.code}]{shown}"


class RuleError(Exception):
    """A fault of a rules file, raised where it is seen and made a Problem by `ruleset`."""

    def __init__(self, code: str, message: str, place: Place, *, item: str = "", excerpt: str = "") -> None:
        super().__init__(message)
        self.problem = Problem("error", code, message, place, item, excerpt)


class ConditionError(ValueError):
    """A fault inside a condition or an output: what was expected, and at which offset of which text."""

    def __init__(self, message: str, text: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.text = text
        self.offset = offset

    def excerpt(self) -> str:
        """The line that holds the offset, shortened around it, and a caret below."""
        return excerpt(self.text, self.offset)


class UnknownNameError(ConditionError):
    """A field, a transformer or an event type that does not exist."""


class UnfillableError(UnknownNameError):
    """A field that exists, but that the running sensor cannot fill."""


def excerpt(text: str, offset: int) -> str:
    """The line of `text` around `offset`, cut to WIDTH characters, with a caret under the offset."""
    offset = min(offset, len(text))
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    end = len(text) if end < 0 else end
    left = max(start, offset - WIDTH // 2)
    right = min(end, left + WIDTH)
    before, after = ("..." if left > start else ""), ("..." if right < end else "")
    line = text[left:right].replace("\t", " ").replace("\r", " ")
    return f"{before}{line}{after}\n{' ' * (len(before) + offset - left)}^"
