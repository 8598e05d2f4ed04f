"""`podseal-monitor alerts`, with a real feed."""

import io
import json
import os
import pathlib
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from runtime_monitor.commands import alerts
from runtime_monitor.spool.writer import Writer
from tests import waiting
from tests.runtime_monitor import generated, parts
from tests.runtime_monitor.feed import feeds

MAIN = "import sys; from runtime_monitor.cli import main; sys.argv[0] = 'podseal-monitor'; main()"


@pytest.fixture
def writer(tmp_path: pathlib.Path) -> Iterator[Writer]:
    """The sensor's end, with 30 alerts and hostile ones written."""
    made = Writer(tmp_path / "spool.db")
    made.append([*generated.stream(30), *generated.hostile()])
    yield made
    made.close()


def command(*arguments: str) -> list[str]:
    """The command line."""
    return [sys.executable, "-c", MAIN, "alerts", *arguments]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end, with pipes."""
    return subprocess.run(command(*arguments), cwd=feeds.ROOT, capture_output=True, text=True, check=False, timeout=60)


def test_in_a_pipe_it_is_plain(tmp_path: pathlib.Path, writer: Writer) -> None:
    """A line an alert, hostile ones too; filters choose."""
    del writer
    with feeds.feed(tmp_path) as feed:
        shown = run("--url", feed.url, "--no-follow", "--lines", "100")
        assert shown.returncode == 0, shown.stderr
        assert len(shown.stdout.splitlines()) == shown.stdout.count("\n") == 40
        assert "\x1b" not in shown.stdout
        filtered = run("--url", feed.url, "--no-follow", "-n", "shop", "--priority", "error", "-o", "json")
        found = [json.loads(line) for line in filtered.stdout.splitlines()]
        assert found
        assert {each["output_fields"]["k8s.ns.name"] for each in found} == {"shop"}
        assert {each["priority"] for each in found} <= {"Error", "Critical"}


def test_it_follows_and_comes_back(tmp_path: pathlib.Path, writer: Writer) -> None:
    """Each alert once, also over a restart of the feed."""
    port = parts.free_port()
    with feeds.feed(tmp_path, port=port) as feed:
        arguments = command("--url", feed.url, "--lines", "0", "-o", "json")
        with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
            following = subprocess.Popen(arguments, cwd=feeds.ROOT, stdout=out, stderr=err)
        waiting.until(lambda: feed.metric("stream_clients") == 1, "it to follow")
        writer.append(generated.stream(5, start=100))
        waiting.until(lambda: (tmp_path / "out").read_text().count("\n") == 5, "the first alerts")
    waiting.until(lambda: "waiting for it to come back" in (tmp_path / "err").read_text(), "the loss to be told")
    writer.append(generated.stream(5, start=105))
    with feeds.feed(tmp_path, port=port):
        waiting.until(lambda: (tmp_path / "out").read_text().count("\n") == 10, "the others")
        following.send_signal(signal.SIGINT)
        assert following.wait(60) == 0
    lines = (tmp_path / "out").read_text().splitlines()
    assert [json.loads(line)["output_fields"]["podseal.alert_id"] for line in lines] == [
        alert.id for alert in generated.stream(10, start=100)
    ]


def test_in_a_terminal_it_has_colours(tmp_path: pathlib.Path, writer: Writer) -> None:
    """Unless NO_COLOR is set; a hostile name has none of its own."""
    del writer
    with feeds.feed(tmp_path) as feed:
        for variables, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
            above, below = pty.openpty()
            with subprocess.Popen(
                command("--url", feed.url, "--no-follow"), cwd=feeds.ROOT, stdout=below, env={**os.environ, **variables}
            ) as process:
                os.close(below)
                shown = b""
                while chunk := _read(above):
                    shown += chunk
            os.close(above)
            assert process.returncode == 0
            assert (b"\x1b[1;31mCritical" in shown or b"\x1b[1;31m" in shown) is coloured
            assert b"\x1b[31mred" not in shown


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end of a terminal was closed
        return b""


def test_what_goes_wrong_is_one_line(tmp_path: pathlib.Path, writer: Writer) -> None:
    """Nobody there; a token is wanted; a filter is none."""
    del writer
    nobody = run("--url", f"http://127.0.0.1:{parts.free_port()}")
    assert nobody.returncode == 1
    assert "does `podseal-monitor feed` run there?" in nobody.stderr
    (tmp_path / "tokens").write_text("secret\n")
    with feeds.feed(tmp_path, listen={"token_file": str(tmp_path / "tokens")}) as feed:
        refused = run("--url", feed.url)
        assert "HTTP 401" in refused.stderr
        assert "give --token-file FILE" in refused.stderr
        good = run("--url", feed.url, "--token-file", str(tmp_path / "tokens"), "--no-follow")
        assert good.returncode == 0
    assert CliRunner().invoke(alerts.command, ["--priority", "grave"]).exit_code == 2


@pytest.mark.parametrize("number", range(len(generated.HOSTILE)))
def test_a_line_is_a_line(number: int) -> None:
    """Of text and of JSON."""
    for form in ("text", "json"):
        stream = io.StringIO()
        alerts.Printer(stream, form, coloured=False).alert(generated.hostile()[number].as_falco())
        assert len(stream.getvalue().splitlines()) == 1
