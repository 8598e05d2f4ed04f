"""What depends on podseal, and what does not: the chart's webhooks are registered where nobody listens.

So every request that the API server would send fails at once, and whatever passes was never sent: by the rules, the
match conditions or the selector of namespaces.
"""

import json
import secrets
from collections.abc import Iterator

import pytest

from tests.cluster import beds, credentials, layouts, manifests, waiting
from tests.cluster.e2e import objects, registration
from tests.manifests import chart

NOWHERE = "127.0.0.1:1"
EXEMPT = "network-plugin"
CALLED = "failed calling webhook"


@pytest.fixture(scope="module")
def namespace(bed: beds.Bed) -> Iterator[str]:
    """A guarded namespace, in which a pod and a Deployment were made before."""
    name = f"guarded-{secrets.token_hex(4)}"
    bed.create_namespace(name)
    for pod in ("updated", "resized", "deleted", "debugged"):
        made = objects.sealed(pod, schedulerName="nobody")
        made["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "10m"}, "limits": {"cpu": "20m"}}
        assert objects.create(bed, name, made).returncode == 0
    assert objects.create(bed, name, manifests.deployment("shop", objects.sealed("shop"), replicas=0)).returncode == 0
    yield name
    bed.delete_namespace(name)


@pytest.fixture(scope="module")
def unanswered(bed: beds.Bed, namespace: str) -> Iterator[str]:
    """The guarded namespace, with the webhooks registered at an address where nobody listens."""
    bed.create_namespace(EXEMPT)
    trust = credentials.Files(bed.layout.keys).authority.read_bytes()
    for each in registration.by_url(chart.objects({"exemptNamespaces": [EXEMPT]}), NOWHERE, trust):
        bed.apply(each)
    waiting.until(
        lambda: CALLED in objects.create(bed, namespace, objects.sealed("probe"), "--dry-run=server").stderr,
        "the API server to call",
    )
    yield namespace
    bed.admin("delete", "--ignore-not-found", *registration.NAMES)
    bed.delete_namespace(EXEMPT)
    waiting.until(
        lambda: objects.create(bed, namespace, objects.sealed("probe"), "--dry-run=server").returncode == 0,
        "the API server to call no more",
    )


RESIZE = json.dumps({"spec": {"containers": [{"name": "main", "resources": {"requests": {"cpu": "15m"}}}]}})
FINALIZERS = json.dumps({"metadata": {"finalizers": ["example.com/hold"]}})
NO_FINALIZERS = json.dumps({"metadata": {"finalizers": None}})
STATUS = json.dumps({"status": {"message": "seen"}})
DEBUG = ("debug", "debugged", f"--image={manifests.BUSYBOX}", "--profile=baseline", "--", "/bin/wait")
TEMPLATE_IMAGE = ("set", "image", "deployment/shop", f"main={manifests.NONROOT}")

PASS: dict[str, tuple[str, ...]] = {
    "labels of a pod": ("label", "pod/updated", "team=shop"),
    "a finalizer that comes": ("patch", "pod/updated", "--type=merge", "-p", FINALIZERS),
    "a finalizer that goes": ("patch", "pod/updated", "--type=merge", "-p", NO_FINALIZERS),
    "status of a pod": ("patch", "pod/updated", "--subresource=status", "--type=merge", "-p", STATUS),
    "a resize": ("patch", "pod/resized", "--subresource=resize", "--type=strategic", "-p", RESIZE),
    "deletion": ("delete", "pod/deleted"),
    "a workload, without its warning": ("create", "deployment", "second", "--image=nginx"),
    "a workload's new image, without its warning": TEMPLATE_IMAGE,
    "objects that hold no pod": ("create", "configmap", "plain"),
}
FAIL: dict[str, tuple[str, ...]] = {
    "another image": ("set", "image", "pod/updated", f"main={manifests.NONROOT}"),
    "an ephemeral container": DEBUG,
}


@pytest.mark.parametrize("arguments", PASS.values(), ids=PASS.keys())
def test_it_passes_without_podseal(bed: beds.Bed, unanswered: str, arguments: tuple[str, ...]) -> None:
    """It brings nothing new to run, or is answered with a warning at most."""
    said = bed.kubectl("admin", "--namespace", unanswered, *arguments)
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize("arguments", FAIL.values(), ids=FAIL.keys())
def test_it_is_refused_without_podseal(bed: beds.Bed, unanswered: str, arguments: tuple[str, ...]) -> None:
    """It brings something to run that nobody has judged, and failurePolicy is Fail."""
    said = bed.kubectl("admin", "--namespace", unanswered, *arguments)
    assert said.returncode != 0
    assert CALLED in said.stderr


def reached(bed: beds.Bed, namespace: str, *arguments: str) -> str:
    """What is said to who reaches into a pod that no node runs, so that it ends in an error in any case."""
    return bed.kubectl("admin", "--namespace", namespace, *arguments).stderr


REACHES = {
    "exec": ("exec", "updated", "--", "true"),
    "connect": ("get", "--raw", "/api/v1/namespaces/NAME/pods/updated/proxy/"),
}


@pytest.mark.parametrize("gate", REACHES)
def test_a_denied_reach_is_closed_and_a_recorded_one_open(bed: beds.Bed, unanswered: str, gate: str) -> None:
    """By the namespace's label: deny fails closed, record and allow do not depend on podseal."""
    arguments = [each.replace("NAME", unanswered) for each in REACHES[gate]]
    for value in ("allow", "record"):
        bed.admin("label", "namespace", unanswered, f"podseal.dev/{gate}={value}", "--overwrite")
        waiting.until(lambda: CALLED not in reached(bed, unanswered, *arguments), f"{gate}={value}")
    bed.admin("label", "namespace", unanswered, f"podseal.dev/{gate}=deny", "--overwrite")
    waiting.until(lambda: f'{CALLED} "{gate}-deny' in reached(bed, unanswered, *arguments), f"{gate}=deny")
    bed.admin("label", "namespace", unanswered, f"podseal.dev/{gate}-")
    waiting.until(lambda: CALLED not in reached(bed, unanswered, *arguments), "no label")


@pytest.mark.parametrize(("path", "asked"), [("metrics", False), ("stats/summary", False), ("run/x", True), ("", True)])
def test_of_a_nodes_proxy_plain_reading_alone_is_open(
    bed: beds.Bed, unanswered: str, path: str, *, asked: bool
) -> None:
    """Who collects metrics by the API server goes on; that a loopback is no proxy target is the API server's rule."""
    said = reached(bed, unanswered, "get", "--raw", f"/api/v1/nodes/{layouts.NODE_NAME}/proxy/{path}")
    assert (CALLED in said) is asked, said


def test_namespaces_come_change_and_go(bed: beds.Bed, unanswered: str) -> None:
    """With podseal's labels, too: the preview of a change is only a warning, and the guard lives in the API server."""
    del unanswered
    name = f"made-{secrets.token_hex(4)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"podseal.dev/exec": "deny"}}}
    bed.admin("create", "-f", "-", stdin=json.dumps(body))
    bed.admin("label", "namespace", name, "podseal.dev/exec=record", "podseal.dev/enforce=strict", "--overwrite")
    bed.admin("delete", "namespace", name, "--timeout=60s")


@pytest.mark.parametrize("name", ["kube-system", EXEMPT])
def test_whoever_repairs_a_cluster_reaches_its_pods(bed: beds.Bed, unanswered: str, name: str) -> None:
    """Even where the label denies: without podseal the namespaces of the system stay open."""
    del unanswered
    objects.create(bed, name, objects.sealed("broken", schedulerName="nobody"), user="admin").check_returncode()
    bed.admin("label", "namespace", name, "podseal.dev/exec=deny")
    try:
        assert CALLED not in reached(bed, name, "exec", "broken", "--", "true")
    finally:
        bed.admin("label", "namespace", name, "podseal.dev/exec-")
        bed.admin("delete", "pod", "broken", "--namespace", name, "--wait=false")


@pytest.mark.parametrize("name", ["kube-system", "kube-public", "kube-node-lease", EXEMPT])
def test_namespaces_that_a_cluster_needs_do_not_depend_on_podseal(bed: beds.Bed, unanswered: str, name: str) -> None:
    """Of the system, and those that the values name: there pods are made though nobody answers."""
    del unanswered
    said = objects.create(bed, name, objects.sealed("needed"), "--dry-run=server", user="admin")
    assert said.returncode == 0, said.stderr
