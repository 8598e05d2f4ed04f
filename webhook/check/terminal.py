"""Whether there is a terminal and may be colour, and text that is safe to show there.

In: a stream, the environment, text out of manifests. Out: booleans, and text. Called by the commands, `progress` and
the text report.
"""

from collections.abc import Mapping
from typing import IO

from msgspec import Struct

CODES = {"red": "31", "yellow": "33", "blue": "34", "green": "32", "cyan": "36", "bold": "1", "dim": "2"}


class Style(Struct, frozen=True):
    """Paints text, or leaves it as it is."""

    colored: bool = False

    def paint(self, text: str, *looks: str) -> str:
        """The text in these looks of CODES."""
        if not (self.colored and text):
            return text
        return f"\x1b[{';'.join(CODES[look] for look in looks)}m{text}\x1b[0m"


def may_color(stream: IO[str], environment: Mapping[str, str]) -> bool:
    """Colour for terminals only; NO_COLOR (no-color.org) forbids it, FORCE_COLOR asks for it anywhere."""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return stream.isatty() and environment.get("TERM") != "dumb" and not environment.get("CI")


def printable(text: str) -> str:
    """Text without what a terminal would obey: manifests are strangers' words, escape sequences included."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
