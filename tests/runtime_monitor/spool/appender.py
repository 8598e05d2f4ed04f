"""Appends generated alerts to a spool in small groups and says after each `acknowledged <count>` on standard output.

A program of its own, so that tests can kill it: python -m tests.runtime_monitor.spool.appender SPOOL SYNC START COUNT
"""

import sys
from pathlib import Path

from runtime_monitor.spool.writer import Settings, Writer
from tests.runtime_monitor import generated

GROUP = 7


def main(spool: str, sync: str, start: int, count: int) -> None:
    """Append until `count` alerts are written, or until somebody kills this process."""
    writer = Writer(Path(spool), Settings(sync="full" if sync == "full" else "normal"))
    for first in range(start, start + count, GROUP):
        end = min(first + GROUP, start + count)
        if writer.append(generated.stream(end - first, start=first)):
            sys.stdout.write(f"acknowledged {end}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
