"""The sensor: programs in the kernel on one side, Events on the other.

In: `Settings`. Out: `Sensor`, a context manager: `poll` gives Events in batches, `watch_root` tells the kernel of a
container, `losses` counts what could not be told, `describe` is the one line for the log. Called by `pipeline` and
`selftest`.
"""

import platform
import select
import struct
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from runtime_monitor.bpf import build
from runtime_monitor.events import Event
from runtime_monitor.kernel import btf, calls, layout, loader, machine, roots, tiers
from runtime_monitor.kernel.arguments import Arguments
from runtime_monitor.kernel.decode import Origin, decode, kernel_device
from runtime_monitor.kernel.libbpf import KernelError, library
from runtime_monitor.kernel.maps import Map
from runtime_monitor.kernel.ring import Ring
from runtime_monitor.kernel.roots import Root
from runtime_monitor.kernel.summaries import Summaries
from runtime_monitor.kernel.tiers import Tier

_TALLY: Final = struct.Struct("4Q")
HOOKS: Final = "hooks.bpf.o"
BATCH: Final = 4096
"""Most events that one `poll` returns."""


@dataclass(frozen=True)
class Settings:
    """How the sensor works. `tell_reads`: opens for reading on a container's root are events too."""

    node: str = field(default_factory=platform.node)
    ring_bytes: int = 8 << 20  # a power of two
    tell_reads: bool = False
    tier: Tier | None = None  # None: the best that the kernel permits
    objects: Path = build.OBJECTS
    bpffs: Path = Path("/sys/fs/bpf")


@dataclass(frozen=True)
class Losses:
    """Events that were seen but could not be told, since the programs were loaded, over all CPUs."""

    ring_full: int = 0
    no_scratch: int = 0
    undecodable: int = 0


class Sensor:
    """Programs in the kernel, and the reader of their ring; made by `Sensor.open`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tier = Tier.TRACEPOINT
        self.why_no_better = ""
        self.origin = Origin(
            node=settings.node,
            boot=Path("/proc/sys/kernel/random/boot_id").read_text()[:8],
            epoch=time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME),
        )
        self.host = machine.host()
        self._resources = ExitStack()
        self._objects: list[loader.Loaded] = []
        self._maps: dict[str, Map] = {}
        self._arguments = Arguments()
        self._summaries = Summaries()
        self._undecodable = 0

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
        self._load_objects()
        self._adopt_maps()
        self._fill_followers()
        self._ring = self._resources.enter_context(Ring(self._maps["ring"].file_descriptor, self.settings.ring_bytes))
        self._poller = select.poll()
        self._poller.register(self.file_descriptor, select.POLLIN)
        for loaded in self._objects:
            loader.attach(loaded)
        self.roots = roots.Roots(self._maps, self.host)
        self.roots.find_running()

    def _load_objects(self) -> None:
        paths = sorted(self.settings.objects.glob("*.bpf.o"))
        if not paths:
            raise KernelError(f"no programs in {self.settings.objects}: run `make setup`, or install the wheel")
        with btf.Types.of_file(paths[0]) as types:
            if told := layout.differences(types):
                raise KernelError(f"{paths[0].name} was built from another version: {'; '.join(told)}")
        with btf.Types.of_kernel() as kernel:
            if self.settings.tier:
                self.tier = self.settings.tier
            else:
                self.tier, self.why_no_better = tiers.choose(lambda tier: self._try(kernel, tier))
            self._bring_in(paths, kernel)

    def _try(self, kernel: btf.Types, tier: Tier) -> None:
        """Load the hooks alone, attach one of them, and let go again; raises `KernelError`."""
        with _BpffsFolder(self.settings.bpffs) as folder:
            plan = loader.Plan(self.settings.objects / HOOKS, folder, self._constants(), kernel, tier)
            loaded = loader.load(plan)
        try:
            loader.attach(loaded, most=1)
        finally:
            loaded.close()

    def _bring_in(self, paths: list[Path], kernel: btf.Types) -> None:
        constants = self._constants()
        # The pins only let the objects share maps while they load; the descriptors keep the maps.
        with _BpffsFolder(self.settings.bpffs) as folder:
            for path in paths:
                plan = loader.Plan(path, folder, constants, kernel, self.tier, self.settings.ring_bytes)
                loaded = loader.load(plan)
                self._objects.append(loaded)
                self._resources.callback(loaded.close)

    def _constants(self) -> dict[str, bytes]:
        return calls.tables() | {
            "host_mount_namespace": struct.pack("I", self.host.mount_namespace),
            "host_root_device": struct.pack("I", kernel_device(self.host.root_device)),
            "hooked": struct.pack("i", self.tier is not Tier.TRACEPOINT),
            "tell_reads": struct.pack("i", self.settings.tell_reads),
        }

    def _adopt_maps(self) -> None:
        sizes = {
            "roots": (4, roots.VALUE_SIZE),
            "namespaces": (4, 4),
            "cgroups": (8, 4),
            "trees": (16, 4),
            "tallies": (4, _TALLY.size * library().libbpf_num_possible_cpus()),
            "followers": (4, 4),
            "ring": (0, 0),
        }
        found = {name: descriptor for loaded in self._objects for name, descriptor in loaded.maps.items()}
        self._maps = {
            name: Map(name, found[name], key_size=key, value_size=value) for name, (key, value) in sizes.items()
        }

    def _fill_followers(self) -> None:
        for loaded in self._objects:
            for name, descriptor in loaded.programs.items():
                if name.startswith(loader.FOLLOWER):
                    slot = calls.Slot[name.removeprefix(loader.FOLLOWER).upper()]
                    self._maps["followers"].put(struct.pack("I", slot), struct.pack("I", descriptor))

    @property
    def file_descriptor(self) -> int:
        """Readable when events wait: for poll(2), select(2) and epoll(7)."""
        return self._maps["ring"].file_descriptor

    def poll(self, timeout_seconds: float = 0) -> list[Event]:
        """Events that have come, at most `BATCH`; waits up to `timeout_seconds` for the first."""
        if not self._ring.waiting and timeout_seconds:
            self._poller.poll(timeout_seconds * 1000)
        events = []
        for data in self._ring.read(BATCH):
            try:
                event = self._considered(decode(data, self.origin))
            except (struct.error, ValueError):
                self._undecodable += 1
                continue
            if event is not None:
                events.append(event)
        return events

    def _considered(self, event: Event) -> Event | None:
        """The event, completed; None where it is about another file system than the container's root after all."""
        if event.fd.path_source == "argument" and self._arguments.lies_on_root(event) is False:
            return None
        if event.evt.type == "execve":
            self._arguments.see(event)
        return self._summaries.complete(event)

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
        value = self._maps["tallies"].get(bytes(4)) or b""
        rows = list(_TALLY.iter_unpack(value))
        return Losses(
            ring_full=sum(row[1] for row in rows),
            no_scratch=sum(row[2] for row in rows),
            undecodable=self._undecodable,
        )

    def describe(self) -> str:
        """One line for the log: tier, kernel, programs, ring."""
        programs = sum(len(loaded.programs) for loaded in self._objects)
        why = f"; no better tier: {self.why_no_better}" if self.why_no_better else ""
        return (
            f"sensor: tier {self.tier} on Linux {platform.release()}, {programs} programs,"
            f" ring of {self.settings.ring_bytes >> 20} MiB, {self.roots.count()} containers found running{why}"
        )

    def close(self) -> None:
        """Detach the programs and give the ring back."""
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _BpffsFolder:
    """A folder in bpffs that is gone, with its pins, at the end."""

    def __init__(self, bpffs: Path) -> None:
        self._bpffs = bpffs

    def __enter__(self) -> Path:
        self._path = Path(tempfile.mkdtemp(prefix="podseal-", dir=self._bpffs))
        return self._path

    def __exit__(self, *_: object) -> None:
        for pin in self._path.iterdir():
            pin.unlink()
        self._path.rmdir()
