"""Where each kind of workload keeps its pod."""

import msgspec
import pytest

from webhook.policy import workloads

PRIVILEGED = {"spec": {"containers": [{"name": "web", "securityContext": {"privileged": True}}]}}


def around(kind: str, pod: object) -> bytes:
    """The JSON of a workload of a kind with the given pod, or null, in it."""
    if kind == "Pod":
        return msgspec.json.encode(pod)
    body: object = pod
    for name in reversed(workloads.prefix(kind).rstrip(".").split(".")):
        body = {name: body}
    return msgspec.json.encode(body)


@pytest.mark.parametrize("kind", workloads.KINDS)
def test_the_pod_is_found_where_the_prefix_says(kind: str) -> None:
    """The prefix of the paths and the Struct that is decoded say the same."""
    decoded = msgspec.json.decode(around(kind, PRIVILEGED), type=workloads.KINDS[kind][0])
    found = decoded.pod()
    assert found
    assert found.spec
    assert [container.name for container in found.spec.containers or ()] == ["web"]


@pytest.mark.parametrize("kind", [kind for kind in workloads.KINDS if kind != "Pod"])
def test_a_template_may_be_null_at_any_depth(kind: str) -> None:
    """A ReplicationController's may be; the others are refused by the API server, but not before us."""
    depth = workloads.prefix(kind).rstrip(".").split(".")
    for length in range(len(depth) + 1):
        body: object = None
        for name in reversed(depth[:length]):
            body = {name: body}
        decoded = msgspec.json.decode(msgspec.json.encode(body or {}), type=workloads.KINDS[kind][0])
        assert decoded.pod() is None


def test_every_kind_of_pod_security_admission_is_known() -> None:
    """ExtractPodSpec of k8s.io/pod-security-admission/admission has these."""
    assert set(workloads.KINDS) == {
        "Pod",
        "PodTemplate",
        "ReplicationController",
        "ReplicaSet",
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "CronJob",
    }
