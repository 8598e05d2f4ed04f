"""The guard inside a real API server: the cases of its pure twin, and every route to a namespace's keys."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import beds, waiting
from tests.webhook.policy import test_guard
from webhook.policy import guard_cel

CASES = test_guard.CASES
CRD = Path(__file__).parents[3] / "manifests" / "crds" / "exemptions.podseal.dev.yaml"
LABEL = "podseal.dev/exempt.privileged"
WAIVER = {"metadata": {"labels": {LABEL: "2027-01-31"}}}
CREATOR = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "namespace-creator"},
    "rules": [
        {
            "apiGroups": [""],
            "resources": ["namespaces", "namespaces/status", "namespaces/finalize"],
            "verbs": ["create", "get", "update", "patch"],
        }
    ],
}
BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "namespace-creator"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "namespace-creator"},
    "subjects": [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name} for name in ("labeller", "granter")
    ],
}


@pytest.fixture(scope="module")
def guarded(bed: beds.Bed) -> Iterator[beds.Bed]:
    """A cluster with the guard in force: no pod of podseal runs in it."""
    objects = [guard_cel.policy(), guard_cel.binding(), CREATOR, BINDING]
    bed.admin("apply", "-f", str(CRD))
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    bed.kubectl("admin", "apply", "-f", "-", stdin=listed).check_returncode()
    probe = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "guard-probe", **WAIVER["metadata"]}}
    create = ("create", "--dry-run=server", "-f", "-")
    waiting.until(
        lambda: "exemptions.podseal.dev" in bed.kubectl("labeller", *create, stdin=json.dumps(probe)).stderr,
        "the guard",
    )
    yield bed
    bed.kubectl("admin", "delete", "--ignore-not-found", "-f", "-", stdin=listed).check_returncode()


def metadata(side: dict[str, Any] | None) -> dict[str, dict[str, str]]:
    """One side of a case as metadata."""
    keys = test_guard.keys(side)
    return {"labels": dict(keys.labels), "annotations": dict(keys.annotations)}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_policy_agrees_with_its_pure_twin(guarded: beds.Bed, namespace: str, case: dict[str, Any]) -> None:
    """Without rights a change is refused exactly where the twin asks for a right, naming it; with them it passes."""
    before, after = metadata(case.get("before")), metadata(case["after"])
    guarded.kubectl(
        "admin", "patch", "namespace", namespace, "--type=merge", "-p", json.dumps({"metadata": before})
    ).check_returncode()
    change = {
        "metadata": {
            part: dict.fromkeys(before[part]) | after[part]  # a merge patch removes what is null
            for part in ("labels", "annotations")
        }
    }
    arguments = ("patch", "namespace", namespace, "--type=merge", "--dry-run=server", "-p", json.dumps(change))
    without = guarded.kubectl("labeller", *arguments)
    assert (without.returncode == 0) is (not case["needs"]), without.stderr
    if case["needs"]:
        assert any(f"exemptions.podseal.dev/{right}" in without.stderr for right in case["needs"]), without.stderr
    assert guarded.kubectl("granter", *arguments).returncode == 0


ROUTES = {
    "create": ("create", "-f", "-"),
    "create with generateName": ("create", "-f", "-"),
    "create as server dry-run": ("create", "--dry-run=server", "-f", "-"),
    "server-side apply": ("apply", "--server-side", "-f", "-"),
    "patch": ("patch", "namespace", "NAME", "--type=merge", "-p", json.dumps(WAIVER)),
    "patch as server dry-run": (
        "patch", "namespace", "NAME", "--dry-run=server", "--type=merge", "-p", json.dumps(WAIVER),
    ),
    "patch of status": ("patch", "namespace", "NAME", "--subresource=status", "--type=merge", "-p", json.dumps(WAIVER)),
    "server-side apply of status": ("apply", "--server-side", "--subresource=status", "-f", "-"),
    "label": ("label", "namespace", "NAME", f"{LABEL}=2027-01-31"),
    "finalize": ("replace", "--raw", "/api/v1/namespaces/NAME/finalize", "-f", "-"),
}  # fmt: skip


@pytest.mark.parametrize("route", ROUTES)
def test_no_route_smuggles_a_waiver_in(guarded: beds.Bed, namespace: str, route: str) -> None:
    """The same waiver by every route that carries a namespace's metadata: refused without the right, taken with it."""
    new = route.startswith("create")
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "Namespace", "metadata": dict(WAIVER["metadata"])}
    body["metadata"] |= (
        {"generateName": "made-"} if "generateName" in route else {"name": f"new-{namespace}" if new else namespace}
    )
    if route == "finalize":
        body["spec"] = {"finalizers": ["kubernetes"]}
    arguments = [part.replace("NAME", namespace) for part in ROUTES[route]]
    stdin = json.dumps(body) if "-" in arguments else None
    refused = guarded.kubectl("labeller", *arguments, stdin=stdin)
    assert refused.returncode != 0
    assert "exemptions.podseal.dev/privileged" in refused.stderr
    assert guarded.kubectl("admin", "get", "namespace", namespace, "-o", "yaml").stdout.count(LABEL) == 0
    taken = guarded.kubectl("granter", *arguments, stdin=stdin)
    assert taken.returncode == 0, taken.stderr
    if new and "dry-run" not in route:
        # Those of other routes may be going already.
        guarded.admin("delete", "namespaces", "-l", LABEL, "--ignore-not-found", "--wait=false")


def test_namespaces_come_and_go_with_no_pod_of_podseal(guarded: beds.Bed) -> None:
    """The guard needs nothing but the API server: a namespace without our keys is created, labelled and deleted."""
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ordinary", "labels": {"team": "shop"}}}
    guarded.kubectl("labeller", "create", "-f", "-", stdin=json.dumps(body)).check_returncode()
    guarded.kubectl("labeller", "label", "namespace", "ordinary", "stage=test").check_returncode()
    guarded.delete_namespace("ordinary")


def test_can_i_answers_what_the_guard_asks(guarded: beds.Bed) -> None:
    """`kubectl auth can-i` tells a user beforehand."""
    for user, answer in (("granter", "yes"), ("labeller", "no")):
        said = guarded.kubectl(user, "auth", "can-i", "grant", "exemptions.podseal.dev/privileged")
        assert said.stdout.strip() == answer
