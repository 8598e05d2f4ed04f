"""The chart on a real cluster: every object accepted, installed by Helm with the real image, upgraded, taken away.

The API server calls the pods of podseal through their Service. One thing is missing on the bed: pods have neither DNS
nor cluster IPs but the API server's, so podseal-certs cannot ask the webhook whether it answers, and waits. The tests
set the rules of the annotation in its place (test_certs shows podseal-certs itself setting them).
"""

import base64
import dataclasses
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import beds, waiting
from tests.cluster.e2e import load, objects, registration
from tests.manifests import chart, image, render
from webhook.upkeep import tampering

pytestmark = pytest.mark.timeout(900)  # the first of these tests may build the image

FOREIGN = {"certificates": {"existingSecret": "made-by-cert-manager"}}
MONITORING = "monitoring.coreos.com/v1"
INSTALLED: dict[str, Any] = {
    "image": {"repository": image.REPOSITORY, "tag": "test", "pullPolicy": "Never"},
    "webhook": {"replicas": 2},
}
DEFINITIONS = ("crd/exemptions.podseal.dev", "crd/execsessions.podseal.dev")
CERTS = "system:serviceaccount:podseal-system:podseal-certs"
SERVED_SECONDS = 180.0
TURN_SECONDS = 180.0
"""Upkeep compares once a minute."""


@pytest.fixture(scope="module")
def system(bed: beds.Bed) -> Iterator[str]:
    """The namespace of install.yaml, in which only restricted pods may run."""
    (namespace,) = (each for each in chart.parse(render.INSTALL.read_text()) if each["kind"] == "Namespace")
    bed.admin("apply", "--server-side", "--filename=-", stdin=json.dumps(namespace))
    yield chart.NAMESPACE
    bed.delete_namespace(chart.NAMESPACE)


@pytest.fixture
def kinds(bed: beds.Bed) -> Iterator[None]:
    """Give the cluster the kind of which the chart has objects, as Helm does before it makes them."""
    bed.admin("delete", "--ignore-not-found", *DEFINITIONS)
    bed.admin("apply", "--server-side", "-f", str(chart.CHART / "crds"))
    bed.admin("wait", "--for=condition=Established", DEFINITIONS[0])
    yield
    bed.admin("delete", "--ignore-not-found", *DEFINITIONS)


@pytest.fixture(scope="module")
def guarded(bed: beds.Bed) -> Iterator[str]:
    """A namespace of somebody's pods."""
    name = "guarded-by-chart"
    bed.create_namespace(name)
    yield name
    bed.delete_namespace(name)


@pytest.mark.parametrize("values", [{}, chart.ALL_OPTIONS, FOREIGN], ids=["default", "everything", "cert-manager"])
def test_the_api_server_accepts_every_object(bed: beds.Bed, system: str, kinds: None, values: chart.Values) -> None:
    """Strictly: no unknown field, no warning; objects of the Prometheus operator have no type here."""
    del system, kinds
    rendered = [each for each in chart.objects(values) if each["apiVersion"] != MONITORING]
    assert len(rendered) > 12
    for each in rendered:
        said = bed.kubectl(
            "admin", "create", "--dry-run=server", "--validate=strict", "-f", "-", stdin=json.dumps(each)
        )
        assert said.returncode == 0, said.stderr
        # In this namespace the node monitor's pods would not start, which the chart's page says.
        expected = each["kind"] == "DaemonSet" and 'Warning: would violate PodSecurity "restricted' in said.stderr
        assert expected or not said.stderr, f"{each['kind']} {each['metadata']['name']}: {said.stderr}"


def test_install_yaml_is_applied_as_its_first_lines_say(bed: beds.Bed, system: str, kinds: None) -> None:
    """By server-side apply, validated strictly."""
    del system, kinds
    flags = ("--server-side", "--dry-run=server", "--validate=strict")
    said = bed.kubectl("admin", "apply", *flags, "-f", str(render.INSTALL))
    assert said.returncode == 0, said.stderr
    assert "Warning" not in said.stderr


@dataclasses.dataclass(frozen=True)
class Release:
    """The chart, installed by Helm on a bed."""

    bed: beds.Bed
    home: Path

    def helm(self, *arguments: str, values: chart.Values | None = None) -> str:
        """Run Helm on the release's cluster."""
        return chart.helm(
            *arguments,
            f"--kubeconfig={self.bed.layout.kubeconfig_of('admin')}",
            f"--namespace={chart.NAMESPACE}",
            *(("--values=-",) if values is not None else ()),
            stdin=json.dumps(values or {}),
            home=self.home,
        )

    def read(self, *what: str) -> objects.Manifest:
        """An object of podseal's."""
        return objects.read(self.bed, chart.NAMESPACE, *what)

    def chart(self) -> str:
        """Name and version of the chart that is installed."""
        (found,) = json.loads(self.helm("list", "--output=json"))
        return str(found["chart"])

    def configurations(self) -> list[objects.Manifest]:
        """The webhook configurations as the API server has them."""
        return [self.read(name) for name in registration.NAMES]

    def item(self, secret: str, name: str) -> str:
        """What a Secret of podseal's holds."""
        return base64.b64decode(self.read(f"secret/{secret}")["data"][name]).decode()

    def uid(self, namespace: str, what: str) -> str:
        """The uid of an object."""
        return str(objects.read(self.bed, namespace, what)["metadata"]["uid"])

    def register(self) -> None:
        """Set the rules of the annotation, as podseal-certs does when the webhook answers it."""
        for found in self.configurations():
            rules = json.loads(found["metadata"]["annotations"][registration.RULES])
            patch = [
                {"op": "add", "path": f"/webhooks/{number}/rules", "value": rules[each["name"]]}
                for number, each in enumerate(found["webhooks"])
            ]
            name = f"{found['kind']}/podseal"
            self.bed.admin("patch", name, "--type=json", "--field-manager=podseal-certs", "-p", json.dumps(patch))

    def filled(self) -> list[object]:
        """What podseal-certs and the registration put into the chart's objects."""
        webhooks = [each for found in self.configurations() for each in found["webhooks"]]
        return [
            self.read("secret/podseal-tls")["data"],
            [(each["clientConfig"]["caBundle"], each["rules"]) for each in webhooks],
        ]

    def privileged(self, namespace: str) -> subprocess.CompletedProcess[str]:
        """What becomes of a privileged pod."""
        return objects.create(
            self.bed, namespace, objects.with_context("privileged", privileged=True), "--dry-run=server"
        )


@pytest.fixture(scope="module")
def release(bed: beds.Bed, system: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """The chart, installed with the real image; what a failed test leaves is removed."""
    del system
    bed.import_images(image.archive())
    bed.admin("delete", "--ignore-not-found", *DEFINITIONS)  # another test's: Helm takes over nothing
    made = Release(bed, tmp_path_factory.mktemp("helm"))
    notes = made.helm("install", "podseal", str(chart.CHART), values=INSTALLED)
    assert "It judges nothing yet" in notes
    yield made
    bed.admin("delete", "--ignore-not-found", *registration.NAMES)
    left = json.loads(made.helm("list", "--all", "--output=json"))
    if left:
        made.helm("uninstall", "podseal", "--no-hooks")
    bed.admin("delete", "--ignore-not-found", *DEFINITIONS)


@pytest.fixture(scope="module")
def running(release: Release) -> Release:
    """The release with its pods ready."""
    for name in ("podseal-certs", "podseal-webhook"):
        said = release.bed.kubectl(
            "admin", "rollout", "status", f"deployment/{name}", "-n", chart.NAMESPACE, seconds=SERVED_SECONDS
        )
        assert said.returncode == 0, said.stderr
    return release


@pytest.fixture(scope="module")
def registered(running: Release, guarded: str) -> Release:
    """The release, asked by the API server."""
    running.register()
    waiting.until(lambda: "[privileged]" in running.privileged(guarded).stderr, "podseal to be asked")
    return running


def test_an_installation_refuses_nobody(release: Release, guarded: str) -> None:
    """As long as no webhook answers none is called, whatever the failure policy is."""
    for found in release.configurations():
        assert not [each for each in found["webhooks"] if each.get("rules")]
    assert release.privileged(guarded).returncode == 0


def test_its_pods_become_ready(running: Release) -> None:
    """With the certificates that podseal-certs made by its own rights, published in every caBundle."""
    data = running.read("secret/podseal-tls")["data"]
    assert {"tls.crt", "tls.key", "ca.crt", "ca.key"} <= set(data)
    for found in running.configurations():
        assert all(each["clientConfig"]["caBundle"] == data["ca.crt"] for each in found["webhooks"])
    assert running.read("lease/podseal-certs")["spec"]["holderIdentity"]


def test_podseal_certs_says_what_it_waits_for(running: Release) -> None:
    """Whoever wonders why nothing is judged finds it in the log."""
    said = running.bed.admin("logs", "deployment/podseal-certs", "-n", chart.NAMESPACE)
    assert "podseal.podseal-system.svc" in said


RIGHTS = {
    "its Secret, made anew": ("Secret", "podseal-tls", True),
    "its Lease, made anew": ("Lease", "podseal-certs", True),
    "another Secret": ("Secret", "other", False),
    "another Lease": ("Lease", "other", False),
}


@pytest.mark.parametrize(("kind", "name", "allowed"), RIGHTS.values(), ids=RIGHTS.keys())
def test_the_right_to_create_is_bound_to_a_name(running: Release, kind: str, name: str, *, allowed: bool) -> None:
    """A server-side apply is authorized with the name of what it would create; a POST would not be."""
    version = "v1" if kind == "Secret" else "coordination.k8s.io/v1"
    body = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": chart.NAMESPACE}}
    flags = ("--server-side", "--dry-run=server", "--validate=false", f"--as={CERTS}")
    said = running.bed.kubectl("admin", "apply", *flags, "-f", "-", stdin=json.dumps(body))
    assert (said.returncode == 0) is allowed, said.stderr


def test_the_pods_judge_through_their_service(registered: Release, guarded: str) -> None:
    """The whole way: API server, Service, TLS, decision, reasons."""
    assert objects.create(registered.bed, guarded, objects.sealed("good"), "--dry-run=server").returncode == 0
    assert "[privileged]" in registered.privileged(guarded).stderr


def test_the_pods_record_who_reaches_into_others(registered: Release, guarded: str) -> None:
    """With the rights of their own account: they know the namespace, find the pod and write the ExecSession."""
    bed = registered.bed
    objects.create(bed, guarded, objects.sealed("shop"), user="admin").check_returncode()
    bed.admin("wait", "--for=condition=Ready", "pod/shop", "--namespace", guarded, "--timeout=60s")
    bed.kubectl("dev", "exec", "shop", "--namespace", guarded, "--", "true").check_returncode()
    waiting.until(lambda: recorded(bed), "the record")
    (session,) = recorded(bed)
    assert session["spec"]["user"]["username"] == "dev"
    assert session["spec"]["target"]["podUID"] == registered.uid(guarded, "pod/shop")
    assert "grant it with" not in bed.admin("logs", "deployment/podseal-webhook", "-n", chart.NAMESPACE)


def recorded(bed: beds.Bed) -> list[objects.Manifest]:
    """Every ExecSession."""
    found: list[objects.Manifest] = json.loads(bed.admin("get", "execsessions", "-o", "json"))["items"]
    return found


def test_nobody_else_is_answered(registered: Release) -> None:
    """The paths end in what podseal-certs made: whoever asks on one without it gets 404, and is counted."""
    bed = registered.bed
    ends = {
        each["clientConfig"]["service"]["path"].rpartition("/")[2]
        for found in registered.configurations()
        for each in found["webhooks"]
    }
    (stored,) = json.loads(registered.item("podseal-path", "paths.json"))["paths"]
    assert ends == {stored["token"]}
    pods = bed.admin("get", "pods", "-l", "app.kubernetes.io/component=webhook", "-n", chart.NAMESPACE, "-o", "name")
    name = pods.split()[0].removeprefix("pod/")
    proxy = f"/api/v1/namespaces/{chart.NAMESPACE}/pods"
    said = bed.kubectl("admin", "get", "--raw", f"{proxy}/https:{name}:8443/proxy/validate")
    assert "NotFound" in said.stderr
    counted = bed.admin("get", "--raw", f"{proxy}/http:{name}:8444/proxy/metrics")
    assert 'podseal_unknown_callers_total{endpoint="validate"} 1.0' in counted


def test_nothing_drifts(registered: Release) -> None:
    """A GitOps tool that compares the chart's objects with those of the cluster sees no difference."""
    manifest = registered.helm("get", "manifest", "podseal")
    said = registered.bed.kubectl("admin", "diff", "-n", chart.NAMESPACE, "-f", "-", stdin=manifest)
    assert (said.returncode, said.stdout) == (0, ""), said.stdout + said.stderr


def test_nothing_counts_as_tampering(registered: Release) -> None:
    """A turn after the registration each pod has compared what is there with what Helm installed: all is the same."""
    bed = registered.bed
    names = bed.admin("get", "pods", "-l", "app.kubernetes.io/component=webhook", "-n", chart.NAMESPACE, "-o", "name")
    metric = re.compile(r'^podseal_config_tampered{kind="(\w+)",name="[\w-]+"} (\S+)$', re.MULTILINE)

    def compared(name: str) -> dict[str, str]:
        path = f"/api/v1/namespaces/{chart.NAMESPACE}/pods/http:{name}:8444/proxy/metrics"
        return dict(metric.findall(bed.admin("get", "--raw", path)))

    expected = dict.fromkeys(tampering.COLLECTIONS, "0.0")
    pods = [name.removeprefix("pod/") for name in names.split()]
    waiting.until(lambda: all(compared(pod) == expected for pod in pods), "every pod to find nothing", TURN_SECONDS)


def test_a_deleted_secret_comes_back(registered: Release, guarded: str) -> None:
    """podseal-certs makes it anew with the rights that it has; the pods' certificate stays trusted meanwhile."""
    before = registered.read("secret/podseal-tls")["metadata"]["uid"]

    def back() -> bool:
        said = registered.bed.kubectl("admin", "get", "secret/podseal-tls", "-n", chart.NAMESPACE, "-o", "json")
        found = json.loads(said.stdout) if said.returncode == 0 else {}
        return bool(found.get("data")) and found["metadata"]["uid"] != before

    with load.Load(registered.bed, guarded) as steady:
        registered.bed.admin("delete", "secret/podseal-tls", "-n", chart.NAMESPACE)
        waiting.until(back, "the Secret", SERVED_SECONDS)
    assert steady.failures == []


def test_an_upgrade_and_a_rollback_lose_no_pod(registered: Release, guarded: str, tmp_path: Path) -> None:
    """The next version of the chart, and back: every pod is replaced twice, certificates and rules stay."""
    before, version = registered.filled(), registered.chart()
    following = f"{version.removeprefix('podseal-')}-next"
    chart.helm("package", str(chart.CHART), f"--version={following}", f"--destination={tmp_path}")
    package = str(tmp_path / f"podseal-{following}.tgz")
    changed = INSTALLED | {"settings": {"workers": 1}}
    with load.Load(registered.bed, guarded) as steady:
        registered.helm("upgrade", "podseal", package, "--wait", "--timeout=4m", values=changed)
        assert registered.chart() == f"podseal-{following}"
        registered.helm("rollback", "podseal", "1", "--wait", "--timeout=4m")
    assert steady.failures == []
    assert steady.sent > 20
    assert registered.chart() == version
    assert registered.filled() == before


def test_an_uninstallation_blocks_nobody(registered: Release, guarded: str) -> None:
    """Not for a moment, and nothing is left but the records."""
    with load.Load(registered.bed, guarded) as steady:
        registered.helm("uninstall", "podseal", "--wait", "--timeout=4m")
    assert steady.failures == []
    assert registered.privileged(guarded).returncode == 0
    left = registered.bed.admin(
        "get", "secrets,configmaps,leases,serviceaccounts,roles,services,deployments,jobs", "-n", chart.NAMESPACE,
        "-o", "name",
    ).split()  # fmt: skip
    assert sorted(left) == ["configmap/kube-root-ca.crt", "serviceaccount/default"]
    assert not registered.bed.admin("get", "--ignore-not-found", "-o", "name", *registration.NAMES)
    cluster_wide = "clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings"
    assert not registered.bed.admin("get", cluster_wide, "-l", "app.kubernetes.io/name=podseal", "-o", "name")
    assert not registered.bed.admin("get", "exemptions", "-o", "name")
    assert [each["spec"]["user"]["username"] for each in recorded(registered.bed)] == ["dev"]


def test_a_later_installation_finds_the_records(release: Release) -> None:
    """Helm takes over the kind that the last one left; the last test of this module."""
    release.helm("install", "podseal", str(chart.CHART), values=INSTALLED)
    assert len(recorded(release.bed)) == 1
