"""What an installation would do to a cluster as it is, and which namespaces it should leave alone.

In: a scan with `preflight`. Out: a `Preflight`. Called by `webhook.commands.scan`.
"""

from typing import Final

from msgspec import Struct

from webhook.scan import infrastructure, model

ALWAYS_EXEMPT: Final = frozenset({"kube-system", "kube-public", "kube-node-lease"})
"""Namespaces whose pods the chart never sends to podseal, beside its own
(manifests/helm/podseal/templates/admission/_webhooks.tpl)."""


class Impact(Struct, frozen=True):
    """What would happen in one namespace if its pods were created anew. `exempt`: nothing, the chart leaves it out."""

    namespace: str
    pods: int
    denied: int
    mutated: int
    exempt: bool


class Infrastructure(Struct, frozen=True):
    """An owner that the cluster needs. `alone` says whether its namespace holds nothing else that would be denied."""

    namespace: str
    owner: str
    pods: int
    denied: int
    role: infrastructure.Role
    alone: bool


class Preflight(Struct, frozen=True):
    """The whole answer; `exempt_namespaces` is the chart's value of that name."""

    impacts: tuple[Impact, ...]
    infrastructure: tuple[Infrastructure, ...]
    exempt_namespaces: tuple[str, ...]


def preflight(scan: model.Scan) -> Preflight:
    """What would happen, and what to set first."""
    found = tuple(row for namespace in scan.namespaces for row in _infrastructure(namespace))
    needed = {row.namespace for row in found if row.role.needed} - ALWAYS_EXEMPT
    impacts = tuple(
        Impact(
            namespace.name,
            namespace.counts.pods,
            sum(owner.denied for owner in namespace.owners),
            sum(owner.mutated for owner in namespace.owners),
            namespace.name in ALWAYS_EXEMPT,
        )
        for namespace in scan.namespaces
        if namespace.counts.pods
    )
    return Preflight(impacts, found, tuple(sorted(needed)))


def _infrastructure(namespace: model.Namespace) -> list[Infrastructure]:
    return [
        Infrastructure(
            namespace.name,
            f"{owner.kind}/{owner.name}",
            owner.pods,
            owner.denied,
            owner.role,
            alone=not any(other.denied for other in namespace.owners if not other.role),
        )
        for owner in namespace.owners
        if owner.role
    ]
