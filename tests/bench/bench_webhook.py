"""The webhook under wrk with kept TLS connections, beside a null Flask handler; its memory, and whether that grows.

Both servers run all the time and are loaded in turn. Requests per CPU second come first: on a shared machine the
elapsed time belongs to others as well.
"""

import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import measure
from tests.cluster import packages, requirements
from tests.webhook import pki, serving

REVIEW = Path(__file__).parent / "data" / "review_three_containers.json"
BLOCKS = int(os.environ.get("PODSEAL_BENCH_BLOCKS", "12"))
SECONDS = 2
CONNECTIONS = 8
GROWTH_REQUESTS = 100_000
WARM_UP_REQUESTS = 20_000
"""Until then each thread still fills its caches and arenas: 43 MiB become 70, and stay there."""
LUA = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local file = io.open("{body}", "rb")
wrk.body = file:read("*a")
"""
READ_ONLY = {"readOnlyRootFilesystem": True}


@dataclass
class Load:
    """Runs wrk against one server, and keeps what each run saw."""

    server: serving.Server
    script: Path
    rates: list[float] = field(default_factory=list)
    tails: list[float] = field(default_factory=list)
    requests: int = 0

    def run(self, seconds: int = SECONDS) -> float:
        """One block: requests per CPU second of all processes of the server."""
        before = _cpu(self.server)
        command = f"wrk -t1 -c{CONNECTIONS} -d{seconds}s --latency -s {self.script} https://127.0.0.1:{self.server.port}/validate"
        text = subprocess.run(command.split(), capture_output=True, text=True, check=True).stdout
        used = _cpu(self.server) - before
        if "Non-2xx" in text or "Socket errors" in text:
            raise RuntimeError(text)
        requests = int(_found(r"(\d+) requests in", text))
        self.requests += requests
        self.rates.append(float(_found(r"Requests/sec:\s+([\d.]+)", text)))
        value, unit = float(_found(r"99%\s+([\d.]+)", text)), _found(r"99%\s+[\d.]+(us|ms|s)", text)
        self.tails.append(value * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit])
        return requests / used

    def rate(self) -> float:
        """One block: requests per second."""
        self.run()
        return self.rates[-1]


def main() -> int:
    """Print and store the figures; return the goals missed."""
    try:
        packages.ensure({"wrk": "/usr/bin/wrk"})
    except requirements.MissingError as error:
        sys.stdout.write(f"webhook: not measured: {error}\n")
        return 1
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        authority = pki.issue("bench authority")
        certificates = pki.write(folder / "tls", authority, pki.issue("bench", authority))
        podseal = stack.enter_context(serving.serve(certificates))
        null = stack.enter_context(
            serving.run(certificates, [sys.executable, "-m", "tests.bench.null_webhook", str(certificates)])
        )
        pss = [measure.single("webhook, PSS of 2 workers, master and probes, fresh", _pss(podseal), unit=" MiB")]
        results = []
        for title, body in BODIES.items():
            script = _script(folder, title.replace(" ", "-"), body)
            results += _compare(title, Load(null, script), Load(podseal, script))
        memory = _memory(podseal, _script(folder, "growth", _denied()))
        return measure.report("webhook", [*results, *pss, *memory])


def _compare(title: str, null: Load, podseal: Load) -> list[measure.Result]:
    goal = measure.Goal(0.8, at_most=False)
    names = f"webhook / null handler, three containers {title}"
    by_cpu = measure.compare(f"{names}, requests per CPU second", null.run, podseal.run, goal=goal, blocks=BLOCKS)
    podseal.tails.clear()
    by_time = measure.compare(f"{names}, requests/s", null.rate, podseal.rate, goal=goal, blocks=BLOCKS)
    tail = statistics.median(podseal.tails)
    samples = f"of {podseal.requests} requests, {CONNECTIONS} connections"
    return [by_cpu, by_time, measure.single(f"webhook p99, three containers {title}", tail, unit=" ms", detail=samples)]


def _memory(server: serving.Server, script: Path) -> list[measure.Result]:
    """PSS while requests come, and how much it grows over the last GROWTH_REQUESTS of them."""
    load = Load(server, script)
    while load.requests < WARM_UP_REQUESTS:
        load.run(5)
    samples: list[tuple[int, float]] = [(0, _pss(server))]
    load.requests = 0
    while load.requests < GROWTH_REQUESTS:
        load.run(5)
        samples.append((load.requests, _pss(server)))
    slope = statistics.linear_regression([float(count) for count, _ in samples], [pss for _, pss in samples]).slope
    return [
        measure.single(
            "webhook, PSS of 2 workers, master and probes, under load",
            samples[-1][1],
            unit=" MiB",
            goal=measure.Goal(100.0),
        ),
        measure.single(
            f"webhook, growth of PSS over {GROWTH_REQUESTS} requests",
            slope * GROWTH_REQUESTS,
            unit=" MiB",
            goal=measure.Goal(1.0),
            detail=f"{len(samples)} samples over {load.requests} requests",
        ),
    ]


def _denied() -> bytes:
    """The captured review, compact: a pod with eighteen findings."""
    return _compact(json.loads(REVIEW.read_bytes()))


def _allowed() -> bytes:
    """The same pod with read-only roots: nothing denies it, five controls warn of each container."""
    review = json.loads(REVIEW.read_bytes())
    spec = review["request"]["object"]["spec"]
    for container in (*spec["containers"], *spec["initContainers"]):
        container["securityContext"] = {**container.get("securityContext", {}), **READ_ONLY}
    return _compact(review)


def _clean() -> bytes:
    """The same pod as the strict profile wants it: nothing is found."""
    review = json.loads(_allowed())
    spec = review["request"]["object"]["spec"]
    spec["securityContext"] = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    for container in (*spec["containers"], *spec["initContainers"]):
        container["image"] += "@sha256:" + "0" * 64
        container["securityContext"] |= {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return _compact(review)


def _compact(review: object) -> bytes:
    return json.dumps(review, separators=(",", ":")).encode()


def _script(folder: Path, name: str, body: bytes) -> Path:
    (folder / f"{name}.json").write_bytes(body)
    script = folder / f"{name}.lua"
    script.write_text(LUA.format(body=folder / f"{name}.json"))
    return script


def _cpu(server: serving.Server) -> float:
    """CPU seconds of all processes of a server."""
    return sum(_of_each(server, lambda pid: sum(map(int, _stat(pid)[11:13])))) / os.sysconf("SC_CLK_TCK")


def _pss(server: serving.Server) -> float:
    """Proportional set size of all processes of a server, in MiB."""
    return (
        sum(_of_each(server, lambda pid: int(_found(r"Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text()))))
        / 1024
    )


def _of_each(server: serving.Server, figure: Callable[[int], int]) -> list[int]:
    return [figure(pid) for pid in (server.process.pid, *server.children())]


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if not match:
        raise ValueError(f"no {pattern} in {text}")
    return match[1]


BODIES = {"denied": _denied(), "warned of": _allowed(), "clean": _clean()}

if __name__ == "__main__":
    sys.exit(main())
