"""The preview's bounds, and what it says where the list of pods cannot be had."""

import itertools

from tests.webhook.scan import fake_cluster, pod_objects
from tests.webhook.test_namespaces import client
from webhook import preview, review
from webhook.policy import guard

RELABELLING = review.Relabelling("shop", guard.NamespaceKeys({"podseal.dev/enforce": "off"}), guard.NamespaceKeys())
PODS = "/api/v1/namespaces/shop/pods"
LONG = 30.0


def shop(pods: int) -> fake_cluster.Cluster:
    """A cluster with so many privileged pods that nobody owns."""
    cluster = fake_cluster.Cluster()
    cluster.add_namespace("shop")
    for number in range(pods):
        cluster.add_pod(pod_objects.tree(f"p{number:04}", container=pod_objects.PRIVILEGED))
    return cluster


def warnings(cluster: fake_cluster.Cluster, bounds: preview.Bounds, seconds: float = LONG) -> list[str]:
    """What is said about the change."""
    with fake_cluster.serve(cluster) as address:
        made = preview.Preview(client(address), pod_objects.POLICIES, bounds)
        return made.warnings(RELABELLING, pod_objects.NOW, seconds)


def test_every_page_is_looked_at() -> None:
    """A page at a time, of the size that was asked for."""
    cluster = shop(7)
    said = warnings(cluster, preview.Bounds(seconds=LONG, page=3))
    assert len(said) == 7
    assert [each.split("?")[1] for each in cluster.requests] == ["limit=3", "limit=3&continue=3", "limit=3&continue=6"]


def test_no_more_pods_than_the_bound() -> None:
    """What is beyond is not even asked for; the line says so, and where to see the rest."""
    cluster = shop(9)
    said = warnings(cluster, preview.Bounds(pods=4, seconds=LONG, page=3))
    assert said[-1] == "podseal looked at 4 pods, the most that it looks at; all of them: podseal scan -n shop"
    assert len(cluster.requests) == 2


def test_no_longer_than_the_bound() -> None:
    """The clock is asked before each page and each pod."""
    with fake_cluster.serve(shop(9)) as address:
        ticks = itertools.count()
        made = preview.Preview(client(address), pod_objects.POLICIES, preview.Bounds(seconds=4.5), lambda: next(ticks))
        said = made.warnings(RELABELLING, pod_objects.NOW, LONG)
    assert said[-1] == "podseal looked at 3 pods, for it takes at most 4.5 s; all of them: podseal scan -n shop"


def test_an_impatient_api_server_gets_its_answer_in_time() -> None:
    """With no time at all nothing is asked."""
    cluster = shop(1)
    assert "looked at 0 pods" in warnings(cluster, preview.Bounds(), seconds=0)[-1]
    assert not cluster.requests


def test_without_the_right_the_reason_is_told() -> None:
    """The labels still change: it only warns."""
    cluster = shop(1)
    cluster.refused[PODS] = (403, "pods is forbidden")
    (said,) = warnings(cluster, preview.Bounds(seconds=LONG))
    assert said.startswith("podseal looked at 0 pods, then its list failed: pods is forbidden; grant it")


def test_a_crowd_is_turned_away() -> None:
    """Two at once; the third hears what to run instead."""
    with fake_cluster.serve(shop(1)) as address:
        made = preview.Preview(client(address), pod_objects.POLICIES, preview.Bounds(seconds=LONG))
        for _ in range(preview.AT_ONCE):
            made._places.acquire()
        said = made.warnings(RELABELLING, pod_objects.NOW, LONG)
        assert said == ["podseal previews others now; what would change: podseal scan -n shop"]
        made._places.release()
        assert len(made.warnings(RELABELLING, pod_objects.NOW, LONG)) == 1
