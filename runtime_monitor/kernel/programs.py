"""All objects of the sensor in the kernel: loaded anew, or adopted where they are pinned from before.

In: the objects' folder, their constants, the tier, and the bpffs folder of the pins or none. Out: `Programs`, with the
maps that all of them share. Called by `sensor`. A private sensor (without pins) leaves nothing behind.
"""

import struct
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runtime_monitor.kernel import btf, calls, filters, layout, loader, pins, tiers
from runtime_monitor.kernel.libbpf import KernelError, ffi, library
from runtime_monitor.kernel.maps import Map
from runtime_monitor.kernel.open_filter import Tables
from runtime_monitor.kernel.tiers import Tier

HOOKS: Final = "hooks.bpf.o"
"""The object of the two upper tiers."""
_RUN_TIME, _RUNS, _SKIPPED = 24, 25, 26  # words of struct bpf_prog_info
_SLOT: Final = struct.Struct("I")


@dataclass(frozen=True)
class Sources:
    """What to bring in, and where to keep it: `pinned` is None for a sensor that leaves nothing behind.

    From the first event on: `switches`, which calls are followed up (`calls.switches`), `opens`, which of those of the
    open family are told.
    """

    objects: Path
    bpffs: Path
    pinned: Path | None
    constants: Mapping[str, bytes]
    switches: bytes
    opens: Tables
    ring_bytes: int


class Programs:
    """The objects in the kernel. `adopted` counts the programs that were found pinned."""

    def __init__(self, sources: Sources, wanted: Tier | None) -> None:
        self._sources = sources
        self._resources = ExitStack()
        self._store: pins.Store | None = None
        self._keys: dict[Path, str] = {}
        self._slots: dict[int, int] = {}
        self._switches = sources.switches
        self.loaded: list[loader.Loaded] = []
        paths = _objects(sources.objects)
        try:
            with btf.Types.of_kernel() as kernel:
                self.tier, self.why_no_better = (
                    (wanted, "") if wanted else tiers.choose(lambda tier: self._try(kernel, tier))
                )
                self._bring_in(paths, kernel)
        except BaseException:
            self.close()
            raise

    def _try(self, kernel: btf.Types, tier: Tier) -> None:
        """Load the hooks alone, attach one of them, and let go again; raises `KernelError`."""
        with tempfile.TemporaryDirectory(prefix="podseal-", dir=self._sources.bpffs) as folder:
            loaded = loader.load(self._plan(self._sources.objects / HOOKS, Path(folder), kernel, tier))
        try:
            loader.attach(loaded, most=1)
        finally:
            loaded.close()

    def _bring_in(self, paths: list[Path], kernel: btf.Types) -> None:
        if self._sources.pinned is None:
            with tempfile.TemporaryDirectory(prefix="podseal-", dir=self._sources.bpffs) as folder:
                for path in paths:
                    self._hold(loader.load(self._plan(path, Path(folder), kernel, self.tier)))
            self._fill()
            for loaded in self.loaded:
                loader.attach(loaded)
        else:
            self._adopt_or_replace(self._sources.pinned, paths, kernel)

    def _adopt_or_replace(self, folder: Path, paths: list[Path], kernel: btf.Types) -> None:
        """Each object in turn: the new one is attached before the old one goes, so that no event is missed."""
        self._store = pins.Store(folder)
        self._store.lock()
        self._resources.callback(self._store.close)
        signature = self._signature(paths)
        maps = self._store.maps(signature)
        for path in paths:
            self._keys[path] = self._digest(path, signature)
            adopted = self._store.adopt(path, self._keys[path], maps)
            self._hold(adopted or loader.load(self._plan(path, maps, kernel, self.tier)))
        self._fill()
        for loaded in self.loaded:
            if not loaded.adopted:
                loader.attach(loaded)
                self._store.keep(loaded, self._keys[loaded.path])
        self._store.keep_only(signature)

    def _plan(self, path: Path, maps: Path, kernel: btf.Types, tier: Tier) -> loader.Plan:
        found = {
            "hooked": struct.pack("i", tier is not Tier.TRACEPOINT),
            "can_cast": struct.pack("i", kernel.has("bpf_rdonly_cast", btf.KIND_FUNCTION)),
        }
        constants = {**self._sources.constants, **found}
        return loader.Plan(path, maps, constants, kernel, tier, self._sources.ring_bytes)

    def _hold(self, loaded: loader.Loaded) -> None:
        self.loaded.append(loaded)
        self._resources.callback(loaded.close)

    def _signature(self, paths: list[Path]) -> str:
        """Of the wire format: the same maps, the same records."""
        shapes = [sorted(loader.shapes(path).items()) for path in paths]
        return pins.digest(repr((shapes, layout.FIELDS, self._sources.ring_bytes)).encode())

    def _digest(self, path: Path, signature: str) -> str:
        constants = repr(sorted(self._sources.constants.items())).encode()
        return pins.digest(path.read_bytes(), constants, signature.encode(), self.tier.encode())

    def _fill(self) -> None:
        """What the programs go by; those that are adopted run already."""
        self._fill_followers()
        self.switch(self._switches)
        self.filters = filters.Filters({name: self.map(name, *sizes) for name, sizes in filters.MAPS.items()})
        self.filters.install(self._sources.opens)

    def _fill_followers(self) -> None:
        table = self.map("followers", _SLOT.size, _SLOT.size)
        for loaded in self.loaded:
            for name, descriptor in loaded.programs.items():
                if name.startswith(loader.FOLLOWER):
                    slot = calls.Slot[name.removeprefix(loader.FOLLOWER).upper()]
                    table.put(_SLOT.pack(slot), _SLOT.pack(descriptor))
                    self._slots[slot] = program_number(descriptor)

    def switch(self, switches: bytes) -> None:
        """Which calls are followed up from now on (`calls.switches`)."""
        self._switches = switches
        self.map("switches", _SLOT.size, len(switches)).put(_SLOT.pack(0), switches)

    def map(self, name: str, key_size: int, value_size: int) -> Map:
        """A map that the objects share."""
        found = next(loaded.maps[name] for loaded in self.loaded if name in loaded.maps)
        return Map(name, found, key_size=key_size, value_size=value_size)

    def descriptor(self, name: str) -> int:
        """Of a program."""
        return next(loaded.programs[name] for loaded in self.loaded if name in loaded.programs)

    @property
    def adopted(self) -> int:
        """How many programs were found pinned."""
        return sum(len(loaded.programs) for loaded in self.loaded if loaded.adopted)

    @property
    def count(self) -> int:
        """How many programs there are."""
        return sum(len(loaded.programs) for loaded in self.loaded)

    def tampered(self) -> list[str]:
        """What somebody else has changed: pins that are gone, calls that lead nowhere or elsewhere, or are switched."""
        said = []
        if self._store:
            said += [f"{name}: its pins were removed" for name in self._store.missing(self._keys)]
        table = self.map("followers", _SLOT.size, _SLOT.size)
        for slot, number in self._slots.items():
            if table.get(_SLOT.pack(slot)) != _SLOT.pack(number):
                said.append(f"calls of the kind {calls.Slot(slot).name.lower()} lead to another program or none")
        if self.map("switches", _SLOT.size, len(self._switches)).get(_SLOT.pack(0)) != self._switches:
            said.append("other calls are followed up than the rules ask for")
        return said + self.filters.tampered()

    def run_times(self) -> dict[str, tuple[int, int]]:
        """Name -> nanoseconds and runs of each program, as far as the kernel counts them (bpf_stats_enabled)."""
        return {name: _run_time(descriptor) for loaded in self.loaded for name, descriptor in loaded.programs.items()}

    @property
    def skipped(self) -> int:
        """Runs that the kernel left out because the same program ran on the CPU already: losses like any other."""
        return sum(_facts(each)[_SKIPPED] for loaded in self.loaded for each in loaded.programs.values())

    def close(self) -> None:
        """Let go of everything; what is pinned stays attached."""
        self._resources.close()


def program_number(descriptor: int) -> int:
    """The kernel's own number of a program."""
    return _facts(descriptor)[0] >> 32


def _run_time(descriptor: int) -> tuple[int, int]:
    facts = _facts(descriptor)
    return facts[_RUN_TIME], facts[_RUNS]


def _facts(descriptor: int) -> tuple[int, ...]:
    """`struct bpf_prog_info` (include/uapi/linux/bpf.h) as words of 64 bits."""
    info, size = ffi.new("unsigned long long[32]"), ffi.new("unsigned int *", 256)
    if library().bpf_obj_get_info_by_fd(descriptor, info, size) != 0:
        raise KernelError("a program of the sensor tells nothing of itself: CAP_SYS_ADMIN or CAP_BPF is needed")
    return tuple(int(word) for word in info)


def _objects(folder: Path) -> list[Path]:
    paths = sorted(folder.glob("*.bpf.o"))
    if not paths:
        raise KernelError(f"no programs in {folder}: run `make setup`, or install the wheel")
    with btf.Types.of_file(paths[0]) as types:
        if told := layout.differences(types):
            raise KernelError(f"{paths[0].name} was built from another version: {'; '.join(told)}")
    return paths
