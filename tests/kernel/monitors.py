"""`podseal-monitor run` as users start it, with a BPF file system, a spool and lines of its own.

In: an empty folder, and options of `run`. Out: `Monitor`: started, killed, stopped; its alerts. Called by the tests of
this folder and of tests/cluster/monitor.
"""

import collections.abc
import contextlib
import json
import pathlib
import subprocess
import sys
import typing

from runtime_monitor.selftest import container, linux
from tests import waiting

PROGRAM = pathlib.Path(sys.executable).with_name("podseal-monitor")

Alert = dict[str, typing.Any]


class Monitor:
    """The command, which may be started more than once."""

    def __init__(self, folder: pathlib.Path, *options: str) -> None:
        self.bpffs = folder / "bpf"
        self.log = folder / "log"
        self._options = options
        self._lines = folder / "alerts"
        self._spool = folder / "spool.db"
        self._told: list[Alert] = []
        self._position = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it watches."""
        before = self._starts()
        argv = (
            *(str(PROGRAM), "run", "--output=json", "--metrics-bind=", "--page-bind="),
            *(f"--bundles={container.BUNDLES}", f"--spool={self._spool}", f"--bpffs={self.bpffs}", *self._options),
        )
        with self._lines.open("ab") as out, self.log.open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=out, stderr=log)
        waiting.until(lambda: self._starts() > before, f"the monitor's start, see {self.log}", 60)

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """As a service manager does."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)

    def alerts(self) -> list[Alert]:
        """Every alert so far; each line is read once, and the last one may be in the making."""
        if self._lines.exists():
            with self._lines.open("rb") as file:
                file.seek(self._position)
                lines = file.read().split(b"\n")
            self._told += [json.loads(line) for line in lines[:-1]]
            self._position += sum(len(line) + 1 for line in lines[:-1])
        return list(self._told)

    def _starts(self) -> int:
        return sum(alert["rule"] == "Monitor started" for alert in self.alerts())


AnyMonitor = typing.TypeVar("AnyMonitor", bound=Monitor)


@contextlib.contextmanager
def ready(made: AnyMonitor) -> collections.abc.Iterator[AnyMonitor]:
    """The monitor, not yet started; its programs are gone with its BPF file system."""
    made.bpffs.mkdir()
    linux.mount("bpf", str(made.bpffs), "bpf", options="mode=0700")
    try:
        yield made
    finally:
        made.stop()
        linux.unmount(str(made.bpffs))
