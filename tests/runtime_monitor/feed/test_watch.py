"""New alerts are noticed once for everybody."""

import pathlib
from collections.abc import Iterator

import pytest

from runtime_monitor.feed import watch as module
from runtime_monitor.feed.watch import Watch
from runtime_monitor.spool.writer import Writer
from tests import waiting
from tests.runtime_monitor import generated


@pytest.fixture
def watch(tmp_path: pathlib.Path) -> Iterator[Watch]:
    """A watch of a spool that need not be there yet."""
    made = Watch(tmp_path / "spool.db")
    made.start()
    yield made
    made.stop()


def test_whoever_waits_is_woken(watch: Watch, tmp_path: pathlib.Path) -> None:
    """With what came since."""
    waiting.until(lambda: "does the sensor run" in watch.error, "the missing spool to be told")
    writer = Writer(tmp_path / "spool.db")
    alerts = list(generated.stream(10))
    writer.append(alerts[:4])
    assert watch.wait(0, 20)
    waiting.until(lambda: watch.error == "", "the spool to be read")
    position = watch.last
    assert not watch.wait(position, 0)
    writer.append(alerts[4:])
    assert watch.wait(position, 20)
    found = watch.since(position)
    assert found is not None
    assert [alert for _, alert in found] == alerts[4:]
    assert watch.since(watch.last) == []
    counts = watch.minutes.last(1, alerts[0].time)[0]["counts"]
    assert sum(counts.values()) == 10
    writer.close()


def test_a_spool_that_is_not_there_yet_is_told_late(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One that cannot be read at once, for a sensor makes it and makes it right."""
    monkeypatch.setattr(module, "SECONDS_WITHOUT_SPOOL", 0.001)
    monkeypatch.setattr(module, "FAILURES_TO_TELL", 5)
    monkeypatch.setattr(module, "ABSENCES_TO_TELL", 10**9)
    absent, wrong = Watch(tmp_path / "absent.db"), Watch(tmp_path / "wrong.db")
    (tmp_path / "wrong.db").write_text("no spool" * 1000)
    absent.start()
    assert absent.caught_up.wait(60)
    wrong.start()
    waiting.until(lambda: caplog.messages, "the spool that is none to be told")
    absent.stop()
    wrong.stop()
    assert [message for message in caplog.messages if "absent" in message] == []


def test_what_memory_does_not_hold_is_the_spools(
    watch: Watch, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that resumes far back reads the spool."""
    monkeypatch.setattr(module, "READ", 50)
    writer = Writer(tmp_path / "spool.db")
    for first in range(0, module.RECENT + 500, 500):
        writer.append(generated.stream(500, start=first))
    assert watch.wait(0, 20)
    waiting.until(lambda: watch.last % 2**32 == module.RECENT + 500, "all alerts")
    assert watch.since(2**32) is None
    assert len(watch.since(watch.last - module.RECENT) or ()) == module.RECENT
    writer.close()


def test_a_row_that_is_no_alert_is_passed_over(watch: Watch, tmp_path: pathlib.Path) -> None:
    """The disk damaged it."""
    writer = Writer(tmp_path / "spool.db")
    writer.append(generated.stream(3))
    writer._connection.execute("UPDATE alert SET body = 'x' WHERE seq % 2 = 0")
    writer.append(generated.stream(1, start=3))
    waiting.until(lambda: len(watch.since(2**32) or ()) >= 2, "the alerts that are whole")
    writer.close()
