"""RBAC objects as the API server lists them."""

from typing import Any

import pytest

from tests.webhook.scan import fake_cluster
from tests.webhook.test_namespaces import client
from webhook import apiserver
from webhook.scan import rbac

ROLE = {"metadata": {"name": "keys"}, "rules": [{"verbs": ["get"], "nonResourceURLs": ["/metrics"]}]}
EMPTY = {"metadata": {"name": "empty", "labels": {"a": "b"}}, "rules": None}
BINDING = {
    "metadata": {"name": "b", "namespace": "shop"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "keys"},
    "subjects": [{"kind": "User", "name": "ann"}, {"kind": "ServiceAccount", "name": "web", "namespace": "shop"}],
}
UNBOUND: dict[str, Any] = {"metadata": {"name": "u"}, "roleRef": {"kind": "ClusterRole", "name": "keys"}}


def cluster() -> fake_cluster.Cluster:
    """One or two objects of each kind."""
    made = fake_cluster.Cluster()
    made.collections |= {
        f"{rbac.PATH}/clusterroles": [ROLE, EMPTY],
        f"{rbac.PATH}/roles": [],
        f"{rbac.PATH}/clusterrolebindings": [UNBOUND],
        f"{rbac.PATH}/rolebindings": [BINDING],
    }
    return made


def test_all_four_kinds_are_read() -> None:
    """Rules and subjects may be missing or null."""
    with fake_cluster.serve(cluster()) as address:
        found = rbac.read(client(address))
    assert [role.metadata.name for role in found.roles] == ["keys", "empty"]
    assert found.roles[1].rules is None
    unbound, bound = found.bindings
    assert unbound.subjects is None
    assert bound.subjects == (rbac.Subject("User", "ann"), rbac.Subject("ServiceAccount", "web", "shop"))


def test_a_missing_right_is_told() -> None:
    """Without RoleBindings the answer would be wrong, so there is none."""
    made = cluster()
    made.refused[f"{rbac.PATH}/rolebindings"] = (403, "rolebindings is forbidden")
    with fake_cluster.serve(made) as address, pytest.raises(apiserver.Refused, match="rolebindings is forbidden"):
        rbac.read(client(address))
