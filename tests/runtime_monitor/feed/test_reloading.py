"""A configuration that changes while the feed runs: outputs come, change and go, and no alert is lost."""

import json
import pathlib
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from runtime_monitor.feed import reloading
from runtime_monitor.feed.reloading import Reloading, Source
from runtime_monitor.feed.settings import Settings, SettingsError
from runtime_monitor.spool.writer import Writer
from tests import waiting
from tests.runtime_monitor import generated
from tests.runtime_monitor.feed import feeds

PATIENCE = 120.0


@pytest.fixture
def writer(tmp_path: pathlib.Path) -> Iterator[Writer]:
    """The sensor's end."""
    made = Writer(tmp_path / "spool.db")
    yield made
    made.close()


def to_file(folder: pathlib.Path, name: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 -- an output's settings
    """An output to a file of its own."""
    return {"type": "file", "name": name, "path": str(folder / name), **more}


def ids(path: pathlib.Path) -> list[str]:
    """The ids of the alerts in a file of JSON lines."""
    text = path.read_text() if path.exists() else ""
    return [json.loads(line)["output_fields"]["podseal.alert_id"] for line in text.splitlines() if line.endswith("}")]


def configure(folder: pathlib.Path, outputs: list[dict[str, Any]]) -> None:
    """Write the feed's configuration with other outputs, whole at once."""
    tree = yaml.safe_load((folder / "feed.yaml").read_text()) | {"outputs": outputs}
    (folder / "feed.yaml.new").write_text(yaml.safe_dump(tree))
    (folder / "feed.yaml.new").rename(folder / "feed.yaml")


def test_outputs_come_change_and_go(tmp_path: pathlib.Path, writer: Writer) -> None:
    """By the file alone; one that stays notices nothing, one that is changed goes on where it was, each alert once."""
    stays, changes = to_file(tmp_path, "stays"), to_file(tmp_path, "changes")
    whole = [alert.id for alert in generated.stream(200)]
    with feeds.feed(tmp_path, outputs=[stays, changes]) as feed:
        for number in range(10):
            writer.append(generated.stream(20, start=20 * number))
            altered = {**changes, "limit": {"per_second": 1000 + number, "burst": 1000}}
            configure(tmp_path, [stays, altered, *([to_file(tmp_path, "comes")] if number % 2 else [])])
            told = feed.log.read_text().count("in force")
            feed.process.send_signal(signal.SIGHUP)
            waiting.until(lambda: feed.log.read_text().count("in force") > told, "the reload", PATIENCE)  # noqa: B023 -- at once
        for name in ("stays", "changes", "comes"):
            waiting.until(lambda: len(ids(tmp_path / name)) >= len(whole), name, PATIENCE)  # noqa: B023 -- at once
    for name in ("stays", "changes", "comes"):
        assert ids(tmp_path / name) == whole


def test_a_broken_file_leaves_the_old_in_force(tmp_path: pathlib.Path, writer: Writer) -> None:
    """And says why, whether it is no configuration or not there."""
    own = to_file(tmp_path, "own")
    with feeds.feed(tmp_path, outputs=[own]) as feed:
        configure(tmp_path, [own, {"type": "pigeon"}])
        waiting.until(lambda: "'pigeon' is none of" in feed.log.read_text(), "the broken file", PATIENCE)
        (tmp_path / "feed.yaml").unlink()
        waiting.until(lambda: "No such file" in feed.log.read_text(), "the missing file", PATIENCE)
        writer.append(generated.stream(5))
        waiting.until(lambda: len(ids(tmp_path / "own")) == 5, "the old output", PATIENCE)
        assert "Traceback" not in feed.log.read_text()


def test_what_takes_a_restart_is_said(tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture) -> None:
    """Another address or spool is not in force, and is not passed over in silence."""
    caplog.set_level("INFO")
    settings = [Settings(spool="other")]
    made = Reloading(Source(tmp_path / "feed.yaml", lambda: settings[0]), Settings(), lambda outputs: (len(outputs), 0))
    made.start()
    made.ask()
    waiting.until(lambda: any("of spool a restart takes notice" in each for each in caplog.messages), "it", PATIENCE)
    made.stop()


def test_an_unchanged_file_is_read_once(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken one too: it is told once, not each second."""
    monkeypatch.setattr(reloading, "SECONDS_BETWEEN_LOOKS", 0.001)
    path = tmp_path / "feed.yaml"
    path.write_text("1")
    read = []

    def fail() -> Settings:
        read.append(path.read_text())
        raise SettingsError("broken")

    made = Reloading(Source(path, fail), Settings(), lambda _: (0, 0))
    made.start()
    for text in ("22", "333"):
        path.write_text(text)
        waiting.until(lambda: text in read, "the change to be seen", PATIENCE)  # noqa: B023 -- at once
    made.stop()
    assert len(read) <= 2 * 2, "written over, a file may be seen empty first"
