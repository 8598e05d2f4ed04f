"""How long a change of rules holds up the events: 100 reloads of the stock rules while events are judged without pause.

A gap is the time from the end of the last event under the old rules to the start of the first under the new ones; the
longest step is what any other part of a reload took between two events. Wall time, the child process included.
"""

import sys
import time

from runtime_monitor import reload
from tests.bench import bench_rules, measure, rule_events

RELOADS = 100


def main() -> int:
    """Print and store the figures; return the goals missed."""
    if not bench_rules.STOCK.is_file():
        sys.stdout.write(f"reload: skipped, no stock rules at {bench_rules.STOCK}; set PODSEAL_FALCO_RULES\n")
        return 0
    request = reload.Request((str(bench_rules.STOCK),))
    ready = reload.answer(request).program
    assert ready is not None
    pool, _kinds = rule_events.pool(bench_rules.SEED, 2000)
    reloader = reload.Reloader(request, ready)
    gaps, steps, judged = [], [], 0
    for _ in range(RELOADS):
        before = reloader.engine
        reloader.request()
        while True:
            reloader.judge(pool[judged % len(pool)])
            judged += 1
            begin = time.perf_counter()
            outcome = reloader.poll()
            took = (time.perf_counter() - begin) * 1000
            if reloader.engine is not before:
                gaps.append(took)
                before = reloader.engine
            else:
                steps.append(took)
            if outcome is not None:
                assert outcome.swapped, outcome.problems
                break
    return measure.report("reload", [_p99("gap of a reload", gaps), _p99("other steps of a reload", steps, judged)])


def _p99(name: str, values: list[float], judged: int = 0) -> measure.Result:
    value = sorted(values)[int(len(values) * 0.99) - 1]
    detail = f"longest {max(values):.3g} ms" + (f", {judged} events judged meanwhile" if judged else "")
    return measure.single(f"rules: {name}, p99", value, unit=" ms", goal=measure.Goal(5), detail=detail)
