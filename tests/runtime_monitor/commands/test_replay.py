"""`podseal-monitor replay`: recorded events through rules, and the difference that other rules make."""

import json
import re
from pathlib import Path

import click.testing
import msgspec
import pytest

from runtime_monitor import cli, events
from tests.runtime_monitor.rules import given

PATHS = ("/one", "/two", "/one")


def _run(*arguments: str, stdin: bytes = b"") -> click.testing.Result:
    return click.testing.CliRunner().invoke(cli.main, ["replay", *arguments], input=stdin)


@pytest.fixture
def recording(tmp_path: Path) -> str:
    """Three opens."""
    path = tmp_path / "events.jsonl"
    recorded = [events.record(given.event("open", fd__name=name)) for name in PATHS]
    path.write_bytes(b"\n".join(map(msgspec.json.encode, recorded)))
    return str(path)


@pytest.fixture
def rules(tmp_path: Path) -> str:
    """Two rules, of which the first hides the second."""
    path = tmp_path / "rules.yaml"
    path.write_text(given.rule("one", "evt.type = open and fd.name = /one") + given.rule("any", "evt.type = open"))
    return str(path)


def test_the_alerts_and_how_often_each_rule_fired(recording: str, rules: str) -> None:
    """Rule by rule, the most frequent first."""
    result = _run(recording, "--rules", rules)
    assert result.exit_code == 0
    assert result.output.count("Warning seen") == 3
    assert re.search(r"^3 events, 3 alerts, \d+ rules\n {7}2  one\n {7}1  any\n\Z", result.output, re.MULTILINE)


def test_every_rule_on_demand(recording: str, rules: str) -> None:
    """`rule_matching: all`, without podseal's own rules."""
    output = _run(recording, "--rules", rules, "--no-own", "--all-matches").output
    assert output.endswith("3 events, 5 alerts, 2 rules\n       3  any\n       2  one\n")


def test_json_is_falco_s(recording: str, rules: str) -> None:
    """An alert a line, nothing else."""
    lines = _run(recording, "--rules", rules, "-o", "json").output.splitlines()
    assert [json.loads(line)["rule"] for line in lines] == ["one", "any", "one"]


def test_the_difference_of_two_sets_of_rules(recording: str, rules: str, tmp_path: Path) -> None:
    """The events on which they differ, then the sums; exit 1 where they do."""
    other = tmp_path / "other.yaml"
    other.write_text(given.rule("one", "evt.type = open and fd.name in (/one, /two)"))
    result = _run(recording, "--rules", rules, "--against", str(other))
    assert result.exit_code == 1
    assert result.output == "node-1/0a1b2c3d/0/1 open: any -> one\n1 events differ\n  any: -1 +0\n  one: -0 +1\n"
    (line,) = _run(recording, "--rules", rules, "--against", str(other), "-o", "json").output.splitlines()
    assert json.loads(line) == {"event": "node-1/0a1b2c3d/0/1", "type": "open", "before": ["any"], "after": ["one"]}
    assert _run(recording, "--rules", rules, "--against", rules).exit_code == 0


def test_what_cannot_be_read_is_refused(recording: str, rules: str, tmp_path: Path) -> None:
    """Events and rules alike, with the place."""
    assert _run(recording, "--rules", recording).exit_code == 2
    assert _run(rules, "--rules", rules).exit_code == 2
    assert _run(str(tmp_path / "none"), "--rules", rules).exit_code == 2
    assert _run("-", "--rules", rules, stdin=Path(recording).read_bytes()).exit_code == 0
