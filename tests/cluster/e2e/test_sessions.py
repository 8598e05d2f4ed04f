"""ExecSessions in a real API server: written, repeated, unchangeable, and lost only where that is told."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import beds, waiting
from webhook import apiserver, sessions
from webhook.policy import model

CRDS = Path(__file__).parents[3] / "manifests" / "crds"
DEV = model.User("dev", "1", ("system:authenticated",))


@pytest.fixture(scope="module")
def recording(bed: beds.Bed) -> beds.Bed:
    """A cluster that knows ExecSessions."""
    bed.admin("apply", "-f", str(CRDS / "execsessions.podseal.dev.yaml"))
    bed.admin("wait", "--for=condition=Established", "crd/execsessions.podseal.dev", "--timeout=30s")
    return bed


@pytest.fixture
def recorder(recording: beds.Bed) -> Iterator[sessions.Recorder]:
    """A recorder that runs."""
    made = sessions.Recorder(apiserver.connect(str(recording.layout.kubeconfig_of("admin"))))
    made.start()
    yield made
    made.stop()


def session(uid: str, namespace: str, pod: str = "shop", *command: str) -> sessions.Session:
    """An exec by dev."""
    target = sessions.Target(namespace=namespace, pod=pod, container="web")
    return sessions.Session(
        request_uid=uid, action="exec", user=DEV, target=target, command=command, command_line=" ".join(command)
    )


def stored(bed: beds.Bed, uid: str) -> dict[str, Any]:
    """The object of a session, empty where there is none."""
    said = bed.kubectl("admin", "get", "xs", f"es-{uid}", "-o", "json")
    found: dict[str, Any] = json.loads(said.stdout) if said.returncode == 0 else {}
    return found


def test_a_session_is_written_with_the_pods_uid(
    recording: beds.Bed, namespace: str, recorder: sessions.Recorder
) -> None:
    """The object names user, pod, its uid and the command, and `kubectl get xs` shows them."""
    spec = {"nodeName": "node-of-nobody", "containers": [{"name": "web", "image": "shop/web:1"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "shop", "namespace": namespace}, "spec": spec}
    uid = json.loads(recording.admin("create", "-o", "json", "-f", "-", stdin=json.dumps(pod)))["metadata"]["uid"]
    recorder.submit(session("11111111-aaaa", namespace, "shop", "sh", "-c", "id"))
    waiting.until(lambda: stored(recording, "11111111-aaaa"), "the session")
    found = stored(recording, "11111111-aaaa")["spec"]
    assert found["target"] == {
        "namespace": namespace, "pod": "shop", "podUID": uid, "container": "web", "node": "node-of-nobody",
    }  # fmt: skip
    assert found["user"] == {"username": "dev", "uid": "1", "groups": ["system:authenticated"]}
    table = recording.admin("get", "xs", "es-11111111-aaaa")
    assert ["es-11111111-aaaa", "dev", namespace, "shop", "web", "sh", "-c", "id", "allowed"] == table.split()[-10:-1]
    selected = recording.admin("get", "xs", "--field-selector", f"spec.target.namespace={namespace}", "-o", "name")
    assert selected.split() == ["execsession.podseal.dev/es-11111111-aaaa"]


def test_a_repeated_session_counts_up(recording: beds.Bed, namespace: str, recorder: sessions.Recorder) -> None:
    """The same user, pod and command soon after: one object, a count; the same request again: nothing."""
    for number in range(3):
        recorder.submit(session(f"2222222{number}-bbbb", namespace, "gone", "date"))
    waiting.until(lambda: recorder.counts.repeated == 2, "two repetitions")
    assert stored(recording, "22222220-bbbb")["status"]["count"] == 3
    assert not stored(recording, "22222221-bbbb")


def test_a_retried_request_makes_no_second_session(recording: beds.Bed, namespace: str) -> None:
    """Two replicas that are asked about one request write one object."""
    client = apiserver.connect(str(recording.layout.kubeconfig_of("admin")))
    for _ in range(2):
        sessions.Recorder(client).record_now(session("33333333-cccc", namespace), seconds=30)
    assert stored(recording, "33333333-cccc")


def test_the_spec_cannot_be_changed(recording: beds.Bed, namespace: str) -> None:
    """Not even by an admin: CEL refuses, status alone may move."""
    client = apiserver.connect(str(recording.layout.kubeconfig_of("admin")))
    sessions.Recorder(client).record_now(session("44444444-dddd", namespace), seconds=30)
    change = ("--type=merge", "-p", json.dumps({"spec": {"user": {"username": "somebody-else"}}}))
    said = recording.kubectl("admin", "patch", "xs", "es-44444444-dddd", *change)
    assert "a recorded session cannot be changed" in said.stderr


def test_deleting_the_namespace_keeps_the_record(recording: beds.Bed, namespace: str) -> None:
    """A cluster-scoped object does not die with what it tells of."""
    recording.create_namespace(f"{namespace}-doomed")
    client = apiserver.connect(str(recording.layout.kubeconfig_of("admin")))
    sessions.Recorder(client).record_now(session("55555555-eeee", f"{namespace}-doomed"), seconds=30)
    recording.delete_namespace(f"{namespace}-doomed")
    assert stored(recording, "55555555-eeee")


def test_without_the_right_a_session_is_lost_and_told(
    recording: beds.Bed, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    """No RBAC: nothing to retry; the log carries the record, and the count rises."""
    recorder = sessions.Recorder(apiserver.connect(str(recording.layout.kubeconfig_of("stranger"))))
    recorder.start()
    recorder.submit(session("66666666-ffff", namespace, "shop", "rm", "-rf", "/srv"))
    waiting.until(lambda: recorder.counts.lost == 1, "the loss")
    recorder.stop()
    assert "66666666-ffff" in caplog.text
    assert '"rm","-rf"' in caplog.text
