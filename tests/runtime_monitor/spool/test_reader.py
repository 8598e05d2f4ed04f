"""The feed's end of the spool."""

import pathlib
from collections.abc import Callable, Iterator

import pytest

from runtime_monitor.alerts import Alert, Priority
from runtime_monitor.spool import reader as module
from runtime_monitor.spool.reader import Query, Reader
from runtime_monitor.spool.schema import RUN, SpoolError
from runtime_monitor.spool.writer import Settings, Writer
from tests.runtime_monitor import generated

ALERTS = list(generated.stream(300))


@pytest.fixture
def spool(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A spool with 300 alerts that a sensor writes."""
    writer = Writer(tmp_path / "spool.db")
    writer.append(ALERTS)
    yield tmp_path / "spool.db"
    writer.close()


CASES: dict[str, tuple[Query, Callable[[Alert], bool]]] = {
    "everything": (Query(), lambda _: True),
    "at least as grave": (Query(priority=Priority.ERROR), lambda alert: alert.priority <= Priority.ERROR),
    "of a rule": (Query(rule="Read sensitive file"), lambda alert: alert.rule == "Read sensitive file"),
    "of rules by a pattern": (Query(rule="*file*"), lambda alert: "file" in alert.rule),
    "a bracket is itself": (Query(rule="[RW]*"), lambda _: False),
    "of a namespace": (Query(namespace="shop"), lambda alert: alert.output_fields["k8s.ns.name"] == "shop"),
    "of pods by a pattern": (Query(pod="*-api-3"), lambda alert: alert.output_fields["k8s.pod.name"].endswith("-3")),
    "of a user": (
        Query(user="alice@example.com"),
        lambda alert: alert.output_fields["exec.user"] == "alice@example.com",
    ),
    "of a session": (
        Query(session=ALERTS[40].output_fields["exec.session"]),
        lambda alert: alert.output_fields["exec.session"] == ALERTS[40].output_fields["exec.session"],
    ),
    "of a time": (
        Query(since=ALERTS[10].time, until=ALERTS[20].time),
        lambda alert: ALERTS[10].time <= alert.time < ALERTS[20].time,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_query_finds_what_it_asks_for(spool: pathlib.Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page by page, the newest first; a page ends after so many rows were looked at."""
    query, wanted = CASES[name]
    monkeypatch.setattr(module, "SCANNED", 50)
    reader = Reader(spool)
    found: list[Alert] = []
    before: int | None = None
    while True:
        page = reader.page(query, before, limit=7)
        found += [entry.alert() for entry in page.entries]
        before = page.next
        if before is None:
            break
    assert found == [alert for alert in reversed(ALERTS) if wanted(alert)]


def test_positions_count_what_gave_way(tmp_path: pathlib.Path) -> None:
    """Over several runs of the sensor: written minus found is what a reader missed."""
    path = tmp_path / "spool.db"
    for run in range(3):
        writer = Writer(path, Settings(max_bytes=60_000))
        writer.append(generated.stream(100, start=run * 100))
        writer.close()
    reader = Reader(path)
    entries = reader.after(0, 1000)
    assert reader.written(0, reader.last()) == 300
    assert 300 - len(entries) == sum(reader.evicted().values()) > 200
    middle = entries[len(entries) // 2].seq
    assert reader.written(0, middle) + reader.written(middle, reader.last()) == 300
    assert {entry.seq // RUN for entry in entries} <= {1, 2, 3}


def test_sessions_are_summed_up(spool: pathlib.Path) -> None:
    """The one with the newest alert first, and its alerts in order."""
    reader = Reader(spool)
    sessions = reader.sessions(limit=5)
    assert [each.alerts for each in sessions] == [12] * 5
    newest = sessions[0]
    assert newest.session == ALERTS[-1].output_fields["exec.session"]
    assert [entry.alert() for entry in reader.session(newest.session)] == ALERTS[-12:]
    assert (newest.first, newest.last) == (ALERTS[-12].time, ALERTS[-1].time)


def test_a_reader_follows_a_file_that_was_replaced(spool: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Another identity tells that positions of the former one mean nothing."""
    reader = Reader(spool)
    first = reader.identity()
    for path in tmp_path.glob("spool.db*"):
        path.unlink()
    with pytest.raises(SpoolError, match="does the sensor run"):
        reader.last()
    writer = Writer(spool)
    assert reader.identity() != first
    assert reader.last() == 0
    writer.append(ALERTS[:2])
    assert len(reader.after(0, 10)) == 2
    writer.close()


def test_a_spool_at_rest_is_read_and_so_is_what_comes_later(spool: pathlib.Path) -> None:
    """A sensor that ended in good order took its log with it; another one starts."""
    writer = Writer(spool.with_name("other.db"))
    writer.append(ALERTS[:3])
    writer.close()
    reader = Reader(spool.with_name("other.db"))
    assert len(reader.after(0, 10)) == 3
    writer = Writer(spool.with_name("other.db"))
    writer.append(ALERTS[3:5])
    assert len(reader.after(0, 10)) == 5
    writer.close()
    assert len(reader.after(0, 10)) == 5
