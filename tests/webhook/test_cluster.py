"""Joining a cluster: which one, what runs before and after the fork, and what is wrong with a bad kubeconfig."""

from pathlib import Path

import pytest
import yaml

from tests import waiting
from tests.webhook import fake_apiserver
from webhook import apiserver, cluster, settings
from webhook.policy import guard

POLICIES = settings.policies(None)
SERVER = settings.Server(settings.API_VERSION, "Settings")


def kubeconfig(folder: Path, address: str) -> str:
    """A kubeconfig of a server without authentication."""
    path = folder / "kubeconfig"
    names = {"clusters": [{"name": "c", "cluster": {"server": address}}], "users": [{"name": "u", "user": {}}]}
    context = {"contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}], "current-context": "x"}
    path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **names, **context}))
    return str(path)


def test_without_a_cluster_nothing_is_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a kubeconfig nor a pod around."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert cluster.join(SERVER, POLICIES) is None


def test_a_kubeconfig_that_is_missing_is_an_error(tmp_path: Path) -> None:
    """It was named, so it must be there: no silent default."""
    with pytest.raises(apiserver.Refused, match="--kubeconfig"):
        cluster.join(settings.Server(settings.API_VERSION, "Settings", kubeconfig=str(tmp_path / "none")), POLICIES)


def test_nothing_runs_before_the_start(tmp_path: Path) -> None:
    """Threads begin in the worker; then the labels of namespaces come."""
    script = fake_apiserver.Script()
    script.namespaces = {"shop": {"podseal.dev/enforce": "strict"}}
    with fake_apiserver.serve(script) as address:
        server = settings.Server(settings.API_VERSION, "Settings", kubeconfig=kubeconfig(tmp_path, address))
        joined = cluster.join(server, POLICIES)
        assert joined
        assert joined.host == address
        assert not script.requests
        joined.start()
        waiting.until(lambda: len(script.requests) == 2, "list and watch")
        assert joined.answers.labels_of("shop") == guard.NamespaceKeys({"podseal.dev/enforce": "strict"}, {})
        joined.stop()


def test_a_bad_redaction_pattern_stops_the_start(tmp_path: Path) -> None:
    """It is quoted, before anything serves."""
    bad = settings.Sessions(redact=("(",))
    server = settings.Server(
        settings.API_VERSION, "Settings", kubeconfig=kubeconfig(tmp_path, "http://127.0.0.1:1"), sessions=bad
    )
    with pytest.raises(ValueError, match="no regular expression"):
        cluster.join(server, POLICIES)
