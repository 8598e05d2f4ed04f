"""The gate to running pods by real kubectl: refused, recorded, broken through, each with the right user."""

import json
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import beds, manifests, waiting
from tests.cluster.e2e import installation

EXEC = "podseal.dev/exec"


@pytest.fixture(scope="module")
def gated(podseal: installation.Installation) -> beds.Bed:
    """A cluster whose CONNECTs are asked about as the chart registers it; granter may break the glass."""
    return podseal.bed


@pytest.fixture
def shop(gated: beds.Bed, namespace: str) -> str:
    """The namespace of a running pod `shop` that podseal let in."""
    sealed = manifests.pod("shop", manifests.container(securityContext={"readOnlyRootFilesystem": True}))
    gated.apply({**sealed, "metadata": {"name": "shop", "namespace": namespace}})
    gated.admin("wait", "--for=condition=Ready", "pod/shop", "--namespace", namespace, "--timeout=60s")
    return namespace


def label(bed: beds.Bed, namespace: str, value: str) -> None:
    """Set what happens to exec, and wait until every replica knows: a refusal comes from each in turn."""
    bed.admin("label", "namespace", namespace, f"{EXEC}={value}", "--overwrite")
    if value == "deny":
        for _ in range(4):
            waiting.until(lambda: "podseal.dev/exec is deny" in attempt(bed, "dev", namespace).stderr, "the label")


def attempt(bed: beds.Bed, user: str, namespace: str, *command: str) -> subprocess.CompletedProcess[str]:
    """`kubectl exec` into the pod."""
    return bed.kubectl(user, "exec", "shop", "--namespace", namespace, "--", *(command or ("true",)))


def recorded(bed: beds.Bed, namespace: str) -> list[dict[str, Any]]:
    """The sessions of a namespace."""
    selector = f"spec.target.namespace={namespace}"
    found: list[dict[str, Any]] = json.loads(bed.admin("get", "xs", "--field-selector", selector, "-o", "json"))[
        "items"
    ]
    return [each["spec"] for each in found]


def test_an_exec_is_recorded_with_user_pod_and_command(gated: beds.Bed, shop: str) -> None:
    """The default label records: the exec runs, and the record names who, where and what, without the secret."""
    done = attempt(gated, "dev", shop, "env", "DB_PASSWORD=hunter2", "echo", "inside")
    assert done.stdout == "inside\n", done.stderr
    (session,) = waiting.until(lambda: recorded(gated, shop), "the record")
    assert session["user"]["username"] == "dev"
    assert session["command"] == ["env", "DB_PASSWORD=[redacted]", "echo", "inside"]
    assert session["target"]["pod"] == "shop"
    assert session["target"]["container"] == "main"
    assert session["target"]["node"]
    assert session["verdict"] == "allowed"


def test_a_copy_is_recorded_by_its_execs(gated: beds.Bed, shop: str, tmp_path: Path) -> None:
    """`kubectl cp` into a pod is an exec of tar with stdin."""
    (tmp_path / "file").write_text("x")
    gated.kubectl("dev", "cp", str(tmp_path / "file"), f"{shop}/shop:/dev/shm/file").check_returncode()
    waiting.until(lambda: any(each["command"][0] == "tar" for each in recorded(gated, shop)), "the record of tar")
    (tar,) = (each for each in recorded(gated, shop) if each["command"][0] == "tar")
    assert tar["stdin"] is True


def test_exec_is_denied_and_the_glass_broken(gated: beds.Bed, shop: str) -> None:
    """Dev is refused with the way through; granter, who holds break-glass, passes, and that is recorded first."""
    label(gated, shop, "deny")
    refused = attempt(gated, "dev", shop)
    assert refused.returncode != 0
    assert "break-glass on execsessions.podseal.dev" in refused.stderr
    passed = attempt(gated, "granter", shop, "echo", "emergency")
    assert passed.stdout == "emergency\n", passed.stderr
    (session,) = (each for each in recorded(gated, shop) if each["verdict"] == "broken-through")
    assert session["user"]["username"] == "granter"
    assert not [each for each in recorded(gated, shop) if each["user"]["username"] == "dev"]


def test_debug_and_another_image_follow_the_same_label(gated: beds.Bed, shop: str) -> None:
    """Code comes in without an exec too: by an ephemeral container, and by the image of a running pod."""
    label(gated, shop, "deny")
    image = ("set", "image", "pod/shop", f"main={manifests.NONROOT}", "--namespace", shop)
    refused = gated.kubectl("dev", *image)
    assert "image change refused" in refused.stderr
    ephemeral = {"name": "look", "image": manifests.BUSYBOX, "imagePullPolicy": "Never", "command": ["true"]}
    change = json.dumps({"spec": {"ephemeralContainers": [ephemeral]}})
    arguments = ("patch", "pod", "shop", "--subresource=ephemeralcontainers", "--namespace", shop, "-p", change)
    gated.admin("create", "clusterrolebinding", f"debug-{shop}", "--clusterrole=cluster-admin", "--user=viewer")
    try:
        debug = gated.kubectl("viewer", *arguments)
    finally:
        gated.admin("delete", "clusterrolebinding", f"debug-{shop}")
    assert debug.returncode == 0, "who may do everything may break the glass"
    assert [each["action"] for each in recorded(gated, shop) if each["user"]["username"] == "viewer"] == ["debug"]


@pytest.mark.parametrize("target", ["pods/shop:1", "services/none:1"])
def test_proxies_follow_the_label_connect(gated: beds.Bed, shop: str, target: str) -> None:
    """Let pass by default; recorded, or refused, where the namespace says so. Nothing listens: the gate comes first."""
    action = f"{target.partition('/')[0]}/proxy"
    arguments = ("get", "--raw", f"/api/v1/namespaces/{shop}/{target}/proxy/admin")
    assert "refused:" not in gated.kubectl("dev", *arguments).stderr
    gated.admin("label", "namespace", shop, "podseal.dev/connect=deny")
    waiting.until(lambda: f"{action} refused" in gated.kubectl("dev", *arguments).stderr, "the label deny")
    assert not recorded(gated, shop)
    gated.admin("label", "namespace", shop, "podseal.dev/connect=record", "--overwrite")

    def told() -> bool:
        return f"{action} refused" not in gated.kubectl("dev", *arguments).stderr and bool(recorded(gated, shop))

    waiting.until(told, "the record")
    session = recorded(gated, shop)[0]
    assert (session["action"], session["user"]["username"], session["path"]) == (action, "dev", "/admin")


def test_reaches_into_system_namespaces_are_recorded(gated: beds.Bed) -> None:
    """Exec and another image in kube-system, whose pods are judged by nobody: each leaves its record."""
    name = f"watched-{secrets.token_hex(4)}"
    gated.apply({**manifests.pod(name), "metadata": {"name": name, "namespace": "kube-system"}})
    try:
        gated.admin("wait", "--for=condition=Ready", f"pod/{name}", "--namespace", "kube-system", "--timeout=60s")
        gated.admin("exec", name, "--namespace", "kube-system", "--", "true")
        gated.admin("set", "image", f"pod/{name}", f"main={manifests.NONROOT}", "--namespace", "kube-system")

        def actions() -> list[str]:
            return sorted(s["action"] for s in recorded(gated, "kube-system") if s["target"]["pod"] == name)

        waiting.until(lambda: actions() == ["exec", "image change"], "both records")
    finally:
        gated.admin("delete", f"pod/{name}", "--namespace", "kube-system", "--wait=false")


@pytest.fixture
def kubelet(gated: beds.Bed) -> Iterator[str]:
    """The path of the node's proxy, for which stranger has the right, and no other."""
    gated.admin("create", "clusterrole", "node-proxy", "--verb=get,create", "--resource=nodes/proxy")
    gated.admin("create", "clusterrolebinding", "node-proxy", "--clusterrole=node-proxy", "--user=stranger")
    node = json.loads(gated.admin("get", "nodes", "-o", "json"))["items"][0]["metadata"]["name"]
    base = f"/api/v1/nodes/{node}/proxy"
    probe = ("get", "--raw", f"{base}/healthz")
    waiting.until(lambda: "cannot get resource" not in gated.kubectl("stranger", *probe).stderr, "the right")
    yield base
    gated.admin("delete", "clusterrolebinding,clusterrole", "node-proxy")


@pytest.mark.parametrize(
    "path",
    ["/run/x/shop/main", "/metrics/../run/x/shop/main", "/metrics/%2e%2e/run/x/shop/main", "//run/x/shop/main",
     "/./run/x/shop/main", "/%72un/x/shop/main", "/exec/x/shop/main"],
)  # fmt: skip
def test_the_kubelet_is_reached_for_reading_alone(kubelet: str, gated: beds.Bed, path: str) -> None:
    """Every spelling of a path that runs commands is refused to who may proxy to nodes and break no glass."""
    said = gated.kubectl("stranger", "get", "--raw", kubelet + path)
    assert "nodes/proxy refused" in said.stderr, said.stderr + said.stdout


def test_reading_from_the_kubelet_passes_the_gate(kubelet: str, gated: beds.Bed) -> None:
    """The request gets past admission; that a loopback address is no proxy target is the API server's own rule."""
    said = gated.kubectl("stranger", "get", "--raw", f"{kubelet}/metrics/cadvisor")
    assert "refused" not in said.stderr
