"""The bar: silent on short runs and off terminals, gone at the end."""

import io
import itertools

from tests.webhook.check.test_terminal import Terminal
from webhook.check import progress


def test_a_long_run_on_a_terminal_draws_and_clears() -> None:
    """One second a file, by the clock that is handed in."""
    stream = Terminal()
    clock = itertools.count()
    bar = progress.Bar(stream, lambda: float(next(clock)))
    bar(1, 4)
    bar(2, 4)
    bar.close()
    assert stream.getvalue().startswith("\r\x1b[K[#######.......................] 1/4 files")
    assert stream.getvalue().endswith("2/4 files\r\x1b[K")


def test_a_short_run_draws_nothing() -> None:
    """The clock stands still."""
    stream = Terminal()
    bar = progress.Bar(stream, lambda: 0.0)
    bar(1, 1)
    bar.close()
    assert stream.getvalue() == ""


def test_nothing_is_drawn_off_a_terminal() -> None:
    """Logs keep every carriage return."""
    stream = io.StringIO()
    clock = itertools.count()
    bar = progress.Bar(stream, lambda: float(next(clock)))
    bar(1, 2)
    bar.close()
    assert stream.getvalue() == ""


def test_without_a_total_only_the_number_is_drawn() -> None:
    """A list with a selector does not say how long it is; other things than files have their own name."""
    stream = Terminal()
    clock = itertools.count()
    bar = progress.Bar(stream, lambda: float(next(clock)), "pods")
    bar(500, 0)
    assert stream.getvalue() == "\r\x1b[K500 pods"
