"""What the chart ships beside pods and webhooks, on a bed: its kinds, the guard, roles, and the rights of its accounts.

In: a bed and the chart's rendered objects. Out: the cluster with them; `kubeconfig` is that of the webhook's own
account, so that whatever a test sees was done with the chart's rights and no others. Called by `installation` and by
the tests of the guard, in which no pod of podseal runs.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import beds, waiting
from tests.manifests import chart

DEFINITION = "CustomResourceDefinition"
KINDS = (
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ClusterRole",
    "ClusterRoleBinding",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "Exemption",
)
HOLDERS = {
    "podseal-exemption-granter": ("granter",),
    "podseal-label-granter": ("granter",),
    "podseal-break-glass": ("granter",),
    "podseal-session-viewer": ("granter", "viewer"),
}
"""The chart's ClusterRole -> the people of the bed who are bound to it here; nobody is by the chart."""
WAIVER = {"metadata": {"labels": {"podseal.dev/exempt.privileged": "2027-01-31"}}}

Object = dict[str, Any]


@contextlib.contextmanager
def applied(bed: beds.Bed, rendered: list[Object]) -> Iterator[None]:
    """The chart's kinds, guard, roles and accounts, in force; at the end all of it is gone.

    Args:
        bed: the cluster.
        rendered: the chart's objects, those of its folder `crds` with them.
    """
    definitions = [each for each in rendered if each["kind"] == DEFINITION]
    others = [each for each in rendered if each["kind"] in KINDS] + [_binding(*each) for each in HOLDERS.items()]
    # The pods of an installation that a test before has ended have half a minute to finish what they have begun.
    waiting.until(lambda: has_namespace(bed), f"the namespace {chart.NAMESPACE}", seconds=180)
    try:
        bed.apply(_list(definitions))
        names = [f"crd/{each['metadata']['name']}" for each in definitions]
        bed.admin("wait", "--for=condition=Established", *names, "--timeout=30s")
        bed.apply(_list(others))
        waiting.until(lambda: "exemptions.podseal.dev" in _refusal(bed), "the guard")
        yield
    finally:
        bed.admin("delete", "--ignore-not-found", "-f", "-", stdin=json.dumps(_list([*others, *definitions])))
        waiting.until(lambda: not _refusal(bed), "the guard to be gone")


def kubeconfig(bed: beds.Bed, account: str, file: Path) -> Path:
    """Write the kubeconfig of one of the chart's ServiceAccounts, as its pod would have it."""
    token = bed.admin("create", "token", account, "--namespace", chart.NAMESPACE, "--duration=12h").strip()
    config = yaml.safe_load(bed.layout.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    file.write_text(yaml.safe_dump(config))
    return file


def has_namespace(bed: beds.Bed, name: str = chart.NAMESPACE) -> bool:
    """Whether podseal's namespace is there to stay: a test before may have deleted it.

    Asked first and made only where it is missing: one that is ending may be gone before it is asked about again.
    """
    found = bed.admin("get", "namespace", name, "--ignore-not-found", "-o", "jsonpath={.status.phase}")
    if not found:
        bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return found == "Active"


def _refusal(bed: beds.Bed) -> str:
    """What is said to who creates a namespace with a waiver as a dry run, and holds no right to."""
    probe = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "guard-probe", **WAIVER["metadata"]}}
    return bed.kubectl("labeller", "create", "--dry-run=server", "-f", "-", stdin=json.dumps(probe)).stderr


def _binding(role: str, people: tuple[str, ...]) -> Object:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"bed-{role}"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": name} for name in people],
    }


def _list(objects: list[Object]) -> Object:
    return {"apiVersion": "v1", "kind": "List", "items": objects}
