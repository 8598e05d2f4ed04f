"""What must go on with pods that were there before podseal, and break its rules: everything but new programs."""

import json
import secrets
from collections.abc import Iterator

import pytest

from tests.cluster import beds, manifests, waiting
from tests.cluster.e2e import installation, objects

FINALIZER = "example.com/hold"


@pytest.fixture(scope="module")
def old(bed: beds.Bed) -> Iterator[str]:
    """A namespace that is older than podseal; what runs in it is refused from now on."""
    name = f"old-{secrets.token_hex(4)}"
    bed.create_namespace(name)
    yield name
    bed.delete_namespace(name)


@pytest.fixture(scope="module")
def grandfathered(bed: beds.Bed, old: str) -> list[str]:
    """Privileged pods with a writable ephemeral container each; no scheduler looks at them, so they stay."""
    names = ["labelled", "held", "resized", "evicted", "deleted", "debugged"]
    for name in names:
        pod = objects.with_context(name, privileged=True, readOnlyRootFilesystem=False)
        pod["spec"]["schedulerName"] = "nobody"
        pod["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "10m"}, "limits": {"cpu": "20m"}}
        said = objects.create(bed, old, pod)
        assert said.returncode == 0, said.stderr
        bed.admin(
            "debug", name, "--namespace", old, f"--image={manifests.BUSYBOX}", "--profile=sysadmin", "--", "/bin/wait"
        )
    return names


@pytest.fixture(scope="module")
def guards(grandfathered: list[str], podseal: installation.Installation) -> installation.Installation:
    """Podseal, registered when those pods are there."""
    del grandfathered
    return podseal


PATCHES = {
    "labels": ("labelled", "", {"metadata": {"labels": {"team": "shop"}}}),
    "annotations": ("labelled", "", {"metadata": {"annotations": {"note": "seen"}}}),
    "status": ("labelled", "status", {"status": {"message": "seen"}}),
    "deadline": ("labelled", "", {"spec": {"activeDeadlineSeconds": 3600}}),
    "tolerations": ("labelled", "", {"spec": {"tolerations": [{"key": "a", "operator": "Exists"}]}}),
    "the same image": ("labelled", "", {"spec": {"containers": [{"name": "main", "image": manifests.BUSYBOX}]}}),
    "a finalizer": ("held", "", {"metadata": {"finalizers": [FINALIZER]}}),
    "resize": (
        "resized",
        "resize",
        {"spec": {"containers": [{"name": "main", "resources": {"requests": {"cpu": "15m"}}}]}},
    ),
}


@pytest.mark.parametrize("change", PATCHES)
def test_an_update_that_runs_nothing_new_passes(
    bed: beds.Bed, old: str, guards: installation.Installation, change: str
) -> None:
    """No rule that the pod breaks stands in the way of its metadata, status or resources."""
    del guards
    name, subresource, patch = PATCHES[change]
    flags = [f"--subresource={subresource}"] if subresource else []
    said = bed.kubectl("admin", "patch", f"pod/{name}", "-n", old, "--type=strategic", *flags, "-p", json.dumps(patch))
    assert said.returncode == 0, said.stderr


def test_a_new_image_is_judged(bed: beds.Bed, old: str, guards: installation.Installation) -> None:
    """The one thing of a running pod that starts a program: then all of it is looked at."""
    del guards
    said = bed.kubectl("admin", "set", "image", "pod/labelled", "-n", old, f"main={manifests.NONROOT}")
    assert said.returncode == 1
    assert "[privileged]" in said.stderr


def test_an_old_pod_can_be_debugged(bed: beds.Bed, old: str, guards: installation.Installation) -> None:
    """Only the new ephemeral container is judged: the pod and an older one beside it are as they were."""
    del guards
    said = bed.kubectl(
        "admin", "debug", "debugged", "-n", old, f"--image={manifests.BUSYBOX}", "--container=second",
        "--profile=baseline", "--", "/bin/wait",
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    first, second = objects.read(bed, old, "pod/debugged")["spec"]["ephemeralContainers"]
    assert first["securityContext"] == {"privileged": True}
    assert second["securityContext"]["readOnlyRootFilesystem"] is True


def test_a_finalizer_can_be_removed_from_a_deleted_pod(
    bed: beds.Bed, old: str, guards: installation.Installation
) -> None:
    """Nothing that podseal thinks of a pod keeps it from ending (open-policy-agent/gatekeeper#4121)."""
    del guards
    hold = json.dumps({"metadata": {"finalizers": [FINALIZER]}})
    bed.admin("patch", "pod/held", "-n", old, "--type=merge", "-p", hold)
    bed.admin("delete", "pod/held", "-n", old, "--wait=false")
    assert objects.read(bed, old, "pod/held")["metadata"]["deletionTimestamp"]
    bed.admin("patch", "pod/held", "-n", old, "--type=merge", "-p", json.dumps({"metadata": {"finalizers": None}}))
    waiting.until(lambda: not bed.admin("get", "pods", "held", "-n", old, "--ignore-not-found"), "the end of the pod")


def test_pods_are_deleted_and_evicted(bed: beds.Bed, old: str, guards: installation.Installation) -> None:
    """Neither is podseal's business."""
    del guards
    bed.admin("delete", "pod/deleted", "-n", old)
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "evicted", "namespace": old}}
    path = f"/api/v1/namespaces/{old}/pods/evicted/eviction"
    bed.admin("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))
    left = bed.admin("get", "pods", "-n", old, "-o", "name").split()
    assert not {"pod/deleted", "pod/evicted"} & set(left)


def test_a_deployment_of_old_can_be_scaled_and_rolled_back(
    bed: beds.Bed, old: str, guards: installation.Installation
) -> None:
    """Templates are warned about, never refused, so that a broken release can always be taken back."""
    del guards
    template = objects.with_context("shop", privileged=True)
    assert objects.create(bed, old, manifests.deployment("shop", template, replicas=0)).returncode == 0
    for arguments in (("scale", "--replicas=1"), ("set", "image"), ("rollout", "undo"), ("scale", "--replicas=0")):
        target = ("deployment/shop", *((f"main={manifests.NONROOT}",) if arguments == ("set", "image") else ()))
        said = bed.kubectl("dev", *arguments, *target, "-n", old)
        assert said.returncode == 0, said.stderr
