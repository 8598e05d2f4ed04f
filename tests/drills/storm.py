"""A node under a storm of events: a real monitor over the real ring, and a program in a container that makes them.

In: a folder, the storm's rate, rules. Out: a `Node` while the block runs: its metrics, its log, what the spool holds of
the storm's marks. Called by the reload drills. Needs root and a kernel with BTF.

The storm (data/storm.c) numbers its marks: a rename to /storm/<number>, an open of it for reading, a listen.
"""

import collections
import contextlib
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runtime_monitor.alerts import Alert
from runtime_monitor.selftest import container, linux
from runtime_monitor.spool import reader
from tests import waiting
from tests.runtime_monitor import parts

ROOT = Path(__file__).resolve().parents[2]
SOURCE = Path(__file__).parent / "data" / "storm.c"
STOCK = Path(os.environ.get("PODSEAL_FALCO_RULES") or ROOT.parent / "shared/falco/falco_rules.yaml")
PLACE = "/storm"
EVERY = 20
PATIENCE = 300.0
PAGE = 5000
"""Alerts that are read at a time: in a flood they come faster than they are read."""
TOLD = re.compile(r"version=(\d+) mark=(?:/storm/)?(\w+)")
RENAMES, READS, LISTENS = "drill: rename", "drill: read", "drill: listen"
FURTHER = (READS, LISTENS)
"""Rules of the new set alone: the kernel tells nothing of these events while the old set is in force."""


def rules(version: int, *, further: bool) -> str:
    """Rules on the storm's renames, and on its other marks if wanted; their alerts name the version."""
    found = [rule(RENAMES, f"evt.type = rename and fd.name startswith {PLACE}/", "fd.name", version)]
    if further:
        reads = f"evt.type in (open, openat) and evt.is_open_read = true and fd.name startswith {PLACE}/"
        listens = "evt.type = listen and proc.name = storm"
        found += [rule(READS, reads, "fd.name", version), rule(LISTENS, listens, "evt.arg.backlog", version)]
    return "".join(found)


def rule(name: str, condition: str, field: str, version: int) -> str:
    """A rule whose alerts tell the version and a mark."""
    return (
        f"- rule: '{name}'\n  desc: d\n  priority: NOTICE\n"
        f"  condition: {condition}\n  output: version={version} mark=%{field}\n"
    )


class Marks:
    """What the spool holds of the marks: rule -> number -> the versions of the rules that told it."""

    def __init__(self, spool: Path) -> None:
        self._spool = reader.Reader(spool)
        self._last = 0
        self.told: dict[str, dict[int, list[int]]] = {RENAMES: {}, READS: {}, LISTENS: {}}
        self.others: collections.Counter[str] = collections.Counter()
        self.newest = -1
        self.ended = False

    @property
    def versions(self) -> dict[int, int]:
        """Which version told each rename first."""
        return {number: told[0] for number, told in self.told[RENAMES].items()}

    def look(self) -> int:
        """Read on, by a page; the newest version that told a mark."""
        for entry in self._spool.after(self._last, PAGE):
            self._last = entry.seq
            self._take(entry.alert())
        return self.newest

    def _take(self, alert: Alert) -> None:
        if alert.rule not in self.told:
            self.others[alert.rule] += 1
        elif found := TOLD.search(alert.output):
            version, number = found.groups()
            self.newest = int(version)
            if number.isdecimal():
                self.told[alert.rule].setdefault(int(number), []).append(self.newest)
            else:
                self.ended = True


@dataclass(frozen=True)
class Made:
    """What a storm has made."""

    events: int
    marks: int


@dataclass
class Node:
    """A running monitor and the container with the storm."""

    folder: Path
    port: int
    made: container.Container
    program: Sequence[str]
    process: "subprocess.Popen[bytes]" = field(init=False)

    @property
    def spool(self) -> Path:
        """The alerts."""
        return self.folder / "spool.db"

    @property
    def file(self) -> Path:
        """The rules that change."""
        return self.folder / "rules.yaml"

    def start(self) -> None:
        """Start the monitor, and return once it knows the container."""
        stock = (f"--rules={STOCK}",) if STOCK.is_file() else ()
        argv = [*self.program, "run", "--output=none", f"--spool={self.spool}", f"--bpffs={self.folder}/bpf",
                "--node-name=drill", "--kubeconfig=/nowhere", f"--bundles={container.BUNDLES}",
                f"--metrics-bind=127.0.0.1:{self.port}", *stock, f"--rules={self.file}"]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(argv, cwd=ROOT, stderr=log, start_new_session=True)
        prefer(self.process.pid)
        waiting.until(self._knows, "the container to be known", PATIENCE)

    def _knows(self) -> bool:
        assert self.process.poll() is None, self.log()
        with contextlib.suppress(OSError):
            return self.metrics()["containers_running"] >= 1
        return False

    def change(self, text: str) -> None:
        """Other rules, as an editor writes them: a new file takes the name."""
        part = self.folder / "rules.part"
        part.write_text(text)
        part.replace(self.file)

    def hang_up(self) -> None:
        """Ask for the rules to be loaded anew."""
        self.process.send_signal(signal.SIGHUP)

    def log(self) -> str:
        """What the monitor has logged."""
        return (self.folder / "log").read_text()

    def metrics(self) -> dict[str, float]:
        """Every sample of GET /metrics, without the prefix."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        samples = (line.rpartition(" ") for line in lines if line.startswith("podseal_monitor_"))
        return {name.removeprefix("podseal_monitor_"): float(value) for name, _, value in samples}

    def begin(self) -> None:
        """Let the storm begin."""
        os.write(self.made.stdin, b"\n")

    def newest_mark(self) -> int:
        """The number of the storm's last rename, as the host sees it."""
        names = os.listdir(self.made.root / PLACE.lstrip("/"))  # noqa: PTH208 -- names alone are wanted
        return max((int(name) for name in names if name.isdecimal()), default=0)

    def end(self) -> Made:
        """End the storm."""
        told = self.made.folder / "volume" / "made"
        os.kill(self.made.pid, signal.SIGTERM)
        waiting.until(told.exists, "the storm to end", PATIENCE)
        return Made(*map(int, told.read_text().split()))


@contextlib.contextmanager
def running(folder: Path, rate: int, *, every: int = EVERY, program: Sequence[str] = ()) -> Iterator[Node]:
    """A monitor that knows the container, with the stock rules and those of the first version; no storm yet.

    `program` runs in place of `podseal-monitor`.
    """
    (folder / "bpf").mkdir()
    linux.mount("bpf", str(folder / "bpf"), "bpf", options="mode=0700")
    with contextlib.ExitStack() as stack:
        stack.callback(linux.unmount, str(folder / "bpf"))
        storm = f"read -r line; exec {container.VOLUME}/storm {rate} {every} {PLACE} {container.VOLUME}/made"
        made = stack.enter_context(container.running(container.Configuration(("/bin/sh", "-c", storm))))
        build(made.folder / "volume" / "storm")
        node = Node(
            folder, parts.free_port(), made, program or (str(Path(sys.executable).with_name("podseal-monitor")),)
        )
        node.change(rules(0, further=False))
        node.start()
        try:
            yield node
        finally:
            node.process.kill()
            node.process.wait()


def build(path: Path) -> None:
    """Compile the storm."""
    subprocess.run([sys.executable, "-m", "ziglang", "cc", "-O2", "-o", str(path), str(SOURCE)], check=True)


def prefer(pid: int) -> None:
    """One core is what a sensor asks for: the machine's other work must not take it away (sched(7), autogroup)."""
    os.setpriority(os.PRIO_PROCESS, pid, -20)
    with contextlib.suppress(FileNotFoundError):
        Path(f"/proc/{pid}/autogroup").write_text("-20")
