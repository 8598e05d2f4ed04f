"""How fast rules judge: events a second, beside the same conditions written by hand, and as rules grow more.

The stock rules are found as the tests find them. Times are CPU times of this process, in blocks that alternate.
"""

import random
import sys
import time

from runtime_monitor import detections, reload
from runtime_monitor.events import Event
from runtime_monitor.rules import document, engine, program, ruleset
from tests import stock_rules
from tests.bench import measure, rule_events, rules_by_hand

STOCK = stock_rules.PATH
SEED, POOL, EVENTS, BLOCK = 20260921, 20_000, 1_000_000, 50_000
OTHER_TYPES = ("fsync", "fdatasync", "epoll_wait", "futex", "getpid", "nanosleep", "poll", "select", "times", "umask")


def main() -> int:
    """Print and store the figures; return the goals missed."""
    if not STOCK.is_file():
        sys.stdout.write(f"rules: skipped, no stock rules at {STOCK}; set PODSEAL_FALCO_RULES\n")
        return 0
    pool, kinds = rule_events.pool(SEED, POOL)
    drawn = random.Random(SEED).choices(pool, k=EVENTS)  # noqa: S311 -- a mix, not a secret
    shares = ", ".join(f"{kind} {100 * count / POOL:.1f} %" for kind, count in kinds.most_common())
    sys.stdout.write(f"{EVENTS} events drawn from {POOL} (seed {SEED}): {shares}\n")
    stock = _engine(ruleset.Source("stock", STOCK.read_text()))
    both = _engine(
        *(ruleset.Source(*each, own=True) for each in detections.texts()), ruleset.Source("stock", STOCK.read_text())
    )
    return measure.report(
        "rules",
        [
            _rate(both, drawn),
            _beside_hand(pool, drawn),
            _beside_more(stock, drawn),
            _load(),
            _link(),
        ],
    )


def _engine(*sources: ruleset.Source, first: bool = True) -> engine.Engine:
    loaded = ruleset.load(sources)
    assert not loaded.errors, loaded.errors
    return engine.Engine(program.build(loaded, first=first))


def _rate(running: engine.Engine, drawn: list[Event]) -> measure.Result:
    rates = []
    judge = running.judge
    for start in range(0, len(drawn), BLOCK):
        block = drawn[start : start + BLOCK]
        begin = time.process_time()
        for event in block:
            judge(event)
        rates.append(len(block) / (time.process_time() - begin))
    fired = sum(running.fired.values())
    low, high = measure.interval(rates)
    return measure.Result(
        name="rules: events a second of one core, stock and podseal's rules, alerts included",
        value=sorted(rates)[len(rates) // 2],
        low=low,
        high=high,
        unit="/s",
        samples=len(rates),
        goal=measure.Goal(100_000, at_most=False),
        detail=f"{fired} alerts of {len(drawn)} events",
    )


def _beside_hand(pool: list[Event], drawn: list[Event]) -> measure.Result:
    """Compiled rules against the function by hand, verdicts without texts; both ask every rule."""
    by_hand = rules_by_hand.judge_of(_lists())
    every = _engine(ruleset.Source("stock", STOCK.read_text()), first=False)
    differing = [event for event in pool if sorted(every.verdict(event)) != sorted(by_hand(event))]
    assert not differing, (every.verdict(differing[0]), by_hand(differing[0]), differing[0])
    block = drawn[:BLOCK]
    return measure.compare(
        "rules: 25 compiled stock rules / the same conditions by hand, CPU",
        lambda: measure.cpu_seconds(lambda: [by_hand(event) for event in block]),
        lambda: measure.cpu_seconds(lambda: [every.verdict(event) for event in block]),
        goal=measure.Goal(3),
    )


def _beside_more(stock: engine.Engine, drawn: list[Event]) -> measure.Result:
    """Ten times as many rules, the others of event types that the mix does not have."""
    others = "".join(
        f"- rule: other {number}\n  desc: d\n  output: x\n  priority: INFO\n"
        f"  condition: evt.type = {OTHER_TYPES[number % len(OTHER_TYPES)]} and proc.name = x{number}\n"
        for number in range(225)
    )
    more = _engine(ruleset.Source("stock", STOCK.read_text()), ruleset.Source("others", others))
    block = drawn[:BLOCK]
    return measure.compare(
        "rules: 250 rules, 225 of other event types / 25 rules, CPU",
        lambda: measure.cpu_seconds(lambda: [stock.verdict(event) for event in block]),
        lambda: measure.cpu_seconds(lambda: [more.verdict(event) for event in block]),
        goal=measure.Goal(1.1),
    )


def _load() -> measure.Result:
    """Text -> an engine that runs, in a process that has loaded nothing yet but its modules."""
    request = reload.Request((str(STOCK),), own=False)
    costs = []
    for _ in range(10):
        begin = time.process_time()
        reply = reload.answer(request)
        assert reply.program is not None
        engine.Engine(reply.program)
        costs.append(time.process_time() - begin)
    return measure.single("rules: cold load of the stock rules, CPU", max(costs), unit=" s", goal=measure.Goal(0.5))


def _link() -> measure.Result:
    """What is left for the event loop of a reload: to link what the child compiled."""
    reply = reload.answer(reload.Request((str(STOCK),)))
    ready = reply.program
    assert ready is not None
    costs = sorted(measure.cpu_seconds(lambda: engine.Engine(ready)) * 1000 for _ in range(100))
    return measure.single("rules: link of a reload, p99 of 100, CPU", costs[98], unit=" ms", goal=measure.Goal(5))


def _lists() -> dict[str, list[str]]:
    """The items of the stock lists, those of lists in them included, to any depth."""
    written = {
        (value.entries["list"].text or ""): [item.text or "" for item in value.entries["items"].items or []]
        for value in document.read(STOCK.read_text(), STOCK.name)
        if value.entries and "list" in value.entries
    }

    def flat(name: str) -> list[str]:
        return [each for item in written[name] for each in (flat(item) if item in written else [item])]

    return {name: flat(name) for name in written}
