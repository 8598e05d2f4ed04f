"""Names of addresses: the cluster's Services, by their addresses."""

import msgspec
import pytest
from kubernetes.client import ApiClient, Configuration

from runtime_monitor.enrich import services
from runtime_monitor.events import Event, File
from tests import waiting
from tests.runtime_monitor import made
from tests.webhook import fake_apiserver
from webhook import apiserver

KUBERNETES = ("kubernetes.default.svc.cluster.local", "kubernetes.default.svc")


def service(name: str, *addresses: str) -> services.ServiceObject:
    """A Service of the namespace `default`."""
    return services.ServiceObject(services.Metadata(name, "default"), services.Spec(addresses))


def event(local: str | None = "10.1.0.7", remote: str | None = "10.96.0.1") -> Event:
    """A connection."""
    return made.event(fd=File(local_address=local, remote_address=remote))


def test_an_address_has_the_names_that_cluster_dns_gives_it() -> None:
    """Of both families; a headless Service has no address."""
    source = services.Services()
    source.listed([service("kubernetes", "10.96.0.1", "fd00::1"), service("peers", "None")])
    assert source(event()).fd.remote_names == KUBERNETES
    assert source(event()).fd.local_names is None
    assert source(event("fd00::1", "10.1.0.7")).fd.local_names == KUBERNETES


def test_others_stay_as_they_are() -> None:
    """An unknown name is none, so that no comparison with it holds."""
    source = services.Services()
    source.listed([service("peers", "None")])
    for other in (event(), event(None, None), event("None", "None")):
        assert source(other) is other


def test_changes_and_ends() -> None:
    """An address goes with its Service, and may come back with another one."""
    source = services.Services()
    source.listed([service("old", "10.96.0.1")])
    source.changed(service("old", "10.96.0.2"))
    assert source(event()).fd.remote_names is None
    source.changed(service("kubernetes", "10.96.0.1"))
    assert source(event()).fd.remote_names == KUBERNETES
    source.deleted(service("kubernetes", "10.96.0.1"))
    source.deleted(service("never seen"))
    assert source(event()).fd.remote_names is None


def test_a_connection_waits_for_the_first_list_alone() -> None:
    """And for none where the API server does not answer."""
    source = services.Services()
    assert source.has(event())
    source.expect()
    assert not source.has(event())
    assert source.has(event(remote=None))
    source.failed()
    assert source.has(event())
    source.expect()
    source.listed([])
    assert source.has(event())


def test_without_a_cluster_nothing_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line of the log says what is missed."""

    def refused(kubeconfig: str | None) -> apiserver.Client:
        raise apiserver.Refused(0, f"no cluster is configured by {kubeconfig}")

    monkeypatch.setattr(apiserver, "connect", refused)
    source = services.Services()
    source.expect()
    source.connect(None)
    assert source.has(event())


def test_they_are_listed_and_watched() -> None:
    """Over all namespaces, through the client of the API server."""
    script = fake_apiserver.Script()
    script.namespaces = {"one": {}}
    with fake_apiserver.serve(script) as address:
        configuration = Configuration(host=address)
        configuration.retries = False
        source = services.Services()
        source.expect()
        source.start(apiserver.Client(ApiClient(configuration)))
        try:
            waiting.until(lambda: source.has(event()), "the list")
        finally:
            source.stop()
            script.watch_lines.put(fake_apiserver.END)
    assert all(services.PATH in each for each in script.requests)


def test_what_the_api_server_sends_is_read() -> None:
    """By the API's own names; what else a Service has is passed over."""
    sent = b'{"metadata": {"name": "a", "namespace": "default"}, "spec": {"clusterIPs": ["10.96.0.3"], "ports": []}}'
    assert msgspec.json.decode(sent, type=services.ServiceObject) == service("a", "10.96.0.3")
