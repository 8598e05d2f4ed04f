"""Drills of reloads: rules change, break or raise while a container makes 20,000 events a second through the ring.

In: a `Stage`. Out: an `Outcome`. `DRILLS` names them; `python -m tests.drills` prints them as a table,
tests/drills/test_reload.py runs a short form of each. Of each mark of the storm there must be one alert, by one set of
rules; and once a set has judged, the one before judges no more. The new set wants a type of event and a path of opens
that the old one does not: of those too none may be missed between two events that the new set has judged.
"""

import math
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests import waiting
from tests.drills import storm

GAP = re.compile(r"loaded anew: ([0-9.]+) ms between two events, ([0-9.]+) ms for the longest step")
WAITED = re.compile(r"\((?:\d+) adopted, (\d+) bytes waited\)")
BROKEN = "- rule: [\n"
LOSSES = ("ring_full", "no_scratch", "skipped_runs", "undecodable")
FLOOD = 50_000
FULL = 30_000
"""Marks that no ring of this size can hold."""


@dataclass(frozen=True)
class Stage:
    """Where a drill runs: `reloads` is how often the rules change, `rate` is in events a second."""

    folder: Path
    reloads: int
    rate: int


@dataclass(frozen=True)
class Outcome:
    """What came of a drill.

    `old` and `new`: marks by the set of rules that judged them. `gaps`, and `steps` (each reload's longest), are in
    milliseconds, `metrics` the monitor's at the end.
    `lost`: what the kernel could not tell, as the monitor says itself; `missed`: marks without an alert, beyond those.
    `highest`: the highest share of the ring in use. `fault`: what went wrong beside events that are lost. `permitted`:
    the storm is more than can be judged, so that events may be lost as long as they are counted.
    """

    made: int
    old: int
    new: int
    lost: int
    missed: int
    gaps: list[float] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    highest: float = 0.0
    note: str = ""
    fault: str = ""
    permitted: bool = False

    @property
    def bad(self) -> bool:
        """Whether more was lost than may be."""
        return bool(self.missed or self.fault or (self.lost and not self.permitted))

    @property
    def gap(self) -> float:
        """The 99th percentile."""
        return sorted(self.gaps)[math.ceil(len(self.gaps) * 0.99) - 1] if self.gaps else 0.0


def rules_changed(stage: Stage) -> Outcome:
    """Two sets of rules by turns: by SIGHUP, and each tenth time by the changed file alone."""
    with storm.running(stage.folder, stage.rate) as node:
        marks = storm.Marks(node.spool)
        _begin(node, marks)
        for version in range(1, stage.reloads + 1):
            _change(node, marks, version, hang_up=version % 10 != 0)
        return _outcome(node, marks, node.end(), f"{stage.reloads} reloads")


def rules_broken(stage: Stage) -> Outcome:
    """A broken file by turns with a good one: the rules before stay in force, and the log says where and why."""
    fault = ""
    with storm.running(stage.folder, stage.rate) as node:
        marks = storm.Marks(node.spool)
        _begin(node, marks)
        for version in range(1, stage.reloads + 1):
            node.change(BROKEN)
            node.hang_up()
            waiting.until(lambda: node.log().count("stay as they were") >= version, "it to be told", storm.PATIENCE)  # noqa: B023 -- at once
            _further(marks, version - 1)
            if node.metrics()["rules_stale"] != 1:
                fault = "the metrics do not tell that the files are broken"
            _change(node, marks, version, hang_up=True)
        if f"{node.file}:2:1: error: is no YAML" not in node.log():
            fault = "the log does not say where"
        return _outcome(node, marks, node.end(), f"{stage.reloads} broken files", fault)


def rule_raises(stage: Stage) -> Outcome:
    """A rule that raises is taken out of force and told; the others go on, and a reload brings it back."""
    fault = ""
    raising = storm.rule("drill: raises", "evt.type = rename and toupper(fd.name) endswith 00", "fd.name", 0)
    with storm.running(stage.folder, stage.rate, program=(sys.executable, "-m", "tests.drills.faulty")) as node:
        marks = storm.Marks(node.spool)
        _begin(node, marks)
        for version in range(1, stage.reloads + 1):
            _change(node, marks, version, more=raising)
            _further(marks, version)
            if marks.others["podseal: rule disabled"] != version:
                fault = "a rule that raised was not told, or told twice"
        return _outcome(node, marks, node.end(), f"a rule raised {stage.reloads} times", fault)


def stopped_in_a_flood(stage: Stage) -> Outcome:
    """SIGTERM where the ring is full and more comes than can be judged: it ends soon, and the next one takes over."""
    with storm.running(stage.folder, FLOOD, every=1) as node:
        marks = storm.Marks(node.spool)
        _begin(node, marks)
        node.process.send_signal(signal.SIGSTOP)
        wanted = node.newest_mark() + FULL
        waiting.until(lambda: node.newest_mark() > wanted, "the ring to fill", storm.PATIENCE)
        node.process.terminate()
        begin = time.monotonic()
        node.process.send_signal(signal.SIGCONT)
        node.process.wait(storm.PATIENCE)
        took = time.monotonic() - begin
        made = node.end()
        node.start()
        waited = max(map(int, WAITED.findall(node.log())))
        outcome = _outcome(node, marks, made, f"ended in {took:.2f} s, {waited} bytes waited for the next one")
        fault = outcome.fault or ("" if waited else "it emptied the ring before it ended")
        return replace(outcome, fault=fault, permitted=True)


def _begin(node: storm.Node, marks: storm.Marks) -> None:
    node.begin()
    waiting.until(lambda: marks.look() == 0, "the first marks", storm.PATIENCE)


def _change(node: storm.Node, marks: storm.Marks, version: int, *, hang_up: bool = True, more: str = "") -> None:
    """Other rules, `more` before them, and wait until they have judged."""
    node.change(more + storm.rules(version, further=version % 2 == 1))
    if hang_up:
        node.hang_up()
    waiting.until(lambda: marks.look() >= version, f"version {version} to judge: {node.log()[-500:]}", storm.PATIENCE)


def _further(marks: storm.Marks, version: int) -> None:
    """Wait until the rules in force have judged more, and see that it is this version that does."""
    seen = len(marks.told[storm.RENAMES])
    waiting.until(
        lambda: marks.look() == version and len(marks.told[storm.RENAMES]) > seen, "more marks", storm.PATIENCE
    )


def _outcome(node: storm.Node, marks: storm.Marks, made: storm.Made, note: str, fault: str = "") -> Outcome:
    waiting.until(lambda: marks.look() >= 0 and marks.ended, "the storm's end to be told", storm.PATIENCE)
    waiting.until(lambda: node.log().count("loaded anew") >= marks.newest, "the last reload to be told", storm.PATIENCE)
    found = node.metrics()
    timings = [tuple(map(float, each)) for each in GAP.findall(node.log())]
    versions = marks.versions
    lost = int(sum(found[f'lost_total{{kind="{kind}"}}'] for kind in LOSSES))
    steps = [step for _, step in timings]
    new = sum(version % 2 for version in versions.values())
    return Outcome(
        made=made.events,
        old=len(versions) - new,
        new=new,
        lost=lost,
        missed=max(0, missed(marks, made.marks) - lost),
        gaps=[gap for gap, _ in timings],
        steps=steps,
        metrics=found,
        highest=found["ring_highest_ratio"],
        note=f"{note}; the longest step {max(steps, default=0.0):.1f} ms",
        fault=fault or disorder(marks),
    )


def missed(marks: storm.Marks, count: int) -> int:
    """Marks without an alert: renames from the first that was told on, others between two renames of a new set."""
    versions = marks.versions
    renames = sum(number not in versions for number in range(min(versions), count + 1))
    new = [number for number in versions if versions[number] % 2 and versions.get(number + 1) == versions[number]]
    return renames + sum(number not in marks.told[rule] for number in new for rule in storm.FURTHER)


def disorder(marks: storm.Marks) -> str:
    """What the alerts say that cannot be; empty where there is nothing."""
    twice = sum(len(told) > 1 for rule in marks.told.values() for told in rule.values())
    if twice:
        return f"{twice} marks were told twice"
    in_order = [marks.versions[number] for number in sorted(marks.versions)]
    if in_order != sorted(in_order):
        return "rules that were replaced judged again"
    if any(version % 2 == 0 for rule in storm.FURTHER for told in marks.told[rule].values() for version in told):
        return "the old set told what it has no rule for"
    return ""


DRILLS: dict[str, Callable[[Stage], Outcome]] = (
    {
        "rules-changed": rules_changed,
        "rules-broken": rules_broken,
        "rule-raises": rule_raises,
        "stopped-in-a-flood": stopped_in_a_flood,
    }
    if os.geteuid() == 0
    else {}
)
