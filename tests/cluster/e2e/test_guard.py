"""The guard inside a real API server: the cases of its pure twin, and every route to a namespace's keys."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster import beds, waiting
from tests.cluster.e2e import shipped
from tests.manifests import chart
from tests.webhook.policy import test_guard
from webhook.policy import guard

CASES = test_guard.CASES
LABEL = "podseal.dev/exempt.privileged"
WAIVER = shipped.WAIVER


@pytest.fixture(scope="module")
def guarded(bed: beds.Bed) -> Iterator[beds.Bed]:
    """A cluster with what the chart renders of the guard: no pod of podseal runs in it."""
    with shipped.applied(bed, chart.objects(None, "--include-crds")):
        yield bed


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


RIGHT_FOR_ONE = ("grant-privileged", "--verb=grant", "--resource=exemptions.podseal.dev", "--resource-name=privileged")


@pytest.fixture
def holder(guarded: beds.Bed) -> Iterator[str]:
    """Labeller, who for once holds the right to one exemption."""
    name = RIGHT_FOR_ONE[0]
    guarded.admin("create", "clusterrole", *RIGHT_FOR_ONE)
    guarded.admin("create", "clusterrolebinding", name, f"--clusterrole={name}", "--user=labeller")
    waiting.until(lambda: can_i(guarded, "labeller", "privileged"), "the right")
    yield "labeller"
    guarded.admin("delete", "clusterrolebinding,clusterrole", name)
    waiting.until(lambda: not can_i(guarded, "labeller", "privileged"), "the right to be gone")


def can_i(bed: beds.Bed, user: str, right: str) -> bool:
    """What `kubectl auth can-i` says, which asks the authorizer that the guard asks."""
    said = bed.kubectl(user, "auth", "can-i", "grant", f"exemptions.podseal.dev/{right}")
    return said.stdout.strip() == "yes"


def test_can_i_answers_what_the_guard_asks(guarded: beds.Bed) -> None:
    """`kubectl auth can-i` tells a user beforehand, for every right that there is."""
    for right in guard.rights():
        assert can_i(guarded, "granter", right)
        assert not can_i(guarded, "labeller", right)


def test_a_right_is_a_right_to_one_control(guarded: beds.Bed, holder: str, namespace: str) -> None:
    """Who may grant one exemption sets, prolongs and removes that, and no other."""
    set_label = ("label", "namespace", namespace, "--overwrite")
    for value in (f"{LABEL}=2027-01-31", f"{LABEL}=2027-02-28", f"{LABEL}-"):
        guarded.kubectl(holder, *set_label, value).check_returncode()
    for other, right in (("exempt.host-path=2027-01-31", "host-path"), ("enforce=off", "label.enforce")):
        refused = guarded.kubectl(holder, *set_label, f"podseal.dev/{other}")
        assert f"exemptions.podseal.dev/{right}" in refused.stderr


def test_a_prolongation_is_refused_and_a_shortening_free(guarded: beds.Bed, namespace: str) -> None:
    """Whoever may label namespaces can give up days of a waiver, and gain none."""
    set_label = ("label", "namespace", namespace, "--overwrite")
    guarded.kubectl("granter", *set_label, f"{LABEL}=2027-01-31").check_returncode()
    prolonged = guarded.kubectl("labeller", *set_label, f"{LABEL}=2027-02-01")
    assert "exemptions.podseal.dev/privileged" in prolonged.stderr
    guarded.kubectl("labeller", *set_label, f"{LABEL}=2027-01-30").check_returncode()
    assert "exemptions.podseal.dev/privileged" in guarded.kubectl("labeller", *set_label, f"{LABEL}=2027-01-31").stderr


def test_every_right_has_its_object(guarded: beds.Bed) -> None:
    """`kubectl get exemptions` lists what can be granted, with a title that says what it lets pass."""
    found = json.loads(guarded.kubectl("granter", "get", "exemptions", "-o", "json").stdout)["items"]
    assert {each["metadata"]["name"] for each in found} == set(guard.rights())
    assert all(each["spec"]["title"] and each["spec"]["docs"] for each in found)


def test_the_rights_come_with_no_role_of_kubernetes(guarded: beds.Bed, namespace: str) -> None:
    """The roles edit and view see neither exemptions nor sessions: nothing is aggregated to them."""
    del namespace
    for user in ("dev", "stranger"):
        for verb, what in (("get", "exemptions.podseal.dev"), ("get", "xs"), ("break-glass", "xs"), ("delete", "xs")):
            assert guarded.kubectl(user, "auth", "can-i", verb, what).stdout.strip() == "no"
    assert guarded.kubectl("viewer", "auth", "can-i", "list", "xs").stdout.strip() == "yes"
    assert guarded.kubectl("viewer", "auth", "can-i", "delete", "xs").stdout.strip() == "no"
