"""A trie over the names of paths, in the form that the programs ask: (node, beginning of the next name) -> Step.

In: demands on paths, each with the bits of the clauses that make them. Out: `Step`s, entries for the map of that name
(bpf/lib/filter.bpf.h), of which the longest that fits a name counts. Called by `open_filter`. Where the programs stop
asking, after eight names or 56 bytes of a name, the trie says that the demand is fulfilled: it never says too little.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

ASKED_NAMES: Final = 8
ASKED_BYTES: Final = 56
END: Final = b"\0"
"""Ends a whole name; one that fills the space has no room for it."""


class Step(Struct, frozen=True, array_like=True):
    """An entry of the map, for names that begin with `name`.

    `below`: bits of the clauses that hold however the path goes on; `here`: those that hold if it ends here. `next` is
    the node of the name that follows, 0 where nothing further is asked.
    """

    node: int
    name: bytes
    below: int = 0
    here: int = 0
    next: int = 0


class _Edge(Struct):
    below: int = 0
    here: int = 0
    next: int | None = None


class PathTrie:
    """Takes demands one after the other; `steps` gives what they come to."""

    def __init__(self) -> None:
        self._nodes: list[dict[bytes, _Edge]] = [{}]

    def exactly(self, path: bytes, bits: int) -> None:
        """This very path, which has a name at least."""
        labels, is_cut = _labels(names_of(path))
        edge = self._edge(labels)
        if is_cut:
            edge.below |= bits
        else:
            edge.here |= bits

    def beginning(self, path: bytes, bits: int) -> None:
        """Paths that begin like this, which has a name at least; `/etc/` has the directory itself among them."""
        names = names_of(path)
        whole, part = (names, b"") if path.endswith(b"/") else (names[:-1], names[-1][:ASKED_BYTES])
        labels, is_cut = _labels(whole)
        if part and not is_cut and len(labels) < ASKED_NAMES:
            labels.append(part)
        self._edge(labels).below |= bits

    def steps(self, first: int) -> list[Step]:
        """The entries; nodes are numbered from `first`, which is where paths begin."""
        return [
            Step(
                node=first + number,
                name=name,
                below=_below(node, name),
                here=edge.here,
                next=0 if edge.next is None else first + edge.next,
            )
            for number, node in enumerate(self._nodes)
            for name, edge in node.items()
        ]

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return len(self._nodes)

    def _edge(self, labels: Sequence[bytes]) -> _Edge:
        node = self._nodes[0]
        for label in labels[:-1]:
            edge = node.setdefault(label, _Edge())
            if edge.next is None:
                edge.next = len(self._nodes)
                self._nodes.append({})
            node = self._nodes[edge.next]
        return node.setdefault(labels[-1], _Edge())


def names_of(path: bytes) -> list[bytes]:
    """The names of a path, which is taken from the root."""
    return [name for name in path.split(b"/") if name]


def _labels(names: Sequence[bytes]) -> tuple[list[bytes], bool]:
    """What the programs compare of whole names, and whether that is less than all of them."""
    labels: list[bytes] = []
    for name in names[:ASKED_NAMES]:
        if len(name) >= ASKED_BYTES:
            return [*labels, name[:ASKED_BYTES]], True
        labels.append(name + END)
    return labels, len(names) > ASKED_NAMES


def _below(node: dict[bytes, _Edge], name: bytes) -> int:
    """The longest entry is the only one that the kernel finds: it says what the shorter ones say, too."""
    bits = 0
    for length in range(1, len(name) + 1):
        edge = node.get(name[:length])
        bits |= edge.below if edge is not None else 0
    return bits
