"""Each of Falco's stock rules fires on a real program in a container, and none of them on a container's ordinary life.

The table is stock_rules.yaml. One monitor, as users start it, with the rules file unchanged; one container for the
whole table, another one for what must stay quiet.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import sys
import typing

import click.testing
import pytest
import yaml

from runtime_monitor import cli
from runtime_monitor.rules import ruleset
from runtime_monitor.selftest import container, entry, stage
from tests import stock_rules, waiting
from tests.kernel import able, monitors

pytestmark = [pytest.mark.kernel, stock_rules.needed]

Row = dict[str, typing.Any]

TABLE: list[Row] = yaml.safe_load(pathlib.Path(__file__).with_name("stock_rules.yaml").read_text())
ALONE = [row for row in TABLE if "pod" not in row]
"""Rows that need no cluster."""
PYTHON = os.path.realpath(sys.executable)
IMPORTS = "import ctypes, os, signal, socket\nlibc = ctypes.CDLL(None, use_errno=True)\n"
NAMES = {row["rule"] for row in TABLE}
PATIENCE = 120.0
LOST, ROUNDS = "Events lost", 3
"""Whoever else floods the machine's containers makes the monitor lose events; then what is missing is played again."""
ORDINARY = (
    "ls / | head -n 1; cat /etc/passwd; env; date; id",
    "mkdir -p $HOME/work; echo one > $HOME/work/a; mv $HOME/work/a $HOME/work/b; ln -s b $HOME/work/c; rm $HOME/work/c",
    "echo started >> /var/log/application.log; echo x > /dev/shm/x; rm /dev/shm/x; find $HOME -name '*.conf'",
    "tar cf $HOME/work/archive.tar -C $HOME work; tar xf $HOME/work/archive.tar -C /tmp; grep -r podseal $HOME",
    "(for i in 1 2 3; do sh -c true; done)",
)
"""Lines of a shell: what a job does."""
PROBE = ["-c", "exit 0"]
END = ("exit 0", "shred $HOME/README")
LAST = "Remove Bulk Data from Disk"
"""What ends the quiet container's life, a probe first: once this alert is there, everything before it was judged."""
SERVER = """
import http.server, threading, urllib.request
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/").read()
server.shutdown()
"""


@dataclasses.dataclass(frozen=True)
class Told:
    """The alerts of the stock rules, by container: of the table's, and of the quiet one."""

    table: list[monitors.Alert]
    quiet: list[monitors.Alert]
    quiet_id: str
    recording: pathlib.Path


def _filled(text: str) -> str:
    return text.replace("$PYTHON", PYTHON).replace("$HOME", stage.HOME)


def _shell(made: container.Container, text: str, *, terminal: bool = False) -> None:
    entry.execute(made, ("/bin/sh", "-c", _filled(text)), entry.Streams(terminal=terminal))


def _python(made: container.Container, text: str) -> None:
    entry.execute(made, (PYTHON, "-c", IMPORTS + _filled(text)))


def _play(made: container.Container, row: Row) -> None:
    if "python" in row:
        _python(made, row["python"])
    else:
        _shell(made, row["shell"], terminal=row.get("terminal", False))


def _shows(alert: monitors.Alert, row: Row) -> bool:
    """Whether it is the row's rule, and says all that the row expects."""
    said = alert["output_fields"]
    expected = {name: _filled(str(value)) for name, value in row["seen"].items()}
    return alert["rule"] == row["rule"] and expected.items() <= {name: str(said[name]) for name in said}.items()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What the monitor told while every row was played; whatever is missing, the row's own test says."""
    able.to_load_programs()
    folder = tmp_path_factory.mktemp("monitor")
    recording = folder / "events.jsonl"
    configuration = container.Configuration(image={f"{stage.HOME}/README": b"podseal\n"})
    made = monitors.Monitor(folder, f"--rules={stock_rules.PATH}", f"--record={recording}")
    with (
        monitors.ready(made) as monitor,
        container.running(configuration) as busy,
        container.running(configuration) as quiet,
    ):
        monitor.start()
        for line in ORDINARY:
            _shell(quiet, line)
        _python(quiet, SERVER)
        for _ in range(ROUNDS):
            for row in _missing(_of(busy, monitor)):
                _play(busy, row)
            for line in END:
                _shell(quiet, line)
            with contextlib.suppress(AssertionError):
                waiting.until(lambda: _of(quiet, monitor) and not _missing(_of(busy, monitor)), "all rules", PATIENCE)
            if not any(alert["rule"] == LOST for alert in monitor.alerts()):
                break
        return Told(_of(busy, monitor), _of(quiet, monitor), quiet.id, recording)


def _of(made: container.Container, monitor: monitors.Monitor) -> list[monitors.Alert]:
    """The alerts of the stock rules about a container."""
    alerts = [alert for alert in monitor.alerts() if alert["rule"] in NAMES]
    return [alert for alert in alerts if alert["output_fields"].get("container.id") == made.id[:12]]


def _missing(alerts: list[monitors.Alert]) -> list[Row]:
    """The rows that no alert shows."""
    return [row for row in ALONE if not any(_shows(alert, row) for alert in alerts)]


@pytest.mark.parametrize("row", ALONE, ids=lambda row: row["rule"])
def test_it_fires(told: Told, row: Row) -> None:
    """With what the program did; else `podseal-monitor rules explain --event <recording>` says what was missing."""
    alerts = [alert for alert in told.table if alert["rule"] == row["rule"]]
    assert alerts, f"never; the events are in {told.recording}"
    assert any(_shows(alert, row) for alert in alerts), [alert["output_fields"] for alert in alerts]


def test_ordinary_life_is_quiet(told: Told) -> None:
    """Nothing but what ends it."""
    assert {alert["rule"] for alert in told.quiet} == {LAST}


def test_a_near_miss_is_explained(told: Told, tmp_path: pathlib.Path) -> None:
    """Why the shell of a probe is no terminal shell, by the event that the kernel told."""
    lines = told.recording.read_text().splitlines()
    probe = next(line for line in lines if told.quiet_id in line and json.loads(line).get("proc.argv") == PROBE)
    (tmp_path / "event").write_text(f"{probe}\n")
    arguments = ("explain", str(stock_rules.PATH), "--rule", "Terminal shell in container", "--event")
    result = click.testing.CliRunner().invoke(cli.main, ["rules", *arguments, str(tmp_path / "event")])
    first, *deciding = result.output.splitlines()
    assert first.endswith("execve: does not fire")
    assert "  false proc.tty != 0  (proc.tty is 0)" in deciding


def test_every_rule_has_a_row() -> None:
    """The table and the file name the same rules."""
    loaded = ruleset.load([ruleset.Source(stock_rules.PATH.name, stock_rules.PATH.read_text())])
    assert {rule.name for rule in loaded.rules} == NAMES
