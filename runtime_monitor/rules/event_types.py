"""Which event types a condition can be true for at all, and what is left of it for one type.

In: a resolved condition. Out: a set of names (`possible`), or the condition for one type with its checks of the type
decided (`specialise`). Called by `compile`, which dispatches by type, by `pushdown`, and by `ruleset` for its warning.
"""

from collections.abc import Iterable, Sequence

from runtime_monitor.rules import resolve, syscalls

TYPE = "evt.type"
NUMBER = "evt.num"


def possible(node: resolve.Node) -> frozenset[str]:
    """The types of events for which it can be true; all known ones where nothing binds it."""
    return _possible(node)[0]


def _possible(node: resolve.Node) -> tuple[frozenset[str], frozenset[str]]:
    """Types for which it can be true, and types for which it can be false."""
    if isinstance(node, resolve.Negated):
        true, false = _possible(node.child)
        return false, true
    if isinstance(node, resolve.Test):
        if not _decidable(node):
            return syscalls.NAMES, syscalls.NAMES
        decided = {name: decide(node, name) for name in syscalls.NAMES}
        true = frozenset(name for name, truth in decided.items() if truth)
        return true, syscalls.NAMES - true
    parts = [_possible(child) for child in node.children]
    trues, falses = [part[0] for part in parts], [part[1] for part in parts]
    if isinstance(node, resolve.All):
        return _common(trues), _joined(falses)
    return _joined(trues), _common(falses)


def _common(sets: Sequence[frozenset[str]]) -> frozenset[str]:
    """What is in all; most checks bind no type, and their sets need no look."""
    binding = [each for each in sets if each is not syscalls.NAMES]
    return syscalls.NAMES.intersection(*binding) if binding else syscalls.NAMES


def _joined(sets: Sequence[frozenset[str]]) -> frozenset[str]:
    """What is in any."""
    return syscalls.NAMES if any(each is syscalls.NAMES for each in sets) else frozenset().union(*sets)


def binds(node: resolve.Node) -> bool:
    """Whether it asks for the event's type anywhere; where not, it is the same for all types."""
    return any(map(_decidable, resolve.tests(node)))


def decide(test: resolve.Test, event_type: str) -> bool | None:
    """What a check is for all events of a type; None where it depends on the event.

    Events are counted from 1, so `evt.num = 0`, the stock rules' never_true, is false.
    """
    if not _decidable(test):
        return None
    if test.left.key == NUMBER:
        return False
    return test.holds is None or bool(test.holds(event_type))


def _decidable(test: resolve.Test) -> bool:
    if test.right is not None:
        return False
    if test.left.path == TYPE:
        return True
    return test.left.key == NUMBER and test.operator == "=" and test.values == (0,)


def specialise(node: resolve.Node, event_type: str) -> resolve.Node | bool:
    """The condition for events of one type; True or False where nothing is left to ask."""
    if isinstance(node, resolve.Test):
        decided = decide(node, event_type)
        return node if decided is None else decided
    if isinstance(node, resolve.Negated):
        child = specialise(node.child, event_type)
        return (not child) if isinstance(child, bool) else resolve.Negated(child)
    absorbing = isinstance(node, resolve.Some)
    left: list[resolve.Node] = []
    for child in node.children:
        part = specialise(child, event_type)
        if part is absorbing:
            return absorbing
        if not isinstance(part, bool):
            left.append(part)
    return _combined(type(node), left, empty=not absorbing)


def _combined(
    kind: type[resolve.All] | type[resolve.Some], children: Iterable[resolve.Node], *, empty: bool
) -> resolve.Node | bool:
    flat: list[resolve.Node] = []
    for child in children:
        if isinstance(child, kind):
            flat.extend(child.children)
        else:
            flat.append(child)
    if not flat:
        return empty
    return flat[0] if len(flat) == 1 else kind(tuple(flat))
