"""What an output is spared: repetitions and floods, counted and summed up in an alert of their own.

In: alerts in their order, and the time. Out: those that pass, and from time to time a summary of those held back.
Pure but for its memory: the clock is an argument, and what was held back is a value that `cursors` keeps beside the
output's position, so that a restart forgets no count. Called by `delivery`.
"""

import collections
from dataclasses import dataclass, field
from typing import Final

from runtime_monitor.alerts import Alert, Priority
from runtime_monitor.feed.filters import Deduplicate, RateLimit

REMEMBERED: Final = 10_000
"""How many keys of deduplication are kept; beyond them the oldest is forgotten, and its next repetition passes."""
SUMMARY_SECONDS: Final = 60.0
SUMMARY_RULE: Final = "Alerts held back"
NANOSECONDS: Final = 1_000_000_000
Held = dict[str, int]
"""Rule -> alerts held back and not summed up yet."""


@dataclass
class Limits:
    """The limits of one output. `held` is what waits to be summed up; times are monotonic seconds."""

    rate: RateLimit | None = None
    deduplicate: Deduplicate | None = None
    held: Held = field(default_factory=dict)
    held_back: collections.Counter[str] = field(default_factory=collections.Counter)  # reason -> alerts, for metrics
    _tokens: float = float("inf")
    _filled: float = 0.0
    _seen: collections.OrderedDict[tuple[str, ...], int] = field(default_factory=collections.OrderedDict)
    _summed_up: float | None = None

    def passes(self, alert: Alert, now: float) -> bool:
        """Whether the output gets this alert; if not it is counted."""
        reason = self._reason(alert, now)
        if reason:
            self.held[alert.rule] = self.held.get(alert.rule, 0) + 1
            self.held_back[reason] += 1
            if self._summed_up is None:
                self._summed_up = now
        return not reason

    def summary(self, last: Alert | None, now: float) -> Alert | None:
        """The alert that sums up what was held back, once its time has come; `confirm` forgets it.

        `last` is the newest alert read, from which the summary has its time and its id: sent twice after a crash, it
        is the same one.
        """
        if not self.held or last is None or (self._summed_up is not None and now - self._summed_up < SUMMARY_SECONDS):
            return None
        count = sum(self.held.values())
        rules = ", ".join(f"{rule}: {held}" for rule, held in sorted(self.held.items(), key=lambda item: -item[1])[:10])
        return Alert(
            id=f"{last.id}/held-back",
            time=last.time,
            rule=SUMMARY_RULE,
            priority=Priority.NOTICE,
            output=f"{count} alerts were held back by this output's limits ({rules})",
            output_fields={"podseal.held_back": count, "podseal.held_back_by_rule": dict(self.held)},
            hostname=last.hostname,
            source="podseal",
            tags=("podseal",),
        )

    def confirm(self) -> None:
        """The summary was delivered."""
        self.held = {}
        self._summed_up = None

    def _reason(self, alert: Alert, now: float) -> str:
        if self.deduplicate and self._is_repeated(self.deduplicate, alert):
            return "repeated"
        return "rate" if self.rate and not self._take(self.rate, now) else ""

    def _is_repeated(self, deduplicate: Deduplicate, alert: Alert) -> bool:
        """By the alerts' own times, so that a backlog is judged as it happened.

        A time before that of the first one (a clock that was set back) begins a new window.
        """
        key = deduplicate.key(alert)
        first = self._seen.get(key)
        if first is not None and 0 <= alert.time - first < deduplicate.seconds * NANOSECONDS:
            return True
        self._seen[key] = alert.time
        self._seen.move_to_end(key)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return False

    def _take(self, rate: RateLimit, now: float) -> bool:
        """A token bucket, full at the start."""
        self._tokens = min(rate.burst, self._tokens + max(0.0, now - self._filled) * rate.per_second)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
