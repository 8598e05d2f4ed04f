"""A cluster's namespaces, one after another."""

from collections.abc import Iterator

import pytest

from tests.webhook.scan import fake_cluster, pod_objects
from tests.webhook.test_namespaces import client
from webhook import apiserver
from webhook.scan import model, pages, walk

WAIVED = {"labels": {"podseal.dev/exempt.privileged": "2027-01-31"}}


@pytest.fixture
def cluster() -> fake_cluster.Cluster:
    """Two namespaces with pods, one that waives in vain, one that says nothing."""
    made = fake_cluster.Cluster()
    made.page = 2
    for name, metadata in {"quiet": {}, "shop": WAIVED, "shop-db": {}, "waiving": WAIVED}.items():
        made.add_namespace(name, **metadata)
    # As the API server has it: its keys end in a slash, which is after the hyphen.
    for namespace, count in (("shop-db", 3), ("shop", 2)):
        for number in range(count):
            made.add_pod(pod_objects.tree(f"p{number}", namespace, container=pod_objects.PRIVILEGED))
    return made


@pytest.fixture
def server(cluster: fake_cluster.Cluster) -> Iterator[apiserver.Client]:
    """A client of that cluster."""
    with fake_cluster.serve(cluster) as address:
        yield client(address)


def scanned(server: apiserver.Client, request: walk.Request = walk.Request()) -> dict[str, model.Namespace]:  # noqa: B008 -- frozen
    """The results by name."""
    found = list(walk.scan(server, request, pod_objects.RULES, pages.nobody))
    assert len({each.name for each in found}) == len(found)
    return {each.name: each for each in found}


def test_every_namespace_with_pods_or_labels_has_a_result(server: apiserver.Client) -> None:
    """Across pages; with the labels of its own namespace."""
    found = scanned(server)
    assert {name: each.counts.pods for name, each in found.items()} == {"shop-db": 3, "shop": 2, "waiving": 0}
    assert all(owner.denied for owner in found["shop-db"].owners)
    assert not any(
        owner.denied and "privileged" in {row.control for row in owner.rows} for owner in found["shop"].owners
    )
    assert [use.pods for use in found["waiving"].uses] == [0]


def test_named_namespaces_need_no_right_beyond_them(server: apiserver.Client, cluster: fake_cluster.Cluster) -> None:
    """Their labels are read one by one, so that a RoleBinding is enough."""
    found = scanned(server, walk.Request(("waiving", "shop")))
    assert set(found) == {"shop", "waiving"}
    assert [request.partition("?")[0] for request in cluster.requests] == [
        "/api/v1/namespaces/shop",
        "/api/v1/namespaces/waiving",
        "/api/v1/namespaces/shop/pods",
        "/api/v1/namespaces/waiving/pods",
    ]


def test_a_namespace_that_is_not_there_is_refused(server: apiserver.Client) -> None:
    """Rather than found clean."""
    with pytest.raises(apiserver.Refused, match="typo not found"):
        scanned(server, walk.Request(("typo",)))


def test_a_selector_goes_to_the_api_server(server: apiserver.Client, cluster: fake_cluster.Cluster) -> None:
    """As it was written."""
    scanned(server, walk.Request(selector="app=web,tier!=db"))
    assert any("labelSelector=app%3Dweb%2Ctier%21%3Ddb" in request for request in cluster.requests)


def test_progress_adds_up_over_namespaces(server: apiserver.Client) -> None:
    """With several lists nobody knows the total."""
    told: list[tuple[int, int]] = []
    request = walk.Request(("shop", "shop-db"))
    list(walk.scan(server, request, pod_objects.RULES, lambda done, total: told.append((done, total))))
    assert told == [(2, 0), (4, 0), (5, 0)]
    told.clear()
    list(walk.scan(server, walk.Request(), pod_objects.RULES, lambda done, total: told.append((done, total))))
    assert told == [(2, 5), (4, 5), (5, 5)]


def test_results_come_while_the_list_is_read(server: apiserver.Client, cluster: fake_cluster.Cluster) -> None:
    """The first namespace is done before the last page was asked for."""
    found = walk.scan(server, walk.Request(), pod_objects.RULES, pages.nobody)
    assert next(found).name == "shop-db"
    assert sum(request.startswith("/api/v1/pods") for request in cluster.requests) == 2
