"""The chart's DaemonSet from the real image: what a user does is in the feed's log; when it goes, its programs do.

Its BPF file system, its spool and its view of the bundles are the test's own, so that other monitors of this machine
are not disturbed.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runtime_monitor.kernel.sensor import PINNED
from runtime_monitor.selftest import linux
from tests.cluster import beds, manifests, waiting
from tests.cluster.monitor.conftest import Found, create
from tests.kernel import able
from tests.manifests import chart, image

pytestmark = pytest.mark.timeout(900)  # it may have to build the image
ALL_ADOPTED = re.compile(r" (\d+) programs \(\1 adopted,")
SHELL = "Shell without a terminal in a container"
LOGS = ("logs", "daemonset/podseal-monitor", f"--namespace={chart.NAMESPACE}")


@dataclass(frozen=True)
class Installed:
    """The DaemonSet and what it needs, on a bed; `bpffs` is where it pins."""

    bed: beds.Bed
    bpffs: Path
    objects: list[dict[str, Any]]

    def alerts(self) -> list[Found]:
        """Every alert in the log of the feed."""
        lines = self.bed.admin(*LOGS, "--container=feed").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def told(self, command: str) -> dict[str, Any]:
        """The fields of the first alert about a shell with this command line."""

        def about() -> list[dict[str, Any]]:
            fields = [each["output_fields"] for each in self.alerts() if each["rule"] == SHELL]
            return [each for each in fields if each["proc.cmdline"] == command]

        return waiting.until(about, f"the alert about {command}")[0]

    def await_pod(self) -> None:
        """Wait until the monitor watches."""
        self.bed.admin(
            "rollout", "status", "daemonset/podseal-monitor", f"--namespace={chart.NAMESPACE}", "--timeout=120s"
        )

    def delete(self) -> None:
        """Delete everything at once, and wait for the pods."""
        everything = json.dumps({"apiVersion": "v1", "kind": "List", "items": self.objects})
        self.bed.admin("delete", "--ignore-not-found", "--filename=-", stdin=everything)
        selector = ("--selector=app.kubernetes.io/component=monitor", f"--namespace={chart.NAMESPACE}")
        waiting.until(
            lambda: not self.bed.admin("get", "pods", "--output=name", *selector), "the pods' end", seconds=60
        )


@pytest.fixture
def installed(bed: beds.Bed, tmp_path: Path) -> Iterator[Installed]:
    """The monitor by the chart, as values let it be in folders of the test."""
    able.to_load_programs()
    for name in ("bpf", "bundles"):
        (tmp_path / name).mkdir()
    bed.layout.bundles.mkdir(parents=True, exist_ok=True)
    linux.mount("bpf", str(tmp_path / "bpf"), "bpf", options="mode=0700")
    linux.mount(str(bed.layout.bundles), str(tmp_path / "bundles"), "", linux.MS_BIND)
    # A node's root is shared (systemd makes it so), without which the chart's mount propagation is refused.
    linux.mount("", str(tmp_path / "bundles"), "", linux.MS_SHARED)
    bed.import_images(image.archive(image.MONITOR_REPOSITORY))
    values = {
        "enabled": True,
        "image": {"repository": image.MONITOR_REPOSITORY, "tag": "test", "pullPolicy": "Never"},
        "bpffs": str(tmp_path / "bpf"),
        "folder": str(tmp_path / "spool"),
        "bundles": [str(tmp_path / "bundles")],
    }
    rendered = chart.objects({"monitor": values})
    made = Installed(
        bed, tmp_path / "bpf", [each for each in rendered if each["metadata"]["name"].startswith("podseal-monitor")]
    )
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": chart.NAMESPACE}}
    bed.apply({"apiVersion": "v1", "kind": "List", "items": [namespace, *made.objects]})
    try:
        yield made
    finally:
        made.delete()
        linux.unmount(str(tmp_path / "bundles"))
        linux.unmount(str(tmp_path / "bpf"))


def test_an_exec_is_told_and_nothing_stays_behind(bed: beds.Bed, namespace: str, installed: Installed) -> None:
    """With pod, container and session, also after the pod was replaced; the uninstallation takes the programs along."""
    installed.await_pod()
    name = f"watched-{namespace.removeprefix('test-')}"
    create(bed, namespace, manifests.pod(name, manifests.container()))
    for mark in ("first", "second"):
        said = bed.kubectl("dev", "exec", name, f"--namespace={namespace}", "--", "sh", "-c", f"echo > /etc/{mark}")
        assert said.returncode == 0, said.stderr
        found = installed.told(f"sh -c echo > /etc/{mark}")
        assert (found["k8s.pod.name"], found["container.name"]) == (name, "main")
        assert found["exec.kind"] == "exec"
        assert found["exec.session"]
        if mark == "first":
            bed.admin("rollout", "restart", "daemonset/podseal-monitor", f"--namespace={chart.NAMESPACE}")
            installed.await_pod()
            assert ALL_ADOPTED.search(bed.admin(*LOGS, "--container=sensor"))
    installed.delete()
    assert not (installed.bpffs / PINNED.name).exists()
