"""What the kernel may leave out: from the conditions, what an event must be so that a rule can fire on it.

In: the rules of a RuleSet. Out: for each event type the Clauses (`demands`) of which one must hold; whatever fulfils
none can never fire a rule. Read by `podseal-monitor rules pushdown`, by `program`, and through it by the sensor's maps.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from runtime_monitor.demands import ANYTHING, Clause, Path, either, every
from runtime_monitor.rules import depth, event_types, resolve

GLOB = "*?[\\\ufffd"
"""What stands for something else in a glob; U+FFFD stands for bytes that are no UTF-8 (`globs.printable`)."""


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
    return every(parts) if isinstance(node, resolve.All) is not negated else either(parts)


def _of_test(test: resolve.Test) -> Clause:
    key, operator, values = test.left.key, test.operator, test.values
    if test.right is not None or test.quantifier:
        return ANYTHING
    if key == "evt.is_open_write" and operator == "=" and values == (True,):
        return Clause(write=True)
    if key == "container.id" and (operator, values) == ("!=", ("host",)):
        return Clause(container=True)
    if key == "container.id" and operator in ("=", "in") and "host" not in values:
        return Clause(container=True)
    if key == "drift.kind" and operator in ("=", "in") and set(values) <= {"write", "attempt"}:
        return Clause(change=True)
    if key in ("fd.num", "evt.rawres") and operator in (">=", ">") and values and values[0] >= 0:
        return Clause(succeeded=True)
    texts = [value for value in values if isinstance(value, str)]
    if key == "fd.nameraw" and operator == "contains":
        return Clause(given=frozenset(texts))
    paths = _paths(key, operator, texts)
    return ANYTHING if paths is None else Clause(paths=frozenset(paths))


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
    if key == "fd.directory" and operator == "startswith":
        return [Path("prefix", value) for value in values]
    if key == "fd.directory" and operator == "pmatch":
        return _beginnings(values)
    if key == "fd.filename" and operator in ("=", "in"):
        return [Path("name", value) for value in values]
    return None


def _names(operator: str, values: Sequence[str]) -> list[Path] | None:
    if operator in ("=", "in"):
        return [Path("exact", value) for value in values]
    if operator == "startswith":
        return [Path("prefix", value) for value in values]
    if operator == "endswith":
        return [Path("suffix", value) for value in values]
    if operator == "glob":
        return [Path("glob" if set(value) & set(GLOB) else "exact", value) for value in values]
    if operator == "pmatch":
        return _beginnings(values)
    return None


def _beginnings(globs: Sequence[str]) -> list[Path]:
    """Of `pmatch`, which compares component by component: `etc/` fits /etc, too."""
    literals = (glob[: _literal_length(glob)].split("/") for glob in globs)
    return [Path("prefix", "/" + "/".join(filter(None, parts))) for parts in literals]


def _literal_length(glob: str) -> int:
    return next((position for position, character in enumerate(glob) if character in GLOB), len(glob))
