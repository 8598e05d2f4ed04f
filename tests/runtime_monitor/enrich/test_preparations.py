"""`test -d` before a copy: told with it, or by itself when none comes."""

from typing import Any

import pytest

from runtime_monitor.enrich import preparations
from runtime_monitor.events import Drift, File
from tests.runtime_monitor import made

ASKS = made.entered("test", "-d", "/srv")
COPIES = made.executed("tar", "-xmf", "-", session=made.entry(), drift=Drift(copy_direction="in", copy_paths=(".",)))


def shown(events: Any) -> list[tuple[str | None, str | None]]:  # noqa: ANN401 -- an iterator of Events
    """Program and direction of each event."""
    return [(each.proc.exe, each.drift.copy_direction) for each in events]


def test_a_copy_explains_what_came_before() -> None:
    """Both go on, and both are the copy's."""
    stage = preparations.Preparations()
    assert shown(stage.add(ASKS, 0)) == []
    assert shown(stage.add(COPIES, 1)) == [("test", "in"), ("tar", "in")]
    assert shown(stage.due(made.SECOND * 10)) == []


def test_alone_it_is_told_when_none_has_come() -> None:
    """Somebody who only asks whether a folder is there."""
    stage = preparations.Preparations()
    list(stage.add(ASKS, 0))
    assert shown(stage.due(preparations.PATIENCE - 1)) == []
    assert shown(stage.due(preparations.PATIENCE)) == [("test", None)]


def test_another_command_explains_nothing() -> None:
    """It is told first, then the other."""
    stage = preparations.Preparations()
    list(stage.add(ASKS, 0))
    assert shown(stage.add(made.entered("ls"), 1)) == [("test", None), ("ls", None)]


def test_another_container_explains_nothing() -> None:
    """A copy elsewhere goes on by itself."""
    stage = preparations.Preparations()
    list(stage.add(ASKS, 0))
    elsewhere = made.executed("tar", fd=File(root=78), session=made.entry(), drift=Drift(copy_direction="in"))
    assert shown(stage.add(elsewhere, 1)) == [("tar", "in")]


@pytest.mark.parametrize(
    ("reason", "event"),
    [
        ("the container's own", made.executed("test", "-d", "/srv")),
        ("at a terminal", made.entered("test", "-d", "/srv", tty=True)),
        ("a program called test that was dropped", made.executed(
            "test", "-d", "/srv", session=made.entry(), drift=Drift(kind="exec", layer="upper"))),
        ("further events of the session", made.event(session=made.inside())),
    ],
)  # fmt: skip
def test_other_events_pass(reason: str, event: Any) -> None:  # noqa: ANN401 -- an Event
    """At once."""
    assert list(preparations.Preparations().add(event, 0)) == [event], reason


def test_what_is_held_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """In too many containers at once: told at once."""
    monkeypatch.setattr(preparations, "MOST", 0)
    assert shown(preparations.Preparations().add(ASKS, 0)) == [("test", None)]
