"""A monitor that runs as its users start it, on a BPF file system and with a spool of its own."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from runtime_monitor.selftest import linux
from tests import waiting
from tests.kernel import able


@dataclass
class Monitor:
    """`podseal-monitor run` in `folder`; several starts share the spool."""

    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(
        self, *options: str, under: tuple[str, ...] = (), form: tuple[str, ...] = ("--output=json",)
    ) -> subprocess.Popen[str]:
        """Start it, by another program where one is given; its lines go to files."""
        number = len(self.started)
        argv = [*under, str(Path(sys.executable).with_name("podseal-monitor")), "run", *form,
                "--metrics-bind=", "--page-bind=",
                f"--spool={self.folder}/spool.db", f"--bpffs={self.folder}/bpf", "--node-name=node-1",
                f"--bundles={self.folder}/bundles", "--kubeconfig=/nowhere", *options]  # fmt: skip
        with (self.folder / f"out{number}").open("wb") as out, (self.folder / f"log{number}").open("wb") as log:
            process = subprocess.Popen(argv, stdout=out, stderr=log, text=True)
        self.started.append(process)
        return process

    def printed(self, number: int = 0) -> str:
        """What the start of this number has printed."""
        return (self.folder / f"out{number}").read_text()

    def log(self, number: int = 0) -> str:
        """What it has logged."""
        return (self.folder / f"log{number}").read_text()

    def await_line(self, text: str, number: int = 0) -> None:
        """Wait until it has printed a text."""
        waiting.until(lambda: text in self.printed(number) or self._died(number), f"{text!r} of the monitor")
        assert text in self.printed(number), self.log(number)

    def _died(self, number: int) -> bool:
        return self.started[number].poll() is not None


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[Monitor]:
    """A monitor that is yet to be started; gone after the test."""
    able.to_load_programs()
    (tmp_path / "bpf").mkdir()
    (tmp_path / "bundles").mkdir()
    linux.mount("bpf", str(tmp_path / "bpf"), "bpf", options="mode=0700")
    made = Monitor(tmp_path)
    try:
        yield made
    finally:
        for process in made.started:
            process.kill()
            process.wait()
        linux.unmount(str(tmp_path / "bpf"))
