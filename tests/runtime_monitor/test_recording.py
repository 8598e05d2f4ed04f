"""Recorded events: what `events.restore` reads back."""

import json
from pathlib import Path

import pytest

from runtime_monitor import events, recording
from runtime_monitor.events import File
from tests.runtime_monitor import made


def test_a_recorded_event_comes_back(tmp_path: Path) -> None:
    """One line each; a second recording goes on where the first ended."""
    for number in (1, 2):
        record = recording.Recording(tmp_path / "events")
        record.add(made.event(sequence=number))
        record.close()
    lines = (tmp_path / "events").read_text().splitlines()
    assert [events.restore(json.loads(line)) for line in lines] == [made.event(sequence=1), made.event(sequence=2)]


def test_bytes_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    """A file's name may be any bytes; a line is UTF-8."""
    record = recording.Recording(tmp_path / "events")
    record.add(made.event(fd=File(name="/\udcff\n")))
    record.close()
    (line,) = (tmp_path / "events").read_text().splitlines()
    assert events.restore(json.loads(line)).fd.name == "/\ufffd\n"


def test_without_a_file_nothing_is_kept() -> None:
    """The usual case costs nothing."""
    record = recording.Recording(None)
    record.add(made.event())
    record.close()


def test_a_full_disk_ends_the_recording_alone(caplog: pytest.LogCaptureFixture) -> None:
    """/dev/full: one line of the log, and the watch goes on."""
    record = recording.Recording(Path("/dev/full"))
    for _ in range(3):
        record.add(made.event())
        record.flush()
    record.close()
    assert caplog.messages == ["the recording ends: /dev/full: No space left on device"]
