"""Labels of namespaces, as the replicas learn them from the API server: they hold for the next pod."""

import datetime as dt
from collections.abc import Callable

import pytest

from tests.cluster import beds, manifests, waiting
from tests.cluster.e2e import installation, objects

Label = Callable[[dict[str, str]], None]


@pytest.fixture
def labelled(bed: beds.Bed, podseal: installation.Installation, namespace: str) -> Label:
    """Give a function that sets labels on the test's namespace, named without their prefix."""
    del podseal

    def label(labels: dict[str, str]) -> None:
        bed.admin("label", "namespace", namespace, "--overwrite", *(f"podseal.dev/{k}={v}" for k, v in labels.items()))

    return label


def refusal(bed: beds.Bed, namespace: str, pod: objects.Manifest) -> str:
    """What is said to a pod that is asked about as a dry run, empty where it may come."""
    said = objects.create(bed, namespace, pod, "--dry-run=server")
    return said.stderr if said.returncode else ""


def test_a_label_that_changes_is_followed(bed: beds.Bed, namespace: str, labelled: Label) -> None:
    """Off, and on again: each time every replica follows, without a restart."""
    pod = objects.with_context("shop", privileged=True)
    assert "[privileged]" in refusal(bed, namespace, pod)
    labelled({"enforce": "off"})
    waiting.until(lambda: not any(refusal(bed, namespace, pod) for _ in range(4)), "the label off")
    labelled({"enforce": "default"})
    waiting.until(lambda: all(refusal(bed, namespace, pod) for _ in range(4)), "the label on")


def test_a_new_namespace_has_its_labels_from_the_first_pod_on(
    bed: beds.Bed, podseal: installation.Installation, namespace: str
) -> None:
    """Namespace and pod in one breath: no replica may take a label for missing that is there."""
    del podseal
    strict, off = f"{namespace}-strict", f"{namespace}-off"
    made = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"podseal.dev/enforce": level}}}
        for name, level in ((strict, "strict"), (off, "off"))
    ]
    bed.apply({"apiVersion": "v1", "kind": "List", "items": made})
    dry = "--dry-run=server"
    passing, hostile = objects.sealed("shop"), objects.with_context("shop", privileged=True)
    said = objects.create(bed, strict, passing, dry, user="admin")
    assert "[seccomp]" in said.stderr
    waiting.until(
        lambda: "error looking up service account" not in objects.create(bed, off, hostile, dry, user="admin").stderr,
        "the service account",
    )
    assert objects.create(bed, off, hostile, dry, user="admin").returncode == 0
    for name in (strict, off):
        bed.admin("delete", "namespace", name, "--wait=false")


def test_a_waiver_holds_for_its_control_alone(bed: beds.Bed, namespace: str, labelled: Label) -> None:
    """The other rules that the pod breaks are still told."""
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    labelled({"exempt.privileged": tomorrow.isoformat()})
    pod = objects.with_context("shop", privileged=True)
    waiting.until(lambda: not any(refusal(bed, namespace, pod) for _ in range(4)), "the waiver")
    said = refusal(bed, namespace, objects.with_context("shop", privileged=True, runAsUser=0))
    assert "[run-as-root]" in said
    assert "[privileged]" not in said


def test_mutation_follows_its_label(bed: beds.Bed, namespace: str, labelled: Label) -> None:
    """Off: nothing is repaired, and so it is refused; all: an image that nobody knows is repaired too."""
    known, unknown = manifests.pod("known", manifests.container(image=manifests.NGINX)), manifests.pod("unknown")
    assert refusal(bed, namespace, known) == ""
    assert "[writable-root-filesystem]" in refusal(bed, namespace, unknown)
    labelled({"mutate": "off"})
    waiting.until(lambda: all(refusal(bed, namespace, known) for _ in range(4)), "mutate: off")
    labelled({"mutate": "all"})
    waiting.until(lambda: not any(refusal(bed, namespace, unknown) for _ in range(4)), "mutate: all")
