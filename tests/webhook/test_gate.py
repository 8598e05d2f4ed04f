"""The gate to running pods: who passes, what is recorded, and what happens where nothing can be."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests import waiting
from tests.webhook import fake_apiserver
from tests.webhook.test_namespaces import client
from webhook import gate, review
from webhook.policy import exec as exec_gate
from webhook.policy import model

REVIEWS = Path(__file__).parents[1] / "data" / "reviews"
DENY = model.Policy(exec="deny", connect="deny")
RECORD = model.Policy(exec="record", connect="record")


@pytest.fixture
def script() -> fake_apiserver.Script:
    """An API server that lets `admin` break the glass."""
    made = fake_apiserver.Script()
    made.may_break_glass = {"admin"}
    return made


@pytest.fixture
def address(script: fake_apiserver.Script) -> Iterator[str]:
    """Where it listens."""
    with fake_apiserver.serve(script) as served:
        yield served


def enter(at: gate.Gate, file: str, policy: model.Policy, **changes: object) -> gate.Entry:
    """Send a captured review through the gate."""
    parsed = review.parse((REVIEWS / f"{file}.json").read_bytes())
    assert isinstance(parsed, review.Review)
    subject = msgspec.structs.replace(parsed.subject, **changes)
    return at.enter(parsed.uid, subject, exec_gate.exec_gate(subject, policy), seconds=5)


def sessions_in(script: fake_apiserver.Script) -> list[dict[str, Any]]:
    """The specs of the sessions that were written."""
    return [body["spec"] for _, path, body in script.sent if path.endswith("/execsessions")]


def test_allow_leaves_no_trace(address: str, script: fake_apiserver.Script) -> None:
    """Nothing is asked, nothing is written."""
    entry = enter(gate.Gate(gate.Rules(), client(address)), "connect-pods-exec", model.Policy(exec="allow"))
    assert (entry.allowed, entry.outcome) == (True, "allowed")
    assert not script.sent


def test_record_lets_pass_and_writes(address: str, script: fake_apiserver.Script) -> None:
    """The record has user, pod, container, argv and the request's uid."""
    made = gate.Gate(gate.Rules(caller="path"), client(address))
    assert made.recorder
    made.recorder.start()
    assert enter(made, "connect-pods-exec", RECORD).outcome == "recorded"
    waiting.until(lambda: sessions_in(script), "the record")
    made.recorder.stop()
    (written,) = sessions_in(script)
    assert written["user"]["username"] == "admin"
    assert written["target"] == {"namespace": "t", "pod": "shop", "container": "web"}
    assert written["command"] == ["sh", "-c", "echo a > /tmp/a"]
    assert written["requestUID"] == "62246c8e-6c04-4148-9811-0999df102f6a"
    assert written["verdict"] == "allowed"
    assert written["caller"] == "path"


@pytest.mark.parametrize(
    ("file", "action"),
    [
        ("connect-pods-exec", "exec"),
        ("connect-pods-attach", "attach"),
        ("connect-pods-portforward", "port-forward"),
        ("update-pods-ephemeralcontainers", "debug"),
        ("update-pods", "image change"),
    ],
)
def test_a_denial_names_the_way_through(address: str, file: str, action: str) -> None:
    """Whoever may not break the glass is told who may."""
    entry = enter(gate.Gate(gate.Rules(), client(address)), file, DENY, user=model.User("dev"))
    assert not entry.allowed
    assert entry.action == action
    assert "break-glass on execsessions.podseal.dev" in entry.message


@pytest.mark.parametrize("file", ["connect-pods-exec", "connect-pods-portforward", "update-pods-ephemeralcontainers"])
def test_broken_glass_is_recorded_before_the_answer(address: str, script: fake_apiserver.Script, file: str) -> None:
    """The right is asked for with the user's groups, and the record stands when the answer goes."""
    entry = enter(gate.Gate(gate.Rules(), client(address)), file, DENY)
    assert entry.outcome == "broken-through"
    asked = script.sent[0][2]["spec"]
    assert asked["groups"] == ["system:masters", "system:authenticated"]
    assert asked["resourceAttributes"] == {"group": "podseal.dev", "resource": "execsessions", "verb": "break-glass"}
    (written,) = sessions_in(script)
    assert written["verdict"] == "broken-through"


def test_without_an_api_server_no_glass_breaks(address: str, script: fake_apiserver.Script) -> None:
    """What cannot be asked for or recorded is refused."""
    script.status = 500
    entry = enter(gate.Gate(gate.Rules(), client(address)), "connect-pods-exec", DENY)
    assert not entry.allowed
    assert "cannot be asked for or recorded" in entry.message


def test_a_required_record_that_fails_denies(address: str, script: fake_apiserver.Script) -> None:
    """With require-record the request waits for its record."""
    made = gate.Gate(gate.Rules(require_record=True), client(address))
    assert enter(made, "connect-pods-exec", RECORD).outcome == "recorded"
    assert len(sessions_in(script)) == 1
    script.status = 403
    entry = enter(made, "connect-pods-exec-2", RECORD)
    assert not entry.allowed
    assert "must be recorded" in entry.message


def test_a_robot_is_counted_only(address: str, script: fake_apiserver.Script) -> None:
    """Users of the exclude list leave no records."""
    made = gate.Gate(gate.Rules(exclude_users=frozenset({"admin"})), client(address))
    entry = enter(made, "connect-pods-exec", RECORD)
    assert entry.allowed
    assert entry.outcome == "excluded", "the metric tells it apart from what nobody wants recorded"
    assert not script.sent


def test_a_dry_run_leaves_nothing_behind(address: str, script: fake_apiserver.Script) -> None:
    """Neither recorded nor counted as a break-through."""
    made = gate.Gate(gate.Rules(require_record=True), client(address))
    assert enter(made, "connect-pods-exec", RECORD, dry_run=True).outcome == "allowed"
    assert enter(made, "connect-pods-exec", DENY, dry_run=True).outcome == "allowed"
    assert not sessions_in(script)


def test_a_node_is_named_without_its_wrapping(address: str, script: fake_apiserver.Script) -> None:
    """nodes/proxy on https:node1:10250 with a path that runs commands: refused, and recorded of node1 if broken."""
    asked = model.Connect(path="/run/t/shop/web")
    made = gate.Gate(gate.Rules(), client(address))
    entry = enter(made, "connect-nodes-proxy", RECORD, connect=asked, name="https:node1:10250")
    assert entry.outcome == "broken-through"
    (written,) = sessions_in(script)
    assert written["target"] == {"node": "node1"}
    assert written["path"] == "/run/t/shop/web"


def test_without_a_cluster_the_log_is_the_record(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing can be written; a denial stays a denial."""
    caplog.set_level("INFO")
    made = gate.Gate(gate.Rules())
    assert enter(made, "connect-pods-exec", RECORD).outcome == "unrecorded"
    assert "unrecorded session" in caplog.text
    assert not enter(made, "connect-pods-exec", DENY).allowed


def test_every_captured_connect_is_understood() -> None:
    """The options of each kind decode."""
    for path in REVIEWS.glob("connect-*.json"):
        parsed = review.parse(path.read_bytes())
        assert isinstance(parsed, review.Review)
        said = json.loads(path.read_text())["request"]["object"]
        assert parsed.subject.connect
        assert list(parsed.subject.connect.command) == said.get("command", [])
        assert parsed.subject.connect.path == said.get("path", "")
