"""What is read of a pod: the commands of every probe and hook, and nothing that is no exec."""

import json

import msgspec

from runtime_monitor.enrich import pod_spec

EXEC = {"exec": {"command": ["cat", "/ready"]}}
POD = {
    "metadata": {"name": "shop-1", "namespace": "shop", "uid": "u-1", "labels": {"app": "shop"}},
    "spec": {
        "nodeName": "node-1",
        "serviceAccountName": "shop",
        "initContainers": [{"name": "sidecar", "startupProbe": {"exec": {"command": ["true"]}}}],
        "containers": [
            {
                "name": "web",
                "livenessProbe": EXEC,
                "readinessProbe": {"httpGet": {"path": "/", "port": 80}},
                "startupProbe": {"exec": {"command": []}},
                "lifecycle": {
                    "postStart": {"exec": {"command": ["sh", "-c", "warm up"]}},
                    "preStop": {"sleep": {"seconds": 1}},
                },
            },
            {"name": "plain"},
        ],
        "ephemeralContainers": [{"name": "debugger"}],
    },
    "status": {
        "containerStatuses": [
            {"name": "web", "imageID": "shop/web@sha256:01"},
            {"name": "plain", "imageID": "sha256:02"},
        ]
    },
}


def facts(pod: object) -> pod_spec.Facts:
    """The facts of a pod in JSON."""
    return pod_spec.facts(msgspec.json.decode(json.dumps(pod), type=pod_spec.PodObject))


def test_a_pod_has_facts() -> None:
    """Commands by container; a digest only where a registry would know it."""
    assert facts(POD) == pod_spec.Facts(
        name="shop-1",
        namespace="shop",
        uids=("u-1",),
        labels={"app": "shop"},
        service_account="shop",
        node="node-1",
        commands={"sidecar": frozenset({("true",)}), "web": frozenset({("cat", "/ready"), ("sh", "-c", "warm up")})},
        ephemeral=frozenset({"debugger"}),
        digests={"web": "sha256:01"},
    )


def test_a_static_pod_has_two_uids() -> None:
    """The runtime knows it by the hash of its file."""
    metadata = {"uid": "u-1", "annotations": {pod_spec.CONFIG_HASH: "hash"}}
    assert facts({"metadata": metadata}).uids == ("u-1", "hash")


def test_an_empty_pod_has_empty_facts() -> None:
    """Every field may be missing or null."""
    for pod in ({}, {"metadata": {"labels": None}, "spec": {"containers": None}, "status": {}}):
        found = facts(pod)
        assert (found.commands, found.labels, found.service_account) == ({}, {}, None)
