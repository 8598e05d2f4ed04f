"""The pods of a node: from a list and a watch, kept for a while after their end, pending where none came."""

import pytest
from kubernetes.client import ApiClient, Configuration

from runtime_monitor.enrich import pod_spec, pods
from runtime_monitor.events import Pod
from tests import waiting
from tests.runtime_monitor import made
from tests.webhook import fake_apiserver
from webhook import apiserver, watch


def pod(uid: str, **labels: str) -> pod_spec.PodObject:
    """A pod."""
    return pod_spec.PodObject(metadata=pod_spec.Metadata(name="shop-1", namespace="shop", uid=uid, labels=labels))


def test_an_event_gets_what_the_api_server_says() -> None:
    """Labels, node, service account; the digest of the container's image."""
    source = pods.Pods()
    source.listed(
        [
            pod_spec.PodObject(
                metadata=pod_spec.Metadata(uid="u-1", labels={"app": "shop"}),
                spec=pod_spec.Spec(node_name="node-1", service_account_name="shop"),
                status=pod_spec.Status(container_statuses=[pod_spec.ContainerStatus("web", "shop/web@sha256:01")]),
            )
        ]
    )
    found = source(made.event())
    assert found.pod == Pod(
        name="shop-1", namespace="shop", uid="u-1", labels={"app": "shop"}, service_account="shop", node="node-1"
    )
    assert found.container.image_digest == "sha256:01"


def test_changes_and_ends() -> None:
    """A deleted pod is remembered for its last events, but not counted."""
    source = pods.Pods()
    source.listed([pod("u-1", app="old"), pod("u-2")])
    source.changed(pod("u-1", app="new"))
    source.deleted(pod("u-2"))
    source.deleted(pod("never seen"))
    assert source(made.event()).pod.labels == {"app": "new"}
    assert source.get("u-2") is not None
    assert source.get("never seen") is None
    assert source.counts.known == 1


def test_the_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first to go is forgotten first."""
    monkeypatch.setattr(pods, "MOST_GONE", 2)
    source = pods.Pods()
    for number in range(4):
        source.changed(pod(f"u-{number}"))
        source.deleted(pod(f"u-{number}"))
    assert [source.get(f"u-{number}") is not None for number in range(4)] == [False, False, True, True]


def test_nothing_is_waited_for_where_nobody_tells() -> None:
    """Without an API server, after its silence, and for containers of no pod."""
    now = [1000.0]
    source = pods.Pods(lambda: now[0])
    assert source.has("u-9")
    source.expect()
    assert not source.has("u-9")
    source.listed([])
    assert source.has("u-9")
    source.heard()
    assert not source.has("u-9")
    assert source.has(None)
    now[0] += watch.SILENCE
    assert source.has("u-9")
    source.heard()
    source.failed()
    assert source.has("u-9")
    assert source.counts.failures == 1


def test_without_an_api_server_nothing_is_pending() -> None:
    """The bundle's names are all there will be."""
    event = made.event()
    assert pods.Pods()(event) is event


def test_a_watch_names_the_node() -> None:
    """Of ten thousand pods in the cluster only this node's are sent; one that has not come is pending."""
    script = fake_apiserver.Script()
    script.namespaces = {"one": {}}
    with fake_apiserver.serve(script) as address:
        configuration = Configuration(host=address)
        configuration.retries = False
        source = pods.Pods()
        source.start(apiserver.Client(ApiClient(configuration)), "node-1")
        try:
            waiting.until(lambda: source.is_fresh, "the list and the watch")
            assert source(made.event()).pod.pending is True
            assert source(made.event(pod=Pod())).pod.pending is None
        finally:
            source.stop()
            script.watch_lines.put(fake_apiserver.END)
    assert all("/api/v1/pods?" in each and "fieldSelector=spec.nodeName%3Dnode-1" in each for each in script.requests)
