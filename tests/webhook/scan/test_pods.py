"""A pod's owner, by table."""

import pytest

from tests.webhook.scan import pod_objects
from webhook.scan import pods

OWNERS = {
    "nobody owns it": ({}, pods.Owner("Pod", "web-7-x")),
    "a Deployment, read off the ReplicaSet's name": (
        pod_objects.owned("ReplicaSet", "web-7c9f", **{"pod-template-hash": "7c9f"}),
        pods.Owner("Deployment", "web"),
    ),
    "a Rollout, which labels differently": (
        pod_objects.owned("ReplicaSet", "web-7c9f", **{"rollouts-pod-template-hash": "7c9f"}),
        pods.Owner("Rollout", "web"),
    ),
    "a ReplicaSet of its own": (pod_objects.owned("ReplicaSet", "web-7c9f"), pods.Owner("ReplicaSet", "web-7c9f")),
    "a label that the name does not end with": (
        pod_objects.owned("ReplicaSet", "web-7c9f", **{"pod-template-hash": "0000"}),
        pods.Owner("ReplicaSet", "web-7c9f"),
    ),
    "an empty label": (
        pod_objects.owned("ReplicaSet", "web-", **{"pod-template-hash": ""}),
        pods.Owner("ReplicaSet", "web-"),
    ),
    "a DaemonSet": (pod_objects.owned("DaemonSet", "agent"), pods.Owner("DaemonSet", "agent")),
    "somebody's own kind": (pod_objects.owned("Cluster", "db"), pods.Owner("Cluster", "db")),
    "a static pod, which is a node's": (pod_objects.owned("Node", "node-1"), pods.Owner("Pod", "web-7-x")),
    "a reference that controls nothing": (
        {"ownerReferences": [{"kind": "Job", "name": "once"}]},
        pods.Owner("Pod", "web-7-x"),
    ),
}


@pytest.mark.parametrize(("metadata", "owner"), OWNERS.values(), ids=OWNERS.keys())
def test_the_owner_is_what_a_person_would_change(metadata: pod_objects.Json, owner: pods.Owner) -> None:
    """From the controller reference, and for Deployments from the ReplicaSet's name."""
    assert pods.owner(pod_objects.pod("web-7-x", metadata=metadata)) == owner


@pytest.mark.parametrize(
    ("phase", "finished"), [("Running", False), ("Pending", False), ("Succeeded", True), ("Failed", True), ("", False)]
)
def test_a_finished_pod_is_known_by_its_phase(phase: str, *, finished: bool) -> None:
    """What is pending will run."""
    assert pod_objects.pod(status={"phase": phase}).is_finished is finished
