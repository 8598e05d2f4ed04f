"""Colour, and text that a terminal must not obey."""

import io

import pytest

from webhook.check import terminal


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


COLOR: dict[str, tuple[io.StringIO, dict[str, str], bool]] = {
    "a terminal": (Terminal(), {}, True),
    "a file": (io.StringIO(), {}, False),
    "NO_COLOR": (Terminal(), {"NO_COLOR": "1"}, False),
    "an empty NO_COLOR says nothing": (Terminal(), {"NO_COLOR": ""}, True),
    "FORCE_COLOR in a file": (io.StringIO(), {"FORCE_COLOR": "1"}, True),
    "FORCE_COLOR=0 says nothing": (io.StringIO(), {"FORCE_COLOR": "0"}, False),
    "NO_COLOR above FORCE_COLOR": (Terminal(), {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    "CI": (Terminal(), {"CI": "true"}, False),
    "a dumb terminal": (Terminal(), {"TERM": "dumb"}, False),
}


@pytest.mark.parametrize(("stream", "environment", "expected"), COLOR.values(), ids=COLOR.keys())
def test_colour_is_for_terminals_that_want_it(
    stream: io.StringIO, environment: dict[str, str], *, expected: bool
) -> None:
    """The conventions of no-color.org and force-color.org."""
    assert terminal.may_color(stream, environment) is expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, with ümlaut", "plain, with ümlaut"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\x9b31m", "\\x9b31m"),
    ],
    ids=["plain", "escape sequence", "line end", "right to left", "C1 control"],
)
def test_text_of_strangers_is_shown_not_obeyed(text: str, shown: str) -> None:
    """Whatever could move the cursor or turn the reading order is escaped."""
    assert terminal.printable(text) == shown


def test_style_paints_only_where_it_may() -> None:
    """Nothing is not painted either."""
    assert terminal.Style(colored=True).paint("x", "red", "bold") == "\x1b[31;1mx\x1b[0m"
    assert terminal.Style(colored=True).paint("", "red") == ""
    assert terminal.Style().paint("x", "red") == "x"
