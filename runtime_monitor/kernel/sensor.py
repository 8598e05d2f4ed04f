"""The sensor: programs in the kernel on one side, Events on the other.

In: `Settings`. Out: `Sensor`, a context manager: `poll` gives Events in batches, `watch_root` tells the kernel of a
container, `losses` counts what could not be told, `tampered` says what somebody else has changed, `describe` is the one
line for the log. Called by `pipeline` and `selftest`.
"""

import os
import platform
import select
import struct
import time
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from runtime_monitor.bpf import build
from runtime_monitor.events import Event
from runtime_monitor.kernel import calls, machine, open_filter, roots
from runtime_monitor.kernel.arguments import Arguments
from runtime_monitor.kernel.decode import Origin, decode, kernel_device
from runtime_monitor.kernel.gaps import Gaps
from runtime_monitor.kernel.idle import Idle
from runtime_monitor.kernel.libbpf import library
from runtime_monitor.kernel.open_filter import Tables
from runtime_monitor.kernel.programs import Programs, Sources
from runtime_monitor.kernel.ring import Ring
from runtime_monitor.kernel.roots import Root
from runtime_monitor.kernel.summaries import Summaries
from runtime_monitor.kernel.tiers import Tier

_TALLY: Final = struct.Struct("4Q")
BPFFS: Final = Path("/sys/fs/bpf")
PINNED: Final = BPFFS / "podseal"
"""Where a monitor keeps its programs and maps, so that the next one adopts them."""
GATHER_SECONDS: Final = 0.002
"""How long `poll` lets further events gather after the first."""
BATCH: Final = 1024
"""Most events that one `poll` returns: with an alert for each they take a tenth of a second to the disk."""


def ring_size(cpus: int) -> int:
    """Bytes of the ring: 2 MiB a CPU, as a power of two between 8 and 64 MiB; a record takes about 400 bytes."""
    return min(64 << 20, max(8 << 20, 1 << (cpus * (2 << 20) - 1).bit_length()))


@dataclass(frozen=True)
class Settings:
    """How the sensor works.

    `event_types` and `opens`: what the rules at the start ask for (`Sensor.narrow`); by default what podseal itself
    lives by, every change of a container's root. `tier` None: the best that the kernel permits.
    `pinned` None: a private sensor, which leaves nothing behind and may run beside another one.
    """

    node: str = field(default_factory=platform.node)
    ring_bytes: int = field(default_factory=lambda: ring_size(os.cpu_count() or 1))
    event_types: frozenset[str] = frozenset()
    opens: Tables = open_filter.CHANGES
    tier: Tier | None = None
    pinned: Path | None = None
    objects: Path = build.OBJECTS
    bpffs: Path = BPFFS


@dataclass(frozen=True)
class Losses:
    """Events that could not be told, since the programs were loaded, over all CPUs.

    `skipped_runs`: the kernel runs no program while the same one runs on the CPU, which preemption can bring about.
    """

    ring_full: int = 0
    no_scratch: int = 0
    skipped_runs: int = 0
    undecodable: int = 0


class Sensor:
    """Programs in the kernel, and the reader of their ring; made by `Sensor.open`.

    `left_out` counts events whose argument led to another file system than the container's root; `highest` is the most
    bytes that a poll has found in the ring.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.origin = Origin(
            node=settings.node,
            boot=Path("/proc/sys/kernel/random/boot_id").read_text()[:8],
            epoch=time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME),
        )
        self.host = machine.host()
        self._resources = ExitStack()
        self._arguments = Arguments()
        self._summaries = Summaries()
        self.left_out = 0
        self.highest = 0
        self._undecodable = 0
        self._event_types = settings.event_types
        self._read = 0
        self._gaps = Gaps(self._lost_on)

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Load and attach; containers that run already are found by their processes. Raises `KernelError`."""
        machine.require()
        machine.mount_bpffs(settings.bpffs)
        sensor = cls(settings)
        try:
            sensor._load()
        except BaseException:
            sensor.close()
            raise
        return sensor

    def _load(self) -> None:
        sources = Sources(
            objects=self.settings.objects,
            bpffs=self.settings.bpffs,
            pinned=self.settings.pinned,
            constants=self._constants(),
            switches=calls.switches(self.settings.event_types),
            opens=self.settings.opens,
            ring_bytes=self.settings.ring_bytes,
        )
        self.programs = Programs(sources, self.settings.tier)
        self._resources.callback(self.programs.close)
        self.tier = self.programs.tier
        self.idle = Idle(self.programs.descriptor("sweep"))
        self._tallies = self.programs.map("tallies", 4, _TALLY.size * library().libbpf_num_possible_cpus())
        ring = self.programs.map("ring", 0, 0).file_descriptor
        self._ring = self._resources.enter_context(Ring(ring, self.settings.ring_bytes))
        self.waited_bytes = self._ring.waiting
        self._poller = select.poll()
        self._poller.register(self.file_descriptor, select.POLLIN)
        maps = {name: self.programs.map(name, *sizes) for name, sizes in roots.MAPS.items()}
        self.roots = roots.Roots(maps, self.host)
        self.roots.find_running()

    def _constants(self) -> dict[str, bytes]:
        return {
            "calls": calls.table(),
            "host_mount_namespace": struct.pack("I", self.host.mount_namespace),
            "host_root_device": struct.pack("I", kernel_device(self.host.root_device)),
        }

    @property
    def file_descriptor(self) -> int:
        """Readable when events wait: for poll(2), select(2) and epoll(7)."""
        return self._ring.file_descriptor

    def poll(self, timeout_seconds: float = 0) -> list[Event]:
        """Events that have come, at most `BATCH`; waits up to `timeout_seconds` for the first."""
        self.idle.look(time.clock_gettime_ns(time.CLOCK_BOOTTIME))
        if not self._ring.waiting and timeout_seconds and self._poller.poll(timeout_seconds * 1000):
            # While nobody reads, the kernel wakes nobody: a burst costs one wake-up, not one an event.
            time.sleep(GATHER_SECONDS)
        self.highest = max(self.highest, self._ring.waiting)
        events = []
        for data in self._ring.read(BATCH):
            try:
                event = self._considered(self._numbered(data))
            except (struct.error, ValueError):
                self._undecodable += 1
                continue
            if event is not None:
                events.append(event)
        return events

    def _numbered(self, data: memoryview) -> Event:
        """The event of a record, with its number and with what was lost before it."""
        self._read += 1
        event = decode(data, self.origin, self._read)
        gap = self._gaps.before(event.evt.cpu or 0, event.evt.sequence or 0)
        if not gap:
            return event
        return msgspec.structs.replace(event, evt=msgspec.structs.replace(event.evt, gap=gap))

    def _lost_on(self, cpu: int) -> int:
        """Events that did not fit, of one CPU."""
        _, ring, scratch, _ = _TALLY.unpack_from(self._tallies.get(bytes(4)) or b"", cpu * _TALLY.size)
        return int(ring + scratch)

    def _considered(self, event: Event) -> Event | None:
        """The event, completed; None where it is about another file system than the container's root after all."""
        # An open for reading that was refused is told wherever it leads: it changes nothing.
        if event.fd.path_source == "argument" and event.drift.kind and self._arguments.lies_on_root(event) is False:
            self.left_out += 1
            return None
        if event.evt.type == "execve":
            self._arguments.see(event)
        elif event.evt.type == "procexit" and event.fd.last and event.fd.root:
            self.roots.forget(event.fd.root)
            self._arguments.forget(event.fd.root)
        return self._summaries.complete(event)

    @property
    def numbered(self) -> int:
        """Events that the programs have begun, lost ones included, over all CPUs."""
        return sum(row[0] for row in _TALLY.iter_unpack(self._tallies.get(bytes(4)) or b""))

    @property
    def waiting(self) -> int:
        """Bytes in the ring that nobody has read."""
        return self._ring.waiting

    def sense(self, event_types: AbstractSet[str]) -> None:
        """From now on, calls that only rules ask for are followed up where their events are of these types."""
        self._event_types = frozenset(event_types)
        self.programs.switch(calls.switches(event_types))

    def prepare(self, opens: Tables) -> Iterator[None]:
        """Take the tables of other rules to the kernel, in turns of a millisecond; they count from `narrow` on.

        Raises:
            KernelError: there is no room for them.
        """
        return self.programs.filters.prepare(opens)

    def widen(self, event_types: AbstractSet[str]) -> int:
        """Before other rules are in force: from now on old and new rules get all that they need, and more.

        What waits in the ring was told before. The result is this moment, as events tell their time.
        """
        self.programs.switch(calls.switches(self._event_types | event_types))
        self.programs.filters.widen()
        return self.origin.epoch + time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def narrow(self, event_types: AbstractSet[str], opens: Tables) -> None:
        """After it: only what these rules need is told, by the tables that were prepared."""
        self.sense(event_types)
        self.programs.filters.swap(opens)

    def watch_root(self, root: Root) -> None:
        """Tell the kernel of a container: what is written on its root and executed in it are events from now on."""
        self.roots.watch(root)
        if root.first:
            self._arguments.settle(root.device, root.first)

    def unwatch_root(self, device: int) -> None:
        """Forget a root by its device number, as stat(2) tells it; unknown ones are ignored."""
        self.roots.unwatch(device)
        self._arguments.forget(device)

    def losses(self) -> Losses:
        """What was lost so far."""
        value = self._tallies.get(bytes(4)) or b""
        rows = list(_TALLY.iter_unpack(value))
        return Losses(
            ring_full=sum(row[1] for row in rows),
            no_scratch=sum(row[2] for row in rows),
            skipped_runs=self.programs.skipped,
            undecodable=self._undecodable,
        )

    def tampered(self) -> list[str]:
        """What somebody else has changed of the sensor's own, one line each; empty where all is as it was."""
        return self.programs.tampered() + self.roots.tampered()

    def describe(self) -> str:
        """One line for the log: tier, kernel, programs, ring, and what an earlier sensor has left."""
        said = [
            f"sensor: tier {self.tier} on Linux {platform.release()}",
            f"{self.programs.count} programs ({self.programs.adopted} adopted, {self.waited_bytes} bytes waited)",
            f"ring of {self.settings.ring_bytes >> 20} MiB",
            f"{self.roots.count()} containers found running",
        ]
        why = self.programs.why_no_better
        return ", ".join(said) + (f"; no better tier: {why}" if why else "")

    def close(self) -> None:
        """Detach the programs and give the ring back."""
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()
