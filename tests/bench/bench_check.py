"""How fast `podseal check` is: beside only parsing the same manifests, and as a process beside an empty one."""

import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import yaml

from tests.bench import measure
from webhook import settings
from webhook.check import files, judge, run

MANIFESTS = 5000
STARTS = 5
MANIFEST = Path(__file__).parent / "data" / "deployment.yaml"
PROGRAM = "import sys; sys.argv = ['podseal', 'check', sys.argv[1]]; from webhook.cli import main; main()"


def main() -> int:
    """Print and store both ratios; return the goals missed."""
    with tempfile.TemporaryDirectory() as folder:
        return measure.report("check", [_throughput(Path(folder)), _start_up(Path(folder))])


def _throughput(folder: Path) -> measure.Result:
    """One core, in this process: reading, composing, judging and placing against reading and CSafeLoader."""
    text = MANIFEST.read_text()
    paths = [folder / f"{number:04}.yaml" for number in range(MANIFESTS)]
    for number, path in enumerate(paths):
        path.write_text(text.replace("shop", f"shop{number}"))
    policies = settings.policies(None)
    rules = judge.Rules(policies.defaults, policies.catalogue, datetime.now(UTC))
    request = run.Request((str(folder),), files.Source("<stdin>", b""), rules)

    def parse() -> None:
        for path in paths:
            for _ in yaml.load_all(path.read_bytes(), yaml.CSafeLoader):
                pass

    def check() -> None:
        report = run.run(request, lambda _done, _total: None)
        assert len(report.judged) == MANIFESTS

    return measure.compare(
        f"check / CSafeLoader, CPU, {MANIFESTS} manifests",
        lambda: measure.cpu_seconds(parse, 1),
        lambda: measure.cpu_seconds(check, 1),
        goal=measure.Goal(1.5),
        blocks=10,
    )


def _start_up(folder: Path) -> measure.Result:
    """Whole processes, bytecode compiled before the first block."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")

    def cost(*arguments: str) -> float:
        """Seconds of CPU of one process, itself and the kernel for it."""
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, *arguments],
            environment,
            file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
        )
        _, _, usage = os.wait4(pid, 0)
        return usage.ru_utime + usage.ru_stime

    return measure.compare(
        "podseal check one.yaml / python -c pass, CPU of the process",
        lambda: sum(cost("-c", "pass") for _ in range(STARTS)),
        lambda: sum(cost("-c", PROGRAM, str(MANIFEST)) for _ in range(STARTS)),
        goal=measure.Goal(8),
        blocks=20,
    )
