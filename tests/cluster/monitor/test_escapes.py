"""Ways out of a container, where the cluster lets a pod have them."""

import os

from tests.cluster import beds, manifests
from tests.cluster.monitor.conftest import Monitor, create

ESCAPE = "Escape from a container to the host"


def test_nsenter_from_a_privileged_pod_in_the_hosts_pid_namespace(
    bed: beds.Bed, namespace: str, monitor: Monitor
) -> None:
    """The task was a container's and comes into the host's mount namespace: told with the pod that it came from."""
    name = f"escape-{namespace.removeprefix('test-')}"
    privileged = manifests.container(securityContext={"privileged": True})
    create(bed, namespace, manifests.pod(name, privileged, hostPID=True))
    # Of this test's own process: the first one of a sandboxed machine may refuse even root.
    bed.admin("exec", "--namespace", namespace, name, "--", "nsenter", "-t", str(os.getpid()), "-m", "true")
    told = monitor.wait(
        lambda alert: alert["rule"] == ESCAPE and alert["output_fields"].get("k8s.pod.name") == name, ESCAPE
    )
    fields = told["output_fields"]
    assert (fields["k8s.ns.name"], fields["container.name"]) == (namespace, "main")
    assert told["priority"] == "Critical"
