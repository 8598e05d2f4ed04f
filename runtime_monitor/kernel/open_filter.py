"""Which opens the programs tell: what rules demand of an open -> the tables by which the kernel decides.

In: Clauses (`demands`), for each event type. Out: `Tables`: the value of the map `filters` and the entries of `steps`
(bpf/lib/filter.bpf.h). Called by `reload`, put into the maps by `filters`. Pure.

Each clause is a bit. What the kernel cannot tell apart it tells: it sees opens of containers alone, asks of the path
as given only for `../`, and nothing of the path where an open was refused. A clause beyond the bounds demands less than
the rules do, which `widened` says.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from runtime_monitor.demands import Clause, Path, either
from runtime_monitor.kernel.path_trie import END, PathTrie, Step, names_of

OPENS: Final = ("open", "openat", "openat2", "creat", "open_by_handle_at")
MOST_CLAUSES: Final = 64
MOST_STEPS: Final = 8000
"""Of one set of rules; the map holds two."""
UPWARDS: Final = "../"
WILDCARDS: Final = "*?[]\\\ufffd"
"""What stands for something else in a glob; U+FFFD for bytes that are no UTF-8."""


class Tables(Struct, frozen=True):
    """What the kernel decides by; the numbers are `struct filter`'s, bits of clauses.

    `leaf_node` is the node of `steps` at which last names begin, read backwards; paths begin at `PATHS_NODE`. `clauses`
    stand in the order of their bits; `widened` has a line for each demand that was left out.
    """

    reads: int = 0
    writes: int = 0
    elsewhere: int = 0
    failed: int = 0
    upwards: int = 0
    anywhere: int = 0
    leaves: int = 0
    both: int = 0
    leaf_node: int = 0
    steps: tuple[Step, ...] = ()
    clauses: tuple[Clause, ...] = ()
    widened: tuple[str, ...] = ()

    def __str__(self) -> str:
        """For people: each clause with its number, each step with the numbers of the clauses that hold there."""
        lines = [f"clause {number}: {clause}" for number, clause in enumerate(self.clauses)]
        lines += [f"steps: {len(self.steps)} of {MOST_STEPS}; paths from {PATHS_NODE}, names from {self.leaf_node}"]
        lines += [
            f"step {step.node} {_shown(step.name)}: {_numbers(step.below)} below, {_numbers(step.here)} here"
            + (f", then {step.next}" if step.next else "")
            for step in self.steps
        ]
        return "\n".join([*lines, *self.widened])


PATHS_NODE: Final = 1
CHANGE: Final = Clause(write=True, change=True)
"""Told whatever the rules: podseal's sessions, copies and scripts are made of the changes of a root."""
EVERYTHING: Final = Tables(reads=1, writes=1, elsewhere=1, failed=1, anywhere=1)
"""Every open of a container, whatever it demands."""


def of(pushdown: Mapping[str, Sequence[Clause]]) -> Tables:
    """The tables for what rules demand, by event type."""
    demanded = dict.fromkeys(_asked(clause) for name in OPENS for clause in pushdown.get(name, ()))
    clauses, widened = _bounded([CHANGE, *(clause for clause in demanded if clause != CHANGE)])
    for clause in clauses:
        if clause.given is not None and not _is_upwards(clause):
            widened.append(f"not asked: {clause}")
    # Each path takes a step at least: where they are too many to count, the tables need not be made to see it.
    while _different_paths(clauses) > MOST_STEPS or len((tables := _tables(clauses)).steps) > MOST_STEPS:
        largest = max(range(len(clauses)), key=lambda position: len(clauses[position].paths or ()))
        widened.append(f"too many paths, {len(clauses[largest].paths or ())} are not asked")
        clauses[largest] = replace(clauses[largest], paths=None)
    return replace(tables, widened=tuple(widened))


def _different_paths(clauses: Sequence[Clause]) -> int:
    return len(frozenset[Path]().union(*(clause.paths or () for clause in clauses)))


def _asked(clause: Clause) -> Clause:
    """As the kernel sees it: all that it tells is a container's, and changes come with opens for writing."""
    return replace(clause, container=False, write=clause.write or clause.change)


def _bounded(clauses: list[Clause]) -> tuple[list[Clause], list[str]]:
    if len(clauses) <= MOST_CLAUSES:
        return clauses, []
    rest = either(clauses[MOST_CLAUSES - 1 :])
    told = f"too many different demands, {len(clauses) - MOST_CLAUSES + 1} of them are one: {rest}"
    return [*clauses[: MOST_CLAUSES - 1], rest], [told]


def _tables(clauses: Sequence[Clause]) -> Tables:
    paths, leaves = PathTrie(), PathTrie()
    places = [_enter(clause, 1 << position, paths, leaves) for position, clause in enumerate(clauses)]
    leaf_node = PATHS_NODE + paths.nodes
    return Tables(
        reads=_bits(not clause.write for clause in clauses),
        writes=_bits(True for _ in clauses),
        elsewhere=_bits(not clause.change for clause in clauses),
        failed=_bits(not clause.succeeded for clause in clauses),
        upwards=_bits(_is_upwards(clause) for clause in clauses),
        anywhere=_bits(place.anywhere for place in places),
        leaves=_bits(place.leaves for place in places),
        both=_bits(place.both for place in places),
        leaf_node=leaf_node,
        steps=(*paths.steps(PATHS_NODE), *leaves.steps(leaf_node)),
        clauses=tuple(clauses),
    )


def _bits(flags: Iterable[bool]) -> int:
    return sum(1 << position for position, flag in enumerate(flags) if flag)


def _shown(name: bytes) -> str:
    """The beginning of a name, or with a slash a whole one."""
    return ascii(name.removesuffix(END).decode("utf-8", "surrogateescape"))[1:-1] + "/" * name.endswith(END)


def _numbers(bits: int) -> str:
    return " ".join(str(number) for number in range(MOST_CLAUSES) if bits >> number & 1) or "none"


def _is_upwards(clause: Clause) -> bool:
    return clause.given is not None and all(UPWARDS in text for text in clause.given)


class _Place(Struct, frozen=True):
    """Where a clause's paths are asked: nowhere (`anywhere`), by the last name too, or only if both hold."""

    anywhere: bool = False
    leaves: bool = False
    both: bool = False


def _enter(clause: Clause, bit: int, paths: PathTrie, leaves: PathTrie) -> _Place:
    """Put a clause's paths into the tries."""
    if clause.paths is None:
        return _Place(anywhere=True)
    # No name holds a NUL: such a path fits nothing.
    ends = [_Ends.of(path) for path in sorted(clause.paths) if "\0" not in path.text]
    if any(end.top is None and end.leaf is None for end in ends):
        return _Place(anywhere=True)
    both = all(end.top is not None and end.leaf is not None for end in ends)
    both = both and not all(end.is_whole_path for end in ends)
    for end in ends:
        if end.top is not None:
            (paths.exactly if end.is_whole_path else paths.beginning)(end.top, bit)
        if end.leaf is not None and (both or end.top is None):
            (leaves.exactly if end.is_whole_name else leaves.beginning)(end.leaf[::-1], bit)
    return _Place(leaves=both or any(end.top is None for end in ends), both=both)


class _Ends(Struct, frozen=True):
    """What a path demands at its beginning, and of its last name; None: nothing."""

    top: bytes | None = None
    leaf: bytes | None = None
    is_whole_path: bool = False
    is_whole_name: bool = False

    @classmethod
    def of(cls, path: Path) -> "_Ends":
        text = path.text.encode("utf-8", "surrogateescape")
        if path.kind == "exact":
            leaf = text.rpartition(b"/")[2] or None
            return cls(top=_top(text), leaf=leaf, is_whole_path=True, is_whole_name=True)
        if path.kind == "prefix":
            return cls(top=_top(text))
        if path.kind == "name":
            return cls(leaf=None if b"/" in text else text or None, is_whole_name=True)
        if path.kind == "glob":
            before = min(path.text.find(each) for each in WILDCARDS if each in path.text)
            after = max(path.text.rfind(each) for each in WILDCARDS) + 1
            tail = cls.of(Path("suffix", path.text[after:]))
            return replace(tail, top=_top(path.text[:before].encode("utf-8", "surrogateescape")))
        _, slash, name = text.rpartition(b"/")
        return cls(leaf=name or None, is_whole_name=bool(slash))


def _top(text: bytes) -> bytes | None:
    return text if names_of(text) else None


CHANGES: Final = of({})
"""Where no rule asks for more."""
