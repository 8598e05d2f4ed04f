"""What the kernel may leave out: from the conditions, what an event must be so that a rule can fire on it.

In: the rules of a RuleSet. Out: for each event type the Clauses of which one must hold; whatever fulfils none can never
fire a rule. Read by `podseal-monitor rules pushdown`, by `program`, and by whoever fills the sensor's maps.

A Clause is necessary, not sufficient: what cannot be said of an event in the kernel is left out of it. So a clause
without any demand means that every event of the type is needed.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from runtime_monitor.rules import depth, event_types, resolve

MOST_PATHS = 4096
"""Paths of one clause; beyond, it demands none: the sensor's maps are bounded."""
GLOB = "*?[\\"


class Path(Struct, frozen=True, order=True):
    """A demand on a path.

    `kind`: `exact`, `prefix`, `suffix`, `name` (the last component), `argument` (the path as given contains this).
    """

    kind: str
    text: str


class Clause(Struct, frozen=True):
    """Demands on an event; None and False demand nothing. `result`: the call must have succeeded, or failed."""

    write: bool = False
    container: bool = False
    succeeded: bool = False
    paths: frozenset[Path] | None = None

    def __str__(self) -> str:
        """For people: `write, container, path /etc/* or */authorized_keys`."""
        demands = [name for name in ("write", "container", "succeeded") if getattr(self, name)]
        if self.paths is not None:
            demands.append("path " + " or ".join(map(_shown, sorted(self.paths))))
        return ", ".join(demands) or "every event"


ANYTHING = Clause()


class RulePushdown(Struct, frozen=True):
    """Of one rule: event type -> what it demands."""

    rule: str
    types: dict[str, Clause]


@depth.allowed
def of_rule(name: str, condition: resolve.Node) -> RulePushdown:
    """What a rule demands, for each event type that can fire it."""
    if not event_types.binds(condition):
        return RulePushdown(
            name, dict.fromkeys(sorted(event_types.possible(condition)), _demands(condition, negated=False))
        )
    types = {}
    for event_type in sorted(event_types.possible(condition)):
        left = event_types.specialise(condition, event_type)
        if left is not False:
            types[event_type] = ANYTHING if left is True else _demands(left, negated=False)
    return RulePushdown(name, types)


def together(rules: Iterable[RulePushdown]) -> dict[str, tuple[Clause, ...]]:
    """Event type -> the clauses of all rules; where one demands nothing it stands alone."""
    found: dict[str, list[Clause]] = {}
    for rule in rules:
        for event_type, clause in rule.types.items():
            clauses = found.setdefault(event_type, [])
            if clause not in clauses:
                clauses.append(clause)
    return {
        event_type: (ANYTHING,) if ANYTHING in clauses else tuple(clauses)
        for event_type, clauses in sorted(found.items())
    }


def _demands(node: resolve.Node, *, negated: bool) -> Clause:
    """What must hold where the node is true, or with `negated` where it is false."""
    if isinstance(node, resolve.Negated):
        return _demands(node.child, negated=not negated)
    if isinstance(node, resolve.Test):
        return _of_negated(node) if negated else _of_test(node)
    parts = [_demands(child, negated=negated) for child in node.children]
    every = isinstance(node, resolve.All) is not negated
    return _all(parts) if every else _any(parts)


def _all(parts: Sequence[Clause]) -> Clause:
    """Every part holds: the demands add up; of several sets of paths the smallest is the best to ask for."""
    paths = [part.paths for part in parts if part.paths is not None]
    return Clause(
        write=any(part.write for part in parts),
        container=any(part.container for part in parts),
        succeeded=any(part.succeeded for part in parts),
        paths=min(paths, key=_looseness, default=None),
    )


def _any(parts: Sequence[Clause]) -> Clause:
    """One part holds: only what all demand is demanded."""
    paths: frozenset[Path] | None = frozenset()
    for part in parts:
        paths = None if paths is None or part.paths is None else paths | part.paths
    return Clause(
        write=all(part.write for part in parts),
        container=all(part.container for part in parts),
        succeeded=all(part.succeeded for part in parts),
        paths=None if paths is None or len(paths) > MOST_PATHS else paths,
    )


def _looseness(paths: frozenset[Path]) -> tuple[bool, int]:
    """Paths from their beginning are sought in a trie, the others character by character: they come second."""
    return any(path.kind not in ("exact", "prefix") for path in paths), len(paths)


def _of_test(test: resolve.Test) -> Clause:
    key, operator, values = test.left.key, test.operator, test.values
    if key == "evt.is_open_write" and operator == "=" and values == (True,):
        return Clause(write=True)
    if key == "container.id" and (operator, values) == ("!=", ("host",)):
        return Clause(container=True)
    if key == "container.id" and operator in ("=", "in") and "host" not in values:
        return Clause(container=True)
    if key in ("fd.num", "evt.rawres") and operator in (">=", ">") and values and values[0] >= 0:
        return Clause(succeeded=True)
    if test.right is None and not test.quantifier:
        paths = _paths(key, operator, [value for value in values if isinstance(value, str)])
        return ANYTHING if paths is None else Clause(paths=frozenset(paths))
    return ANYTHING


def _of_negated(test: resolve.Test) -> Clause:
    """A check that is false may be so because the value is not known, so that little follows."""
    host = test.left.key == "container.id" and test.operator == "=" and test.values == ("host",)
    return Clause(container=True) if host else ANYTHING


def _paths(key: str, operator: str, values: Sequence[str]) -> list[Path] | None:
    """What a check of a path says of it; None where it says nothing that the kernel can ask."""
    if key == "fd.name":
        return _names(operator, values)
    if key == "fd.directory" and operator in ("=", "in"):
        return [Path("prefix", value.rstrip("/") + "/") for value in values]
    if key == "fd.directory" and operator in ("startswith", "pmatch"):
        return [Path("prefix", value) for value in values]
    if key == "fd.filename" and operator in ("=", "in"):
        return [Path("name", value) for value in values]
    if key == "fd.nameraw" and operator == "contains":
        return [Path("argument", value) for value in values]
    return None


def _names(operator: str, values: Sequence[str]) -> list[Path] | None:
    if operator in ("=", "in"):
        return [Path("exact", value) for value in values]
    if operator == "startswith":
        return [Path("prefix", value) for value in values]
    if operator == "endswith":
        return [Path("suffix", value) for value in values]
    if operator in ("glob", "pmatch"):
        literal = [value[: _literal_length(value)] for value in values]
        return [Path("prefix", value) for value in literal] if all(literal) else None
    return None


def _literal_length(glob: str) -> int:
    return next((position for position, character in enumerate(glob) if character in GLOB), len(glob))


def _shown(path: Path) -> str:
    forms = {"exact": "{}", "prefix": "{}*", "suffix": "*{}", "name": "*/{}", "argument": "given with {}"}
    return forms[path.kind].format(path.text)
