"""Demands on events: what follows where all hold, and where one holds."""

from runtime_monitor import demands
from runtime_monitor.demands import ANYTHING, Clause, Path

ETC, SSH, SHADOW = Path("prefix", "/etc/"), Path("suffix", "/.ssh/id_rsa"), Path("exact", "/etc/shadow")


def test_all_demands_add_up() -> None:
    """Of two sets of paths the one that can be asked from the beginning is kept, then the smaller one."""
    parts = [Clause(write=True, paths=frozenset({ETC, SHADOW})), Clause(container=True, paths=frozenset({SSH}))]
    assert demands.every(parts) == Clause(write=True, container=True, paths=frozenset({ETC, SHADOW}))
    assert demands.every([*parts, Clause(paths=frozenset({SHADOW}))]).paths == frozenset({SHADOW})
    assert demands.every([]) == ANYTHING


def test_of_alternatives_the_common_demands_stay() -> None:
    """Paths of one or the other; none at all where one has none."""
    parts = [
        Clause(write=True, succeeded=True, paths=frozenset({ETC}), given=frozenset({".."})),
        Clause(write=True, paths=frozenset({SSH}), given=frozenset({"/"})),
    ]
    assert demands.either(parts) == Clause(write=True, paths=frozenset({ETC, SSH}), given=frozenset({"..", "/"}))
    assert demands.either([*parts, Clause(write=True)]) == Clause(write=True)


def test_more_paths_than_the_bound_are_not_asked() -> None:
    """The other demands stay."""
    many = (frozenset({Path("exact", f"/{number}")}) for number in range(demands.MOST_PATHS + 1))
    assert demands.either([Clause(write=True, paths=paths) for paths in many]) == Clause(write=True)


def test_a_clause_reads_as_a_line() -> None:
    """For people."""
    clause = Clause(write=True, change=True, paths=frozenset({ETC, SSH, SHADOW}), given=frozenset({"../"}))
    assert str(clause) == "write, change, path /etc/shadow or /etc/* or */.ssh/id_rsa, given with ../"
    assert str(ANYTHING) == "every event"
