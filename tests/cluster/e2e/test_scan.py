"""`podseal scan` on a real cluster: running pods, people of different rights, report objects in both APIs."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import beds, waiting
from webhook.scan import model, policyreports

ROOT = Path(__file__).parents[3]
PROGRAM = [sys.executable, "-c", "from webhook.cli import main; main(prog_name='podseal')"]
FAR = "2099-12-31"
POLICY = "apiVersion: config.podseal.dev/v1alpha1\nkind: Policy\nwaivers: {maxDays: 0}\n"
CRDS = ROOT / "manifests" / "crds"
Scan = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def scan(bed: beds.Bed, tmp_path: Path) -> Scan:
    """Run the command as a user of the bed."""
    policy = tmp_path / "podseal.yaml"
    policy.write_text(POLICY)

    def run(user: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        given = ["scan", *arguments, "--kubeconfig", str(bed.layout.kubeconfig_of(user)), "--policy", str(policy)]
        return subprocess.run([*PROGRAM, *given], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    return run


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The JSON report of a scan that could answer."""
    assert done.returncode in (0, 1), done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def template(*, privileged: bool) -> dict[str, Any]:
    """A pod template that waits; the bed has its image."""
    container = {
        "name": "web",
        "image": "podseal.test/busybox:1",
        "imagePullPolicy": "Never",
        "command": ["wait"],
        "securityContext": {"privileged": privileged, "readOnlyRootFilesystem": True},
    }
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}


@pytest.fixture
def shop(bed: beds.Bed, namespace: str) -> str:
    """A namespace with a running privileged Deployment of two, which a waiver lets pass."""
    bed.admin("label", "namespace", namespace, f"podseal.dev/exempt.privileged={FAR}")
    bed.admin("annotate", "namespace", namespace, "podseal.dev/exempt.privileged.ticket=SEC-1")
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(privileged=True),
        },
    }
    bed.apply(deployment)
    bed.admin("rollout", "status", "deployment/web", "--namespace", namespace, "--timeout=60s")
    return namespace


def test_running_pods_are_judged_by_owner(scan: Scan, shop: str) -> None:
    """Two replicas of a Deployment, named without asking for the ReplicaSet; the waiver holds, and is told."""
    report = answer(scan("admin", "-o", "json"))
    mine = [row for row in report["waived"] if row["namespace"] == shop]
    assert [(row["kind"], row["name"], row["control"], row["pods"], row["ticket"]) for row in mine] == [
        ("Deployment", "web", "privileged", 2, "SEC-1")
    ]
    assert all(row["mode"] != "deny" for row in report["findings"] if row["namespace"] == shop)


def test_what_breaks_after_the_waiver(scan: Scan, shop: str) -> None:
    """On its last day nothing does."""
    assert scan("admin", "--as-of", FAR, "-n", shop).returncode == 0
    done = scan("admin", "--as-of", "2100-01-01", "-n", shop, "-o", "json")
    assert [row["control"] for row in answer(done)["findings"]] == ["privileged"]
    assert done.returncode == 1


def test_waivers_to_act_on(bed: beds.Bed, scan: Scan, shop: str) -> None:
    """One that nobody needs is told; the one in use is far away."""
    bed.admin("label", "namespace", shop, f"podseal.dev/exempt.host-path={FAR}")
    rows = answer(scan("admin", "--expiring", "30", "-n", shop, "-o", "json"))["waivers"]
    assert [(row["control"], row["unused"], row["expiring"]) for row in rows] == [("host-path", True, False)]


def test_a_namespaces_own_people_can_scan_it(bed: beds.Bed, scan: Scan, shop: str) -> None:
    """With get on their namespace and list on its pods; the whole cluster is refused them, by name of the right."""
    assert scan("viewer", "-n", shop).returncode == 0
    done = scan("viewer")
    assert done.returncode == 2
    assert 'cannot list resource "namespaces"' in done.stderr
    assert done.stdout == ""
    assert "cannot" in scan("stranger", "-n", shop).stderr
    assert bed.kubectl("stranger", "auth", "can-i", "list", "pods", "-n", shop).stdout.strip() == "no"


def test_a_selector_selects(scan: Scan, shop: str) -> None:
    """By the API server's own rules."""
    assert answer(scan("admin", "-n", shop, "-l", "app=web", "-o", "json"))["summary"]["pods"] == 2
    assert answer(scan("admin", "-n", shop, "-l", "app!=web", "-o", "json"))["summary"]["pods"] == 0
    done = scan("admin", "-l", "app in (")
    assert done.returncode == 2
    assert "labelSelector" in done.stderr or "unable to parse" in done.stderr


def test_preflight_finds_the_network_plugin(bed: beds.Bed, scan: Scan, namespace: str) -> None:
    """A pod that mounts the CNI directory, whatever it is called."""
    spec = template(privileged=False)["spec"]
    spec["volumes"] = [{"name": "cni", "hostPath": {"path": "/opt/cni/bin"}}]
    spec["nodeName"] = "node-of-nobody"
    bed.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": namespace}, "spec": spec})
    report = answer(scan("admin", "--preflight", "-o", "json"))
    assert namespace in report["values"]["exemptNamespaces"]
    (row,) = [row for row in report["infrastructure"] if row["namespace"] == namespace]
    assert row["role"]["reason"] == "mounts /opt/cni/bin of the node"


@pytest.fixture
def keys(bed: beds.Bed, namespace: str) -> Iterator[str]:
    """Rights of several kinds: by a RoleBinding in vain, for one control, through the kubelet, for everybody."""
    rules = {
        "one": {"apiGroups": ["podseal.dev"], "resources": ["exemptions"], "verbs": ["grant"],
                "resourceNames": ["privileged"]},
        "kubelet": {"apiGroups": [""], "resources": ["nodes/proxy"], "verbs": ["get"]},
        "glass": {"apiGroups": ["podseal.dev"], "resources": ["execsessions"], "verbs": ["break-glass"]},
    }  # fmt: skip
    api = "rbac.authorization.k8s.io"
    objects: list[dict[str, Any]] = []
    for name, rule in rules.items():
        meta = {"name": f"{namespace}-{name}"}
        objects.append({"apiVersion": f"{api}/v1", "kind": "ClusterRole", "metadata": meta, "rules": [rule]})
    subjects = {"one": ("User", "dev"), "kubelet": ("User", "viewer")}
    for name, (kind, subject) in subjects.items():
        objects.append(
            {
                "apiVersion": f"{api}/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": f"{namespace}-{name}"},
                "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": f"{namespace}-{name}"},
                "subjects": [{"apiGroup": api, "kind": kind, "name": subject}],
            }
        )
    objects.append(
        {
            "apiVersion": f"{api}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "glass", "namespace": namespace},
            "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": f"{namespace}-glass"},
            "subjects": [{"apiGroup": api, "kind": "User", "name": "stranger"}],
        }
    )
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    bed.admin("apply", "-f", "-", stdin=listed)
    yield namespace
    bed.admin("delete", "--ignore-not-found", "-f", "-", stdin=listed)


QUESTIONS = {
    "grant": ("grant", "exemptions.podseal.dev/privileged"),
    "break-glass": ("break-glass", "execsessions.podseal.dev"),
    "kubelet": ("get", "nodes", "--subresource=proxy"),
}
"""Power -> what `kubectl auth can-i` is asked about it."""


def test_who_holds_the_keys_is_what_the_api_server_says(bed: beds.Bed, scan: Scan, keys: str) -> None:
    """For every person of the bed and each right: listed exactly where `kubectl auth can-i` answers yes."""
    for crd in ("exemptions", "execsessions"):
        bed.admin("apply", "-f", str(CRDS / f"{crd}.podseal.dev.yaml"))
        bed.admin("wait", "--for=condition=Established", f"crd/{crd}.podseal.dev", "--timeout=30s")
    report = answer(scan("admin", "--grants", "-o", "json"))
    # The authorizer learns of a binding a moment after it was made.
    waiting.until(
        lambda: bed.kubectl("viewer", "auth", "can-i", *QUESTIONS["kubelet"]).stdout.strip() == "yes", "the binding"
    )
    for user in ("dev", "viewer", "labeller", "granter", "stranger"):
        listed = {row["power"] for row in report["grants"] if (row["subject_kind"], row["subject"]) == ("User", user)}
        for power, question in QUESTIONS.items():
            said = bed.kubectl(user, "auth", "can-i", *question).stdout.strip()
            assert (said == "yes") is (power in listed), (user, power, said)
    assert {row["power"] for row in report["grants"] if row["subject"] == "system:masters"} == {
        power["id"] for power in report["powers"]
    }
    assert [row for row in report["without_effect"] if row["binding"] == f"{keys}/glass"] == [
        {"power": "break-glass", "subject_kind": "User", "subject": "stranger", "binding": f"{keys}/glass",
         "role": f"{keys}-glass"}
    ]  # fmt: skip


def test_grants_needs_to_read_all_of_rbac(scan: Scan) -> None:
    """An answer from a part would be wrong."""
    done = scan("viewer", "--grants")
    assert done.returncode == 2
    assert 'cannot list resource "clusterroles"' in done.stderr


def definition(api: policyreports.Api) -> dict[str, Any]:
    """A CustomResourceDefinition with the fields that both APIs publish and podseal writes; unknown ones are refused.

    The API server prunes what is not named, so that a field of ours which the API does not have would be missing.
    """
    text, number = {"type": "string"}, {"type": "integer"}
    texts = {"type": "object", "additionalProperties": text}
    reference = {"type": "object", "properties": dict.fromkeys(("apiVersion", "kind", "name", "namespace"), text)}
    result = {
        "source": text, "policy": text, "rule": text, "category": text, "message": text, "scored": {"type": "boolean"},
        "severity": {"type": "string", "enum": ["high", "medium", "low"]},
        "result": {"type": "string", "enum": ["pass", "fail", "warn", "error", "skip"]},
        "timestamp": {"type": "object", "required": ["seconds", "nanos"],
                      "properties": {"seconds": {**number, "format": "int64"}, "nanos": {**number, "format": "int32"}}},
        "resources": {"type": "array", "items": reference}, "properties": texts,
    }  # fmt: skip
    properties: dict[str, Any] = {
        "scope": reference,
        "summary": {"type": "object", "properties": dict.fromkeys(("pass", "fail", "warn", "error", "skip"), number)},
        "results": {"type": "array", "items": {"type": "object", "required": ["policy"], "properties": result}},
    }
    if api.has_source:
        properties["source"] = text
    group, version = api.group_version.split("/")
    names = {"kind": api.kind, "plural": api.plural, "singular": api.kind.lower(), "listKind": f"{api.kind}List"}
    schema = {"openAPIV3Schema": {"type": "object", "properties": properties}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{api.plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": names,
            "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
        },
    }


@pytest.fixture
def serving(bed: beds.Bed) -> Iterator[Callable[[policyreports.Api], None]]:
    """Serve an API of reports; all are gone after the test."""
    made: list[str] = []

    def serve(api: policyreports.Api) -> None:
        crd = definition(api)
        made.append(crd["metadata"]["name"])
        bed.apply(crd)
        bed.admin("wait", "--for=condition=Established", f"crd/{made[-1]}", "--timeout=30s")
        # Established comes before the group is in discovery.
        waiting.until(
            lambda: bed.kubectl("admin", "get", "--raw", f"/apis/{api.group_version}").returncode == 0, "discovery"
        )

    yield serve
    for name in made:
        bed.admin("delete", "crd", name, "--wait=true")


def reports(bed: beds.Bed, api: policyreports.Api) -> dict[str, dict[str, Any]]:
    """Namespace -> report."""
    listed = json.loads(bed.admin("get", "--raw", api.path()))
    return {item["metadata"]["namespace"]: item for item in listed["items"]}


@pytest.mark.parametrize("api", policyreports.APIS, ids=lambda api: api.kind)
def test_report_objects_are_written_in_place_and_removed(
    bed: beds.Bed, scan: Scan, shop: str, serving: Callable[[policyreports.Api], None], api: policyreports.Api
) -> None:
    """One for each namespace with pods; the second scan changes it; with the pods gone it goes too."""
    serving(api)
    done = scan("admin", "-o", "policyreports", "--fail-on", "never")
    assert done.returncode == 0, done.stderr
    assert api.group_version in done.stderr
    first = reports(bed, api)[shop]
    assert first["metadata"]["name"] == "podseal"
    made = policyreports.report(api, model.Namespace(shop), datetime.now(UTC))
    assert set(first) == set(made)
    assert (first["summary"]["skip"], first["summary"]["fail"]) == (1, 0)
    assert len(first["results"]) == sum(first["summary"].values())
    bed.admin("label", "namespace", shop, "podseal.dev/exempt.privileged-")
    assert scan("admin", "-n", shop, "-o", "policyreports").returncode == 1
    second = reports(bed, api)[shop]
    assert second["metadata"]["uid"] == first["metadata"]["uid"]
    assert (second["summary"]["skip"], second["summary"]["fail"]) == (0, 1)
    bed.admin("delete", "deployment", "web", "--namespace", shop, "--cascade=foreground", "--wait=true")
    waiting.until(
        lambda: not json.loads(bed.admin("get", "pods", "--namespace", shop, "-o", "json"))["items"], "the pods' end"
    )
    assert scan("admin", "-o", "policyreports", "--fail-on", "never").returncode == 0
    assert shop not in reports(bed, api)


def test_never_both_apis(bed: beds.Bed, scan: Scan, shop: str, serving: Callable[[policyreports.Api], None]) -> None:
    """Where both are served, the older is written alone; where none is, nothing is."""
    done = scan("admin", "-n", shop, "-o", "policyreports")
    assert done.returncode == 2
    assert "install the definitions" in done.stderr
    for api in policyreports.APIS:
        serving(api)
    assert scan("admin", "-n", shop, "-o", "policyreports").returncode == 0
    older, newer = policyreports.APIS
    assert set(reports(bed, older)) == {shop}
    assert reports(bed, newer) == {}
