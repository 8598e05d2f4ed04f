"""Whether a webhook answers: where it is asked, over which TLS, and which answers count."""

from __future__ import annotations

import datetime as dt
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from certs import authority, errors, model
from certs.cluster import probe, webhooks
from tests.certs.cluster import hooks as hooks_
from tests.certs.cluster.hooks import Hooks
from tests.certs.world import DAY

NOW = dt.datetime.now(dt.UTC)
SIGNER = authority.make_authority(NOW, DAY)
LEAF = authority.make_leaf(NOW, DAY, ("127.0.0.1",), SIGNER)
STRANGER = authority.make_authority(NOW, DAY)


@pytest.fixture
def hooks(tmp_path: pathlib.Path) -> Iterator[Hooks]:
    """A webhook with a good certificate."""
    with hooks_.running(tmp_path) as running:
        running.serve_pair(LEAF)
        yield running


def webhook(url: str, *authorities: model.Certificate) -> webhooks.Webhook:
    """A webhook of a configuration."""
    bundle = b"".join(one.pem for one in authorities)
    return webhooks.Webhook("a", {"url": url}, bundle, authorities, [], claimed=False)


@pytest.mark.parametrize(
    ("client", "asked"),
    [
        ({"url": "https://127.0.0.1:9443/validate"}, "https://127.0.0.1:9443/validate"),
        ({"url": "https://podseal.example?a=b"}, "https://podseal.example:443/?a=b"),
        (
            {"service": {"name": "podseal", "namespace": "podseal-system", "path": "/mutate", "port": 8443}},
            "https://podseal.podseal-system.svc:8443/mutate",
        ),
        ({"service": {"name": "podseal", "namespace": "x"}}, "https://podseal.x.svc:443/"),
    ],
)
def test_endpoint(client: dict[str, Any], asked: str) -> None:
    """As the API server finds it."""
    assert str(probe.endpoint(client)) == asked


def test_answer_counts(hooks: Hooks) -> None:
    """The question is a dry run of the deletion of a Pod."""
    probe.ask(webhook(hooks.url, STRANGER.certificate, SIGNER.certificate))

    request = hooks.asked[0]["request"]
    assert (request["operation"], request["dryRun"], request["kind"]["kind"]) == ("DELETE", True, "Pod")


def refused(hooks: Hooks, *authorities: model.Certificate) -> str:
    """The reason for which an answer does not count."""
    with pytest.raises(errors.CertsError) as raised:
        probe.ask(webhook(hooks.url, *authorities))
    assert "\n" not in str(raised.value)
    assert raised.value.place == f"webhook a at {hooks.url}"
    return raised.value.cause


def test_only_the_published_authorities_count(hooks: Hooks) -> None:
    """Another authority, or none, verifies nothing; the system's own are not asked."""
    assert "certificate verify failed" in refused(hooks, STRANGER.certificate)
    assert refused(hooks) == "its caBundle holds no certificate"
    assert not hooks.asked


def test_certificate_must_be_for_the_host(hooks: Hooks) -> None:
    """What the API server would refuse is refused."""
    hooks.serve_pair(authority.make_leaf(NOW, DAY, ("podseal.x.svc",), SIGNER))

    assert "certificate is not valid for '127.0.0.1'" in refused(hooks, SIGNER.certificate)


ANSWERS = {
    "status": ((500, b"{}"), "HTTP status 500"),
    "redirect": ((302, b"{}"), "HTTP status 302"),
    "no JSON": ((200, b"<html>"), "Expecting value"),
    "deep": ((200, b"[" * 60_000), "recursion"),
    "binary": ((200, b"\xff\xfe\x00"), "decode"),
    "another uid": ((200, b'{"kind": "AdmissionReview", "response": {"uid": "1"}}'), "something else"),
    "a list": ((200, b"[]"), "something else"),
    "no response": ((200, b'{"kind": "AdmissionReview"}'), "something else"),
    "too long": ((200, b" " * 100_000 + b"{}"), "Expecting value"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_other_answers_do_not_count(hooks: Hooks, name: str) -> None:
    """Each is named in one line."""
    answer, cause = ANSWERS[name]
    hooks.answer = lambda _: answer

    assert cause in refused(hooks, SIGNER.certificate)


def test_refusal_does_not_count(hooks: Hooks) -> None:
    """A webhook that is not podseal, or denies everything, is not registered."""

    def deny(review: dict[str, Any]) -> tuple[int, bytes]:
        status, body = hooks_.allow(review)
        return status, body.replace(b"true", b"false")

    hooks.answer = deny

    assert "refuses the deletion of a Pod" in refused(hooks, SIGNER.certificate)


@pytest.mark.parametrize("client", [{"url": "https:///x"}, {"url": "https://a:99999/"}, {"url": "https://[::1"}])
def test_unusable_url_is_named(client: dict[str, Any]) -> None:
    """It is the configuration's fault, told as any other."""
    with pytest.raises(errors.CertsError, match="webhook a"):
        probe.ask(webhooks.Webhook("a", client, b"", (), [], claimed=False))
