"""The random end of the webhooks' paths, rotated under load on a real API server, with the chart's rights.

podseal-certs runs as the chart's account on the chart's two Secrets; the test does what a kubelet does, and brings
what they hold to the replicas' files.
"""

import base64
import contextlib
import json
import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cluster import beds, waiting
from tests.cluster.e2e import installation, load, objects, shipped
from tests.manifests import chart
from tests.webhook import serving

SETTLE = "3s"
"""Time for the API server to see a changed webhook configuration; nothing tells when it has."""
FILE = "paths.json"


class Rotation:
    """An installation, whose certificates and paths podseal-certs keeps in Secrets."""

    def __init__(self, podseal: installation.Installation, kubeconfig: Path) -> None:
        self.podseal = podseal
        self._kubeconfig = kubeconfig

    @property
    def bed(self) -> beds.Bed:
        """The cluster."""
        return self.podseal.bed

    def certs(self, command: str, *more: str) -> str:
        """Run podseal-certs as the chart's account."""
        arguments = (f"--kubeconfig={self._kubeconfig}", "--secret=podseal-tls", f"--namespace={chart.NAMESPACE}")
        program = str(serving.PODSEAL.with_name("podseal-certs"))
        argv = [program, command, *arguments, "--webhook-configuration=podseal", f"--settle={SETTLE}", *more]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self) -> str:
        """One pass."""
        return self.certs("run", "--once", "--paths=podseal-path", "--dns=localhost", "--ip=127.0.0.1")

    def run_until(self, condition: Callable[[], bool], what: str) -> None:
        """Passes until something is so."""

        def met() -> bool:
            self.run()
            return condition()

        waiting.until(met, what)

    def bring(self) -> None:
        """Let the replicas have what the Secrets hold."""
        for secret, names in (("podseal-tls", ("tls.crt", "tls.key", "ca.crt")), ("podseal-path", (FILE,))):
            data = objects.read(self.bed, chart.NAMESPACE, f"secret/{secret}")["data"]
            for name in names:
                made = self.podseal.certificates / f".{name}"
                made.write_bytes(base64.b64decode(data[name]))
                made.rename(self.podseal.certificates / name)

    def accepted(self) -> list[str]:
        """The random ends that are stored, the newest first."""
        data = objects.read(self.bed, chart.NAMESPACE, "secret/podseal-path")["data"]
        return [each["token"] for each in json.loads(base64.b64decode(data[FILE]))["paths"]]

    def published(self) -> set[str]:
        """The random ends of the paths that the API server calls."""
        return {
            urlsplit(webhook["clientConfig"]["url"]).path.rpartition("/")[2]
            for name in ("validatingwebhookconfiguration/podseal", "mutatingwebhookconfiguration/podseal")
            for webhook in objects.read(self.bed, chart.NAMESPACE, name)["webhooks"]
        }


@pytest.fixture(scope="module")
def rotation(bed: beds.Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rotation]:
    """Podseal, whose paths have a random end from the first moment on."""
    folder = tmp_path_factory.mktemp("paths")
    made = installation.Installation(bed, folder, {}, (f"--path-file={folder / 'certs' / FILE}",))
    made.certs("init")
    made.entrance.start()
    with shipped.applied(bed, chart.objects(None, "--include-crds")), contextlib.ExitStack() as ending:
        files = [f"--from-file={each}" for each in sorted(made.certificates.iterdir()) if not each.name.startswith(".")]
        bed.admin("create", "secret", "generic", "podseal-tls", "--namespace", chart.NAMESPACE, *files)
        ending.callback(bed.admin, "delete", "secret/podseal-tls", "secret/podseal-path", "-n", chart.NAMESPACE)
        kubeconfig = shipped.kubeconfig(bed, "podseal-certs", folder / "certs.kubeconfig")
        rotating = Rotation(made, kubeconfig)
        rotating.run()  # no configuration is there yet: this only stores
        rotating.bring()
        for _ in range(2):
            ending.callback(made.forget, made.add_replica())
        ending.callback(made.withdraw)
        made.register()
        rotating.run()
        made.await_guard()
        yield rotating
    made.entrance.stop()


@pytest.fixture(scope="module")
def guarded(rotation: Rotation) -> Iterator[str]:
    """A namespace of somebody's pods."""
    name = f"guarded-{secrets.token_hex(4)}"
    rotation.bed.create_namespace(name)
    yield name
    rotation.bed.delete_namespace(name)


def test_a_rotation_of_certificate_and_path_refuses_nobody(rotation: Rotation, guarded: str) -> None:
    """Stored, brought to the replicas, published, and the former given up: under load each, and no pod is lost."""
    bed = rotation.bed
    (first,) = rotation.accepted()
    assert rotation.published() == {first}
    with load.Load(bed, guarded) as steady:
        rotation.certs("rotate")
        steady.more()
        rotation.run()
        second, former = rotation.accepted()
        assert (former, rotation.published()) == (first, {first})
        rotation.bring()
        steady.more()
        rotation.run_until(lambda: rotation.published() == {second}, "the publication")
        steady.more()
        rotation.run_until(lambda: rotation.accepted() == [second], "the end of the former")
        rotation.bring()
        steady.more()
    assert steady.failures == []
    replica = rotation.podseal.replicas[0].server
    waiting.until(lambda: replica.post(f"/validate/{first}", b"{}")[0] == 404, "the former to be unknown")
    assert replica.post(f"/validate/{second}", b"{}")[0] == 400
    assert replica.post("/validate", b"{}")[0] == 404
    assert "podseal_unknown_callers_total" in replica.probe("/metrics")[1]


def test_a_lost_secret_refuses_nobody(rotation: Rotation, guarded: str) -> None:
    """What is published is what the replicas know by their files: it stays until they know the new one."""
    (before,) = rotation.published()
    with load.Load(rotation.bed, guarded) as steady:
        rotation.bed.admin("delete", "secret/podseal-path", "--namespace", chart.NAMESPACE)
        rotation.run()
        steady.more()
        assert rotation.published() == {before}
        assert rotation.accepted()[1] == before
    assert steady.failures == []


def test_what_was_sent_by_a_path_is_recorded_as_such(rotation: Rotation, namespace: str) -> None:
    """An ExecSession says how it is known that the API server, and nobody else, sent it."""
    bed = rotation.bed
    objects.create(bed, namespace, objects.sealed("shop")).check_returncode()
    bed.admin("wait", "--for=condition=Ready", "pod/shop", "--namespace", namespace, "--timeout=60s")
    bed.kubectl("dev", "exec", "shop", "--namespace", namespace, "--", "true").check_returncode()
    query = ("get", "xs", "--field-selector", f"spec.target.namespace={namespace}", "-o", "json")
    waiting.until(lambda: json.loads(bed.admin(*query))["items"], "the record")
    (session,) = json.loads(bed.admin(*query))["items"]
    assert session["spec"]["caller"] == "path"
