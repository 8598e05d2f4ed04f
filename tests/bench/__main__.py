"""`make bench`: every bench_*.py of this folder, each figure on a line of its own."""

import importlib
import sys
from pathlib import Path


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; return how many goals were missed (it fails no build)."""
    found = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))
    chosen = [name for name in found if not names or name.removeprefix("bench_") in names]
    missed = sum(importlib.import_module(f"tests.bench.{name}").main() for name in chosen)
    sys.stdout.write(f"{len(chosen)} benchmarks, {missed} goals missed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
