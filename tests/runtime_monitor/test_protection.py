"""What the monitor says of itself: started, stopped, killed, events lost; and that only one runs on a node."""

from pathlib import Path

import pytest

from runtime_monitor import protection
from runtime_monitor.alerts import Alert, Priority
from tests.runtime_monitor import made

ME = protection.Identity(made.NODE, made.BOOT)


def rules(alerts: list[Alert]) -> list[str]:
    """The rules that alerts are of."""
    return [each.rule for each in alerts]


def test_a_first_start_tells_of_nothing_before(tmp_path: Path) -> None:
    """There was no monitor here."""
    assert rules(protection.Diary(tmp_path / "state", ME).begin(10)) == ["Monitor started"]


def test_a_stop_is_told_and_no_kill_after_it(tmp_path: Path) -> None:
    """An upgrade: one stops, the next starts."""
    diary = protection.Diary(tmp_path / "state", ME)
    diary.begin(10)
    told = diary.end(20, "told to stop")
    assert (told.rule, told.priority, told.source) == ("Monitor stopped", Priority.WARNING, "internal")
    assert "told to stop" in told.output
    assert rules(protection.Diary(tmp_path / "state", ME).begin(30)) == ["Monitor started"]


def test_a_kill_is_told_at_the_next_start(tmp_path: Path) -> None:
    """With the time in which nobody watched."""
    diary = protection.Diary(tmp_path / "state", ME)
    diary.begin(10 * made.SECOND)
    diary.beat(20 * made.SECOND)
    killed, started = protection.Diary(tmp_path / "state", ME).begin(23 * made.SECOND)
    assert (killed.rule, started.rule) == ("Monitor was not running", "Monitor started")
    assert killed.priority is Priority.CRITICAL
    assert "the monitor was killed: nobody watched this node for 3.0 s, since 1970-01-01T00:00:20" in killed.output
    assert killed.output_fields["podseal.unwatched_from"] == 20 * made.SECOND


def test_a_reboot_is_told_as_one(tmp_path: Path) -> None:
    """The boot is another one."""
    protection.Diary(tmp_path / "state", ME).begin(10)
    other = protection.Identity(made.NODE, "ffffffff")
    killed, _ = protection.Diary(tmp_path / "state", other).begin(20)
    assert "the node went down" in killed.output


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"boot": 1}'])
def test_a_broken_state_is_as_none(tmp_path: Path, content: bytes) -> None:
    """It is said that the monitor starts; nothing is invented."""
    (tmp_path / "state").write_bytes(content)
    assert rules(protection.Diary(tmp_path / "state", ME).begin(10)) == ["Monitor started"]


def test_a_full_disk_ends_no_watch(tmp_path: Path) -> None:
    """The state cannot be written: what is told is told all the same."""
    diary = protection.Diary(tmp_path / "no such folder" / "state", ME)
    diary.begin(10)
    diary.beat(20)
    assert diary.end(30, "told to stop").rule == "Monitor stopped"


def test_alerts_have_ids_of_their_own(tmp_path: Path) -> None:
    """At the same instant too."""
    protection.Diary(tmp_path / "state", ME).begin(10)
    alerts = protection.Diary(tmp_path / "state", ME).begin(10)
    assert len({each.id for each in alerts}) == 2


def test_losses_are_told_once_and_not_too_often() -> None:
    """What is new since the last word, at most every ten seconds, nothing forgotten in between."""
    reporter = protection.LossReporter(ME)
    assert reporter.look({"ring_full": 0, "undecodable": 0}, 0) == []
    (first,) = reporter.look({"ring_full": 5, "undecodable": 0}, 1)
    assert first.output_fields["podseal.lost"] == {"ring_full": 5}
    assert first.priority is Priority.ERROR
    assert reporter.look({"ring_full": 7, "undecodable": 1}, 2) == []
    (second,) = reporter.look({"ring_full": 7, "undecodable": 1}, 11 * made.SECOND)
    assert second.output_fields["podseal.lost"] == {"ring_full": 2, "undecodable": 1}
    assert reporter.look({"ring_full": 7, "undecodable": 1}, 30 * made.SECOND) == []


def test_a_change_by_somebody_else_is_told_once() -> None:
    """And again where it was put right meanwhile."""
    reporter = protection.TamperingReporter(ME)
    (first,) = reporter.look(["open.bpf.o: its pins were removed"], 1)
    assert first.priority is Priority.CRITICAL
    assert first.output.endswith("somebody changed the monitor's programs or maps: open.bpf.o: its pins were removed")
    assert reporter.look(["open.bpf.o: its pins were removed"], 2) == []
    assert reporter.look([], 3) == []
    assert len(reporter.look(["open.bpf.o: its pins were removed"], 4)) == 1
