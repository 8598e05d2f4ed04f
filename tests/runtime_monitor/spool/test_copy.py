"""A copy of a log of alerts with numbers of its own."""

import pathlib

import pytest

from runtime_monitor import alerts
from runtime_monitor.spool.copy import Copy
from runtime_monitor.spool.reader import Query, Reader
from runtime_monitor.spool.schema import SpoolError
from runtime_monitor.spool.writer import Row
from tests.runtime_monitor import generated

ALERTS = list(generated.stream(20))


def rows(*numbers: int) -> list[tuple[int, Row]]:
    """Alerts under the numbers ten times as high."""
    return [(number * 10, Row(ALERTS[number], alerts.encode(ALERTS[number]))) for number in numbers]


def numbers(path: pathlib.Path) -> list[int]:
    """What a reader finds."""
    reader = Reader(path)
    try:
        return [entry.seq for entry in reader.page(Query()).entries]
    finally:
        reader.close()


def test_numbers_are_the_originals(tmp_path: pathlib.Path) -> None:
    """Gaps included; an alert that comes again is not there twice."""
    copy = Copy(tmp_path / "copy")
    copy.begin("original")
    assert copy.last == 0
    assert copy.take(rows(1, 2, 5), 55) == 3
    assert copy.take([(60, rows(2)[0][1]), *rows(7)], 70) == 1
    assert copy.last == 70
    copy.report("stream", {"name": "x"})
    copy.close()
    reader = Reader(tmp_path / "copy")
    assert (reader.identity(), reader.last()) == ("original", 70)
    assert [entry.alert() for entry in reader.after(20, 10)] == [ALERTS[5], ALERTS[7]]
    assert reader.status() == {"stream": {"name": "x"}}
    reader.close()
    assert numbers(tmp_path / "copy") == [70, 50, 20, 10]


def test_it_goes_on_where_it_was(tmp_path: pathlib.Path) -> None:
    """With the same original; with another one it begins anew."""
    for identity, last, left in (("a", 30, [30, 20, 10]), ("a", 50, [50, 30, 20, 10]), ("b", 10, [10])):
        copy = Copy(tmp_path / "copy")
        copy.begin(identity)
        copy.take(rows(*range(copy.last // 10 + 1, last // 10)) if last == 0 else rows(last // 10), last)
        if last == 30:
            copy.take(rows(1, 2), 30)
        copy.close()
        assert numbers(tmp_path / "copy") == left


def test_it_forgets_what_the_original_did(tmp_path: pathlib.Path) -> None:
    """Everything before a number."""
    copy = Copy(tmp_path / "copy")
    copy.begin("original")
    copy.take(rows(1, 2, 3, 4), 40)
    assert copy.forget(30) == 2
    assert copy.forget(30) == 0
    copy.close()
    assert numbers(tmp_path / "copy") == [40, 30]


def test_a_damaged_one_is_made_anew(tmp_path: pathlib.Path) -> None:
    """The original has everything."""
    (tmp_path / "copy").write_bytes(b"no database" * 1000)
    copy = Copy(tmp_path / "copy")
    copy.begin("original")
    copy.take(rows(1), 10)
    copy.close()
    assert numbers(tmp_path / "copy") == [10]


def test_what_does_not_work_changes_nothing(tmp_path: pathlib.Path) -> None:
    """A batch is taken whole or not at all."""
    copy = Copy(tmp_path / "copy")
    copy.begin("original")
    with pytest.raises(OverflowError):
        copy.take([*rows(1), (2**64, rows(2)[0][1])], 20)
    assert copy.last == 0
    copy.take(rows(1), 10)
    copy.close()
    assert numbers(tmp_path / "copy") == [10]


def test_before_anything_was_copied_readers_are_told(tmp_path: pathlib.Path) -> None:
    """There is a file, and nothing in it."""
    copy = Copy(tmp_path / "copy")
    with pytest.raises(SpoolError, match="nothing was written to it yet"):
        Reader(tmp_path / "copy").identity()
    copy.close()
