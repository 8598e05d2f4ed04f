"""The monitor of the bed's node, started as an administrator would, and what it has found."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests import stock_rules
from tests.cluster import beds, layouts, manifests, users, waiting
from tests.kernel import able, monitors

Found = monitors.Alert


class Monitor(monitors.Monitor):
    """What it says of pods."""

    def about(self, pod: str, container: str | None = None) -> list[Found]:
        """The alerts about a pod."""
        fields = ((each, each["output_fields"]) for each in self.alerts())
        return [
            each
            for each, field in fields
            if field.get("k8s.pod.name") == pod and container in (None, field.get("container.name"))
        ]

    def wait(self, fits: Callable[[Found], object], what: str) -> Found:
        """The first alert that fits."""
        return waiting.until(lambda: [each for each in self.alerts() if fits(each)], f"{what}; see {self.log}")[0]


@pytest.fixture(scope="package")
def monitor(bed: beds.Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitor]:
    """One monitor for all tests of this folder, with Falco's stock rules where they are on this machine."""
    able.to_load_programs()
    folder = tmp_path_factory.mktemp("monitor")
    options = [
        f"--node-name={layouts.NODE_NAME}", f"--kubeconfig={bed.layout.kubeconfig_of(users.ADMIN.name)}",
        f"--bundles={bed.layout.bundles}", f"--record={folder}/events",
    ]  # fmt: skip
    if stock_rules.PATH.is_file():
        options.append(f"--rules={stock_rules.PATH}")
    with monitors.ready(Monitor(folder, *options)) as made:
        made.start()
        yield made


@dataclass(frozen=True)
class Shop:
    """A pod with a writable and a sealed container, whom `dev` may reach into, and the monitor that watches."""

    bed: beds.Bed
    namespace: str
    pod: str
    monitor: Monitor

    def kubectl(self, *argv: str, stdin: str | None = None, fails: bool = False) -> None:
        """A command by somebody who may edit, but is no administrator."""
        outcome = self.bed.kubectl("dev", "--namespace", self.namespace, *argv, stdin=stdin)
        assert bool(outcome.returncode) == fails, outcome.stderr

    def at_a_terminal(self, command: str) -> None:
        """The same where kubectl's standard streams are a terminal: script(1) makes one."""
        line = f"{self.bed.layout.executables / 'kubectl'} --namespace={self.namespace} {command}"
        environment = {"KUBECONFIG": str(self.bed.layout.kubeconfig_of("dev")), "PATH": os.environ["PATH"]}
        subprocess.run(
            ["script", "-qec", line, "/dev/null"], env=environment, check=True, capture_output=True, timeout=60
        )

    def may_debug(self) -> None:
        """`dev` gets the right to add ephemeral containers, which the role `edit` does not have."""
        role = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "debug", "namespace": self.namespace},
        }
        rule = {"apiGroups": [""], "resources": ["pods/ephemeralcontainers"], "verbs": ["get", "patch", "update"]}
        binding = role | {
            "kind": "RoleBinding",
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "debug"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "dev"}],
        }
        for each in (role | {"rules": [rule]}, binding):
            self.bed.apply(each)

    def told(self, rule: str, **fields: object) -> dict[str, Any]:
        """The fields of the first alert of this rule about the pod that has these ones."""
        expected = {name.replace("__", "."): value for name, value in fields.items()} | {"k8s.pod.name": self.pod}
        found = self.monitor.wait(
            lambda alert: alert["rule"] == rule and expected.items() <= alert["output_fields"].items(), rule
        )
        return dict(found["output_fields"])

    def rules(self) -> list[str]:
        """The rules of every alert about the pod, up to an exec that marks the end."""
        self.kubectl("exec", self.pod, "-c", "main", "--", "hostname")
        self.told("Process started in a container from outside", proc__cmdline="hostname")
        return [each["rule"] for each in self.monitor.about(self.pod)][:-1]


@pytest.fixture
def shop(bed: beds.Bed, namespace: str, monitor: Monitor) -> Shop:
    """The pod, which runs."""
    name = f"shop-{namespace.removeprefix('test-')}"
    sealed = manifests.container(securityContext={"readOnlyRootFilesystem": True}) | {"name": "sealed"}
    create(bed, namespace, manifests.pod(name, manifests.container(), sealed))
    return Shop(bed, namespace, name, monitor)


def create(bed: beds.Bed, namespace: str, manifest: manifests.Manifest) -> None:
    """Create a pod and wait until it is ready."""
    bed.admin("create", "--namespace", namespace, "--filename=-", stdin=json.dumps(manifest))
    bed.admin("wait", "--namespace", namespace, "--for=condition=Ready", f"pod/{manifest['metadata']['name']}")
