"""The twin of `open.bpf.c` and lib/filter.bpf.h in Python, and what an open looks like to either.

In: Tables and an `Opening`. Out: whether the programs tell it. Used by the tests that hold the twin against rules, and
the programs against the twin.
"""

import errno
import os
from dataclasses import dataclass

from runtime_monitor.events import Event
from runtime_monitor.kernel import calls, decode, path_trie
from runtime_monitor.kernel.flags import Flag, Kind
from runtime_monitor.kernel.open_filter import PATHS_NODE, Tables
from tests.runtime_monitor.kernel import records

ORIGIN = decode.Origin("node-1", "0a1b2c3d", 0)
OPENAT = next(index for index in range(512) if (call := calls.call_of(index)) and call.name == "openat")


@dataclass(frozen=True)
class Opening:
    """An open by a container's process. `path` is the file's as the kernel has it, `given` as the process named it."""

    path: bytes
    given: bytes = b""
    writes: bool = False
    on_root: bool = True
    refused: bool = False

    def event(self) -> Event:
        """What the programs would write of it, decoded."""
        flags = Flag.WRITE * self.writes
        walked = b"".join(name + b"/" for name in reversed(path_trie.names_of(self.path)))
        pieces = {"argument": self.given} if self.given else {}
        if self.refused:
            flags |= Flag.FAILED
            pieces["base"] = b""
        else:
            flags |= Flag.OBJECT | Flag.ON_ROOT * self.on_root
            pieces["path"] = walked
        data = records.record(
            {name: text for name, text in pieces.items() if text},
            kind=Kind.OPEN,
            call=OPENAT,
            flags=flags,
            result=-errno.EACCES if self.refused else 3,
            descriptor=-1 if self.refused else 3,
            open_flags=os.O_RDWR if self.writes else os.O_RDONLY,
            root=7,
        )
        return decode.decode(data, ORIGIN)


def told(tables: Tables, opening: Opening) -> bool:
    """What the programs decide."""
    wanted = tables.writes if opening.writes else tables.reads
    if opening.refused:
        return _given_so(tables, wanted & tables.failed, opening) != 0
    if not opening.on_root:
        wanted &= tables.elsewhere
    wanted = _given_so(tables, wanted, opening)
    if wanted & tables.anywhere:
        return True
    names = path_trie.names_of(opening.path)
    by_leaf = _by_leaf(tables, names) if wanted & tables.leaves else 0
    if wanted & by_leaf & ~tables.both:
        return True
    return wanted & _by_path(tables, names) & (~tables.both | by_leaf) != 0


def _given_so(tables: Tables, wanted: int, opening: Opening) -> int:
    return wanted if b"../" in opening.given else wanted & ~tables.upwards


def _by_leaf(tables: Tables, names: list[bytes]) -> int:
    last = names[-1] if names else b"/"
    step = _step(tables, tables.leaf_node, last[::-1])
    return step.below | step.here if step else 0


def _by_path(tables: Tables, names: list[bytes]) -> int:
    node, holding = PATHS_NODE, 0
    for position, name in enumerate(names[: path_trie.ASKED_NAMES], 1):
        step = _step(tables, node, name)
        if step is None:
            break
        holding |= step.below | (step.here if position == len(names) else 0)
        node = step.next
        if not node:
            break
    return holding


def _step(tables: Tables, node: int, name: bytes) -> path_trie.Step | None:
    """The longest entry that fits, as a trie of the kernel finds it."""
    asked = name[: path_trie.ASKED_BYTES].ljust(path_trie.ASKED_BYTES, b"\0")
    fitting = [step for step in tables.steps if step.node == node and asked.startswith(step.name)]
    return max(fitting, key=lambda step: len(step.name), default=None)
