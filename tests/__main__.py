"""`make test`: every suite, from fast to slow, each with its own time limit and its time printed.

In: names of suites (none = all) and PODSEAL_REQUIRE_ALL=1 for the mode in which nothing may be skipped (`.ci/run`).
Out: what the suites print, one line a suite, and a last line `total: N passed, N failed[, N skipped]`; exit code 1
where one failed. Called by the Makefile. A suite that cannot run on this machine says why in one line.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
REQUIRE_ALL = os.environ.get("PODSEAL_REQUIRE_ALL") == "1"


@dataclass(frozen=True)
class Suite:
    """A named list of commands; a pytest suite is its marker expression and folders. `limit` is in seconds."""

    name: str
    limit: float
    commands: tuple[tuple[str, ...], ...] = ()
    marker: str = ""
    folders: tuple[str, ...] = ("tests",)


# Marks of tests that need more than Python, each with a suite of its own.
_APART = ("cluster", "tools", "kernel", "qemu", "packages", "browser")
_NONE_APART = " and ".join(f"not {mark}" for mark in _APART)

SUITES = (
    Suite(
        "static",
        300,
        commands=(
            (str(BIN / "ruff"), "check", "."),
            (str(BIN / "ruff"), "format", "--check", "."),
            (str(BIN / "mypy"),),
            (str(BIN / "lint-imports"),),
        ),
    ),
    Suite("fast", 600, marker=f"not slow and {_NONE_APART}"),
    Suite("slow", 900, marker=f"slow and {_NONE_APART}"),
    Suite("browser", 600, marker="browser", folders=("tests/runtime_monitor",)),
    Suite("receivers", 300, marker="packages", folders=("tests/runtime_monitor", "tests/manifests")),
    Suite(
        "kernel",
        600,
        marker="kernel",
        folders=("tests/kernel", "tests/runtime_monitor", "tests/drills", "tests/tour"),
    ),
    Suite("qemu", 900, marker="qemu", folders=("tests/kernel",)),
    Suite("tool builds", 1500, commands=((sys.executable, "-m", "tests.cluster.build"),)),
    Suite("jetstream", 300, marker="tools and not cluster", folders=("tests/runtime_monitor", "tests/drills")),
    Suite("manifests", 300, marker="tools and not cluster", folders=("tests/manifests",)),
    Suite("cluster", 1500, marker="cluster", folders=("tests/cluster",)),
)


@dataclass(frozen=True)
class Outcome:
    """How a suite ended: counts of tests, or of commands."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0


def main(names: Sequence[str]) -> int:
    """Run the suites and print their shares."""
    unknown = sorted(set(names) - {suite.name for suite in SUITES})
    if unknown:
        known = ", ".join(suite.name for suite in SUITES)
        sys.stderr.write(f"make test: there is no suite {unknown[0]!r}; the suites are {known}\n")
        return 2
    rows = []
    for suite in SUITES:
        if names and suite.name not in names:
            continue
        sys.stdout.write(f"\n== {suite.name} (limit {suite.limit:.0f} s)\n")
        sys.stdout.flush()
        started = time.monotonic()
        outcome = _run(suite)
        rows.append((suite, outcome, time.monotonic() - started))
    return _summary(rows)


def _run(suite: Suite) -> Outcome:
    if suite.marker:
        return _pytest(suite)
    passed = failed = 0
    for command in suite.commands:
        code = _limited(command, suite.limit)
        passed, failed = passed + (code == 0), failed + (code != 0)
    return Outcome(passed, failed)


def _pytest(suite: Suite) -> Outcome:
    """One pytest run, counted by its JUnit file; no tests at all is a failure, and so is a time-out."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "junit.xml"
        command = (sys.executable, "-m", "pytest", "-q", "-m", suite.marker, f"--junit-xml={report}", *suite.folders)
        code = _limited(command, suite.limit)
        if not report.exists():
            return Outcome(failed=1)
        root = ET.parse(report).getroot()  # noqa: S314 -- written by our own pytest a moment ago
    total, failed, skipped = (
        sum(int(each.get(name, 0)) for each in root.iter("testsuite")) for name in ("tests", "failures", "skipped")
    )
    failed += sum(int(each.get("errors", 0)) for each in root.iter("testsuite"))
    if code != 0 and not failed:
        failed = 1
    if REQUIRE_ALL and skipped:
        sys.stdout.write(f"{suite.name}: {skipped} skipped, where nothing may be skipped\n")
        failed += skipped
        return Outcome(total - failed, failed)
    return Outcome(total - failed - skipped, failed, skipped)


def _limited(command: Sequence[str], limit: float) -> int:
    """Run a command in a process group of its own; past the limit interrupt it so that it can tidy up, then kill it."""
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        sys.stdout.write(f"{Path(command[0]).name}: past its limit of {limit:.0f} s, stopped\n")
    except KeyboardInterrupt:
        sys.stdout.write("interrupted\n")
    for number, grace in ((signal.SIGINT, 60), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, number)
            process.wait(grace)
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            break
    return 1


def _summary(rows: Sequence[tuple[Suite, Outcome, float]]) -> int:
    sys.stdout.write("\nsuite          passed  failed  skipped    time   limit\n")
    for suite, outcome, seconds in rows:
        sys.stdout.write(
            f"{suite.name:<14} {outcome.passed:>6}  {outcome.failed:>6}  {outcome.skipped:>7} {seconds:>6.0f}s"
            f" {suite.limit:>6.0f}s\n"
        )
    passed = sum(outcome.passed for _, outcome, _ in rows)
    failed = sum(outcome.failed for _, outcome, _ in rows)
    skipped = sum(outcome.skipped for _, outcome, _ in rows)
    seconds = sum(each for _, _, each in rows)
    sys.stdout.write(f"{seconds:.0f} s in all\n")
    sys.stdout.write(f"total: {passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "") + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
