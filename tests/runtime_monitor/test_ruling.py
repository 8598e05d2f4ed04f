"""podseal's own rules and the rules that were given, which change meanwhile."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime_monitor import reload, ruling
from tests import waiting
from tests.runtime_monitor.rules import given


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A rules file."""
    path = tmp_path / "rules.yaml"
    path.write_text(given.rule("one", "evt.type = openat and fd.name = /one"))
    return path


@pytest.fixture
def judges(file: Path) -> Iterator[ruling.Ruling]:
    """The rules of the file beside podseal's own."""
    found = ruling.Ruling.of(reload.Request((str(file),)))
    yield found
    found.close()


def _fired(judges: ruling.Ruling, **attributes: object) -> list[str]:
    return [alert.rule for alert in judges.judge(given.event("openat", **attributes))]


def _until_logged(judges: ruling.Ruling, caplog: pytest.LogCaptureFixture, text: str) -> None:
    def logged() -> bool:
        judges.between()
        return text in caplog.text

    waiting.until(logged, f"the log says {text!r}", 60)


def test_both_judge_an_event(judges: ruling.Ruling) -> None:
    """Rules add to what podseal finds by itself."""
    written = {"fd__name": "/one", "drift__kind": "write", "container__id": "0123456789ab"}
    alone = ruling.Ruling.of(reload.Request(()))
    own = _fired(alone, **written)
    assert own
    assert _fired(judges, **written) == [*own, "one"]


SHELL = "Interactive shell in a container"
MEMORY = "Program executed from memory"
ENTERED = {
    "container__id": "0123456789ab",
    "exec__session": "s",
    "exec__kind": "exec",
    "exec__tty": True,
    "podseal__session_entry": True,
    "podseal__shell": True,
    "k8s__ns__name": "lab",
}
OVERRIDES: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "disabled": (f"- rule: {SHELL}\n  enabled: false\n  override: {{enabled: replace}}\n", []),
    "disabled the old way": (f"- rule: {SHELL}\n  enabled: false\n", []),
    "another priority": (
        f"- rule: {SHELL}\n  priority: CRITICAL\n  override: {{priority: replace}}\n",
        [(SHELL, "Critical")],
    ),
    "an exception": (
        (
            "- list: laboratories\n  items: [lab, sandbox]\n"
            f"- rule: {SHELL}\n  exceptions: [{{name: labs, fields: k8s.ns.name, values: [laboratories]}}]\n"
            "  override: {exceptions: append}\n"
        ),
        [],
    ),
    "a condition with a macro of the file": (
        (
            "- macro: in_lab\n  condition: (k8s.ns.name = lab)\n"
            f"- rule: {SHELL}\n  condition: and not in_lab\n  override: {{condition: append}}\n"
        ),
        [],
    ),
    "the graver one is told": (
        f"- rule: {MEMORY}\n  condition: or exec.session exists\n  override: {{condition: append}}\n",
        [(MEMORY, "Critical")],
    ),
    "a list of podseal's, emptied": (
        "- list: podseal_package_managers\n  items: []\n  override: {items: replace}\n",
        [(SHELL, "Notice")],
    ),
}


@pytest.mark.parametrize("name", OVERRIDES)
def test_files_may_change_podseal_s_own_rules(tmp_path: Path, name: str) -> None:
    """Disabled, given another priority, excepted from; whatever they say, the gravest that fires is told."""
    text, expected = OVERRIDES[name]
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with contextlib.closing(ruling.Ruling.of(reload.Request((str(file),)))) as judges:
        alerts = judges.judge(given.event("execve", **ENTERED))
    assert [(alert.rule, alert.priority.label) for alert in alerts] == expected


def test_what_changes_podseal_s_own_rules_is_loaded_anew(
    judges: ruling.Ruling, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As any change of rules; back again where the change is taken away."""
    caplog.set_level(logging.INFO)
    mine = file.read_text()
    file.write_text(mine + OVERRIDES["disabled"][0])
    _until_logged(judges, caplog, "1 rules in force beside 16 of podseal's own, loaded anew")
    assert [alert.rule for alert in judges.judge(given.event("execve", **ENTERED))] == []
    file.write_text(mine)
    _until_logged(judges, caplog, "1 rules in force beside 17 of podseal's own, loaded anew")
    assert [alert.rule for alert in judges.judge(given.event("execve", **ENTERED))] == [SHELL]


def test_a_changed_file_is_loaded_anew(judges: ruling.Ruling, file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With what differs on recent events."""
    caplog.set_level(logging.INFO)
    assert _fired(judges, fd__name="/two", proc__name="cat", container__name="web") == []
    before = judges.gauged()
    file.write_text(given.rule("two", "evt.type = openat and fd.name = /two") + given.rule("x", "evt.type = openat"))
    _until_logged(judges, caplog, "2 rules in force beside 17 of podseal's own, loaded anew")
    assert "fired nothing, now two; the last: openat /two by cat in web, event node-1/0a1b2c3d/0/1" in caplog.text
    assert _fired(judges, fd__name="/two") == ["two"]
    assert judges.counted() == {"done": 1, "failed": 0}
    assert judges.gauged()["rules"] == before["rules"] + 1
    assert judges.gauged()["rules_loaded_timestamp_seconds"] > before["rules_loaded_timestamp_seconds"]


def test_a_broken_file_is_told_and_changes_nothing(
    judges: ruling.Ruling, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With its place."""
    caplog.set_level(logging.INFO)
    file.write_text("- rule: [")
    judges.ask()
    _until_logged(judges, caplog, "the rules stay as they were")
    assert f"{file}:2:1: error: is no YAML" in caplog.text
    assert _fired(judges, fd__name="/one") == ["one"]
    assert judges.counted() == {"done": 0, "failed": 1}
    assert judges.gauged()["rules_stale"] == 1
    file.write_text(given.rule("one", "evt.type = openat and fd.name = /one"))
    judges.ask()
    _until_logged(judges, caplog, "loaded anew")
    assert judges.gauged()["rules_stale"] == 0


def test_without_a_watch_only_a_signal_reloads(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """watch_config_files: false."""
    caplog.set_level(logging.INFO)
    with contextlib.closing(ruling.Ruling.of(reload.Request((str(file),)), watch=False)) as judges:
        file.write_text(given.rule("two", "evt.type = openat"))
        for _ in range(3):
            judges.between()
        assert not judges._reloader.reloading
        judges.ask()
        _until_logged(judges, caplog, "loaded anew")


def test_rules_with_errors_do_not_start(file: Path) -> None:
    """The place and the reason are the error's text."""
    file.write_text(given.rule("two", "evt.type = opne"))
    with pytest.raises(ruling.RulesError, match=r"rules\.yaml:3:14: error: rule 'two': unknown event type opne"):
        ruling.Ruling.of(reload.Request((str(file),)))
