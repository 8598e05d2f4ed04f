"""`podseal-monitor rules`: exit codes and what is printed."""

import json
import re
from pathlib import Path

import click.testing
import msgspec
import pytest

from runtime_monitor import cli, events
from tests.runtime_monitor.rules import given

RIGHT = given.rule("A", "evt.type = openat and evt.is_open_write = true and fd.name startswith /etc/")
WARNED = RIGHT + "- list: unused\n  items: [a]\n"
WRONG = given.rule("B", "evt.type = openat and fd.nmae = x")


def _run(*arguments: str, stdin: str = "") -> click.testing.Result:
    return click.testing.CliRunner().invoke(cli.main, ["rules", *arguments], input=stdin)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Rules files by what they are, and a recording of two events."""
    found = {}
    recorded = [given.event("openat", fd__name=path, evt__is_open_write=True) for path in ("/etc/x", "/srv/x")]
    lines = b"".join(msgspec.json.encode(events.record(event)) + b"\n" for event in recorded)
    texts = {"right": RIGHT, "warned": WARNED, "wrong": WRONG, "broken": "- [", "events": lines.decode()}
    for name, text in texts.items():
        path = tmp_path / name
        path.write_text(text)
        found[name] = str(path)
    return found


CODES = (
    (("right",), 0),
    (("warned",), 0),
    (("warned", "--fail-on", "warning"), 1),
    (("right", "wrong"), 1),
    (("wrong", "--fail-on", "never"), 0),
    (("broken",), 2),
    (("missing",), 2),
    ((), 2),
    (("right", "-o", "yaml"), 2),
    (("right", "-o", "json=/nowhere/x"), 2),
    (("--own", "right"), 0),
)


@pytest.mark.parametrize(("arguments", "code"), CODES, ids=[" ".join(arguments) or "none" for arguments, _ in CODES])
def test_exit_codes(files: dict[str, str], arguments: tuple[str, ...], code: int) -> None:
    """0 clean, 1 problems at or above --fail-on, 2 what cannot be read and wrong usage."""
    assert _run("check", *(files.get(argument, argument) for argument in arguments)).exit_code == code


def test_a_problem_is_shown_with_its_place(files: dict[str, str]) -> None:
    """And a sum at the end."""
    output = _run("check", files["wrong"]).output
    assert f"{files['wrong']}:3:14: error: rule 'B': nonexistent field fd.nmae: did you mean fd.name?" in output
    assert output.endswith("1 files: 0 rules, 1 errors, 0 warnings\n")


def test_several_reports_at_once(tmp_path: Path) -> None:
    """One to standard output, one to a file; standard input is a file too."""
    report = tmp_path / "report.json"
    result = _run("check", "-", "-o", "text", "-o", f"json={report}", stdin=WRONG)
    assert "<stdin>:3:14" in result.output
    assert json.loads(report.read_text())["summary"] == {"files": 1, "rules": 0, "errors": 1, "warnings": 0}


def test_what_the_sensor_cannot_tell_is_refused_on_demand() -> None:
    """By the name of the field; without --sensor the rule is right."""
    text = given.rule("A", "evt.type = openat and evt.buffer contains x")
    assert _run("check", "-", stdin=text).exit_code == 0
    result = _run("check", "-", "--sensor", stdin=text)
    assert result.exit_code == 1
    assert "field evt.buffer exists, but this sensor cannot fill it" in result.output


def test_fields_are_listed() -> None:
    """As a table, and as JSON with what a sensor must fill."""
    assert "proc.aname" in _run("fields").output
    rows = {row["name"]: row for row in json.loads(_run("fields", "-o", "json").output)}
    assert rows["proc.cmdline"]["needs"] == ["proc.name", "proc.argv"]
    assert rows["proc.aname"]["argument"] == "optional index"


def test_a_near_miss_is_explained(files: dict[str, str]) -> None:
    """The check that decided, for each event; --all shows the others as well."""
    arguments = ("explain", files["right"], "--rule", "A", "--event", files["events"])
    assert _run(*arguments).output == (
        "node-1/0a1b2c3d/0/1 openat: fires\n"
        "  true  evt.type = openat  (evt.type is 'openat')\n"
        "  true  evt.is_open_write = true  (evt.is_open_write is True)\n"
        "  true  fd.name startswith /etc/  (fd.name is '/etc/x')\n"
        "node-1/0a1b2c3d/0/1 openat: does not fire\n"
        "  false fd.name startswith /etc/  (fd.name is '/srv/x')\n"
    )
    assert "    true  evt.is_open_write = true" in _run(*arguments, "--all").output


@pytest.mark.parametrize("arguments", [("right", "--rule", "none"), ("wrong", "--rule", "B")])
def test_what_cannot_be_explained_is_refused(files: dict[str, str], arguments: tuple[str, ...]) -> None:
    """A rule that is not there, rules that do not load."""
    result = _run("explain", *(files.get(each, each) for each in arguments), "--event", files["events"])
    assert result.exit_code == 2


def test_a_recording_that_cannot_be_read_is_refused(files: dict[str, str]) -> None:
    """By its line."""
    result = _run("explain", files["right"], "--rule", "A", "--event", files["right"])
    assert result.exit_code == 2
    assert f"{files['right']}:1: no recorded event" in result.output


def test_the_pushdown_is_shown(files: dict[str, str]) -> None:
    """Together, by rule, and as JSON."""
    assert _run("pushdown", files["right"]).output == "openat: write, path /etc/*\n"
    assert _run("pushdown", files["right"], "--by-rule").output == "A\n  openat: write, path /etc/*\n"
    found = json.loads(_run("pushdown", files["right"], "-o", "json").output)
    assert found["openat"][0]["paths"] == [{"kind": "prefix", "text": "/etc/"}]
    assert _run("pushdown", files["right"], "--maps").output.splitlines() == [
        "calls on demand: none",
        "clause 0: write, change",
        "clause 1: write, path /etc/*",
        "steps: 1 of 8000; paths from 1, names from 2",
        "step 1 etc/: 1 below, none here",
    ]
    assert _run("pushdown", files["wrong"]).exit_code == 2


def test_rules_are_listed(files: dict[str, str]) -> None:
    """Podseal's own and those of files; as JSON with all that is known of them; what is disabled is not in force."""
    listed = _run("list", files["right"])
    assert listed.exit_code == 0
    assert re.search(r"^Warning +A$", listed.output, re.MULTILINE)
    assert re.search(r"^Notice +Interactive shell in a container .*T1059.004", listed.output, re.MULTILINE)
    (row,) = json.loads(_run("list", "--no-own", files["right"], "-o", "json").output)
    assert (row["rule"], row["priority"], row["own"], row["event_types"]) == ("A", "Warning", False, ["openat"])
    assert (row["file"], row["line"]) == (files["right"], 1)
    off = "- rule: Interactive shell in a container\n  enabled: false\n  override: {enabled: replace}\n"
    assert "Interactive shell" not in _run("list", "-", stdin=off).output
    assert _run("list", files["wrong"]).exit_code == 2


@pytest.mark.parametrize("arguments", [["rules"], ["replay"], ["run"]])
def test_help_has_examples(arguments: list[str]) -> None:
    """That can be copied: their commands exist."""
    shown = click.testing.CliRunner().invoke(cli.main, [*arguments, "--help"]).output
    examples = [line.split() for line in shown.partition("Examples:")[2].splitlines() if line.strip()]
    assert examples
    for words in examples:
        assert words[0] == "podseal-monitor"
        sub_commands = [word for word in words[1:3] if word.isalpha()]
        assert click.testing.CliRunner().invoke(cli.main, [*sub_commands, "--help"]).exit_code == 0


def test_a_falco_yaml_is_checked_with_its_rules(files: dict[str, str], tmp_path: Path) -> None:
    """Its keys, the rules that it names and selects; what cannot be used is wrong usage."""
    path = tmp_path / "falco.yaml"
    path.write_text(f"rules_files: [{files['right']}, {tmp_path}/none.yaml]\nnonsense: 1\n")
    found = _run("check", "--config", str(path))
    assert found.exit_code == 0
    assert f"{path}:2:11: warning: nonsense is not followed" in found.output
    assert "1 files: 1 rules, 0 errors, 1 warnings" in found.output
    assert _run("check", "-c", str(path), "--fail-on", "warning").exit_code == 1
    path.write_text(f"rules_files: {files['right']}\nrules: [{{disable: {{rule: A}}}}]\n")
    assert "1 files: 0 rules, 0 errors" in _run("check", "-c", str(path)).output
    assert _run("check", "-c", str(path), files["wrong"]).exit_code == 1
    path.write_text("priority: loud")
    refused = _run("check", "-c", str(path), files["right"])
    assert refused.exit_code == 2
    assert f"{path}:1:11: priority: 'loud': expected one of" in refused.output
