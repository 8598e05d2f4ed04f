"""Requests to the API server, and every way in which they fail: one line with place, cause and remedy."""

from __future__ import annotations

import pathlib
import socket

import pytest

from certs import errors
from certs.cluster import api
from tests.certs.cluster import double as doubles
from tests.certs.cluster.double import Double

SECRET = api.Address("", "secrets", "Secret", "podseal-tls", "podseal-system")
WEBHOOKS = api.Address(
    "admissionregistration.k8s.io", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", "podseal"
)


def test_paths() -> None:
    """Core and named groups, namespaced and cluster-scoped."""
    assert SECRET.path == doubles.SECRET
    assert WEBHOOKS.path == doubles.VALIDATING
    assert (SECRET.api_version, WEBHOOKS.api_version) == ("v1", "admissionregistration.k8s.io/v1")


def test_object_is_made_changed_and_read(server: api.Api) -> None:
    """What is written is read back; what is not there is None; to make it twice changes nothing."""
    assert server.get(SECRET) is None
    version = server.ensure(SECRET)["metadata"]["resourceVersion"]
    assert server.ensure(SECRET)["metadata"]["resourceVersion"] == version
    server.merge(SECRET, {"metadata": {"resourceVersion": version}, "type": "y"})

    found = server.get(SECRET)
    assert found is not None
    assert found["type"] == "y"


def test_outdated_version_conflicts(server: api.Api, double: Double) -> None:
    """Each guarded write is refused after another; so is changing what is gone."""
    double.put(doubles.SECRET, {})
    double.put_webhooks(doubles.VALIDATING, "a")
    outdated = {"metadata": {"resourceVersion": "0"}}

    for _ in range(2):
        with pytest.raises(errors.ConflictError):
            server.merge(SECRET, outdated)
        with pytest.raises(errors.ConflictError):
            server.patch(WEBHOOKS, "0", [])
        double.objects.clear()


@pytest.mark.parametrize(("method", "verbs"), [("GET", ["get"]), ("PATCH", ["patch"]), ("CREATE", ["patch", "create"])])
def test_missing_right_is_named(double: Double, server: api.Api, method: str, verbs: list[str]) -> None:
    """Verb, resource and name of the RBAC rule that is missing, and which kind of role it belongs to."""
    double.forbid(method, doubles.SECRET)
    if method == "PATCH":
        double.put(doubles.SECRET, {})

    with pytest.raises(errors.CertsError) as raised:
        _call(server, method)

    assert raised.value.place == "Secret podseal-tls in namespace podseal-system"
    assert f"no right to {' and '.join(verbs)} it" in raised.value.cause
    assert 'User "dev"' in raised.value.cause
    words = ", ".join(f'"{verb}"' for verb in verbs)
    rule = f'apiGroups: [""], resources: ["secrets"], resourceNames: ["podseal-tls"], verbs: [{words}]'
    assert raised.value.remedy == f"add to the Role the rule {rule}"


def _call(server: api.Api, method: str) -> object:
    if method == "GET":
        return server.get(SECRET)
    return server.ensure(SECRET) if method == "CREATE" else server.merge(SECRET, {})


def test_missing_right_on_webhooks_is_a_cluster_role(server: api.Api, double: Double) -> None:
    """Webhook configurations are cluster-scoped."""
    double.forbid("GET", doubles.VALIDATING)

    with pytest.raises(
        errors.CertsError, match=r"ClusterRole the rule apiGroups: \[\"admissionregistration.k8s.io\"\]"
    ):
        server.get(WEBHOOKS)


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        (401, b"", "does not know who asks"),
        (422, b'{"message": "bad\\nfield"}', "refuses to get it (bad field)"),
        (429, b"{}", "cannot answer now"),
        (503, b"<html>", "cannot answer now"),
        (200, b"<html>a proxy</html>", "without a reason"),
        (200, b"[" * 100_000, "without a reason"),
        (200, b'{"metadata": 1}', "without a reason"),
        (302, b"", "without a reason"),
    ],
)
def test_failures(server: api.Api, double: Double, status: int, body: bytes, cause: str) -> None:
    """Whatever answers, the failure is one line."""
    double.failures["GET", doubles.SECRET] = (status, body)

    with pytest.raises(errors.CertsError) as raised:
        server.get(SECRET)

    assert cause in raised.value.cause
    assert "\n" not in str(raised.value)
    assert raised.value.code == errors.Exit.WRONG


def test_nobody_answers(tmp_path: pathlib.Path) -> None:
    """The API server is away: its address is named."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = api.connect(str(doubles.kubeconfig(tmp_path, url)))

    with pytest.raises(errors.CertsError) as raised:
        server.get(SECRET)

    assert raised.value.place == f"API server {url}"
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "content", [None, "", "{", "a: b", "current-context: x\ncontexts: []\nclusters: []\nusers: []\nkind: Config"]
)
def test_unusable_kubeconfig_is_wrong_usage(tmp_path: pathlib.Path, content: str | None) -> None:
    """A kubeconfig that is missing or says nothing: named, exit code 2."""
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(content)

    with pytest.raises(errors.CertsError) as raised:
        api.connect(str(path))

    assert raised.value.place == str(path)
    assert raised.value.code == errors.Exit.USAGE
    assert "\n" not in str(raised.value)
