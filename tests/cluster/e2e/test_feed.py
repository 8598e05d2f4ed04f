"""The alert feed and a real API server: Events on pods, and ServiceAccounts that may read the feed."""

import base64
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from runtime_monitor.feed import kubernetes
from runtime_monitor.feed.http import guard
from runtime_monitor.feed.outputs import kubernetes_event
from runtime_monitor.feed.settings import TokenReview
from tests.cluster import beds
from tests.runtime_monitor import generated

READER = "feed-reader"


@pytest.fixture
def server(bed: beds.Bed, tmp_path: Path) -> kubernetes.ApiServer:
    """The API server, with the rights of its administrator."""
    tree: dict[str, Any] = yaml.safe_load(bed.layout.kubeconfig_of("admin").read_text())
    cluster, user = tree["clusters"][0]["cluster"], tree["users"][0]["user"]
    token, authority = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text(user["token"])
    authority.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    return kubernetes.ApiServer(url=cluster["server"], ca_file=str(authority), token_file=str(token))


def test_an_event_is_seen_on_the_pod(bed: beds.Bed, namespace: str, server: kubernetes.ApiServer) -> None:
    """Sent twice it is one; a namespace that is gone refuses it for good."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "shop", "namespace": namespace},
        "spec": {"nodeName": "node-of-nobody", "containers": [{"name": "web", "image": "shop/web:1"}]},
    }
    uid = json.loads(bed.admin("create", "-o", "json", "-f", "-", stdin=json.dumps(pod)))["metadata"]["uid"]
    plain = generated.hostile()[0]
    fields = {**plain.output_fields, "k8s.ns.name": namespace, "k8s.pod.name": "shop", "k8s.pod.uid": uid}
    alert = msgspec.structs.replace(plain, output_fields=fields)
    made = kubernetes_event.Settings(name="k", server=server).open()
    for _ in range(2):
        made.send([alert])
    made.close()
    found = json.loads(bed.admin("get", "events", "-n", namespace, "-o", "json"))["items"]
    (event,) = [each for each in found if each["reason"] == "PodsealAlert"]
    assert event["involvedObject"]["uid"] == uid
    assert "<img src=x onerror=alert(1)>" in event["message"]
    assert "PodsealAlert" in bed.admin("describe", "pod", "shop", "-n", namespace)


def test_a_service_account_reads_the_feed_once_it_may(
    bed: beds.Bed, namespace: str, server: kubernetes.ApiServer
) -> None:
    """By TokenReview for the audience, and `get` on the path as a non-resource URL."""
    bed.admin("create", "serviceaccount", READER, "-n", namespace)
    token = bed.admin("create", "token", READER, "-n", namespace, "--audience=podseal").strip()
    other = bed.admin("create", "token", READER, "-n", namespace, "--audience=somebody-else").strip()
    review = TokenReview(server=server, audiences=("podseal",))
    assert guard.Reviewer(review).status(token, "/alerts") == 403
    rules = [{"nonResourceURLs": ["/alerts", "/alerts/*"], "verbs": ["get"]}]
    role = {"kind": "ClusterRole", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": namespace}}
    bed.apply({**role, "rules": rules})
    account = f"--serviceaccount={namespace}:{READER}"
    bed.admin("create", "clusterrolebinding", namespace, f"--clusterrole={namespace}", account)
    try:
        assert guard.Reviewer(review).status(token, "/alerts/stream") == 0
        assert guard.Reviewer(review).status(token, "/sessions/a/b") == 403
        assert guard.Reviewer(review).status(other, "/alerts") == 401
        assert guard.Reviewer(review).status("nonsense", "/alerts") == 401
    finally:
        bed.admin("delete", "clusterrolebinding,clusterrole", namespace)
