"""What falco.yaml wants of a node."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime_monitor import following, ruling
from runtime_monitor.falco_yaml.tree import FalcoYamlError
from runtime_monitor.feed import settings
from runtime_monitor.following import Following
from runtime_monitor.listener import Listener
from tests import waiting
from tests.runtime_monitor.rules import given


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    """The log as pytest has it, again after the test."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def falco_yaml(tmp_path: Path) -> Path:
    """A falco.yaml with one rules file, and one that is not there."""
    (tmp_path / "rules.yaml").write_text(
        given.rule("one", "evt.type = openat") + given.rule("two", "evt.type = openat")
    )
    path = tmp_path / "falco.yaml"
    path.write_text(f"rules_files: [{tmp_path}/rules.yaml, {tmp_path}/local.yaml]\nstdout_output: {{enabled: true}}\n")
    return path


def test_the_command_line_s_rules_come_after_those_of_falco_yaml(falco_yaml: Path, tmp_path: Path) -> None:
    """Which may be missing; the file itself is watched too."""
    request = Following(falco_yaml, ("priority=notice",), ("mine.yaml",)).request()
    assert request.paths == ("mine.yaml",)
    assert request.optional == (f"{tmp_path}/rules.yaml", f"{tmp_path}/local.yaml")
    assert request.watched == (str(falco_yaml),)
    assert request.priority.label == "Notice"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ((), [Listener("127.0.0.1", 1)]),
        (
            ("webserver.enabled=true", "webserver.listen_address=::1", "webserver.k8s_healthz_endpoint=/live"),
            [Listener("127.0.0.1", 1), Listener("::1", 8765, metrics=False, healthz="/live")],
        ),
    ],
)
def test_falco_s_web_server_is_one_more_listener(changes: tuple[str, ...], expected: list[Listener]) -> None:
    """Beside that of --metrics-bind, where there is one."""
    wanted = Following(None, changes, ())
    assert list(wanted.listeners(("127.0.0.1", 1))) == expected
    assert list(wanted.listeners(None)) == expected[1:]


@pytest.mark.parametrize(
    ("changes", "output", "expected"),
    [
        ((), None, [("stdout", "text")]),
        (("json_output=true",), None, [("stdout", "json")]),
        (("json_output=true",), "text", [("stdout", "text")]),
        (("stdout_output.enabled=false",), None, []),
        (
            ("stdout_output.enabled=false", "syslog_output.enabled=true"),
            "json",
            [("stdout", "json"), ("syslog", "text")],
        ),
    ],
)
def test_the_feed_has_falco_s_outputs(
    changes: tuple[str, ...], output: str | None, expected: list[tuple[str, str]]
) -> None:
    """The form that the command line asks for is above the file."""
    tree = Following(None, changes, ()).feed(Path("/x/spool.db"), ("::1", 9480), output)
    assert [(each["type"], each["format"]) for each in tree["outputs"]] == expected
    assert (tree["state"], tree["listen"]) == ("/x/feed", {"address": "[::1]:9480"})
    assert Following(None, (), ()).feed(Path("/x/spool.db"), None, None)["listen"] is None


@pytest.mark.parametrize(
    ("level", "expected"),
    [("emergency", "error"), ("error", "error"), ("warning", "warning"), ("notice", "info"), ("debug", "debug")],
)
def test_the_log_is_falco_yaml_s(level: str, expected: str) -> None:
    """Its level, in both processes; standard error or nothing."""
    wanted = Following(None, (f"log_level={level}", "log_stderr=false"), ())
    assert [type(handler) for handler in logging.getLogger().handlers] == [logging.NullHandler]
    tree = wanted.feed(Path("/x/spool.db"), None, None)
    assert settings.Settings(log_level=tree["log_level"]).log_level == expected


def test_syslog_is_spoken_where_it_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without one has the other log alone."""
    monkeypatch.setattr(following, "SYSLOG", tmp_path / "none")
    Following(None, ("log_syslog=true",), ())
    assert [type(handler) for handler in logging.getLogger().handlers] == [logging.StreamHandler]


def test_outputs_that_nobody_opens_are_told(caplog: pytest.LogCaptureFixture) -> None:
    """Lines on standard output are nobody's to miss."""
    wanted = Following(None, ("syslog_output.enabled=true",), ())
    logging.getLogger().addHandler(caplog.handler)
    wanted.tell_of_outputs()
    assert "syslog_output: with --output none they are outputs of `podseal-monitor feed`" in caplog.text
    caplog.clear()
    Following(None, (), ()).tell_of_outputs()
    assert caplog.text == ""


def test_what_cannot_be_used_does_not_start(tmp_path: Path) -> None:
    """One line says why."""
    with pytest.raises(FalcoYamlError, match="No such file"):
        Following(tmp_path / "none", (), ())


def test_a_changed_falco_yaml_counts_at_once_for_rules(falco_yaml: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What else has changed is told to wait; a broken file changes nothing."""
    wanted = Following(falco_yaml, (), ())
    logging.getLogger().addHandler(caplog.handler)
    found = ruling.Ruling.of(wanted.request(), renew=wanted.renewed)
    with contextlib.closing(found) as judges:

        def until(text: str) -> None:
            def logged() -> bool:
                judges.between()
                return text in caplog.text

            waiting.until(logged, f"the log says {text!r}", 120)

        event = given.event("openat")
        assert [alert.rule for alert in judges.judge(event)] == ["one"]
        before = falco_yaml.read_text()
        falco_yaml.write_text(f"{before}rule_matching: all\njson_output: true\nnonsense: 1\n")
        until("loaded anew")
        assert [alert.rule for alert in judges.judge(event)] == ["one", "two"]
        assert "outputs, web server or log have changed" in caplog.text
        assert "nonsense is not followed" in caplog.text
        caplog.clear()
        falco_yaml.write_text("priority: loud")
        until("what it said before stays in force")
        until("loaded anew")
        assert [alert.rule for alert in judges.judge(event)] == ["one", "two"]
