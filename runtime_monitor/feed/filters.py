"""Which alerts an output wants: by priority, rule, tag and namespace.

In: an Alert. Out: whether it passes. Pure. Called by `delivery`.
"""

import fnmatch
from typing import Annotated

from msgspec import Meta, Struct

from runtime_monitor.alerts import Alert, Priority

Patterns = tuple[Annotated[str, Meta(min_length=1)], ...]


class Filter(Struct, frozen=True, forbid_unknown_fields=True):
    """An alert passes that is grave enough and fits each list that is not empty.

    Entries may hold `*` and `?`. `priority` is Falco's name of the least grave one, in any case.
    """

    priority: str = "debug"
    rules: Patterns = ()
    tags: Patterns = ()
    namespaces: Patterns = ()

    def __post_init__(self) -> None:
        """Refuse a priority that is none (msgspec turns the ValueError into one that names the place)."""
        priority_of(self.priority)

    def passes(self, alert: Alert) -> bool:
        """Whether an output with this filter gets the alert."""
        namespace = alert.output_fields.get("k8s.ns.name")
        return (
            alert.priority <= priority_of(self.priority)
            and _fits(self.rules, (alert.rule,))
            and _fits(self.tags, alert.tags)
            and _fits(self.namespaces, () if namespace is None else (str(namespace),))
        )


def priority_of(name: str) -> Priority:
    """Falco's priority of a name, in any case; `info` is Informational. Raises `ValueError`."""
    wanted = name.strip().upper()
    try:
        return Priority[{"INFO": "INFORMATIONAL"}.get(wanted, wanted)]
    except KeyError:
        known = ", ".join(each.name.lower() for each in Priority)
        raise ValueError(f"{name!r} is no priority; one of {known}") from None


def _fits(patterns: Patterns, values: tuple[str, ...]) -> bool:
    return not patterns or any(fnmatch.fnmatchcase(value, pattern) for value in values for pattern in patterns)


class RateLimit(Struct, frozen=True, forbid_unknown_fields=True):
    """At most so many alerts a second on average, and so many at once."""

    per_second: Annotated[float, Meta(gt=0)]
    burst: Annotated[int, Meta(ge=1)] = 10


class Deduplicate(Struct, frozen=True, forbid_unknown_fields=True):
    """Of alerts that agree in all of `keys` one passes in so many seconds.

    A key is `rule`, `hostname`, `priority` or the name of an output field, such as `k8s.pod.name`.
    """

    keys: Annotated[tuple[str, ...], Meta(min_length=1)]
    seconds: Annotated[float, Meta(gt=0)] = 60.0

    def key(self, alert: Alert) -> tuple[str, ...]:
        """What such alerts agree in."""
        named = {"rule": alert.rule, "hostname": alert.hostname, "priority": alert.priority.label}
        return tuple(str(named.get(key, alert.output_fields.get(key))) for key in self.keys)
