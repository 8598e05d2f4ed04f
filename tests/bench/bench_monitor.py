"""What the monitor costs a node beside its kernel's side: from an event to the spool, idling, and its memory.

All of it with `podseal-monitor run` as a process, throw-away containers with bundles as containerd writes them, and an
API server that tells of a pod for each. Needs root. PODSEAL_BENCH_CONTAINERS makes fewer containers.
"""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from runtime_monitor.selftest import container, entry, linux
from tests import waiting
from tests.bench import measure
from tests.drills import storm
from tests.webhook import fake_apiserver

CONTAINERS = int(os.environ.get("PODSEAL_BENCH_CONTAINERS", "200"))
ENTRIES = 300
"""Processes started from outside, each with a write: an event and an alert of both."""
IDLE_SECONDS = 30
BUNDLE = Path(__file__).parent.parent / "runtime_monitor" / "enrich" / "data" / "bundles" / "containerd-main.json"
POD = json.loads(BUNDLE.read_bytes())["annotations"]["io.kubernetes.cri.sandbox-uid"]
"""Every container is of this pod; the API server tells of others as well."""
EVENTS = 'podseal_monitor_events_total{kind="told"}'
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Print and store the figures; return the goals missed."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        monitor = stack.enter_context(running(Path(folder), stack))
        results = [*idle(monitor), memory(monitor), latency(monitor, "event to spool", measure.Goal(20))]
    return measure.report("monitor", [*results, *with_rules()])


def with_rules() -> Iterator[measure.Result]:
    """What Falco's stock rules add."""
    if not storm.STOCK.is_file():
        sys.stdout.write(f"monitor: no figure with stock rules: none at {storm.STOCK}; set PODSEAL_FALCO_RULES\n")
        return
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        monitor = stack.enter_context(running(Path(folder), stack, f"--rules={storm.STOCK}"))
        yield latency(monitor, "event to spool with the stock rules", measure.Goal(30))
        yield memory(monitor, " and the stock rules")


class Monitor:
    """A running monitor, what it watches, and where it tells its figures."""

    def __init__(self, pid: int, port: int, watched: list[container.Container]) -> None:
        self.pid, self.watched, self._port = pid, watched, port

    def metrics(self) -> dict[str, float]:
        """Every sample of GET /metrics."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}

    def cpu_seconds(self) -> float:
        """What the process has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def pss_mib(self) -> float:
        """Its proportional set size."""
        rollup = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024


@contextlib.contextmanager
def running(folder: Path, stack: contextlib.ExitStack, *options: str) -> Iterator[Monitor]:
    """A monitor that knows all its containers and the pods; `options` are further ones of its command line."""
    (folder / "bpf").mkdir()
    (folder / "bundles").mkdir()
    linux.mount("bpf", str(folder / "bpf"), "bpf", options="mode=0700")
    stack.callback(linux.unmount, str(folder / "bpf"))
    watched = [stack.enter_context(container.running()) for _ in range(CONTAINERS)]
    for each in watched:
        (folder / "bundles" / each.id).mkdir()
        (folder / "bundles" / each.id / "config.json").write_bytes(BUNDLE.read_bytes())
    script = fake_apiserver.Script()
    pods = [POD, *(secrets.token_hex(16) for _ in range(CONTAINERS))]
    script.namespaces = {uid: {"app": "bench"} for uid in pods}
    address = stack.enter_context(fake_apiserver.serve(script))
    (folder / "kubeconfig").write_text(json.dumps(kubeconfig(address)))
    port = free_port()
    argv = [
        str(Path(sys.executable).with_name("podseal-monitor")), "run", f"--spool={folder}/spool.db",
        f"--bpffs={folder}/bpf", f"--bundles={folder}/bundles", f"--kubeconfig={folder}/kubeconfig",
        f"--metrics-bind=127.0.0.1:{port}", "--node-name=bench", "--page-bind=", *options,
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=log)
    monitor = Monitor(process.pid, port, watched)

    def ready() -> bool:
        if process.poll() is not None:
            raise RuntimeError((folder / "log").read_text())
        with contextlib.suppress(OSError):
            found = monitor.metrics()
            known = (found["podseal_monitor_containers_running"], found["podseal_monitor_pods_known"])
            return known[0] >= CONTAINERS and known[1] > CONTAINERS
        return False

    waiting.until(ready, "every container to be known", seconds=60)
    yield monitor
    process.terminate()
    process.wait()


def kubeconfig(address: str) -> dict[str, object]:
    """Of a cluster without authentication."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "bench", "cluster": {"server": address}}],
        "users": [{"name": "bench", "user": {}}],
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
        "current-context": "bench",
    }


def free_port() -> int:
    """A port of the loopback."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def idle(monitor: Monitor) -> Iterator[measure.Result]:
    """CPU while nothing happens in any container."""
    told = monitor.metrics()[EVENTS]
    before, start = monitor.cpu_seconds(), time.monotonic()
    time.sleep(IDLE_SECONDS)
    percent = 100 * (monitor.cpu_seconds() - before) / (time.monotonic() - start)
    others = monitor.metrics()[EVENTS] - told
    yield measure.single(
        f"idle CPU of a core with {CONTAINERS} containers", percent, unit=" %", goal=measure.Goal(0.3),
        detail=f"{others:.0f} events of other containers of this machine meanwhile",
    )  # fmt: skip


def memory(monitor: Monitor, more: str = "") -> measure.Result:
    """Memory that is the sensor's own, shared pages by their share."""
    name = f"memory (PSS) with {CONTAINERS} containers{more}"
    return measure.single(name, monitor.pss_mib(), unit=" MiB", goal=measure.Goal(80))


def latency(monitor: Monitor, what: str, goal: measure.Goal) -> measure.Result:
    """The 99th percentile from the kernel to the spool, by the histogram's bounds; the median beside it."""
    before = monitor.metrics()
    for number in range(ENTRIES):
        target = monitor.watched[number % len(monitor.watched)]
        entry.execute(target, ("/bin/sh", "-c", "cat /etc/shadow; echo > /etc/bench"))
    name = "podseal_monitor_alert_seconds"

    def told() -> float:
        return monitor.metrics()[f"{name}_count"] - before[f"{name}_count"]

    waiting.until(lambda: told() >= 2 * ENTRIES, "every alert", seconds=60)
    after, count = monitor.metrics(), told()
    p50, p99 = (measure.bound(before, after, name, share) for share in (0.5, 0.99))
    return measure.single(
        f"{what}, p99 is at most", p99 * 1000, unit=" ms", goal=goal,
        detail=f"median at most {p50 * 1000:g} ms, {count:.0f} alerts, load average {os.getloadavg()[0]:.0f}",
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
