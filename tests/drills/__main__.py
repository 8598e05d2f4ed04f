"""`make drills`: every drill on a cluster of its own, printed as a table; exit 1 where something was lost.

In: names of drills (none = all) and PODSEAL_TEST_CLUSTER=FOLDER for a cluster that runs already. Out: a line a drill:
creations sent, failed, the longest time without one that passed. Exit code 2 where the machine lacks something.
"""

import argparse
import pathlib
import sys
import tempfile

from tests.cluster import given, requirements
from tests.cluster.e2e import installation
from tests.drills import drills

NAMESPACE = "drills"
ROUNDS = 4
IDLE = (6.0, 45.0, 89.5, 90.0, 90.5)
"""The API server closes idle connections after 90 s; podseal would after 120 s."""
ROW = "{:<22} {:>6} {:>7} {:>11}   {}"


def main() -> int:
    """Run the drills."""
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="DRILL", help=f"of: {', '.join(drills.DRILLS)}; none = all")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="how often each event happens (default: %(default)s)"
    )
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(drills.DRILLS))
    if unknown:
        parser.error(f"there is no drill {unknown[0]!r}; the drills are {', '.join(drills.DRILLS)}")
    try:
        with given.bed() as bed, tempfile.TemporaryDirectory() as folder:
            bed.create_namespace(NAMESPACE)
            with installation.install(bed, pathlib.Path(folder)) as podseal:
                lost = _run(
                    options.names or list(drills.DRILLS), drills.Stage(podseal, NAMESPACE, options.rounds, IDLE)
                )
            bed.delete_namespace(NAMESPACE)
    except requirements.MissingError as error:
        sys.stderr.write(f"drills: {error}\n")
        return 2
    return 1 if lost else 0


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
