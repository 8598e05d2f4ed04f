"""The monitor about itself: that it starts and stops, that it was killed, that events were lost.

In: the folder of its state, the time, the sensor's losses. Out: Alerts of the same form as all others, with the source
`internal`, as Falco calls what it says of itself. Called by `node`. A state file is written every few seconds; one
that says "running" at the next start tells of a monitor that could not say goodbye, and since when nobody watched.
"""

import contextlib
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from runtime_monitor import alerts
from runtime_monitor.alerts import Alert, Priority

SOURCE: Final = "internal"
TAGS: Final = ("podseal", "self_protection")
HEARTBEAT_SECONDS: Final = 5.0
SECOND: Final = 1_000_000_000


class State(Struct, frozen=True):
    """What is left for the next start. Times are nanoseconds since the epoch."""

    boot: str
    pid: int
    started: int
    seen: int
    stopped: bool = False


class Identity(Struct, frozen=True):
    """Which monitor speaks: node and boot as events have them."""

    node: str
    boot: str

    def alert(self, rule: str, priority: Priority, text: str, time: int, **fields: Any) -> Alert:  # noqa: ANN401 -- JSON
        """An alert about the monitor itself."""
        digest = hashlib.sha256(rule.encode()).hexdigest()[:8]
        return Alert(
            id=f"{self.node}/{self.boot}/monitor/{time}/{digest}",
            time=time,
            rule=rule,
            priority=priority,
            output=f"{alerts.iso_time(time)[11:-1]}: {priority.label} {text}",
            output_fields={"evt.hostname": self.node, "evt.rawtime": time, **fields},
            hostname=self.node,
            source=SOURCE,
            tags=TAGS,
        )


class Diary:
    """The state file, and what it lets a start say of the last run."""

    def __init__(self, path: Path, identity: Identity) -> None:
        self._path = path
        self._identity = identity
        self._state: State | None = None

    def begin(self, now: int) -> list[Alert]:
        """The monitor starts: that, and whether the last one was killed."""
        before = self._read()
        self._state = State(self._identity.boot, os.getpid(), now, now)
        self._write(self._state)
        told = [self._identity.alert("Monitor started", Priority.NOTICE, "the monitor watches this node", now)]
        if before is not None and not before.stopped:
            told.insert(0, self._killed(before, now))
        return told

    def beat(self, now: int) -> None:
        """It still runs."""
        if self._state is not None:
            self._state = msgspec.structs.replace(self._state, seen=now)
            self._write(self._state)

    def end(self, now: int, reason: str) -> Alert:
        """It stops, as it was told to."""
        if self._state is not None:
            self._write(msgspec.structs.replace(self._state, seen=now, stopped=True))
        text = f"the monitor stops watching this node: {reason}"
        return self._identity.alert("Monitor stopped", Priority.WARNING, text, now)

    def _killed(self, before: State, now: int) -> Alert:
        rebooted = before.boot != self._identity.boot
        seconds = max(0, now - before.seen) / SECOND
        what = "the node went down" if rebooted else "the monitor was killed"
        text = f"{what}: nobody watched this node for {seconds:.1f} s, since {alerts.iso_time(before.seen)}"
        fields = {"podseal.unwatched_from": before.seen, "podseal.unwatched_until": now, "podseal.pid": before.pid}
        return self._identity.alert("Monitor was not running", Priority.CRITICAL, text, now, **fields)

    def _read(self) -> State | None:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=State)
        except (OSError, msgspec.DecodeError):
            return None

    def _write(self, state: State) -> None:
        new = self._path.with_suffix(".new")
        # A full disk must not end the watch: the next start then says that it does not know.
        with contextlib.suppress(OSError):
            new.write_bytes(msgspec.json.encode(state))
            new.replace(self._path)


class LossReporter:
    """Tells when events were lost, once in a while: an absence of alerts then means less."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._told: dict[str, int] = {}
        self._next = 0

    def look(self, losses: Mapping[str, int], now: int) -> list[Alert]:
        """What was lost since it was last told; `losses` count since the start, by reason."""
        new = {name: count - self._told.get(name, 0) for name, count in losses.items()}
        new = {name: count for name, count in new.items() if count > 0}
        if not new or now < self._next:
            return []
        self._told, self._next = dict(losses), now + 10 * SECOND
        text = "events were lost: " + ", ".join(f"{count} ({name})" for name, count in sorted(new.items()))
        return [self._identity.alert("Events lost", Priority.ERROR, text, now, **{"podseal.lost": new})]


class TamperingReporter:
    """Tells of each change that somebody else made to the sensor's programs and maps, once."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._told: set[str] = set()

    def look(self, tampered: Sequence[str], now: int) -> list[Alert]:
        """What is new of it; what was put right may be told again."""
        new = [each for each in tampered if each not in self._told]
        self._told = set(tampered)
        if not new:
            return []
        text = f"somebody changed the monitor's programs or maps: {'; '.join(new)}"
        return [self._identity.alert("Monitor was tampered with", Priority.CRITICAL, text, now)]
