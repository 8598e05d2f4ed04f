"""A pod as the API server lists it, and the workload that it belongs to.

In: the items of a PodList. Out: what is judged of them and an `Owner`. Called by `walk`, `judge` and `preflight`.
"""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from msgspec import UNSET, Struct, UnsetType

from webhook.policy import pod
from webhook.scan import pages

TEMPLATE_HASHES: Mapping[str, str] = MappingProxyType(
    {"pod-template-hash": "Deployment", "rollouts-pod-template-hash": "Rollout"}
)
"""Pod label -> the kind whose controller named the ReplicaSet `<its own name>-<the label's value>`."""

FINISHED = frozenset({"Succeeded", "Failed"})
"""Phases in which no container will run again (k8s.io/api/core/v1, PodPhase)."""


class Metadata(pod.Metadata, frozen=True):
    """metadata of a pod that exists."""

    labels: dict[str, str] | None | UnsetType = UNSET


class Status(pod.ApiObject, frozen=True):
    """status of a pod."""

    phase: str = ""


class Pod(pod.Pod, frozen=True):
    """A pod that exists. Labels decide nothing: they only name its Deployment."""

    metadata: Metadata = Metadata()
    status: Status = Status()

    @property
    def namespace(self) -> str:
        """Where it is."""
        return self.metadata.namespace or ""

    @property
    def name(self) -> str:
        """What it is called."""
        return self.metadata.name or ""

    @property
    def is_finished(self) -> bool:
        """Whether nothing of it runs any more."""
        return self.status.phase in FINISHED


PAGES = msgspec.json.Decoder(pages.Page[Pod])


class Owner(Struct, frozen=True, order=True):
    """What a person would change: the workload, or the pod itself where nothing owns it."""

    kind: str
    name: str


def owner(found: Pod) -> Owner:
    """The owner that its controller reference leads to.

    A ReplicaSet's Deployment is read from the label that its name ends with, rather than by another request. A static
    pod is its node's, as the API server sees it; it is changed in a file there, so it stands for itself.
    """
    reference = next((each for each in found.metadata.owner_references or () if each.controller), None)
    if reference is None or reference.kind == "Node":
        return Owner("Pod", found.name)
    if reference.kind == "ReplicaSet":
        for label, kind in TEMPLATE_HASHES.items():
            suffix = f"-{(found.metadata.labels or {}).get(label, '')}"
            if suffix != "-" and reference.name.endswith(suffix):
                return Owner(kind, reference.name.removesuffix(suffix))
    return Owner(reference.kind, reference.name)
