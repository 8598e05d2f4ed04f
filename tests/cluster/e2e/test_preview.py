"""Labelling a namespace by real kubectl: what it would do to the pods that run there is told, also in a dry-run."""

import json
import re
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from tests.cluster import beds, manifests, waiting
from tests.cluster.e2e import installation, objects

ENFORCE = "podseal.dev/enforce"
EXEMPT = "podseal.dev/exempt.privileged"
FAR = (datetime.now(UTC) + timedelta(days=200)).date().isoformat()
DRY = "--dry-run=server"


def deployment(name: str, **context: object) -> objects.Manifest:
    """A Deployment of two pods."""
    return manifests.deployment(name, objects.with_context(name, **context), replicas=2)


@pytest.fixture
def shop(podseal: installation.Installation, namespace: str) -> str:
    """A namespace that enforces nothing, with two privileged pods of one Deployment, and one sealed pod."""
    bed = podseal.bed
    bed.admin("label", "namespace", namespace, f"{ENFORCE}=off", "podseal.dev/mutate=off")
    plain = manifests.deployment("plain", manifests.pod("plain", manifests.container(manifests.NGINX)))
    for each in (deployment("agent", privileged=True), deployment("web"), plain):
        bed.apply({**each, "metadata": {**each["metadata"], "namespace": namespace}})
        name = each["metadata"]["name"]
        bed.admin("rollout", "status", f"deployment/{name}", "--namespace", namespace, "--timeout=60s")
    return namespace


def label(bed: beds.Bed, namespace: str, *arguments: str, user: str = "granter") -> list[str]:
    """`kubectl label namespace`, and the warnings that it showed."""
    done = bed.kubectl(user, "label", "namespace", namespace, "--overwrite", *arguments)
    assert done.returncode == 0, done.stderr
    return warnings(done)


def warnings(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What kubectl printed as warnings."""
    return [each.removeprefix("Warning: ") for each in done.stderr.splitlines() if each.startswith("Warning: ")]


def test_running_pods_that_would_be_denied_are_named(podseal: installation.Installation, shop: str) -> None:
    """By their Deployment, once; in a dry-run as in earnest, and the dry-run changes nothing."""
    bed = podseal.bed
    expected = ["podseal would deny Deployment agent (2 pods): privileged"]
    tried = label(bed, shop, f"{ENFORCE}=baseline", DRY)
    assert tried == expected
    assert objects.read(bed, shop, "namespace", shop)["metadata"]["labels"][ENFORCE] == "off"
    assert label(bed, shop, f"{ENFORCE}=baseline") == expected


def test_what_a_waiver_lets_pass_and_what_nobody_needs(podseal: installation.Installation, shop: str) -> None:
    """The waiver in use silences the denial; another control's is told to be of no use; a slip of the pen as well."""
    bed = podseal.bed
    label(bed, shop, f"{ENFORCE}=baseline")
    assert label(bed, shop, f"{EXEMPT}={FAR}", DRY) == [
        "podseal would no longer deny Deployment agent (2 pods): privileged"
    ]
    said = label(
        bed, shop, f"{EXEMPT}={FAR}", f"podseal.dev/exempt.host-path={FAR}", "podseal.dev/exempt.sysctl=2027-01-01"
    )
    assert said == [
        "podseal.dev/exempt.sysctl: there is no control 'sysctl'; did you mean sysctls?",
        "podseal would no longer deny Deployment agent (2 pods): privileged",
        f"podseal.dev/exempt.host-path={FAR} lets no running pod pass",
    ]
    assert label(bed, shop, f"{EXEMPT}-")[-1] == f"podseal.dev/exempt.host-path={FAR} lets no running pod pass"


def test_what_the_mutation_would_repair_is_named(podseal: installation.Installation, shop: str) -> None:
    """Nginx is known: its root would be made read-only, with the emptyDirs that it needs."""
    said = label(podseal.bed, shop, "podseal.dev/mutate=known", f"{ENFORCE}=default", DRY)
    assert "podseal would repair Deployment plain" in said


def test_annotations_and_every_route_are_asked_about(podseal: installation.Installation, shop: str) -> None:
    """What narrows a waiver is an annotation; a server-side apply and a patch are the same to us."""
    bed = podseal.bed
    label(bed, shop, f"{ENFORCE}=baseline", f"{EXEMPT}={FAR}")
    arguments = (f"{EXEMPT}.serviceaccounts=nobody", "--overwrite", DRY)
    annotated = bed.kubectl("granter", "annotate", "namespace", shop, *arguments)
    expected = ["podseal would deny Deployment agent (2 pods): privileged", f"{EXEMPT}={FAR} lets no running pod pass"]
    assert warnings(annotated) == expected
    body = {"metadata": {"labels": {EXEMPT: None}}}
    patched = bed.kubectl("granter", "patch", "namespace", shop, DRY, "--type=merge", "-p", json.dumps(body))
    assert warnings(patched) == expected[:1]


def previews(podseal: installation.Installation) -> int:
    """How many previews all replicas have answered."""
    line = re.compile(r'^podseal_requests_total{endpoint="preview-namespace",outcome="allowed"} (\S+)$', re.MULTILINE)
    return sum(
        int(float(found)) for each in podseal.replicas for found in line.findall(each.server.probe("/metrics")[1])
    )


def test_other_labels_ask_nobody(podseal: installation.Installation, shop: str) -> None:
    """The API server itself sees that none of our keys differs."""
    before = previews(podseal)
    assert label(podseal.bed, shop, "team=shop") == []
    assert previews(podseal) == before
    label(podseal.bed, shop, "podseal.dev/warn=off")
    # An answer is counted once it is sent.
    waiting.until(lambda: previews(podseal) > before, "a preview")
    assert previews(podseal) == before + 1
