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
FOREIGN_SECRET = ("podseal-system", "", "secrets", "made-by-cert-manager", "get")

Right = tuple[str, str, str, str, str]
"""Namespace (empty: the cluster), API group, resource, name, verbs."""


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
                for name in rule["resourceNames"]  # a rule without names fails here: every right is bound to one
            ]
    return found


CASES = {
    "by default podseal-certs keeps one Secret": ({}, OWN_SECRET),
    "a Secret of cert-manager is read and never written": (
        {"certificates": {"existingSecret": "made-by-cert-manager"}},
        FOREIGN_SECRET,
    ),
}


@pytest.mark.parametrize(("values", "secret"), CASES.values(), ids=CASES.keys())
def test_rights_are_these_and_no_others(values: chart.Values, secret: Right) -> None:
    """Each is bound to the name of one object; the webhook has none at all."""
    expected = {"podseal-webhook": [], "podseal-certs": sorted([secret, LEASE, *WEBHOOKS])}
    assert {name: sorted(each) for name, each in rights(chart.objects(values)).items()} == expected


def test_the_webhook_has_no_token(default: list[chart.Object]) -> None:
    """Nothing to steal: neither its account nor its pod mounts one."""
    account = chart.one(default, "ServiceAccount", "podseal-webhook")
    pod = chart.one(default, "Deployment", "podseal-webhook")["spec"]["template"]["spec"]
    assert account["automountServiceAccountToken"] is False
    assert pod["automountServiceAccountToken"] is False


def test_the_authority_key_reaches_no_webhook(default: list[chart.Object]) -> None:
    """It lies in the same Secret, of which the webhook mounts two items."""
    pod = chart.one(default, "Deployment", "podseal-webhook")["spec"]["template"]["spec"]
    (mounted,) = [each["secret"] for each in pod["volumes"] if "secret" in each]
    assert [each["key"] for each in mounted["items"]] == ["tls.crt", "tls.key"]
    assert mounted["secretName"] == "podseal-tls"
