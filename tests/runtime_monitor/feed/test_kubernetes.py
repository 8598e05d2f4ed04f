"""Requests to the API server."""

import pathlib

import pytest

from runtime_monitor.feed.kubernetes import ApiServer, ApiServerError, Client
from tests.runtime_monitor.feed.receiver import receiver
from tests.runtime_monitor.feed.tls import Authority


def test_the_token_is_read_anew_and_an_answer_without_json_is_told(tmp_path: pathlib.Path) -> None:
    """The kubelet renews it; a proxy between may answer anything."""
    authority = Authority(tmp_path)
    context = authority.server_context(authority.issue("127.0.0.1"), clients=False)
    token = tmp_path / "token"
    with receiver(context=context) as server:
        client = Client(ApiServer(url=server.url, ca_file=str(authority.certificate), token_file=str(token)))
        for value in ("one", "two"):
            token.write_text(value)
            with pytest.raises(ApiServerError, match=server.url):
                client.post("/apis/x", {"a": 1})
        assert [each.headers["Authorization"] for each in server.requests] == ["Bearer one", "Bearer two"]


def test_in_a_pod_it_is_found_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An IPv6 address has brackets; outside of a cluster the error says where it looked."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    assert Client(ApiServer())._url == "https://[fd00::1]:6443"
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST")
    with pytest.raises(ApiServerError):
        Client(ApiServer()).post("/x", {})
