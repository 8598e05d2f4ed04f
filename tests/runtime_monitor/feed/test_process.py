"""The feed's process: it delivers, opens files anew, and loses nothing when it is killed."""

import json
import pathlib
import signal
import subprocess
import sys

import pytest

from runtime_monitor.spool.writer import Writer
from tests import waiting
from tests.runtime_monitor import generated
from tests.runtime_monitor.feed import feeds


def ids(path: pathlib.Path) -> list[str]:
    """The ids of the alerts in a file of JSON lines."""
    text = path.read_text() if path.exists() else ""
    return [json.loads(line)["output_fields"]["podseal.alert_id"] for line in text.splitlines() if line.endswith("}")]


def test_files_are_opened_anew_on_sigusr1(tmp_path: pathlib.Path) -> None:
    """As logrotate asks for it."""
    path = tmp_path / "alerts"
    writer = Writer(tmp_path / "spool.db")
    writer.append(generated.stream(5))
    with feeds.feed(tmp_path, outputs=[{"type": "file", "path": str(path)}]) as feed:
        waiting.until(lambda: len(ids(path)) == 5, "the first alerts")
        path.rename(tmp_path / "moved")
        feed.process.send_signal(signal.SIGUSR1)
        waiting.until(lambda: feed.get("/healthz").status == 200, "the signal to be handled")
        writer.append(generated.stream(5, start=5))
        waiting.until(lambda: len(ids(path)) == 5, "the others in a new file")
    assert ids(tmp_path / "moved") + ids(path) == [alert.id for alert in generated.stream(10)]
    writer.close()


@pytest.mark.slow
def test_killed_at_any_point_it_loses_nothing(tmp_path: pathlib.Path) -> None:
    """Some alerts may come twice, each with its own id."""
    path = tmp_path / "alerts"
    writer = Writer(tmp_path / "spool.db")
    total = 0
    for _ in range(8):
        with feeds.feed(tmp_path, outputs=[{"type": "file", "path": str(path)}]) as feed:
            writer.append(generated.stream(300, start=total))
            total += 300
            waiting.until(lambda: len(ids(path)) > total - 300, "some of the new alerts")  # noqa: B023 -- at once
            feed.kill()
    with feeds.feed(tmp_path, outputs=[{"type": "file", "path": str(path)}]) as feed:
        waiting.until(lambda: len(set(ids(path))) == total, "all alerts")
    first_times = list(dict.fromkeys(ids(path)))
    assert first_times == [alert.id for alert in generated.stream(total)]
    writer.close()


def test_without_a_page_it_delivers_and_ends(tmp_path: pathlib.Path) -> None:
    """`listen: null`, as `--bind off` sets it."""
    path = tmp_path / "alerts"
    writer = Writer(tmp_path / "spool.db")
    writer.append(generated.stream(5))
    tree = {
        "spool": str(tmp_path / "spool.db"),
        "state": str(tmp_path / "state"),
        "listen": None,
        "outputs": [{"type": "file", "path": str(path)}],
    }
    (tmp_path / "feed.yaml").write_text(json.dumps(tree))
    command = [sys.executable, "-m", "tests.runtime_monitor.feed.feeds", str(tmp_path / "feed.yaml")]
    with subprocess.Popen(command, cwd=feeds.ROOT) as process:
        waiting.until(lambda: len(ids(path)) == 5, "the alerts")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    writer.close()
