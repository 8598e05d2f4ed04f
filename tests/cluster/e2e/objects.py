"""Pods for podseal to judge, and how tests hand them over.

In: what differs from a pod that passes. Out: manifests, and what kubectl said to them.
"""

import json
import subprocess
from typing import Any

from tests.cluster import beds, manifests

READ_ONLY = {"readOnlyRootFilesystem": True}

Manifest = dict[str, Any]


def sealed(name: str, **spec: Any) -> Manifest:  # noqa: ANN401 -- fields of the API, of any type
    """A pod that passes podseal's default profile."""
    return manifests.pod(name, manifests.container(securityContext=READ_ONLY), **spec)


def with_context(name: str, **context: Any) -> Manifest:  # noqa: ANN401 -- fields of the API, of any type
    """A pod whose container has this securityContext, over a read-only root file system."""
    return manifests.pod(name, manifests.container(securityContext=READ_ONLY | context))


def create(
    bed: beds.Bed, namespace: str, manifest: Manifest, *flags: str, user: str = "dev"
) -> subprocess.CompletedProcess[str]:
    """`kubectl create` of an object, and what came of it."""
    return bed.kubectl(user, "create", "--namespace", namespace, *flags, "-f", "-", stdin=json.dumps(manifest))


def read(bed: beds.Bed, namespace: str, *what: str) -> Manifest:
    """An object as the API server has it."""
    found: Manifest = json.loads(bed.admin("get", "--namespace", namespace, "-o", "json", *what))
    return found
