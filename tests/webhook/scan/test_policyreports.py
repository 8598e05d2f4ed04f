"""Report objects: which API, what stands in them, how large they may be, what is removed."""

from collections.abc import Iterator

import msgspec
import pytest

from tests.webhook.scan import fake_cluster, pod_objects
from tests.webhook.test_namespaces import client
from webhook import apiserver
from webhook.scan import gather, model, policyreports

OLD, NEW = policyreports.APIS
SERVED = {"resources": [{"name": "policyreports"}, {"name": "clusterpolicyreports"}]}
SERVED_NEW = {"resources": [{"name": "reports"}]}


def namespace(name: str = "shop", pods: int = 1) -> model.Namespace:
    """Bare pods that are privileged, which a waiver lets pass, with images that no digest pins; and a clean one."""
    gatherer = gather.Gatherer(name, pod_objects.WAIVED, pod_objects.RULES)
    for number in range(pods):
        container = {**pod_objects.PRIVILEGED, "image": "shop/web:1"}
        gatherer.add(pod_objects.pod(f"p{number}", name, container=container))
    gatherer.add(pod_objects.pod("clean", name))
    return gatherer.result()


@pytest.fixture
def cluster() -> fake_cluster.Cluster:
    """A cluster that serves both APIs."""
    made = fake_cluster.Cluster()
    made.documents = {f"/apis/{OLD.group_version}": SERVED, f"/apis/{NEW.group_version}": SERVED_NEW}
    made.collections[OLD.path()] = []
    return made


@pytest.fixture
def server(cluster: fake_cluster.Cluster) -> Iterator[apiserver.Client]:
    """A client of it."""
    with fake_cluster.serve(cluster) as address:
        yield client(address)


def test_the_older_api_is_preferred(server: apiserver.Client) -> None:
    """Today's tools read it."""
    assert policyreports.discover(server) is OLD


@pytest.mark.parametrize("left", [None, {"resources": [{"name": "clusterpolicyreports"}]}])
def test_the_newer_api_is_second(server: apiserver.Client, cluster: fake_cluster.Cluster, left: object) -> None:
    """Where the older is absent, or has no namespaced reports."""
    del cluster.documents[f"/apis/{OLD.group_version}"]
    if left:
        cluster.documents[f"/apis/{OLD.group_version}"] = left
    assert policyreports.discover(server) is NEW


def test_without_either_the_remedy_is_told(server: apiserver.Client, cluster: fake_cluster.Cluster) -> None:
    """Nothing is installed on the way."""
    cluster.documents = {}
    with pytest.raises(apiserver.Refused, match=r"neither .* install the definitions"):
        policyreports.discover(server)


def test_a_refused_discovery_is_no_absence(server: apiserver.Client, cluster: fake_cluster.Cluster) -> None:
    """Else the other API would be written while the first is served."""
    cluster.refused[f"/apis/{OLD.group_version}"] = (403, "forbidden")
    with pytest.raises(apiserver.Refused, match="forbidden"):
        policyreports.discover(server)


@pytest.mark.parametrize("api", policyreports.APIS, ids=lambda api: api.kind)
def test_a_report_says_what_was_found(api: policyreports.Api) -> None:
    """Failures, warnings and waived findings, with their owners; the clean owner passes."""
    report = policyreports.report(api, namespace(), pod_objects.NOW)
    assert (report["apiVersion"], report["kind"]) == (api.group_version, api.kind)
    assert report["metadata"]["name"] == "podseal"
    assert report.get("source") == ("podseal" if api is NEW else None)
    assert {result["source"] for result in report["results"]} == {"podseal"}
    counted = dict.fromkeys(("pass", "fail", "warn", "error", "skip"), 0) | {"pass": 1}
    for result in report["results"]:
        counted[result["result"]] += 1
        assert result["scored"] is (result["result"] == "fail")
        assert result["severity"] in ("high", "medium", "low")
        assert result["resources"] == [{"kind": "Pod", "namespace": "shop", "name": "p0", "apiVersion": "v1"}]
        assert result["timestamp"]["seconds"] == int(pod_objects.NOW.timestamp())
    assert report["summary"] == counted
    (skipped,) = [result for result in report["results"] if result["result"] == "skip"]
    assert "podseal.dev/exempt.privileged=2027-01-31 legacy agent SEC-1" in skipped["message"]


def test_a_large_report_is_cut_and_counts_what_is_missing() -> None:
    """The summary is of everything; what matters least goes first."""
    found = namespace(pods=50)
    whole = policyreports.report(OLD, found, pod_objects.NOW)
    cut = policyreports.report(OLD, found, pod_objects.NOW, most_bytes=20_000)
    assert cut["summary"] == whole["summary"]
    missing = len(whole["results"]) - len(cut["results"])
    assert cut["metadata"]["annotations"] == {"podseal.dev/results-cut": str(missing)}
    assert missing > 0
    assert len(msgspec.json.encode(cut)) < 21_000
    assert whole["metadata"]["annotations"] == {}
    ranks = {"fail": 0, "warn": 1, "skip": 2}
    order = [ranks[result["result"]] for result in whole["results"]]
    assert order == sorted(order)


def test_the_largest_namespace_stays_below_what_etcd_takes() -> None:
    """2,000 bare pods, each with findings of its own."""
    found = namespace(pods=2000)
    assert len(msgspec.json.encode(policyreports.report(OLD, found, pod_objects.NOW))) < 1_500_000
    assert found.counts.warn > 2000


def test_reports_are_applied_and_stale_ones_removed(server: apiserver.Client, cluster: fake_cluster.Cluster) -> None:
    """One request for each namespace with pods; what is ours elsewhere goes, and nothing else."""
    cluster.collections[OLD.path()] = [
        {"metadata": {"namespace": each, "name": name}}
        for each, name in (("shop", "podseal"), ("gone", "podseal"), ("gone", "another"))
    ]
    writer = policyreports.Writer(server, pod_objects.NOW)
    writer.write(namespace("shop"))
    writer.write(gather.Gatherer("empty", pod_objects.WAIVED, pod_objects.RULES).result())
    writer.remove_stale()
    assert [(method, path) for method, path, _ in cluster.writes] == [
        ("PATCH", f"{OLD.path('shop')}/podseal?fieldManager=podseal&force=true"),
        ("DELETE", f"{OLD.path('gone')}/podseal"),
    ]
    assert (writer.written, writer.removed) == (1, 1)
    assert "labelSelector=app.kubernetes.io/managed-by%3Dpodseal" in cluster.requests[-1]


def test_a_scan_of_some_namespaces_removes_nothing_elsewhere(
    server: apiserver.Client, cluster: fake_cluster.Cluster
) -> None:
    """Only they are looked at."""
    cluster.collections |= {
        OLD.path("shop"): [{"metadata": {"namespace": "shop", "name": "podseal"}}],
        OLD.path(): [{"metadata": {"namespace": "other", "name": "podseal"}}],
    }
    writer = policyreports.Writer(server, pod_objects.NOW)
    writer.remove_stale(["shop"])
    assert [path for _, path, _ in cluster.writes] == [f"{OLD.path('shop')}/podseal"]


@pytest.mark.parametrize("metadata", [None, {"deletionTimestamp": "2026-11-23T12:00:00Z"}], ids=["gone", "going"])
def test_a_namespace_that_ends_meanwhile_has_no_report(
    server: apiserver.Client, cluster: fake_cluster.Cluster, metadata: pod_objects.Json | None
) -> None:
    """Its pods were still listed; the scan goes on."""
    if metadata:
        cluster.add_namespace("shop", **metadata)
    cluster.unwritable[f"{OLD.path('shop')}/podseal"] = 403
    writer = policyreports.Writer(server, pod_objects.NOW)
    writer.write(namespace("shop"))
    assert writer.written == 0


def test_a_refused_report_is_an_error(server: apiserver.Client, cluster: fake_cluster.Cluster) -> None:
    """A missing right in a namespace that stays."""
    cluster.add_namespace("shop")
    cluster.unwritable[f"{OLD.path('shop')}/podseal"] = 403
    writer = policyreports.Writer(server, pod_objects.NOW)
    with pytest.raises(apiserver.Refused, match="grant it"):
        writer.write(namespace("shop"))


def test_a_stale_report_may_be_gone_already(server: apiserver.Client, cluster: fake_cluster.Cluster) -> None:
    """It went with its namespace; anything but absence is an error."""
    cluster.collections[OLD.path()] = [{"metadata": {"namespace": "gone", "name": "podseal"}}]
    writer = policyreports.Writer(server, pod_objects.NOW)
    cluster.unwritable[f"{OLD.path('gone')}/podseal"] = 404
    writer.remove_stale()
    cluster.unwritable[f"{OLD.path('gone')}/podseal"] = 403
    with pytest.raises(apiserver.Refused):
        writer.remove_stale()
