"""Standard output."""

import json
import os
import pathlib

import pytest

from runtime_monitor.feed import output, render
from runtime_monitor.feed.outputs import stdout
from tests.runtime_monitor import generated

ALERTS = list(generated.stream(3))


def test_lines_of_text_and_json(capfd: pytest.CaptureFixture[str]) -> None:
    """Falco's forms."""
    stdout.Settings(name="o").open().send(ALERTS)
    assert capfd.readouterr().out.splitlines() == [render.text(alert) for alert in ALERTS]
    stdout.Settings(name="o", format="json").open().send(ALERTS)
    assert [json.loads(line) for line in capfd.readouterr().out.splitlines()] == [each.as_falco() for each in ALERTS]


def test_hostile_alerts_are_a_line_each(capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing that a terminal obeys."""
    hostile = generated.hostile()
    stdout.Settings(name="o").open().send(hostile)
    written = capfd.readouterr().out
    assert written.count("\n") == len(written.splitlines()) == len(hostile)
    assert "\x1b" not in written


def test_a_reader_that_went_away_is_no_crash(tmp_path: pathlib.Path) -> None:
    """`podseal-monitor feed | head`."""
    del tmp_path
    kept = os.dup(1)
    reading, writing = os.pipe()
    os.close(reading)
    os.dup2(writing, 1)
    try:
        with pytest.raises(output.UnavailableError, match="standard output: Broken pipe"):
            stdout.Settings(name="o").open().send(ALERTS)
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(writing)
