"""A monitor that is killed: what happens meanwhile is told by the next one, and so is the gap itself."""

import collections.abc
import pathlib
import subprocess

import pytest

from runtime_monitor.selftest import container, entry
from tests import waiting
from tests.kernel import able, monitors

pytestmark = pytest.mark.kernel

WRITE = "Root file system changed by the workload"


def _wait_for_write(monitor: monitors.Monitor, name: str) -> monitors.Alert:
    """The alert of a write to this path."""

    def found() -> list[monitors.Alert]:
        writes = [alert for alert in monitor.alerts() if alert["rule"] == WRITE]
        return [alert for alert in writes if alert["output_fields"].get("fd.name") == name]

    waiting.until(found, f"the alert of {name}, see {monitor.log}", 60)
    return found()[0]


@pytest.fixture
def monitor(tmp_path: pathlib.Path) -> collections.abc.Iterator[monitors.Monitor]:
    """A monitor, not yet started."""
    able.to_load_programs()
    with monitors.ready(monitors.Monitor(tmp_path)) as made:
        yield made


def test_what_happens_between_kill_and_restart_is_told(monitor: monitors.Monitor) -> None:
    """The programs outlive the process that loaded them: a write that nobody watched waits for the next one."""
    with container.running() as made:
        monitor.start()
        entry.call(made, pathlib.Path("/watched").touch)
        assert _wait_for_write(monitor, "/watched")["output_fields"]["container.name"] == container.NAME
        monitor.kill()
        entry.call(made, pathlib.Path("/not-watched").touch)
        monitor.start()
        told = _wait_for_write(monitor, "/not-watched")
        assert told["output_fields"]["container.name"] == container.NAME
        rules = [alert["rule"] for alert in monitor.alerts()]
    assert rules.count("Monitor was not running") == 1, rules


def test_a_second_monitor_is_refused(monitor: monitors.Monitor) -> None:
    """With one line, and without disturbing the first."""
    monitor.start()
    argv = [
        str(monitors.PROGRAM),
        "run",
        "--metrics-bind=",
        f"--bpffs={monitor.bpffs}",
        f"--spool={monitor.bpffs.parent}/second.db",
    ]
    second = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert second.returncode == 2
    assert second.stderr.splitlines()[-1].startswith("Error: ")
    with container.running() as made:
        entry.call(made, pathlib.Path("/still-watched").touch)
        _wait_for_write(monitor, "/still-watched")
