"""The chart as tests see it: Helm in, Kubernetes objects out.

In: values as a tree, names of charts. Out: rendered text or objects; `HelmError` with Helm's own words where it
refuses. Called by the tests of the manifests, the end-to-end tests and `tests.manifests.render`. Helm is the one that
`tests.cluster.build` makes.
"""

import collections.abc
import json
import os
import pathlib
import subprocess
from typing import Any

import yaml

from tests.cluster import build

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "manifests" / "helm" / "podseal"
NAMESPACE = "podseal-system"
DIGEST = "sha256:" + "0123456789abcdef" * 4

Object = dict[str, Any]
Values = collections.abc.Mapping[str, Any]

ALL_OPTIONS: Values = {
    "image": {"digest": DIGEST},
    "imagePullSecrets": [{"name": "registry"}],
    "exemptNamespaces": ["network-plugin"],
    "files": {"paths.yaml": "images: []\n"},
    "webhook": {
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}],
    },
    "networkPolicy": {
        "enabled": True,
        "reviewsFrom": [{"ipBlock": {"cidr": "192.0.2.0/24"}}],
        "metricsFrom": [{"namespaceSelector": {}}],
    },
    "monitoring": {
        "serviceMonitor": {"enabled": True},
        "prometheusRule": {"enabled": True},
        "dashboard": {"enabled": True},
    },
    "monitor": {"enabled": True, "image": {"digest": DIGEST}, "rules": {"more.yaml": "[]\n"}},
    "stream": {"servers": ["tls://nats-0.nats:4222"]},
    "feed": {"enabled": True},
}
"""Everything that can be switched on at once."""


class HelmError(Exception):
    """Helm refused; the text is what it wrote to standard error."""


def helm(*arguments: str, stdin: str = "", home: pathlib.Path | None = None) -> str:
    """Run Helm and return its standard output.

    Args:
        arguments: of Helm.
        stdin: its standard input.
        home: where it may keep caches, for commands that talk to a cluster.

    Raises:
        HelmError: it failed.
        MissingError: it is not built.
    """
    done = subprocess.run(
        [build.find("helm"), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | ({"HOME": str(home)} if home else {}),
    )
    if done.returncode:
        raise HelmError(done.stderr)
    return done.stdout


def render(values: Values | None = None, *flags: str, namespace: str = NAMESPACE) -> str:
    """The chart's objects as YAML text, in the order in which Helm installs them."""
    return helm(
        "template",
        "podseal",
        str(CHART),
        f"--namespace={namespace}",
        f"--kube-version={build.KUBERNETES_VERSION}",
        "--values=-",
        *flags,
        stdin=json.dumps(values or {}),
    )


def objects(values: Values | None = None, *flags: str, namespace: str = NAMESPACE) -> list[Object]:
    """The chart's objects."""
    return parse(render(values, *flags, namespace=namespace))


def parse(text: str) -> list[Object]:
    """The objects in a stream of YAML documents."""
    return [each for each in yaml.safe_load_all(text) if each]


def one(found: collections.abc.Iterable[Object], kind: str, name: str) -> Object:
    """The object of a kind and a name."""
    (match,) = (each for each in found if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return match
