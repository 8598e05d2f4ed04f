"""Verdicts: what is told of which event, and what is daily life."""

import json

import msgspec
import pytest

from runtime_monitor import alerts, verdicts
from runtime_monitor.events import Container, Drift, Event, File, Pod, Process
from tests.runtime_monitor import made

EXEC = msgspec.structs.replace(made.entry(), kind="exec")
PROBE = msgspec.structs.replace(made.entry(), kind="probe")
LATER = msgspec.structs.replace(made.inside(), kind="exec")
SHELL = Drift(shell=True)  # noqa: S604 -- no subprocess


@pytest.mark.parametrize(
    ("reason", "event", "rule"),
    [
        ("kubectl exec", made.executed("ls", session=EXEC), "Process started in a container from outside"),
        ("kubectl exec of a shell", made.executed("sh", session=EXEC, drift=SHELL),
         "Shell started in a container from outside"),
        ("a shell below it", made.executed("sh", session=LATER, drift=SHELL), "Shell spawned in a session"),
        ("a write", made.written("/etc/x"), "Write to a container's root file system"),
        ("a write of the container's own process", made.event(drift=Drift(kind="write"), fd=File(root=1, name="/x")),
         "Write to a container's root file system"),
        ("a write below a probe", made.written("/etc/x", session=msgspec.structs.replace(LATER, kind="probe")),
         "Write to a container's root file system"),
        ("a refused write", made.event(drift=Drift(kind="attempt"), evt=msgspec.structs.replace(
            made.event().evt, result="EROFS")), "Write to a container's root file system refused"),
        ("a dropped program", made.executed("x", drift=Drift(kind="exec", layer="upper")),
         "Program executed that was not in the image"),
        ("a dropped program as a session", made.executed("x", session=EXEC, drift=Drift(kind="exec", layer="memfd")),
         "Program executed that was not in the image"),
        ("an escape", made.executed("sh", drift=Drift(kind="escape")),
         "Escape from a container to the host"),
        ("the end of a copy", made.event("procexit", drift=Drift(copy_direction="in", copy_paths=("/x",))),
         "Files copied between a container and the outside"),
        ("a copy that goes on", made.written("/x", drift=Drift(kind="write", copy_direction="in", copy_paths=("/x",))),
         "Files copied between a container and the outside"),
        ("an exec probe", made.executed("sh", session=PROBE, drift=SHELL), None),
        ("the image's own shell", made.executed("sh", drift=SHELL), None),
        ("the exec of a copy", made.executed(
            "tar", session=EXEC, drift=Drift(copy_direction="in", copy_paths=("/x",))), None),
        ("the shell of a copy", made.executed(
            "sh", session=EXEC, drift=msgspec.structs.replace(SHELL, copy_direction="out", copy_paths=("/x",))), None),
        ("a write of a copy", made.written("/x", drift=Drift(kind="write", copy_direction="in")), None),
        ("a write to what was told to be opened", made.written("/x", drift=Drift(kind="write", repeated=True)), None),
        ("a summary of writes", made.written("/x", fd=File(root=1, name="/x", writes=9)), None),
        ("an attempt that failed otherwise", made.event(drift=Drift(kind="attempt"), evt=msgspec.structs.replace(
            made.event().evt, result="ENOENT")), None),
        ("a write of the host's own", made.written("/x", fd=File(name="/x")), None),
        ("an exit", made.event("procexit"), None),
    ],
)  # fmt: skip
def test_an_event_has_one_verdict_or_none(reason: str, event: Event, rule: str | None) -> None:
    """The gravest that fits."""
    assert [each.rule for each in verdicts.judge(event)] == ([rule] if rule else []), reason


def test_an_alert_says_who_where_and_what() -> None:
    """In its text and in its fields; what is not known is left out, not empty."""
    (alert,) = verdicts.judge(made.executed("sh", "-c", "id", session=EXEC, drift=SHELL))
    assert alert.output == (
        "00:00:01.000000000: Warning a shell was started in container shop/shop-1/web (shop/web:1) by exec: sh -c id"
    )
    fields = alert.output_fields
    assert fields["k8s.pod.name"] == "shop-1"
    assert fields["exec.session"] == made.SESSION
    assert "user.name" not in fields
    assert alert.hostname == made.NODE
    assert alert.id.startswith(f"{made.NODE}/{made.BOOT}/0/1/")
    assert verdicts.judge(made.executed("sh", "-c", "id", session=EXEC, drift=SHELL)) == (alert,)


def test_unknown_names_are_said_to_be_unknown() -> None:
    """Neither empty nor invented."""
    event = made.executed("ls", session=EXEC, container=Container(), pod=Pod(pending=True))
    (alert,) = verdicts.judge(event)
    assert "container unknown by exec" in alert.output
    assert alert.output_fields["k8s.pending"] is True


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("/a\nWarning forged", "/a\\nWarning forged"),
        ("/{fd.name}{k8s.pod.name}", "/{fd.name}{k8s.pod.name}"),
        ("/\udcff", "/\ufffd"),
        ("/\x1b[31m", "/\\u001b[31m"),
        ("/caf\u00e9", "/caf\u00e9"),
    ],
)
def test_a_hostile_name_stays_one_name(name: str, shown: str) -> None:
    """No new line, no place of the text, no bytes that JSON cannot hold."""
    (alert,) = verdicts.judge(made.written(name))
    assert alert.output.endswith(f"openat {shown}")
    assert alerts.decode(alerts.encode(alert)) == alert
    assert "\n" not in json.dumps(alert.as_falco())


def test_every_verdict_has_an_id_of_its_own() -> None:
    """Two verdicts on one event must not share an alert's id."""
    hashes = [each.hash for each in verdicts.VERDICTS]
    assert len(set(hashes)) == len(hashes)


def test_a_process_without_arguments_has_a_name() -> None:
    """An argv may be empty: execve(2) allows it."""
    event = made.event("execve", proc=Process(pid=1, name="x"), session=EXEC)
    assert verdicts.judge(event)[0].output.endswith(": x")
