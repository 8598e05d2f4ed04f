"""Minimal valid objects for tests, of which a test changes one thing.

In: names and the fields that differ. Out: manifests for `Bed.apply`.
"""

from typing import Any

BUSYBOX = "podseal.test/busybox:1"
DISTROLESS = "podseal.test/distroless:1"
NONROOT = "podseal.test/nonroot:1"
NGINX = "podseal.test/library/nginx:1"

Manifest = dict[str, Any]


def container(image: str = BUSYBOX, **fields: Any) -> Manifest:  # noqa: ANN401 -- fields of the API, of any type
    """Return a container called `main`; images on the node cannot be pulled, so it never tries."""
    return {"name": "main", "image": image, "imagePullPolicy": "Never", **fields}


def pod(name: str, *containers: Manifest, **spec: Any) -> Manifest:  # noqa: ANN401 -- fields of the API, of any type
    """Return a pod with one busybox container that waits, unless told otherwise."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": list(containers) or [container()], "terminationGracePeriodSeconds": 1, **spec},
    }


def deployment(name: str, template: Manifest, replicas: int = 1) -> Manifest:
    """Return a Deployment of the pod `template`."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": template["spec"]},
        },
    }
