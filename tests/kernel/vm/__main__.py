"""`python -m tests.kernel.vm [--series 6.1.0] [--security-modules LIST] -- COMMAND`: a command on another kernel.

In: a shell command. Out: what it printed, and its exit code; 2 where no machine could be booted.
"""

import argparse
import sys

from tests.cluster import requirements
from tests.kernel.vm import debian, machine


def main() -> int:
    """Boot, run, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.kernel.vm")
    parser.add_argument("--series", default="6.1.0", help="of Debian's kernels (default: %(default)s)")
    parser.add_argument("--security-modules", default=machine.WITH_BPF, help="lsm= (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=machine.BOOT, help="the limit (default: %(default)s)")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    try:
        outcome = machine.run(
            debian.fetch(options.series),
            " ".join(options.command),
            security_modules=options.security_modules,
            seconds=options.seconds,
        )
    except (requirements.MissingError, machine.BootError) as error:
        sys.stderr.write(f"tests.kernel.vm: {error}\n")
        return 2
    sys.stdout.write(outcome.output)
    return outcome.code


if __name__ == "__main__":
    sys.exit(main())
