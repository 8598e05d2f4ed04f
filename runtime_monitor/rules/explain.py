"""Why a rule fires on an event, or why not: which checks decided, and where a value was not known.

In: a resolved condition and an Event. Out: an Explanation, the tree of its parts with their truth; `deciding` picks the
checks that made it so. Called by `podseal-monitor rules explain`. It evaluates the condition as it is written, part by
part, and shares nothing with the compiled code but the checks themselves.
"""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from runtime_monitor.events import Event
from runtime_monitor.rules import depth, resolve


class Explanation(Struct, frozen=True):
    """A part of a condition. `known` is False where a check is false because the event lacks the value.

    `kind` is check, not, and, or; `text` the check's own text; `values` what its fields had.
    """

    kind: str
    truth: bool
    known: bool = True
    text: str = ""
    values: dict[str, Any] = {}
    children: tuple["Explanation", ...] = ()

    def __str__(self) -> str:
        """A check for people: its text, and what the event has."""
        found = ", ".join(f"{name} is {_shown(value)}" for name, value in self.values.items())
        return f"{'true ' if self.truth else 'false' if self.known else 'null '} {self.text}  ({found})"


@depth.allowed
def explain(node: resolve.Node, event: Event) -> Explanation:
    """The truth of every part of a condition for an event."""
    return _explained(node, event)


def _explained(node: resolve.Node, event: Event) -> Explanation:
    if isinstance(node, resolve.Test):
        return _test(node, event)
    if isinstance(node, resolve.Negated):
        child = _explained(node.child, event)
        return Explanation("not", not child.truth, children=(child,))
    children = tuple(_explained(child, event) for child in node.children)
    if isinstance(node, resolve.All):
        return Explanation("and", all(child.truth for child in children), children=children)
    return Explanation("or", any(child.truth for child in children), children=children)


def deciding(explanation: Explanation) -> Iterator[Explanation]:
    """The checks that make the whole as it is.

    Of a false `and` the parts that are false, of a true one all; of a true `or` the parts that are true, of a false one
    all.
    """
    left = [explanation]
    while left:
        part = left.pop()
        if part.kind == "check":
            yield part
        children = [child for child in part.children if part.kind == "not" or child.truth is part.truth]
        left.extend(reversed(children))


def _test(test: resolve.Test, event: Event) -> Explanation:
    operands = [test.left] if test.right is None else [test.left, test.right]
    found = [operand.read(event) for operand in operands]
    values = {operand.key: value for operand, value in zip(operands, found, strict=True)}
    if any(value is None for value in found):
        return Explanation("check", truth=False, known=False, text=test.text, values=values)
    truth = test.holds is None or bool(test.holds(*found))
    return Explanation("check", truth=truth, text=test.text, values=values)


def _shown(value: object) -> str:
    if value is None:
        return "not known"
    if isinstance(value, tuple):
        return " | ".join(map(str, value))
    return repr(value)
