"""A session as a story."""

from typing import Any

import msgspec

from runtime_monitor.alerts import Alert
from runtime_monitor.feed import sessions
from runtime_monitor.feed.sessions import Process, story
from runtime_monitor.spool.reader import Entry
from tests.runtime_monitor import generated

PLAIN = generated.alert(0)


def told(*found: dict[str, Any]) -> sessions.Story:
    """The story of alerts with these fields, a second apart."""
    alerts = [
        msgspec.structs.replace(PLAIN, time=PLAIN.time + number, output_fields=fields)
        for number, fields in enumerate(found)
    ]
    return story("s", [(entry(number, alert), alert) for number, alert in enumerate(alerts)])


def entry(number: int, alert: Alert) -> Entry:
    """A row of the spool."""
    return Entry(number, int(alert.priority), b"")


def shape(processes: tuple[Process, ...]) -> dict[int, Any]:
    """A tree as numbers alone."""
    return {process.pid: shape(process.children) for process in processes}


def test_processes_are_a_tree() -> None:
    """Whose parent no alert names is a root; order does not matter."""
    found = told(
        {"proc.pid": 12, "proc.ppid": 11, "proc.name": "tar"},
        {"proc.pid": 10, "proc.ppid": 1, "proc.name": "sh"},
        {"proc.pid": 11, "proc.ppid": 10, "proc.cmdline": "sh -c x"},
        {"proc.pid": 11, "proc.ppid": 10, "proc.cmdline": "sh -c y"},
        {"proc.pid": 20},
        {},
    )
    assert shape(found.processes) == {10: {11: {12: {}}}, 20: {}}
    assert found.processes[0].children[0].command == "sh -c y"
    assert found.processes[0].children[0].alerts == 2


def test_what_the_engine_says_of_every_alert_is_enough() -> None:
    """Where a rule's output names no process."""
    found = told(
        {"session.pid": 10, "session.parent": 1, "session.process": "sh", "session.event": "execve"},
        {
            "session.pid": 11,
            "session.parent": 10,
            "session.process": "rm",
            "session.event": "unlinkat",
            "fd.name": "/srv/x",
        },
    )
    assert shape(found.processes) == {10: {11: {}}}
    assert found.processes[0].name == "sh"
    assert [(file.path, file.change) for file in found.files] == [("/srv/x", "unlinkat")]
    assert found.who == {}


def test_numbers_that_go_in_circles_end() -> None:
    """A pid used again, or its own parent."""
    assert shape(told({"proc.pid": 5, "proc.ppid": 5}).processes) == {5: {}}
    circle = told({"proc.pid": 5, "proc.ppid": 6}, {"proc.pid": 6, "proc.ppid": 5})
    assert set(shape(circle.processes)) == {5, 6}


def test_a_deep_tree_is_cut() -> None:
    """Nobody makes the feed recurse without end."""
    found = told(*({"proc.pid": pid, "proc.ppid": pid - 1} for pid in range(1, 1001)))
    flat = []
    pending = list(found.processes)
    while pending:
        process = pending.pop()
        flat.append(process.pid)
        pending += process.children
    assert sorted(flat) == list(range(1, 1001))
    assert msgspec.json.encode(found)


def test_what_changed_who_and_until_when() -> None:
    """By drift, or by calls that change files; reading changes nothing."""
    found = told(
        {"exec.user": "alice", "exec.tty": True, "k8s.pod.name": "p", "proc.pid": 1},
        {"evt.type": "openat", "fd.name": "/etc/passwd"},
        {"evt.type": "openat", "fd.name": "/srv/x", "drift.kind": "write"},
        {"evt.type": "openat", "fd.name": "/srv/x", "drift.kind": "write"},
        {"evt.type": "unlinkat", "fd.name": "/srv/y"},
        {"evt.type": "procexit", "session.end": "yes"},
    )
    assert [(file.path, file.change, file.times) for file in found.files] == [
        ("/srv/x", "write", 2),
        ("/srv/y", "unlinkat", 1),
    ]
    assert found.who["exec.user"] == "alice"
    assert found.where == {"k8s.pod.name": "p"}
    assert found.ended == found.last
    assert [moment.event for moment in found.timeline] == [None, *["openat"] * 3, "unlinkat", "procexit"]


def test_a_session_that_nobody_saw_end_is_open() -> None:
    """Nothing is invented."""
    assert told({"proc.pid": 1}).ended is None
