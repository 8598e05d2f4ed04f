"""What an attacker would change of an admission object, and what Kubernetes and podseal-certs change."""

import copy
import json
from typing import Any

import pytest

from webhook.policy import guard_cel
from webhook.upkeep import drift

RULE = {"apiGroups": [""], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["pods"]}
RENDERED: dict[str, Any] = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingWebhookConfiguration",
    "metadata": {
        "name": "podseal",
        "labels": {"helm.sh/chart": "podseal-0.1.0"},
        "annotations": {
            drift.RULES: json.dumps({"pods.podseal.dev": [RULE]}),
            drift.PATHS: json.dumps({"pods.podseal.dev": "/validate"}),
        },
    },
    "webhooks": [
        {
            "name": "pods.podseal.dev",
            "failurePolicy": "Fail",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "timeoutSeconds": 5,
            "clientConfig": {"service": {"name": "podseal", "namespace": "podseal-system"}},
            "namespaceSelector": {
                "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["a"]}]
            },
            "matchConditions": [{"name": "x", "expression": "true"}],
        }
    ],
}


def live() -> dict[str, Any]:
    """The same as the API server has it once podseal-certs has registered it."""
    tree = copy.deepcopy(RENDERED)
    tree["metadata"] |= {"uid": "1", "resourceVersion": "2", "labels": {}, "managedFields": [], "generation": 3}
    tree["metadata"]["annotations"]["meta.helm.sh/release-name"] = "podseal"
    webhook = tree["webhooks"][0]
    webhook |= {"rules": [RULE | {"scope": "*"}], "matchPolicy": "Equivalent", "objectSelector": {}}
    webhook["clientConfig"]["caBundle"] = "LS0t"
    webhook["clientConfig"]["service"] |= {"port": 443, "path": "/validate/0123456789abcdef"}
    return tree


def test_what_kubernetes_and_podseal_certs_add_is_no_difference() -> None:
    """Defaults, identity, labels, a caBundle, the rules and the path that the annotations name."""
    assert drift.differences(RENDERED, live()) == []


def changed(tree: dict[str, Any], *path: str | int, to: object) -> dict[str, Any]:
    """The tree with one value replaced; `...` removes it."""
    at: Any = tree
    for step in path[:-1]:
        at = at[step]
    if to is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = to
    return tree


HOOK = ("webhooks", 0)
PATH = (*HOOK, "clientConfig", "service", "path")
ATTACKS: dict[str, tuple[tuple[str | int, ...], object, str]] = {
    "a path of another endpoint": (PATH, "/mutate/01", 'webhooks[0].clientConfig.service.path: is "/mutate/01"'),
    "no path": (PATH, ..., 'webhooks[0].clientConfig.service.path: is null, installed was "/validate"'),
    "a path that goes on": (PATH, "/validate/01/23", 'webhooks[0].clientConfig.service.path: is "/validate/01/23"'),
    "fails open": ((*HOOK, "failurePolicy"), "Ignore", 'webhooks[0].failurePolicy: is "Ignore", installed was "Fail"'),
    "a namespace more that is not asked about": (
        (*HOOK, "namespaceSelector", "matchExpressions", 0, "values"), ["a", "evil"],
        'webhooks[0].namespaceSelector.matchExpressions[0].values: is ["a", "evil"], installed was ["a"]',
    ),
    "no selector any more": (
        (*HOOK, "namespaceSelector"), {"matchLabels": {"nobody": "has"}},
        "webhooks[0].namespaceSelector.matchExpressions: ",
    ),
    "a selector of objects, which pods choose themselves": (
        (*HOOK, "objectSelector"), {"matchLabels": {"x": "y"}}, "webhooks[0].objectSelector.matchLabels: is",
    ),
    "a condition that is never true": (
        (*HOOK, "matchConditions", 0, "expression"), "false", 'webhooks[0].matchConditions[0].expression: is "false"',
    ),
    "a condition more": (
        (*HOOK, "matchConditions"), [{"name": "x", "expression": "true"}, {"name": "y", "expression": "false"}],
        "webhooks[0].matchConditions: is",
    ),
    "no rules": ((*HOOK, "rules"), ..., "webhooks[0].rules: is null, installed was [{"),
    "another operation": (
        (*HOOK, "rules", 0, "operations"), ["DELETE"], 'webhooks[0].rules[0].operations[0]: is "DELETE"',
    ),
    "only in no namespace": (
        (*HOOK, "rules", 0, "scope"), "Cluster", 'webhooks[0].rules[0].scope: is "Cluster", installed was "*"',
    ),
    "another server": (
        (*HOOK, "clientConfig"), {"url": "https://evil.example"}, "webhooks[0].clientConfig.service: is null",
    ),
    "another service": (
        (*HOOK, "clientConfig", "service", "name"), "evil", 'webhooks[0].clientConfig.service.name: is "evil"',
    ),
    "another port": ((*HOOK, "clientConfig", "service", "port"), 444, "webhooks[0].clientConfig.service.port: is 444"),
    "another path": (
        (*HOOK, "clientConfig", "service", "path"), "/mutate", 'webhooks[0].clientConfig.service.path: is "/mutate"',
    ),
    "no patience": ((*HOOK, "timeoutSeconds"), 1, "webhooks[0].timeoutSeconds: is 1, installed was 5"),
    "only the exact version": ((*HOOK, "matchPolicy"), "Exact", 'webhooks[0].matchPolicy: is "Exact"'),
    "no webhook": (("webhooks",), [], "webhooks: is [], installed was [{"),
    "rules that podseal-certs is to set next time": (
        ("metadata", "annotations", drift.RULES), "{}", "podseal.dev/rules.pods.podseal.dev: is null, installed was [{",
    ),
    "rules that are no JSON": (
        ("metadata", "annotations", drift.RULES), "{", 'podseal.dev/rules: is "{", installed was',
    ),
}  # fmt: skip


@pytest.mark.parametrize(("path", "value", "line"), ATTACKS.values(), ids=ATTACKS.keys())
def test_what_an_attacker_would_change(path: tuple[str | int, ...], value: object, line: str) -> None:
    """Each is a difference, by its path, what is there and what was installed."""
    found = drift.differences(RENDERED, changed(live(), *path, to=value))
    assert any(each.startswith(line) for each in found), found


POLICY = guard_cel.policy()
BINDING = guard_cel.binding()
ATTACKS_ON_THE_GUARD: dict[str, tuple[dict[str, Any], tuple[str | int, ...], object]] = {
    "fails open": (POLICY, ("spec", "failurePolicy"), "Ignore"),
    "another expression": (POLICY, ("spec", "validations", 0, "expression"), "true"),
    "an expression less": (POLICY, ("spec", "validations"), guard_cel.policy()["spec"]["validations"][1:]),  # type: ignore[index]
    "fewer resources": (POLICY, ("spec", "matchConstraints", "resourceRules", 0, "resources"), ["namespaces"]),
    "an exception": (POLICY, ("spec", "matchConstraints", "excludeResourceRules"), [{"resourceNames": ["shop"]}]),
    "a condition": (POLICY, ("spec", "matchConditions"), [{"name": "x", "expression": "false"}]),
    "a parameter that is missing": (POLICY, ("spec", "paramKind"), {"apiVersion": "v1", "kind": "ConfigMap"}),
    "only a warning": (BINDING, ("spec", "validationActions"), ["Warn"]),
    "bound to fewer namespaces": (
        BINDING, ("spec", "matchResources"), {"namespaceSelector": {"matchLabels": {"a": "b"}}},
    ),
    "bound to another policy": (BINDING, ("spec", "policyName"), "harmless"),
}  # fmt: skip


@pytest.mark.parametrize(("tree", "path", "value"), ATTACKS_ON_THE_GUARD.values(), ids=ATTACKS_ON_THE_GUARD.keys())
def test_what_an_attacker_would_change_of_the_guard(
    tree: dict[str, Any], path: tuple[str | int, ...], value: object
) -> None:
    """The policy and its binding."""
    assert drift.differences(tree, copy.deepcopy(tree)) == []
    assert drift.differences(tree, changed(copy.deepcopy(tree), *path, to=value))
