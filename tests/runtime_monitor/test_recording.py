"""Recorded events: what `events.restore` reads back."""

import json
from pathlib import Path

import msgspec
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


EVENT = events.Event(evt=events.Call(type="open", time=1), fd=events.File(name="/x"))


def test_what_is_recorded_comes_back(tmp_path: Path) -> None:
    """Empty lines between are passed over."""
    file = tmp_path / "events.jsonl"
    line = msgspec.json.encode(events.record(EVENT))
    file.write_bytes(line + b"\n\n" + line)
    assert list(recording.read(str(file))) == [EVENT, EVENT]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", "2: no recorded event"),
        (b"[]", "2: no recorded event"),
        (b'{"schema": 9}', "schema 9: this version reads 1"),
        (b'{"schema": 1, "fd.name": 7}', "Expected `str | null`, got `int`"),
        (b'{"schema": 1, "x": ' + b"[" * 100_000, "2: no recorded event"),
        (b"\xff", "2: no recorded event"),
    ],
)
def test_a_line_that_is_no_event_is_named(tmp_path: Path, data: bytes, reason: str) -> None:
    """With the file, the line and the reason."""
    file = tmp_path / "events.jsonl"
    file.write_bytes(msgspec.json.encode(events.record(EVENT)) + b"\n" + data + b"\n")
    with pytest.raises(recording.RecordingError, match=r"events\.jsonl") as caught:
        list(recording.read(str(file)))
    assert reason in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """By its name."""
    with pytest.raises(recording.RecordingError, match=r"nothing: No such file"):
        list(recording.read(str(tmp_path / "nothing")))
