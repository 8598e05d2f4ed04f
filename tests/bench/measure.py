"""Ratios that survive a noisy machine: blocks of A and B in turn, the median of their paired ratios, its interval.

In: two callables that each do one block and return its cost. Out: a `Result`, printed as one line
`name: figure goal met|missed` and stored in tests/bench/results/. Called by every bench_*.py here.
"""

import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
CONFIDENCE = 0.95
RESAMPLES = 2000


@dataclass(frozen=True)
class Goal:
    """What a figure should be: at most, or at least, `limit`."""

    limit: float
    at_most: bool = True

    def met(self, low: float, high: float) -> bool:
        """Whether the interval reaches the goal."""
        return low <= self.limit if self.at_most else high >= self.limit

    def __str__(self) -> str:
        return f"{'<=' if self.at_most else '>='} {self.limit:g}"


@dataclass(frozen=True)
class Result:
    """A figure with the interval around it; low == high where a single value was read."""

    name: str
    value: float
    low: float
    high: float
    unit: str
    samples: int
    goal: Goal | None = None
    detail: str = ""

    def line(self) -> str:
        """One line for people and for grep."""
        interval = f" [{self.low:.3g}, {self.high:.3g}]" if self.low != self.high else ""
        figure = f"{self.name}: {self.value:.3g}{self.unit}{interval}"
        verdict = ""
        if self.goal:
            verdict = f" goal {self.goal} {'met' if self.goal.met(self.low, self.high) else 'missed'}"
        return f"{figure}{verdict}{f' ({self.detail})' if self.detail else ''}"


def compare(
    name: str,
    baseline: Callable[[], float],
    candidate: Callable[[], float],
    *,
    goal: Goal | None = None,
    blocks: int = 12,
) -> Result:
    """The ratio candidate / baseline over interleaved blocks.

    Each callable runs one block and returns its cost (or throughput) in a unit of its own choice; the first pair is
    thrown away as warm-up. Which of a pair goes first alternates, so that a drift favours neither.
    """
    ratios = []
    costs = []
    for block in range(blocks + 1):
        first, second = (baseline, candidate) if block % 2 else (candidate, baseline)
        one, two = first(), second()
        base, cand = (one, two) if block % 2 else (two, one)
        if block:
            ratios.append(cand / base)
            costs.append((base, cand))
    low, high = interval(ratios)
    base_median, cand_median = (statistics.median(column) for column in zip(*costs, strict=True))
    return Result(
        name=name,
        value=statistics.median(ratios),
        low=low,
        high=high,
        unit="x",
        samples=blocks,
        goal=goal,
        detail=f"medians {cand_median:.4g} against {base_median:.4g}",
    )


def interval(values: list[float]) -> tuple[float, float]:
    """The bootstrap interval of the median, with a fixed seed so that one set of figures gives one interval."""
    source = random.Random(0)  # noqa: S311 -- statistics, not secrets
    medians = sorted(statistics.median(source.choices(values, k=len(values))) for _ in range(RESAMPLES))
    tail = (1 - CONFIDENCE) / 2
    return medians[int(tail * RESAMPLES)], medians[int((1 - tail) * RESAMPLES) - 1]


def single(name: str, value: float, *, unit: str, goal: Goal | None = None, detail: str = "") -> Result:
    """A figure that was read once, such as memory."""
    return Result(name, value, value, value, unit, 1, goal, detail)


def bound(before: Mapping[str, float], after: Mapping[str, float], histogram: str, share: float) -> float:
    """Of what a Prometheus histogram counted between two scrapes: the bound below which this share lies, in seconds."""
    count = after[f"{histogram}_count"] - before.get(f"{histogram}_count", 0)
    bounds = [
        (float(name.partition('le="')[2].rstrip('"}').replace("+Inf", "inf")), value - before.get(name, 0))
        for name, value in after.items()
        if name.startswith(f"{histogram}_bucket")
    ]
    return next(limit for limit, below in sorted(bounds) if below >= share * count)


def cpu_seconds(work: Callable[[], object], times: int = 1) -> float:
    """CPU seconds of this process for `times` runs."""
    start = time.process_time()
    for _ in range(times):
        work()
    return time.process_time() - start


def report(suite: str, results: list[Result]) -> int:
    """Print each line, store them in results/<suite>.json, and return how many goals were missed."""
    missed = 0
    for result in results:
        sys.stdout.write(result.line() + "\n")
        missed += bool(result.goal and not result.goal.met(result.low, result.high))
    RESULTS.mkdir(exist_ok=True)
    stored = [asdict(result) | {"line": result.line()} for result in results]
    (RESULTS / f"{suite}.json").write_text(json.dumps(stored, indent=1) + "\n")
    return missed
