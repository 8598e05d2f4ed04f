"""Who talks to a bed's API server, and with which rights.

In: nothing. Out: the table `ALL`, and the RBAC objects that give its rows their rights. Read by credentials (tokens,
kubeconfigs) and bed (objects). A new user is a new row.
"""

import dataclasses
from typing import Any

from tests.cluster import layouts

KUBELET_CLIENT = "kube-apiserver-kubelet-client"
NODE_USER = f"system:node:{layouts.NODE_NAME}"

Rule = dict[str, list[str]]

_SET_NAMESPACE_LABELS: Rule = {
    "apiGroups": [""],
    "resources": ["namespaces", "namespaces/status", "namespaces/finalize"],
    "verbs": ["get", "list", "create", "patch", "update"],
}


@dataclasses.dataclass(frozen=True)
class User:
    """A person or component: `namespace_role` is a ClusterRole that holds in each test's namespace.

    `rules` hold in the whole cluster. `user_name` is what RBAC sees; components have names that Kubernetes binds to
    its own roles.
    """

    name: str
    groups: tuple[str, ...] = ()
    namespace_role: str | None = None
    rules: tuple[Rule, ...] = ()
    component_name: str | None = None

    @property
    def user_name(self) -> str:
        """The name in the API server's eyes."""
        return self.component_name or self.name


ADMIN = User("admin", groups=("system:masters",))
PEOPLE = (
    ADMIN,
    User("dev", namespace_role="edit"),
    User("viewer", namespace_role="view"),
    User("labeller", namespace_role="edit", rules=(_SET_NAMESPACE_LABELS,)),
    User("granter", namespace_role="edit", rules=(_SET_NAMESPACE_LABELS,)),
    User("stranger"),
)
CONTROLLER_MANAGER = User("controller-manager", component_name="system:kube-controller-manager")
SCHEDULER = User("scheduler", component_name="system:kube-scheduler")
KUBELET = User("kubelet", groups=("system:nodes",), component_name=NODE_USER)
ALL = (*PEOPLE, CONTROLLER_MANAGER, SCHEDULER, KUBELET)


def cluster_objects() -> dict[str, Any]:
    """Return the List of RBAC objects that every bed has."""
    objects = [_binding("ClusterRoleBinding", "bed-kubelet-client", "system:kubelet-api-admin", KUBELET_CLIENT)]
    for user in PEOPLE:
        if user.rules:
            role = {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRole",
                "metadata": {"name": f"bed-{user.name}"},
                "rules": list(user.rules),
            }
            objects += [role, _binding("ClusterRoleBinding", f"bed-{user.name}", f"bed-{user.name}", user.user_name)]
    return _list(objects)


def namespace_objects(namespace: str) -> dict[str, Any]:
    """Return the List of RBAC objects that give the people their roles in `namespace`."""
    bindings = []
    for user in PEOPLE:
        if user.namespace_role:
            binding = _binding("RoleBinding", f"bed-{user.name}", user.namespace_role, user.user_name)
            binding["metadata"]["namespace"] = namespace
            bindings.append(binding)
    return _list(bindings)


def _list(objects: list[dict[str, Any]]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": objects}


def _binding(kind: str, name: str, cluster_role: str, user_name: str) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": cluster_role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user_name}],
    }
