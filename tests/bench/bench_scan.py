"""`podseal scan` of 5,000 pods beside listing them through the kubernetes package; its memory at 1,000 and 5,000.

A real API server holds the pods, which no scheduler looks at. Whole processes are compared, imports included.
PODSEAL_TEST_CLUSTER names a running cluster (`make cluster`: .cluster); else one is started, which needs root.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.bench import measure
from tests.cluster import beds, processes
from webhook import apiserver

REVIEW = pathlib.Path(__file__).parent / "data" / "review_three_containers.json"
SMALL, REST = ("bench-scan-small", 1000), ("bench-scan-rest", 4000)
REPLICAS = 100
"""Pods of one owner."""
BLOCKS = int(os.environ.get("PODSEAL_BENCH_BLOCKS", "6"))

LIST = """\
import sys, kubernetes.client, kubernetes.config
kubernetes.config.load_kube_config(sys.argv[1])
api, token, found = kubernetes.client.CoreV1Api(), None, 0
while token != "":
    page = api.list_pod_for_all_namespaces(limit=500, _continue=token)
    found, token = found + len(page.items), page.metadata._continue or ""
assert found >= int(sys.argv[2]), found
"""
SCAN = """\
import atexit, pathlib, re, sys
from webhook.cli import main
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: print(re.search(r"VmHWM:\\s+([0-9]+)", status.read_text())[1]))
main(["scan", "--kubeconfig", sys.argv[1], "--fail-on", "never", "-o", "json=" + sys.argv[2], *sys.argv[3:]])
"""


def main() -> int:
    """Print and store the ratios; return the goals missed."""
    with _bed() as bed, _pods(bed), tempfile.TemporaryDirectory() as folder:
        kubeconfig, report = str(bed.layout.kubeconfig), f"{folder}/report.json"
        _run(SCAN, kubeconfig, report)
        assert json.loads(pathlib.Path(report).read_text())["summary"]["pods"] >= SMALL[1] + REST[1]
        elapsed = measure.compare(
            "scan / CoreV1Api list, elapsed, 5,000 pods",
            lambda: _elapsed(LIST, kubeconfig, str(SMALL[1] + REST[1])),
            lambda: _elapsed(SCAN, kubeconfig, report),
            goal=measure.Goal(2),
            blocks=BLOCKS,
        )
        memory = measure.compare(
            "scan, peak memory, 5,000 / 1,000 pods",
            lambda: _peak(kubeconfig, report, "-n", SMALL[0]),
            lambda: _peak(kubeconfig, report),
            goal=measure.Goal(1.05),
            blocks=BLOCKS,
        )
    return measure.report("scan", [elapsed, memory])


def _elapsed(program: str, *arguments: str) -> float:
    """Seconds of one process from its start to its end."""
    begun = time.monotonic()
    _run(program, *arguments)
    return time.monotonic() - begun


def _peak(*arguments: str) -> float:
    """The most memory that a scan held, in MiB, as it tells itself.

    What wait4 tells of a process counts what its parent held when it was made (man 2 getrusage).
    """
    return int(_run(SCAN, *arguments)) / 1024


def _run(program: str, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, check=True
    ).stdout.decode()


@contextlib.contextmanager
def _bed() -> Iterator[beds.Bed]:
    running = os.environ.get("PODSEAL_TEST_CLUSTER")
    if running:
        yield beds.attach(pathlib.Path(running).absolute())
        return
    bed = beds.start(pathlib.Path(tempfile.mkdtemp(prefix="podseal-bed-")), owner=processes.identify(os.getpid()))
    try:
        yield bed
    finally:
        bed.stop()


@contextlib.contextmanager
def _pods(bed: beds.Bed) -> Iterator[None]:
    """Pods in two namespaces, so many to an owner; they and their namespaces are gone afterwards."""
    try:
        for namespace, count in (SMALL, REST):
            bed.create_namespace(namespace)
            _fill(bed, namespace, count)
        yield
    finally:
        for namespace, _ in (SMALL, REST):
            bed.admin("delete", "namespace", namespace, "--ignore-not-found", "--wait=false")


def _fill(bed: beds.Bed, namespace: str, count: int) -> None:
    client = apiserver.connect(str(bed.layout.kubeconfig))
    base = f"/api/v1/namespaces/{namespace}"
    owners = []
    for number in range(count // REPLICAS):
        # An owner that exists: the garbage collector removes pods of others. A ReplicaSet would count them.
        made = json.loads(client.send("POST", f"{base}/configmaps", {"metadata": {"name": f"owner-{number}"}}))
        owners.append(made["metadata"]["uid"])
    with ThreadPoolExecutor(4) as pool:
        bodies = [_pod(number, owners[number // REPLICAS]) for number in range(count)]
        for _ in pool.map(lambda body: client.send("POST", f"{base}/pods", body), bodies):
            pass


def _pod(number: int, owner: str) -> dict[str, Any]:
    received = json.loads(REVIEW.read_text())["request"]["object"]
    spec = received["spec"] | {"schedulerName": "nobody"}
    for key in ("nodeName", "priority", "preemptionPolicy"):
        spec.pop(key, None)
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": f"owner-{number // REPLICAS}", "uid": owner}
    metadata = {"name": f"pod-{number:04}", "ownerReferences": [{**reference, "controller": True}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
