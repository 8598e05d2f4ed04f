"""`make drills`: every drill, those of the webhook on a cluster of their own; exit 1 where something was lost.

In: names of drills (none = all) and PODSEAL_TEST_CLUSTER=FOLDER for a cluster that runs already. Out: three tables with
a line a drill: of reloads, events made, marks by the rules that judged them, lost, the gap, the ring; of the feed,
alerts made, delivered, duplicated, lost; of the webhook, creations sent, failed, the longest time without one that
passed. Exit code 2 where the machine lacks something.
"""

import argparse
import pathlib
import sys
import tempfile

from tests.cluster import build, given, requirements
from tests.cluster.e2e import installation
from tests.drills import drills, feed, reload, stream

NAMESPACE = "drills"
ROUNDS = 4
IDLE = (6.0, 45.0, 89.5, 90.0, 90.5)
"""The API server closes idle connections after 90 s; podseal would after 120 s."""
OF_THE_FEED = {**feed.DRILLS, **stream.DRILLS}
KNOWN = ", ".join([*reload.DRILLS, *OF_THE_FEED, *drills.DRILLS])
RELOADS, RATE = 100, 20_000
"""How often rules change, while so many events a second happen."""
FEED_OUTAGE, FEED_KILLS = 600.0, 100
"""How many seconds a receiver of alerts is away, and how often a process is killed."""
RELOAD_ROW = "{:<22} {:>9} {:>9} {:>9} {:>6} {:>7} {:>9} {:>6}   {}"
FEED_ROW = "{:<22} {:>8} {:>10} {:>11} {:>6}   {}"
ROW = "{:<22} {:>6} {:>7} {:>11}   {}"


def main() -> int:
    """Run the drills."""
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="DRILL", help=f"of: {KNOWN}; none = all")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="how often each event happens (default: %(default)s)"
    )
    parser.add_argument(
        "--outage", type=float, default=FEED_OUTAGE, help="seconds that a receiver, or a node's network, is away"
    )
    parser.add_argument("--kills", type=int, default=FEED_KILLS, help="how often a process of the feed is killed")
    parser.add_argument("--reloads", type=int, default=RELOADS, help="how often rules change")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(drills.DRILLS) - set(OF_THE_FEED) - set(reload.DRILLS))
    if unknown:
        parser.error(f"there is no drill {unknown[0]!r}; the drills are {KNOWN}")
    names = options.names or [*reload.DRILLS, *OF_THE_FEED, *drills.DRILLS]
    lost = _run_reload([name for name in names if name in reload.DRILLS], options.reloads)
    try:
        if set(names) & set(stream.DRILLS):
            build.ensure(["nats-server"])
        lost += _run_feed([name for name in names if name in OF_THE_FEED], options.outage, options.kills)
        lost += _run_on_cluster([name for name in names if name in drills.DRILLS], options.rounds)
    except requirements.MissingError as error:
        sys.stderr.write(f"drills: {error}\n")
        return 2
    return 1 if lost else 0


def _run_reload(names: list[str], reloads: int) -> int:
    """Print the table of reloads; return how many drills lost something."""
    if names:
        columns = ("drill of reloads", "events", "by old", "by new", "lost", "missed", "gap p99", "ring")
        print(RELOAD_ROW.format(*columns, ""), flush=True)
    lost = 0
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            outcome = reload.DRILLS[name](reload.Stage(pathlib.Path(folder), reloads, RATE))
        lost += outcome.bad
        told = f"FAULT: {outcome.fault}" if outcome.fault else outcome.note
        counts = (outcome.made, outcome.old, outcome.new, outcome.lost, outcome.missed)
        print(RELOAD_ROW.format(name, *counts, f"{outcome.gap:.3f} ms", f"{outcome.highest:.0%}", told), flush=True)
    return lost


def _run_feed(names: list[str], outage: float, kills: int) -> int:
    """Print the feed's table; return how many drills lost something."""
    if names:
        print(FEED_ROW.format("drill of the feed", "made", "delivered", "duplicated", "lost", ""), flush=True)
    lost = 0
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            outcome = _fed(name, feed.Stage(pathlib.Path(folder), outage, kills))
        lost += bool(outcome.lost or outcome.fault)
        told = f"FAULT: {outcome.fault}" if outcome.fault else outcome.note
        counts = (outcome.made, outcome.delivered, outcome.duplicated, outcome.lost)
        print(FEED_ROW.format(name, *counts, told), flush=True)
    return lost


def _fed(name: str, stage: feed.Stage) -> feed.Outcome:
    """What came of a drill; one that waited in vain has a fault, and the next one begins."""
    try:
        return OF_THE_FEED[name](stage)
    except AssertionError as error:
        return feed.Outcome(0, 0, 0, fault=str(error))


def _run_on_cluster(names: list[str], rounds: int) -> int:
    """Print the webhook's table; return how many drills lost something."""
    if not names:
        return 0
    with given.bed() as bed, tempfile.TemporaryDirectory() as folder:
        bed.create_namespace(NAMESPACE)
        with installation.install(bed, pathlib.Path(folder)) as podseal:
            lost = _run(names, drills.Stage(podseal, NAMESPACE, rounds, IDLE))
        bed.delete_namespace(NAMESPACE)
    return lost


def _run(names: list[str], stage: drills.Stage) -> int:
    """Print the table line by line; return how many drills lost something."""
    print(ROW.format("drill", "sent", "failed", "longest gap", ""), flush=True)
    lost = 0
    for name in names:
        outcome = drills.DRILLS[name](stage)
        lost += bool(outcome.lost)
        told = f"LOST: {outcome.lost}" if outcome.lost else outcome.note
        print(ROW.format(name, outcome.sent, outcome.failed, f"{outcome.gap:.2f} s", told), flush=True)
    print(f"{len(names)} drills, {lost} lost something", flush=True)
    return lost


if __name__ == "__main__":
    sys.exit(main())
