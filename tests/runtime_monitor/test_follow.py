"""The second process of `run`: prints what reaches the spool, to the last line, and ends with the first process."""

import itertools
import json
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime_monitor import follow
from runtime_monitor.spool import reader, writer
from tests.runtime_monitor import generated


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[writer.Writer]:
    """A spool that a sensor writes."""
    made = writer.Writer(tmp_path / "spool.db")
    yield made
    made.close()


def started(path: Path, form: str) -> subprocess.Popen[str]:
    """The process, as `run` starts it."""
    argv = [sys.executable, "-m", "runtime_monitor.follow", str(path), form]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_what_comes_is_printed_until_the_input_ends(spool: writer.Writer, tmp_path: Path) -> None:
    """From the start of the process on; what was written last is not lost."""
    spool.append([generated.alert(0)])
    with started(tmp_path / "spool.db", "json") as process:
        assert process.stdout is not None
        # From when on it looks is not to be known from here: alerts come until one is printed.
        numbers = itertools.count(1)
        while not select.select([process.stdout], [], [], 0.05)[0]:
            spool.append([generated.alert(next(numbers))])
        spool.append([generated.alert(1000)])
        rest, _ = process.communicate()
    fields = [json.loads(line)["output_fields"]["podseal.alert_id"] for line in rest.splitlines()]
    assert fields[-1] == generated.alert(1000).id
    assert generated.alert(0).id not in fields


def test_lines_have_falcos_form() -> None:
    """Text or JSON, as Falco's `json_output` chooses."""
    alert = generated.alert(1)
    assert follow.line(alert, "text").decode() == alert.output
    assert json.loads(follow.line(alert, "json")) == json.loads(json.dumps(alert.as_falco()))


def test_pages_follow_each_other(spool: writer.Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None twice, none left out."""
    monkeypatch.setattr(follow, "PAGE", 2)
    spool.append([generated.alert(number) for number in range(5)])
    source, after, printed = reader.Reader(tmp_path / "spool.db"), 0, []
    while True:
        lines, after = follow.lines(source, after, "text")
        if not lines:
            break
        printed += lines
    assert printed == [follow.line(generated.alert(number), "text") for number in range(5)]


def test_a_spool_that_is_not_there_yet_is_begun_from_its_start(tmp_path: Path) -> None:
    """On a fresh node the sensor's first words are printed too."""
    assert follow.newest(reader.Reader(tmp_path / "none"), tmp_path / "none") == 0


def test_a_reader_that_left_is_no_error(spool: writer.Writer, tmp_path: Path) -> None:
    """`podseal-monitor run | head -1`."""
    process = started(tmp_path / "spool.db", "text")
    assert process.stdout is not None
    assert process.stdin is not None
    process.stdout.close()
    spool.append([generated.alert(1)])
    process.stdin.close()
    assert process.wait(20) == 0
