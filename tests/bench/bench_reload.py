"""What a change of rules costs the events: the drill of reloads, a hundred of them under 20,000 events a second.

In the real thing: a program in a container, the kernel's ring, `podseal-monitor run` with Falco's stock rules. A gap is
from the last event under the old rules to the first under the new ones. Needs root. PODSEAL_BENCH_RELOADS makes fewer.
"""

import math
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench import measure
from tests.drills import reload, storm

RELOADS = int(os.environ.get("PODSEAL_BENCH_RELOADS", "100"))
RATE = 20_000


def main() -> int:
    """Print and store the figures; return the goals missed."""
    if not storm.STOCK.is_file():
        sys.stdout.write(f"reload: skipped, no stock rules at {storm.STOCK}; set PODSEAL_FALCO_RULES\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        found = reload.rules_changed(reload.Stage(Path(folder), RELOADS, RATE))
    return measure.report("reload", list(results(found)))


def results(found: reload.Outcome) -> Iterator[measure.Result]:
    """Of the drill."""
    steps = sorted(found.steps)
    p50, p99 = (measure.bound({}, found.metrics, "alert_seconds", share) * 1000 for share in (0.5, 0.99))
    count, load = len(found.gaps), f"load average {os.getloadavg()[0]:.0f}"
    yield measure.single(
        "rules: gap of a reload, p99", found.gap, unit=" ms", goal=measure.Goal(5),
        detail=f"{count} reloads, longest {max(found.gaps):.3g} ms, {load}",
    )  # fmt: skip
    yield measure.single(
        "rules: longest step of a reload, p99", steps[math.ceil(count * 0.99) - 1], unit=" ms", goal=measure.Goal(5),
        detail=f"median {steps[count // 2]:.3g} ms",
    )  # fmt: skip
    yield measure.single(
        f"rules: events lost over {count} reloads at {RATE} events/s", found.lost + found.missed, unit="",
        goal=measure.Goal(0), detail=f"{found.made} made; marks: {found.old} by the old rules, {found.new} by the new",
    )  # fmt: skip
    yield measure.single("rules: highest fill of the ring", found.highest * 100, unit=" %", goal=measure.Goal(50))
    yield measure.single(
        f"rules: event to spool at {RATE} events/s, p99 is at most", p99, unit=" ms", goal=measure.Goal(30),
        detail=f"median at most {p50:g} ms, {found.metrics['alert_seconds_count']:.0f} alerts, stock rules",
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
