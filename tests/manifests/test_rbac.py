"""Who may do what: the whole of podseal's rights, as a table."""

import pytest

from tests.manifests import chart

pytestmark = [pytest.mark.tools, pytest.mark.usefixtures("helm")]

LEASE = ("podseal-system", "coordination.k8s.io", "leases", "podseal-certs", "create get patch")
WEBHOOKS = [
    ("", "admissionregistration.k8s.io", f"{kind}webhookconfigurations", "podseal", "get patch")
    for kind in ("mutating", "validating")
]
OWN_SECRET = ("podseal-system", "", "secrets", "podseal-tls", "create get patch")
WEBHOOK = [
    ("", "", "events", "", "create"),
    ("", "", "namespaces", "", "get list watch"),
    ("", "", "pods", "", "get list"),
    *(
        ("", "admissionregistration.k8s.io", f"validatingadmission{kind}", "podseal-guard", "get")
        for kind in ("policies", "policybindings")
    ),
    *(
        ("", "admissionregistration.k8s.io", f"{kind}webhookconfigurations", "podseal", "get")
        for kind in ("mutating", "validating")
    ),
    ("", "authorization.k8s.io", "subjectaccessreviews", "", "create"),
    ("", "podseal.dev", "execsessions", "", "create delete list"),
    ("", "podseal.dev", "execsessions/status", "", "patch"),
]
PATH_SECRET = ("podseal-system", "", "secrets", "podseal-path", "create get patch")
FOREIGN_SECRET = ("podseal-system", "", "secrets", "made-by-cert-manager", "get")

Right = tuple[str, str, str, str, str]
"""Namespace (empty: the cluster), API group, resource, name (empty: any), verbs."""


def rights(objects: list[chart.Object]) -> dict[str, list[Right]]:
    """ServiceAccount -> everything that it may, by its bindings."""
    roles = {(each["kind"], each["metadata"]["name"]): each for each in objects if each["kind"].endswith("Role")}
    found: dict[str, list[Right]] = {
        each["metadata"]["name"]: [] for each in objects if each["kind"] == "ServiceAccount"
    }
    for binding in (each for each in objects if each["kind"].endswith("RoleBinding")):
        role = roles[binding["roleRef"]["kind"], binding["roleRef"]["name"]]
        for subject in binding["subjects"]:
            assert (subject["kind"], subject["namespace"]) == ("ServiceAccount", chart.NAMESPACE)
            found[subject["name"]] += [
                (binding["metadata"].get("namespace", ""), group, resource, name, " ".join(sorted(rule["verbs"])))
                for rule in role["rules"]
                for group in rule["apiGroups"]
                for resource in rule["resources"]
                for name in rule.get("resourceNames", [""])
            ]
    return found


CASES = {
    "by default podseal-certs keeps the certificates' Secret": ({}, OWN_SECRET),
    "a Secret of cert-manager is read and never written": (
        {"certificates": {"existingSecret": "made-by-cert-manager"}},
        FOREIGN_SECRET,
    ),
}


@pytest.mark.parametrize(("values", "secret"), CASES.values(), ids=CASES.keys())
def test_rights_are_these_and_no_others(values: chart.Values, secret: Right) -> None:
    """podseal-certs has none but to objects by name; the webhook reads, and writes records and Events alone."""
    expected = {"podseal-webhook": sorted(WEBHOOK), "podseal-certs": sorted([secret, PATH_SECRET, LEASE, *WEBHOOKS])}
    assert {name: sorted(each) for name, each in rights(chart.objects(values)).items()} == expected


def test_the_webhooks_token_is_its_pods_alone(default: list[chart.Object]) -> None:
    """The pod asks for it; whoever else runs under the account gets none by itself."""
    account = chart.one(default, "ServiceAccount", "podseal-webhook")
    pod = chart.one(default, "Deployment", "podseal-webhook")["spec"]["template"]["spec"]
    assert account["automountServiceAccountToken"] is False
    assert pod["automountServiceAccountToken"] is True


def test_roles_for_people_are_bound_to_nobody(default: list[chart.Object]) -> None:
    """Who may grant, break the glass and read the records is the cluster's to say; no role of Kubernetes gets it."""
    roles = {each["metadata"]["name"]: each for each in default if each["kind"] == "ClusterRole"}
    bound = {each["roleRef"]["name"] for each in default if each["kind"] == "ClusterRoleBinding"}
    assert set(roles) - bound == {
        "podseal-exemption-granter", "podseal-label-granter", "podseal-break-glass", "podseal-session-viewer",
    }  # fmt: skip
    for role in roles.values():
        assert not [label for label in role["metadata"]["labels"] if "aggregate" in label]


def test_the_authority_key_reaches_no_webhook(default: list[chart.Object]) -> None:
    """It lies in the same Secret, of which the webhook mounts two items."""
    pod = chart.one(default, "Deployment", "podseal-webhook")["spec"]["template"]["spec"]
    mounted, path = (each["secret"] for each in pod["volumes"] if "secret" in each)
    assert path["secretName"] == "podseal-path"
    assert [each["key"] for each in mounted["items"]] == ["tls.crt", "tls.key"]
    assert mounted["secretName"] == "podseal-tls"
