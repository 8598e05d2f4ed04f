"""Events in, alerts out."""

import msgspec
import pytest
from msgspec import structs

from runtime_monitor import events
from runtime_monitor.alerts import Priority
from runtime_monitor.rules import engine, program, ruleset
from tests.runtime_monitor.rules import given

TWO = given.rule("one", "evt.type = open and proc.name = x", output="seen %proc.name in %fd.name") + given.rule(
    "two", "evt.type = open", tags="[b, a]"
)


def test_an_alert_says_all_in_falco_s_form() -> None:
    """The eight keys, the suggested fields, the ids that stay the same."""
    happened = given.event(
        "open", proc__name="x", container__id="abc", k8s__ns__name="shop", exec__session="s/1", podseal__gap=3
    )
    (alert,) = given.running(TWO).judge(happened)
    assert msgspec.to_builtins(alert.as_falco()) == {
        "hostname": "node-1",
        "output": "14:13:20.123456789: Warning seen x in <NA> container_id=abc container_name=<NA> "
        "container_image_repository=<NA> container_image_tag=<NA> k8s_pod_name=<NA> k8s_ns_name=shop",
        "output_fields": {
            "container.id": "abc",
            "container.image.repository": None,
            "container.image.tag": None,
            "container.name": None,
            "evt.time": 1_790_000_000_123_456_789,
            "exec.session": "s/1",
            "fd.name": None,
            "k8s.ns.name": "shop",
            "k8s.pod.name": None,
            "podseal.alert_id": "node-1/0a1b2c3d/0/1/7692c3ad",
            "podseal.gap": 3,
            "proc.name": "x",
            "session.event": "open",
            "session.process": "x",
        },
        "priority": "Warning",
        "rule": "one",
        "source": "syscall",
        "tags": [],
        "time": "2026-09-21T14:13:20.123456789Z",
    }


@pytest.mark.parametrize(("first", "expected"), [(True, ["one"]), (False, ["one", "two"])])
def test_the_first_rule_ends_an_event_or_all_are_asked(first: bool, expected: list[str]) -> None:  # noqa: FBT001 -- a table
    """`rule_matching`."""
    running = given.running(TWO, first=first)
    assert [alert.rule for alert in running.judge(given.event("open", proc__name="x"))] == expected
    assert dict(running.fired) == dict.fromkeys(expected, 1)


@pytest.mark.parametrize("kind", ["execve", "no_such_type", ""])
def test_other_event_types_fire_nothing(kind: str) -> None:
    """Not even those that no rule can name."""
    assert not given.running(TWO).judge(given.event(kind))


def test_a_rule_without_event_types_sees_all_of_them() -> None:
    """Unknown ones too."""
    running = given.running(given.rule("any", "proc.name = x", warn_evttypes="false"))
    assert running.judge(given.event("no_such_type", proc__name="x"))


@pytest.mark.parametrize(
    "condition", ["glob /[e]tc/*", "iglob /ETC/?*", "regex '/etc/.*'", "pmatch (/et[c])", "contains tc"]
)
def test_names_that_are_no_text_neither_raise_nor_break_the_alert(condition: str) -> None:
    """A file name is any bytes: it must not take a rule out of force, and the alert must be JSON."""
    text = given.rule("a", f"evt.type = open and fd.name {condition}", output="'%fd.name'")
    running = given.running(text)
    hostile = structs.replace(given.event("open"), fd=events.File(name="/etc/\udcff"))
    (alert,) = running.judge(hostile)
    assert not running.disabled
    assert "/etc/\ufffd" in alert.output
    assert alert.output_fields["fd.name"] == "/etc/\ufffd"
    assert msgspec.json.encode(alert)


@pytest.mark.parametrize("first", [True, False])
def test_a_rule_that_raises_is_disabled_alerted_and_silences_nothing(first: bool) -> None:  # noqa: FBT001 -- a table
    """Here by an attribute of the wrong type, which no decoder may make."""
    text = given.rule("bad", "evt.type = open and fd.name startswith /x") + given.rule("good", "evt.type = open")
    running = given.running(text, first=first)
    happened = given.event("open")
    broken = structs.replace(happened, fd=events.File(name=7))  # type: ignore[arg-type] # on purpose
    first_alerts = running.judge(broken)
    assert [alert.rule for alert in first_alerts] == [engine.DISABLED, "good"]
    assert first_alerts[0].priority is Priority.ERROR
    assert first_alerts[0].output_fields["podseal.rule"] == "bad"
    assert "AttributeError" in first_alerts[0].output_fields["podseal.reason"]
    assert list(running.disabled) == ["bad"]
    assert [alert.rule for alert in running.judge(broken)] == ["good"]
    assert [alert.rule for alert in running.judge(given.event("open", fd__name="/x"))] == ["good"]


def test_what_is_known_of_the_session_and_the_pod_is_told_whatever_the_rule_names() -> None:
    """Kind and terminal of the session; that the pod's data had not come. Nothing where nothing is known."""
    running = given.running(given.rule("any", "evt.type = open"))
    came_in = {
        "exec__session": "s",
        "exec__kind": "exec",
        "exec__tty": True,
        "k8s__pending": True,
        "drift__kind": "write",
    }
    (told,) = running.judge(given.event("open", **came_in))
    assert {name: told.output_fields[name] for name in ("exec.session", "exec.kind", "exec.tty", "k8s.pending")} == {
        "exec.session": "s",
        "exec.kind": "exec",
        "exec.tty": True,
        "k8s.pending": True,
    }
    (quiet,) = running.judge(given.event("open"))
    assert not [name for name in quiet.output_fields if name.startswith(("exec.", "session.", "k8s.pending"))]


BESIDE = (
    given.rule("own, first in the file", "evt.type = open", priority="NOTICE"),
    given.rule("own, gravest", "evt.type = open and fd.name startswith /x", priority="CRITICAL"),
)
GIVEN = given.rule("one", "evt.type = open and fd.name endswith x") + given.rule("two", "evt.type = open")


def _beside(*, first: bool) -> engine.Engine:
    own = ruleset.Source("podseal:x.yaml", "".join(BESIDE).replace("  priority: WARNING\n", ""), own=True)
    found = ruleset.load([own, ruleset.Source("rules.yaml", GIVEN)])
    assert not found.problems
    return engine.Engine(program.build(found, first=first))


def test_podseal_s_own_rules_take_no_event_from_the_given_ones() -> None:
    """Each side judges for itself: podseal's by the gravest, the others as they are told."""
    happened = given.event("open", fd__name="/x")
    assert _beside(first=True).verdict(happened) == ("own, gravest", "one")
    assert _beside(first=False).verdict(happened) == ("own, gravest", "one", "two")
    assert _beside(first=True).verdict(given.event("open")) == ("own, first in the file", "two")


@pytest.mark.parametrize("first", [True, False])
def test_a_rule_that_raises_silences_neither_side(first: bool) -> None:  # noqa: FBT001 -- a table
    """Whichever it belongs to: the next of its side is told, the other side as ever."""
    running = _beside(first=first)
    broken = structs.replace(given.event("open"), fd=events.File(name=7))  # type: ignore[arg-type] # on purpose
    fired = [alert.rule for alert in running.judge(broken)]
    assert fired == [engine.DISABLED, "own, first in the file", engine.DISABLED, "two"]
    assert running.verdict(given.event("open", fd__name="/x")) == ("own, first in the file", "two")
    assert set(running.disabled) == {"own, gravest", "one"}
