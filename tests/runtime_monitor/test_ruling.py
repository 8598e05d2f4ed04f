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
    found = ruling.Ruling.of(reload.Request((str(file),), own=False))
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
    alone = ruling.Ruling.of(reload.Request((), own=False))
    own = _fired(alone, **written)
    assert own
    assert _fired(judges, **written) == [*own, "one"]


def test_a_changed_file_is_loaded_anew(judges: ruling.Ruling, file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With what differs on recent events."""
    caplog.set_level(logging.INFO)
    assert _fired(judges, fd__name="/two") == []
    file.write_text(given.rule("two", "evt.type = openat and fd.name = /two") + given.rule("x", "evt.type = openat"))
    _until_logged(judges, caplog, "2 rules in force, loaded anew")
    assert "fired nothing, now two" in caplog.text
    assert _fired(judges, fd__name="/two") == ["two"]


def test_a_broken_file_is_told_and_changes_nothing(
    judges: ruling.Ruling, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With its place."""
    file.write_text("- rule: [")
    judges.ask()
    _until_logged(judges, caplog, "the rules stay as they were")
    assert f"{file}:2:1: error: is no YAML" in caplog.text
    assert _fired(judges, fd__name="/one") == ["one"]


def test_without_a_watch_only_a_signal_reloads(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """watch_config_files: false."""
    caplog.set_level(logging.INFO)
    with contextlib.closing(ruling.Ruling.of(reload.Request((str(file),), own=False), watch=False)) as judges:
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
        ruling.Ruling.of(reload.Request((str(file),), own=False))
