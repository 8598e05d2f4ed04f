"""What this sensor can tell: the fields that it fills, and the event types that it hands over.

In: nothing. Out: `fillable` and `delivered`, by which rules are loaded for this sensor (`rules.ruleset.Options`).
Called by `commands.run`. A test holds it against the sources of `kernel` and `enrich`: every attribute of an Event is
filled there. A field may still be missing in an event, of which it says nothing; what only some types of events have,
and which texts are never told, the fields say themselves (`Field.events`, `Field.told`).
"""

from typing import Final

from runtime_monitor.kernel import calls
from runtime_monitor.rules import fields

BESIDE_CALLS: Final = frozenset({"execve", "execveat", "procexit", "write", "pwrite"})
"""Events that stand in no table of calls: programs, their ends, and summaries of further writes."""


def fillable() -> frozenset[str]:
    """The fields that rules may ask of this sensor's events: all that there are."""
    return frozenset(fields.FIELDS)


def delivered() -> frozenset[str]:
    """The event types that this sensor hands over."""
    called = frozenset(call.event_type for call in calls.CALLS if not call.carries)
    return called | frozenset(calls.URING.values()) | BESIDE_CALLS
