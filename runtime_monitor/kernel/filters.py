"""Puts the tables of `open_filter` into the programs' maps, and others in their place, while the programs run.

In: Tables, and the maps `filters` and `steps`. Out: nothing; `tampered` says what somebody else has changed. Called by
`programs` before anything is attached, and by `sensor` where the rules change. A program reads the one value of
`filters`, which names the nodes to begin at: new entries of `steps` lie beside the old ones, and nobody finds them
before that value names them. The old ones are removed once no program can be on its way through them any more.
"""

import ctypes
import struct
import threading
from collections.abc import Iterator, Mapping
from typing import Final

from runtime_monitor.kernel import open_filter, path_trie
from runtime_monitor.kernel.maps import Map
from runtime_monitor.kernel.open_filter import Tables

_FILTER: Final = struct.Struct("8Q2I")
_KEY: Final = struct.Struct(f"2I{path_trie.ASKED_BYTES}s")
_STEP: Final = struct.Struct("2Q2I")
_ONLY: Final = bytes(4)
MAPS: Final = {"filters": (4, _FILTER.size), "steps": (_KEY.size, _STEP.size)}
"""The maps that a `Filters` is made of: name -> sizes of key and value."""
SPAN: Final = 1 << 20
"""Two sets of tables lie in `steps`: the nodes of one are below this number, those of the other above."""
CHUNK: Final = 256
"""Entries that are written or removed in one turn."""
CHECKED: Final = 64
"""Entries that `tampered` looks at in one turn."""
_MEMBARRIER, _GLOBAL = 324, 1  # arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/linux/membarrier.h
_libc: Final = ctypes.CDLL(None, use_errno=True)


class Filters:
    """The maps, and which of the two sets is in force."""

    def __init__(self, maps: Mapping[str, Map]) -> None:
        self._filters, self._steps = maps["filters"], maps["steps"]
        # What an earlier sensor has left stays in force until the first `swap`.
        self._value = self._filters.get(_ONLY) or bytes(_FILTER.size)
        *_, paths_node, _leaf_node = _FILTER.unpack(self._value)
        self._upper = paths_node >= SPAN
        self._entries: dict[bool, dict[bytes, bytes]] = {False: {}, True: {}}
        for key, value in self._steps.items():
            self._entries[_KEY.unpack(key)[1] >= SPAN][key] = value
        self._checked = 0
        self._left = threading.Thread(target=_wait_for_programs, name="programs", daemon=True)
        self._left.start()

    def prepare(self, tables: Tables) -> Iterator[None]:
        """Write other tables beside those in force, in short turns.

        Raises:
            KernelError: the kernel has no room for them.
        """
        self._left.join()
        entries = self._entries[not self._upper]
        for count, key in enumerate(list(entries), 1):
            self._steps.discard(key)
            del entries[key]
            if count % CHUNK == 0:
                yield
        first = 0 if self._upper else SPAN
        for count, step in enumerate(tables.steps, 1):
            key = _KEY.pack(32 + 8 * len(step.name), step.node + first, step.name)
            entries[key] = _STEP.pack(step.below, step.here, step.next and step.next + first, 0)
            self._steps.put(key, entries[key])
            if count % CHUNK == 0:
                yield

    def widen(self) -> None:
        """From now on every open of a container is told: neither old rules nor new ones miss any."""
        self._put(open_filter.EVERYTHING, 0)

    def swap(self, tables: Tables) -> None:
        """From now on these tables count, which were prepared."""
        self._upper = not self._upper
        self._put(tables, SPAN if self._upper else 0)
        self._checked = 0
        self._left = threading.Thread(target=_wait_for_programs, name="programs", daemon=True)
        self._left.start()

    def install(self, tables: Tables) -> None:
        """All at once: where nobody judges events yet."""
        for _ in self.prepare(tables):
            pass
        self.swap(tables)

    def tampered(self) -> list[str]:
        """What somebody else has changed: of many entries a part, and the next ones in the next turn."""
        entries = list(self._entries[self._upper].items())
        asked = entries[self._checked : self._checked + CHECKED]
        self._checked = self._checked + CHECKED if self._checked + CHECKED < len(entries) else 0
        whole = self._filters.get(_ONLY) == self._value and all(self._steps.get(key) == value for key, value in asked)
        return [] if whole else ["other opens are told than the rules ask for"]

    def _put(self, tables: Tables, first: int) -> None:
        self._value = _FILTER.pack(
            tables.reads,
            tables.writes,
            tables.elsewhere,
            tables.failed,
            tables.upwards,
            tables.anywhere,
            tables.leaves,
            tables.both,
            first + open_filter.PATHS_NODE,
            first + tables.leaf_node,
        )
        self._filters.put(_ONLY, self._value)


def _wait_for_programs() -> None:
    """Return when every program that runs now has ended: this waits for the kernel's readers (membarrier(2)).

    Where the kernel refuses it (`nohz_full`), the next change of rules is later than any program ends anyway.
    """
    _libc.syscall(_MEMBARRIER, _GLOBAL, 0)
