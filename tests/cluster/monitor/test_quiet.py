"""What must stay quiet: the daily life of pods, for as long as PODSEAL_QUIET_SECONDS says."""

import os
import time

from tests.cluster import beds, manifests, waiting
from tests.cluster.monitor.conftest import Monitor, create

SECONDS = float(os.environ.get("PODSEAL_QUIET_SECONDS", "15"))
BUSY = "while true; do date > /scratch/now; date > /dev/shm/now; sh -c true; echo > /proc/self/comm; sleep 0.2; done"
"""The image's own entry point and its shells, writes to an emptyDir, to /dev/shm and to /proc."""


def probe(*command: str) -> manifests.Manifest:
    """An exec probe every second."""
    return {"exec": {"command": list(command)}, "periodSeconds": 1}


def test_probes_hooks_and_volumes_are_quiet(bed: beds.Bed, namespace: str, monitor: Monitor) -> None:
    """Two probes every second, hooks at start and end, and a pod that writes where it may: no alert at all."""
    name = f"busy-{namespace.removeprefix('test-')}"
    hook = {"exec": {"command": ["sh", "-c", "date > /scratch/hook"]}}
    container = manifests.container(
        command=["sh", "-c", BUSY],
        readinessProbe=probe("sh", "-c", "true"),
        livenessProbe=probe("cat", "/scratch/now"),
        lifecycle={"postStart": hook, "preStop": hook},
        volumeMounts=[{"name": "scratch", "mountPath": "/scratch"}],
    )
    create(bed, namespace, manifests.pod(name, container, volumes=[{"name": "scratch", "emptyDir": {}}]))
    until = time.monotonic() + SECONDS
    waiting.until(lambda: time.monotonic() > until or monitor.about(name), "a quiet time", seconds=SECONDS + 30)
    bed.admin("delete", "pod", name, "--namespace", namespace, "--wait=true")
    assert monitor.about(name) == []


def test_a_write_by_a_probe_is_told(bed: beds.Bed, namespace: str, monitor: Monitor) -> None:
    """A probe's words silence its exec alone."""
    name = f"writes-{namespace.removeprefix('test-')}"
    container = manifests.container(readinessProbe=probe("sh", "-c", "echo > /etc/probed"))
    create(bed, namespace, manifests.pod(name, container))
    found = monitor.wait(lambda each: each["output_fields"].get("fd.name") == "/etc/probed", "the write")
    assert found["output_fields"]["exec.kind"] == "probe"
    assert {each["rule"] for each in monitor.about(name)} == {"Root file system changed by the workload"}
