"""What podseal refuses, as the people see it who are refused."""

import json
from typing import Any

import pytest

from tests.cluster import beds, manifests, waiting
from tests.cluster.e2e import objects

DENIED: dict[str, tuple[dict[str, Any], str, str]] = {
    "privileged": ({"privileged": True}, "[privileged]", "securityContext.privileged"),
    "uid 0": ({"runAsUser": 0}, "[run-as-root]", "securityContext.runAsUser"),
    "writable root": (
        {"readOnlyRootFilesystem": False},
        "[writable-root-filesystem]",
        "securityContext.readOnlyRootFilesystem",
    ),
}


@pytest.mark.parametrize("reason", DENIED)
def test_a_pod_is_denied_with_its_reason(bed: beds.Bed, guarded: str, reason: str) -> None:
    """Kubectl shows the control, the container's field and how to fix it; nothing is created."""
    context, control, field = DENIED[reason]
    said = objects.create(bed, guarded, objects.with_context("shop", **context))
    assert said.returncode == 1
    assert 'admission webhook "pods.podseal.dev" denied the request: ' in said.stderr
    for part in (control, field, "fix: "):
        assert part in said.stderr
    assert bed.kubectl("admin", "get", "pod/shop", "--namespace", guarded).returncode == 1


def test_every_reason_is_told_at_once(bed: beds.Bed, guarded: str) -> None:
    """Who is refused has one list to work through."""
    context = {name: value for extra, _, _ in DENIED.values() for name, value in extra.items()}
    said = objects.create(bed, guarded, objects.with_context("shop", **context))
    assert all(control in said.stderr for _, control, _ in DENIED.values())


@pytest.mark.parametrize("place", ["initContainers", "native sidecar"])
def test_no_kind_of_container_is_spared(bed: beds.Bed, guarded: str, place: str) -> None:
    """An init container and a native sidecar are judged as the main ones are."""
    extra = {"restartPolicy": "Always"} if place == "native sidecar" else {}
    hidden = manifests.container(securityContext={"privileged": True}, **extra) | {"name": "helper"}
    said = objects.create(bed, guarded, objects.sealed("shop", initContainers=[hidden]))
    assert "[privileged]" in said.stderr
    assert "helper" in said.stderr


def test_a_generated_name_is_named_by_its_prefix(bed: beds.Bed, guarded: str) -> None:
    """Admission runs before the name is made up: the text says which pod it means all the same."""
    pod = objects.with_context("unused", privileged=True)
    pod["metadata"] = {"generateName": "worker-"}
    assert f"Pod {guarded}/worker-" in objects.create(bed, guarded, pod).stderr
    passing = objects.sealed("unused", nodeName="nowhere") | {"metadata": {"generateName": "worker-"}}
    said = objects.create(bed, guarded, passing)
    assert said.returncode == 0, said.stderr


def test_a_server_dry_run_is_judged(bed: beds.Bed, guarded: str) -> None:
    """Refused as in earnest; what passes leaves nothing behind."""
    dry = "--dry-run=server"
    assert "[privileged]" in objects.create(bed, guarded, objects.with_context("shop", privileged=True), dry).stderr
    assert objects.create(bed, guarded, objects.sealed("shop"), dry).returncode == 0
    assert bed.kubectl("admin", "get", "pod/shop", "--namespace", guarded).returncode == 1


def test_a_deployment_warns_and_its_pods_are_denied(bed: beds.Bed, guarded: str) -> None:
    """The template's author is warned at once; the ReplicaSet tells in an event why there are no pods."""
    pod = objects.with_context("shop", privileged=True)
    said = objects.create(bed, guarded, manifests.deployment("shop", pod))
    assert said.returncode == 0
    assert "Warning: podseal will refuse its pods: privileged" in said.stderr
    selected = "--field-selector=involvedObject.kind=ReplicaSet,reason=FailedCreate"

    def messages() -> list[str]:
        listed = objects.read(bed, guarded, "events", selected)
        return [event["message"] for event in listed["items"]]

    told = waiting.until(messages, "an event on the ReplicaSet")
    assert any("[privileged]" in message and "fix: " in message for message in told)
    assert bed.admin("get", "pods", "--namespace", guarded, "--selector=app=shop") == ""


def test_a_labelled_deployment_warns_nobody(bed: beds.Bed, guarded: str) -> None:
    """Its template is not what the user changed."""
    template = objects.with_context("shop", privileged=True)
    assert "Warning" in objects.create(bed, guarded, manifests.deployment("quiet", template, replicas=0)).stderr
    said = bed.kubectl("dev", "label", "deployment/quiet", "team=a", "--namespace", guarded)
    assert (said.returncode, said.stderr) == (0, "")


def test_a_windows_pod_is_judged_by_its_own_fields(bed: beds.Bed, guarded: str) -> None:
    """No Linux field is asked of it or given to it; an administrator of the host is refused."""
    pod = manifests.pod("windows", manifests.container(image="mcr.microsoft.com/iis:1"), os={"name": "windows"})
    assert objects.create(bed, guarded, pod).returncode == 0
    made = objects.read(bed, guarded, "pod/windows")["spec"]
    assert made["containers"][0].get("securityContext") is None
    hostile = {"windowsOptions": {"hostProcess": True}}
    pod = manifests.pod("evil", manifests.container(securityContext=hostile), os={"name": "windows"}, hostNetwork=True)
    assert "[host-process]" in objects.create(bed, guarded, pod).stderr


@pytest.mark.parametrize("name", ["kube-system", "kube-public", "podseal-system"])
def test_a_system_namespace_is_not_asked_about(bed: beds.Bed, podseal: object, name: str) -> None:
    """What a cluster needs to start never depends on podseal."""
    del podseal
    if name == "podseal-system":
        bed.create_namespace(name)
    pod = objects.with_context("privileged", privileged=True)
    said = objects.create(bed, name, pod, "--dry-run=server", user="admin")
    if name == "podseal-system":
        bed.delete_namespace(name)
    assert said.returncode == 0, said.stderr


def test_a_namespace_named_like_a_system_one_is_judged(bed: beds.Bed, podseal: object) -> None:
    """The selector knows whole names; a label on the namespace changes nothing, the API server owns that one."""
    del podseal
    name = "kube-system-tools"
    bed.create_namespace(name, {"kubernetes.io/metadata.name": name})
    bed.kubectl("admin", "label", "namespace", name, "kubernetes.io/metadata.name=kube-system", "--overwrite")
    said = objects.create(bed, name, objects.with_context("shop", privileged=True), "--dry-run=server", user="admin")
    bed.delete_namespace(name)
    assert "[privileged]" in said.stderr


def test_a_pod_that_passes_is_left_alone(bed: beds.Bed, guarded: str) -> None:
    """What breaks no rule is created as it was sent."""
    sent = objects.sealed("passing", nodeName="nowhere")
    said = objects.create(bed, guarded, sent)
    assert said.returncode == 0, said.stderr
    made = objects.read(bed, guarded, "pod/passing")
    assert made["spec"]["containers"][0]["securityContext"] == objects.READ_ONLY
    assert "podseal.dev/mutated" not in json.dumps(made)
