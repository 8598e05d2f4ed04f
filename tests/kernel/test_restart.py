"""A monitor that is killed: what happens meanwhile is told by the next one, and so is the gap itself."""

import collections.abc
import json
import pathlib
import subprocess
import sys
import typing

import pytest

from runtime_monitor.selftest import container, entry, linux
from tests import waiting
from tests.kernel import able

pytestmark = pytest.mark.kernel

WRITE = "Root file system changed by the workload"
PROGRAM = pathlib.Path(sys.executable).with_name("podseal-monitor")


class Monitor:
    """`podseal-monitor run` with a BPF file system, a spool and lines of its own."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.bpffs = folder / "bpf"
        self._lines = folder / "alerts"
        self._log = folder / "log"
        self._spool = folder / "spool.db"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it watches."""
        before = self._count("Monitor started")
        argv = (
            *(str(PROGRAM), "run", "--output=json", "--metrics-bind=", f"--bundles={container.BUNDLES}"),
            *(f"--spool={self._spool}", f"--bpffs={self.bpffs}"),
        )
        with self._lines.open("ab") as out, self._log.open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=out, stderr=log)
        waiting.until(lambda: self._count("Monitor started") > before, f"the monitor's start, see {self._log}", 60)

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """As a service manager does."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)

    def alerts(self) -> list[dict[str, typing.Any]]:
        """Every alert so far; the last line may be in the making."""
        text = self._lines.read_text() if self._lines.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def wait_for_write(self, name: str) -> dict[str, typing.Any]:
        """The alert of a write to this path."""

        def found() -> list[dict[str, typing.Any]]:
            return [
                alert
                for alert in self.alerts()
                if alert["rule"] == WRITE and alert["output_fields"].get("fd.name") == name
            ]

        waiting.until(found, f"the alert of {name}, see {self._log}", 60)
        return found()[0]

    def _count(self, rule: str) -> int:
        return sum(alert["rule"] == rule for alert in self.alerts())


@pytest.fixture
def monitor(tmp_path: pathlib.Path) -> collections.abc.Iterator[Monitor]:
    """A monitor, not yet started; its programs are gone with its BPF file system."""
    able.to_load_programs()
    made = Monitor(tmp_path)
    made.bpffs.mkdir()
    linux.mount("bpf", str(made.bpffs), "bpf", options="mode=0700")
    try:
        yield made
    finally:
        made.stop()
        linux.unmount(str(made.bpffs))


def test_what_happens_between_kill_and_restart_is_told(monitor: Monitor) -> None:
    """The programs outlive the process that loaded them: a write that nobody watched waits for the next one."""
    with container.running() as made:
        monitor.start()
        entry.call(made, pathlib.Path("/watched").touch)
        assert monitor.wait_for_write("/watched")["output_fields"]["container.name"] == container.NAME
        monitor.kill()
        entry.call(made, pathlib.Path("/not-watched").touch)
        monitor.start()
        told = monitor.wait_for_write("/not-watched")
        assert told["output_fields"]["container.name"] == container.NAME
        rules = [alert["rule"] for alert in monitor.alerts()]
    assert rules.count("Monitor was not running") == 1, rules


def test_a_second_monitor_is_refused(monitor: Monitor) -> None:
    """With one line, and without disturbing the first."""
    monitor.start()
    argv = [
        str(PROGRAM),
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
        monitor.wait_for_write("/still-watched")
