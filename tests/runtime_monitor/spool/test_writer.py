"""The sensor's end of the spool: acknowledgement, bounds, full disks, killed processes, power cuts."""

import errno
import os
import pathlib
import random
import resource
import sqlite3
import subprocess
import sys

import pytest

from runtime_monitor.alerts import Alert, Priority
from runtime_monitor.spool.reader import Reader
from runtime_monitor.spool.schema import SpoolError
from runtime_monitor.spool.writer import Settings, Writer
from tests.runtime_monitor import generated
from tests.runtime_monitor.spool import power

ROOT = pathlib.Path(__file__).resolve().parents[3]
KILLS = 25


def appender(spool: pathlib.Path, start: int, count: int, sync: str = "normal") -> list[str]:
    """The command line of the program that appends."""
    module = "tests.runtime_monitor.spool.appender"
    return [sys.executable, "-m", module, str(spool), sync, str(start), str(count)]


def ids(reader: Reader) -> list[str]:
    """The id of every alert in the spool, in order."""
    found: list[str] = []
    position = 0
    while entries := reader.after(position, 500):
        found += [entry.alert().id for entry in entries]
        position = entries[-1].seq
    return found


def test_what_was_appended_is_read_in_order(tmp_path: pathlib.Path) -> None:
    """Two groups, one order."""
    writer = Writer(tmp_path / "spool.db")
    alerts = list(generated.stream(20))
    assert writer.append(alerts[:3])
    assert writer.append(alerts[3:])
    assert [entry.alert() for entry in Reader(tmp_path / "spool.db").after(0, 100)] == alerts
    writer.close()


def test_an_id_is_written_once(tmp_path: pathlib.Path) -> None:
    """A replayed event yields the same id, in one group and across runs."""
    alerts = list(generated.stream(5))
    for _ in range(2):
        writer = Writer(tmp_path / "spool.db")
        assert writer.append([*alerts, *alerts])
        writer.close()
    assert ids(Reader(tmp_path / "spool.db")) == [alert.id for alert in alerts]
    assert (writer.counts.written, writer.counts.repeated) == (0, 10)


def test_a_second_writer_is_refused(tmp_path: pathlib.Path) -> None:
    """Two sensors would number twice."""
    writer = Writer(tmp_path / "spool.db")
    with pytest.raises(SpoolError, match="another sensor writes this spool; stop it"):
        Writer(tmp_path / "spool.db")
    writer.close()
    Writer(tmp_path / "spool.db").close()


def test_the_oldest_of_the_lowest_priority_gives_way_first(tmp_path: pathlib.Path) -> None:
    """The bound holds on disk, what gave way is counted, and graver alerts stay."""
    bound = 600_000
    writer = Writer(tmp_path / "spool.db", Settings(max_bytes=bound))
    alerts = list(generated.stream(1500))
    for first in range(0, len(alerts), 25):
        assert writer.append(alerts[first : first + 25])
    reader = Reader(tmp_path / "spool.db")
    kept = ids(reader)
    gone = [alert for alert in alerts if alert.id not in set(kept)]
    # Of each priority it is the oldest that are gone, and only the gravest of those gone is also still there.
    for priority in Priority:
        of_it = [alert.id for alert in alerts if alert.priority is priority]
        left = [each for each in kept if each in set(of_it)]
        assert left == of_it[len(of_it) - len(left) :]
    assert Priority.CRITICAL not in {alert.priority for alert in gone}
    assert sum(reader.evicted().values()) == len(gone) == sum(writer.counts.evicted.values())
    assert reader.written(0, reader.last()) - len(kept) == len(gone)
    writer.close()
    assert (tmp_path / "spool.db").stat().st_size < bound * 1.2


def test_a_light_alert_gives_way_to_graver_ones_that_are_older(tmp_path: pathlib.Path) -> None:
    """In a spool full of grave alerts an incoming Debug alert gives way itself."""
    writer = Writer(tmp_path / "spool.db", Settings(max_bytes=200_000))
    for number in range(0, 200, 5):
        assert writer.append(of(Priority.CRITICAL, number + each) for each in range(5))
    assert writer.append([of(Priority.DEBUG, 900)])
    assert writer.append(of(Priority.CRITICAL, 901 + each) for each in range(5))
    kept = {entry.priority for entry in Reader(tmp_path / "spool.db").after(0, 1000)}
    assert kept == {Priority.CRITICAL}
    assert writer.counts.evicted[Priority.DEBUG] == 1
    writer.close()


def of(priority: Priority, number: int) -> Alert:
    """An alert of a priority, about 1,300 bytes in the spool."""
    return Alert(
        id=f"n/b/0/{number}/00000000", time=number, rule="r", priority=priority, output="x" * 700, output_fields={}
    )


def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be written waits, and goes with the next call once there is room: a real limit of the file's size."""
    writer = Writer(tmp_path / "spool.db")
    alerts = list(generated.stream(400))
    assert writer.append(alerts[:100])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "spool.db-wal").stat().st_size, hard))
    try:
        assert not writer.append(alerts[100:300])
        assert not writer.append(alerts[300:])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert writer.pending == 300
    assert "is the disk full? 200 alerts wait in memory" in caplog.text
    assert writer.append(())
    assert "written again; 300 alerts that had waited are in it" in caplog.text
    assert caplog.text.count("is the disk full?") == 1
    assert ids(Reader(tmp_path / "spool.db")) == [alert.id for alert in alerts]
    writer.close()


def test_what_waits_is_bounded(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory too the lowest priority gives way first, counted."""
    writer = Writer(tmp_path / "spool.db", Settings(pending_bytes=40_000))
    failing = os.strerror(errno.ENOSPC)

    def full() -> None:
        raise sqlite3.OperationalError(failing)

    with monkeypatch.context() as patch:
        patch.setattr(writer, "_commit", full)
        alerts = list(generated.stream(60))
        for alert in alerts:
            assert not writer.append([alert])
    assert writer.append(())
    kept = ids(Reader(tmp_path / "spool.db"))
    assert len(kept) + sum(writer.counts.dropped.values()) == len(alerts)
    assert Priority.CRITICAL not in writer.counts.dropped
    writer.close()


def test_a_status_is_read_beside_the_alerts(tmp_path: pathlib.Path) -> None:
    """The last word counts."""
    writer = Writer(tmp_path / "spool.db")
    writer.report("sensor", {"tier": "tracepoints", "lost": 0})
    writer.report("sensor", {"tier": "tracepoints", "lost": 3})
    assert writer.append(())
    assert Reader(tmp_path / "spool.db").status() == {"sensor": {"tier": "tracepoints", "lost": 3}}
    writer.close()


@pytest.mark.parametrize("number", range(len(generated.HOSTILE)))
def test_hostile_texts_are_kept(tmp_path: pathlib.Path, number: int) -> None:
    """As they are; but a lone surrogate, which UTF-8 has no form for, becomes a question mark."""
    alert = generated.hostile()[number]
    writer = Writer(tmp_path / "spool.db")
    assert writer.append([alert])
    (entry,) = Reader(tmp_path / "spool.db").after(0, 10)
    assert entry.alert().output == alert.output.replace("\ud800", "?")
    writer.close()


def test_a_damaged_file_is_salvaged_and_told(tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture) -> None:
    """A page of rubbish costs its own rows; new alerts go on behind the old ones."""
    path = tmp_path / "spool.db"
    writer = Writer(path)
    writer.append(generated.stream(200))
    writer.close()
    with path.open("r+b") as file:
        file.seek(4096 * 60)
        file.write(b"\xa5" * 4096)
    writer = Writer(path)
    assert writer.append(generated.stream(10, start=200))
    found = ids(Reader(path))
    assert writer.counts.salvaged + writer.counts.unreadable == 200
    assert len(found) == writer.counts.salvaged + 10
    assert writer.counts.unreadable < 20
    assert "spool.db.damaged-1" in caplog.text
    writer.close()


def test_a_damaged_end_of_the_log_is_told(tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture) -> None:
    """SQLite forgets what stands behind a bad frame and says nothing; a number is not given twice all the same."""
    path = tmp_path / "spool.db"
    with subprocess.Popen(appender(path, 0, 10**6), cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for _ in range(10):
            process.stdout.readline()
        process.kill()
    reader = Reader(path)
    before = reader.last()
    reader.close()
    log = path.with_name("spool.db-wal")
    with log.open("r+b") as file:
        file.seek(log.stat().st_size // 2)
        file.write(b"\xff")
    path.with_name("spool.db-shm").unlink()
    writer = Writer(path)
    assert "frames of its end are unreachable" in caplog.text
    writer.append(generated.stream(1, start=500))
    assert [entry.seq for entry in Reader(path).after(before, 10)] == [Reader(path).last()]
    writer.close()


def test_no_acknowledged_alert_is_lost_when_the_sensor_is_killed(tmp_path: pathlib.Path) -> None:
    """Killed at a random point, many times, on one spool: every acknowledged alert is there, once, in order."""
    path = tmp_path / "spool.db"
    source = random.Random(8)  # noqa: S311 -- data, not secrets
    acknowledged = 0
    for _ in range(KILLS):
        with subprocess.Popen(
            appender(path, acknowledged, 10**6), cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout
            for _ in range(source.randrange(1, 120)):
                acknowledged = int(process.stdout.readline().split()[1])
            process.kill()
            # What it had said before the signal came counts as well.
            for line in process.stdout.read().splitlines():
                acknowledged = int(line.split()[1]) if line.startswith("acknowledged ") else acknowledged
    Writer(path).close()
    found = ids(Reader(path))
    assert found[:acknowledged] == [alert.id for alert in generated.stream(acknowledged)]
    assert len(found) == len(set(found))


@pytest.mark.slow
def test_with_full_sync_a_power_cut_takes_no_acknowledged_alert(tmp_path: pathlib.Path) -> None:
    """The recorded writes and syncs, cut at every sync: each state of the disk has what was acknowledged before."""
    spool = tmp_path / "spool.db"
    recording = power.record(appender(spool, 0, 420, "full"), tmp_path, cwd=ROOT)
    expected = [alert.id for alert in generated.stream(420)]
    states = 0
    for state in power.states(recording):
        folder = tmp_path / f"state-{states}"
        state.write_to(folder)
        Writer(folder / "spool.db").close()
        found = ids(Reader(folder / "spool.db"))
        acknowledged = int(state.said[-1].split()[1]) if state.said else 0
        assert found[:acknowledged] == expected[:acknowledged], f"{state}: {len(found)} of {acknowledged}"
        states += 1
    assert states > 2 * 420 // 7
