"""Lists by pages: whole, in order, past an expired snapshot, and with progress."""

from collections.abc import Iterator

import pytest

from tests.webhook.scan import fake_cluster, pod_objects
from tests.webhook.test_namespaces import client
from webhook import apiserver
from webhook.scan import pages, pods

PATH = "/api/v1/pods"


@pytest.fixture
def cluster() -> fake_cluster.Cluster:
    """Seven pods in pages of three."""
    made = fake_cluster.Cluster()
    made.page = 3
    for number in range(7):
        made.add_pod(pod_objects.tree(f"p{number}"))
    return made


@pytest.fixture
def server(cluster: fake_cluster.Cluster) -> Iterator[apiserver.Client]:
    """A client of that cluster."""
    with fake_cluster.serve(cluster) as address:
        yield client(address)


def names(server: apiserver.Client, **query: str) -> list[str]:
    """What a list gives."""
    return [pod.name for pod in pages.items(server, PATH, pods.PAGES, query)]


def test_all_pages_are_read_in_order(server: apiserver.Client, cluster: fake_cluster.Cluster) -> None:
    """Three requests, each with the token of the one before."""
    assert names(server) == [f"p{number}" for number in range(7)]
    assert [request.partition("?")[2] for request in cluster.requests] == [
        "limit=500",
        "limit=500&continue=3",
        "limit=500&continue=6",
    ]


def test_an_expired_snapshot_goes_on_from_its_place(server: apiserver.Client, cluster: fake_cluster.Cluster) -> None:
    """A 410 with a token: nothing is read twice, nothing is left out."""
    cluster.expired = {"3"}
    assert names(server) == [f"p{number}" for number in range(7)]


def test_progress_knows_the_total(server: apiserver.Client) -> None:
    """Told after each page."""
    told: list[tuple[int, int]] = []
    list(pages.items(server, PATH, pods.PAGES, progress=lambda done, total: told.append((done, total))))
    assert told == [(3, 7), (6, 7), (7, 7)]


def test_with_a_selector_the_total_is_unknown_until_the_end(server: apiserver.Client) -> None:
    """The API server leaves the count out then."""
    told: list[tuple[int, int]] = []
    query = {"labelSelector": "app=web"}
    list(pages.items(server, PATH, pods.PAGES, query, lambda done, total: told.append((done, total))))
    assert told == [(3, 0), (6, 0), (7, 7)]


def test_a_page_is_asked_for_when_it_is_needed(server: apiserver.Client, cluster: fake_cluster.Cluster) -> None:
    """Memory holds one page: after the first items there has been one request."""
    found = pages.items(server, PATH, pods.PAGES)
    assert [next(found).name for _ in range(3)] == ["p0", "p1", "p2"]
    assert len(cluster.requests) == 1


def test_a_refusal_is_the_api_servers(server: apiserver.Client, cluster: fake_cluster.Cluster) -> None:
    """With the remedy that the client adds."""
    cluster.refused[PATH] = (403, "pods is forbidden")
    with pytest.raises(apiserver.Refused, match="pods is forbidden; grant it"):
        names(server)


@pytest.mark.parametrize("document", [{"items": 7}, [], {"items": [{"spec": {"containers": "none"}}]}])
def test_what_is_no_list_is_refused(server: apiserver.Client, cluster: fake_cluster.Cluster, document: object) -> None:
    """A proxy in between may answer anything."""
    cluster.documents[PATH] = document
    with pytest.raises(apiserver.Refused, match="/api/v1/pods: the API server sent something else"):
        names(server)
