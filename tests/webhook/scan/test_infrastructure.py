"""What a pod is needed for, by table."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.webhook.scan import pod_objects
from webhook.scan import infrastructure, pods

CASES: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "infrastructure.yaml").read_text())


def role(case: dict[str, Any]) -> infrastructure.Role | None:
    """The role of the pod that a case describes."""
    spec: dict[str, Any] = {"hostNetwork": case.get("host_network", False)}
    if "host_path" in case:
        spec["volumes"] = [{"name": "node", "hostPath": {"path": case["host_path"]}}]
    container: dict[str, Any] = {"securityContext": {"privileged": case.get("privileged", False)}}
    if "image" in case:
        container["image"] = case["image"]
    owner = pods.Owner(case.get("owner", "Deployment"), "it")
    return infrastructure.role(pod_objects.pod(spec=spec, container=container), owner)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_role_is_told_by_what_the_pod_is(case: dict[str, Any]) -> None:
    """By its directories of the node, its images, and what it asks for."""
    found = role(case)
    assert (found and found.name) == case["role"]
    if found:
        assert found.needed is case["needed"]
        evidence = case.get("image") or case.get("host_path", "").rstrip("/")
        assert evidence in found.reason or found.name == infrastructure.AGENT


def test_every_role_has_a_case() -> None:
    """A role that no case leads to would be untested."""
    named = {name for _, name in (*infrastructure.HOST_PATHS, *infrastructure.REPOSITORIES)}
    assert named | {infrastructure.AGENT} == {case["role"] for case in CASES.values()} - {None}


def test_names_and_labels_say_nothing() -> None:
    """A namespace called kube-system, a pod called coredns: neither is evidence."""
    pod = pod_objects.pod("coredns", "kube-system", metadata={"labels": {"k8s-app": "kube-dns"}})
    assert infrastructure.role(pod, pods.Owner("Deployment", "coredns")) is None
