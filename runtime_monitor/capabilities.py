"""What this sensor can tell: the attributes of events that it fills, and the event types that it hands over.

In: nothing. Out: `fillable` and `delivered`, by which rules are loaded for this sensor (`rules.ruleset.Options`).
Called by `commands.run`. A test holds it against the sources of `kernel` and `enrich`: whoever fills another attribute
takes it out of the list here.
"""

from typing import Final

from runtime_monitor.kernel import calls
from runtime_monitor.rules import fields

UNFILLED: Final = frozenset({"evt.num", "evt.is_open_exec", "podseal.gap", "proc.is_vpgid_leader"})
"""Attributes that no event of this sensor has."""

BESIDE_CALLS: Final = frozenset({"execve", "execveat", "procexit", "write", "pwrite"})
"""Events that stand in no table of calls: programs, their ends, and summaries of further writes."""


def fillable() -> frozenset[str]:
    """The fields that rules may ask of this sensor's events."""
    return fields.fillable(fields.ATTRIBUTES - UNFILLED)


def delivered() -> frozenset[str]:
    """The event types that this sensor hands over."""
    return frozenset(call.name for call in calls.CALLS) | frozenset(calls.URING.values()) | BESIDE_CALLS
