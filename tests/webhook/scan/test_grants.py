"""RBAC rules to powers: a table of rules, and what bindings make of them."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from webhook.scan import grants, rbac

CASES: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "grants.yaml").read_text())
ANN = rbac.Subject("User", "ann")
GRANT = {"apiGroups": ["podseal.dev"], "resources": ["exemptions"], "verbs": ["grant"]}
ADMIN = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}


def role(*rules: dict[str, Any], name: str = "keys", namespace: str = "") -> rbac.Role:
    """A ClusterRole, or a Role."""
    return msgspec.convert({"metadata": {"name": name, "namespace": namespace}, "rules": list(rules)}, rbac.Role)


def binding(*subjects: rbac.Subject, namespace: str = "", kind: str = "ClusterRole") -> rbac.Binding:
    """A binding of the role `keys`."""
    return rbac.Binding(rbac.Metadata("keys-of-ann", namespace), rbac.RoleRef(kind, "keys"), subjects or (ANN,))


def held(roles: rbac.Role | tuple[rbac.Role, ...], *bindings: rbac.Binding) -> grants.Grants:
    """What comes of them."""
    return grants.grants(rbac.Objects(roles if isinstance(roles, tuple) else (roles,), bindings or (binding(),)))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_rule_gives_the_powers_of_the_table(case: dict[str, Any]) -> None:
    """Bound by a ClusterRoleBinding to one user."""
    found = held(role(case["rule"]))
    assert {each.power: list(each.verbs) for each in found.grants} == case["powers"]
    assert {each.power for each in found.grants if each.wildcard} == set(case.get("wildcard", ()))
    assert {each.names for each in found.grants} <= {tuple(case.get("names", ()))}
    assert {(each.subject_kind, each.subject, each.binding, each.role) for each in found.grants} <= {
        ("User", "ann", "keys-of-ann", "keys")
    }


def test_every_power_has_a_case() -> None:
    """A power that no rule of the table gives would be untested."""
    assert {power for case in CASES.values() for power in case["powers"]} == {each.id for each in grants.POWERS}


@pytest.mark.parametrize("kind", ["ClusterRole", "Role"])
def test_a_role_binding_gives_nothing_and_is_told(kind: str) -> None:
    """The resources are cluster-scoped: whoever binds them in a namespace expects what is not there."""
    in_namespace = "shop" if kind == "Role" else ""
    found = held(role(GRANT, namespace=in_namespace), binding(namespace="shop", kind=kind))
    assert found.grants == ()
    assert found.void == (grants.Void("grant", "User", "ann", "shop/keys-of-ann", "keys"),)


def test_the_admin_of_a_namespace_is_no_such_mistake() -> None:
    """A wildcard in a RoleBinding means the namespace's objects."""
    assert held(role(ADMIN), binding(namespace="shop")) == grants.Grants((), ())


def test_a_role_of_the_same_name_elsewhere_is_another() -> None:
    """A Role is found in the binding's namespace alone, a ClusterRole never there."""
    assert held(role(GRANT, namespace="shop"), binding()) == grants.Grants((), ())
    assert held(role(GRANT, namespace="other"), binding(namespace="shop", kind="Role")) == grants.Grants((), ())


def test_a_binding_of_a_role_that_is_gone_gives_nothing() -> None:
    """RBAC allows such bindings."""
    assert held((), binding()) == grants.Grants((), ())


def test_the_widest_of_several_rules_counts() -> None:
    """A rule without names lifts the limit of another; a named right is no wildcard's."""
    limited = {**GRANT, "resourceNames": ["privileged"]}
    (both,) = held(role(limited, GRANT)).grants
    assert both.names == ()
    two = held(role(limited, {**GRANT, "resourceNames": ["seccomp"]})).grants
    assert [each.names for each in two] == [("privileged", "seccomp")]
    (grant,) = [each for each in held(role(ADMIN, GRANT)).grants if each.power == "grant"]
    assert not grant.wildcard


def test_everybody_is_marked() -> None:
    """A binding to all who are known to the API server."""
    (grant,) = held(role(GRANT), binding(rbac.Subject("Group", "system:authenticated"))).grants
    assert grant.everybody


def test_kubernetes_own_bindings_and_gitops_are_marked() -> None:
    """By the label of bootstrapped objects, and by the table of controllers."""
    labels = {rbac.BOOTSTRAPPING: "rbac-defaults"}
    argo = rbac.Subject("ServiceAccount", "argocd-application-controller", "argocd")
    made = rbac.Binding(rbac.Metadata("b", labels=labels), rbac.RoleRef("ClusterRole", "keys"), (argo,))
    (grant,) = held(role(GRANT), made).grants
    assert grant.builtin
    assert (grant.gitops, grant.subject) == ("Argo CD", "argocd/argocd-application-controller")


def test_each_subject_of_each_binding_is_listed_once() -> None:
    """Sorted, whatever the order of the objects."""
    bob = rbac.Subject("Group", "bob")
    found = held(role(GRANT), binding(ANN, bob), binding(bob, ANN), rbac.Binding(
        rbac.Metadata("empty"), rbac.RoleRef("ClusterRole", "keys"), None))  # fmt: skip
    assert [each.subject for each in found.grants] == ["bob", "ann"]
