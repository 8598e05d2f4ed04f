"""The RBAC objects of a cluster, as typed values.

In: a client. Out: `Objects`. Called by `webhook.commands.scan` for `--grants`; the rules of aggregated ClusterRoles are
already filled in by the controller-manager.
"""

import msgspec
from msgspec import Struct

from webhook import apiserver
from webhook.scan import pages

PATH = "/apis/rbac.authorization.k8s.io/v1"
BOOTSTRAPPING = "kubernetes.io/bootstrapping"
"""Label of the objects that every API server makes for Kubernetes' own components."""


class Metadata(Struct, frozen=True):
    """What is read of metadata."""

    name: str = ""
    namespace: str = ""
    labels: dict[str, str] | None = None


class Rule(Struct, frozen=True, rename="camel"):
    """One PolicyRule. Empty `resource_names` mean every name."""

    verbs: tuple[str, ...] = ()
    api_groups: tuple[str, ...] | None = None
    resources: tuple[str, ...] | None = None
    resource_names: tuple[str, ...] | None = None


class Role(Struct, frozen=True):
    """A ClusterRole, or a Role where it has a namespace."""

    metadata: Metadata
    rules: tuple[Rule, ...] | None = None


class Subject(Struct, frozen=True):
    """Who is bound: a User, a Group or a ServiceAccount, which has a namespace."""

    kind: str
    name: str
    namespace: str = ""


class RoleRef(Struct, frozen=True):
    """What is bound: a ClusterRole or a Role."""

    kind: str
    name: str


class Binding(Struct, frozen=True, rename="camel"):
    """A ClusterRoleBinding, or a RoleBinding where it has a namespace."""

    metadata: Metadata
    role_ref: RoleRef
    subjects: tuple[Subject, ...] | None = None


class Objects(Struct, frozen=True):
    """Everything that gives rights."""

    roles: tuple[Role, ...]
    bindings: tuple[Binding, ...]


ROLES = msgspec.json.Decoder(pages.Page[Role])
BINDINGS = msgspec.json.Decoder(pages.Page[Binding])


def read(client: apiserver.Client) -> Objects:
    """All four kinds.

    Raises:
        apiserver.Refused: the API server refused; the text names the missing right.
    """
    roles = [each for kind in ("clusterroles", "roles") for each in pages.items(client, f"{PATH}/{kind}", ROLES)]
    bindings = [
        each
        for kind in ("clusterrolebindings", "rolebindings")
        for each in pages.items(client, f"{PATH}/{kind}", BINDINGS)
    ]
    return Objects(tuple(roles), tuple(bindings))
