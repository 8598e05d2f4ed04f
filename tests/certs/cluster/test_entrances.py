"""The random end of the webhooks' paths: stored before it is published, and published where the annotation says."""

from __future__ import annotations

import base64
import datetime as dt
import json

import pytest

from certs import errors, paths
from certs.cluster import api, entrances, webhooks
from tests.certs.cluster.double import MUTATING, VALIDATING, Double
from tests.certs.world import START

SECRET = "/api/v1/namespaces/podseal-system/secrets/podseal-path"  # noqa: S105 - a path
SETTLE = dt.timedelta(minutes=10)
BASES = {
    VALIDATING: {"pods.podseal.dev": "/validate", "exec.podseal.dev": "/connect"},
    MUTATING: {"pods.podseal.dev": "/mutate"},
}


class World:
    """A cluster with two configurations, a clock, and what was logged."""

    def __init__(self, server: api.Api, double: Double) -> None:
        self.double = double
        self.now = START
        self.log: list[str] = []
        for path, bases in BASES.items():
            double.put_webhooks(path, *bases)
            found = double.objects[path]
            found["metadata"]["annotations"] = {webhooks.PATHS: json.dumps(bases)}
            for webhook in found["webhooks"]:
                webhook["clientConfig"] = {"service": {"name": "podseal", "namespace": "podseal-system"}}
        self.entrances = entrances.Entrances(
            server,
            entrances.address("podseal-system", "podseal-path"),
            webhooks.addresses("podseal"),
            entrances.Times(lambda: self.now, SETTLE),
            lambda message, **_: self.log.append(message),
        )

    def accepted(self) -> list[str]:
        """What a webhook that reads the Secret now accepts."""
        data = self.double.objects[SECRET]["data"][entrances.ITEM]
        return [each.token for each in paths.decode(base64.b64decode(data))]

    def published(self) -> set[str]:
        """The random ends of all paths, each of which begins as the annotation says."""
        found = set()
        for path, bases in BASES.items():
            for webhook in self.double.objects[path]["webhooks"]:
                whole = webhook["clientConfig"]["service"]["path"]
                assert whole.startswith(bases[webhook["name"]] + "/")
                found.add(whole.removeprefix(bases[webhook["name"]] + "/"))
        return found


@pytest.fixture
def world(server: api.Api, double: Double) -> World:
    """The cluster."""
    return World(server, double)


def test_the_first_is_stored_and_published_at_once(world: World) -> None:
    """Every webhook gets its own path and the same random end; a second pass writes nothing."""
    world.entrances.settle("leaf-1")
    (token,) = world.accepted()
    assert len(token) == 32
    assert world.published() == {token}
    before = len(world.double.requests)
    world.entrances.settle("leaf-1")
    assert {method for method, _ in world.double.requests[before:]} == {"GET"}
    assert world.log == ["made a path", "published the path", "published the path"]


def test_another_certificate_brings_another_path(world: World) -> None:
    """Accepted at once, published when every webhook has read it; the former is accepted for as long again."""
    world.entrances.settle("leaf-1")
    (first,) = world.accepted()
    world.now += SETTLE
    world.entrances.settle("leaf-2")
    second, former = world.accepted()
    assert former == first
    assert world.published() == {first}
    world.now += SETTLE
    world.entrances.settle("leaf-2")
    assert world.published() == {second}
    assert world.accepted() == [second, first]
    world.entrances.settle("leaf-2")  # sees that it is published everywhere
    world.now += SETTLE
    world.entrances.settle("leaf-2")
    assert world.accepted() == [second]


def test_a_lost_secret_leaves_what_webhooks_accept(world: World) -> None:
    """What is published is accepted by those that run; it goes back into the Secret, beside a new one."""
    world.entrances.settle("leaf-1")
    (first,) = world.accepted()
    del world.double.objects[SECRET]
    world.entrances.settle("leaf-1")
    assert world.accepted()[1] == first
    assert world.published() == {first}


def test_a_url_gets_its_path_too(world: World) -> None:
    """A webhook outside the cluster is called by URL; its query stays."""
    (webhook,) = world.double.objects[MUTATING]["webhooks"]
    webhook["clientConfig"] = {"url": "https://127.0.0.1:8443/elsewhere?x=y"}
    world.entrances.settle("leaf-1")
    (webhook,) = world.double.objects[MUTATING]["webhooks"]
    (token,) = world.accepted()
    assert webhook["clientConfig"]["url"] == f"https://127.0.0.1:8443/mutate/{token}?x=y"


def test_a_configuration_without_the_annotation_is_left_alone(world: World) -> None:
    """Its paths are somebody else's."""
    world.double.objects[MUTATING]["metadata"]["annotations"] = {}
    world.entrances.settle("leaf-1")
    (webhook,) = world.double.objects[MUTATING]["webhooks"]
    assert "path" not in webhook["clientConfig"]["service"]


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"pods.podseal.dev": 1}', '{"pods.podseal.dev": "x"}'])
def test_an_annotation_that_cannot_be_used_is_told(world: World, text: str) -> None:
    """Nothing is published; an empty one asks for nothing."""
    world.double.objects[MUTATING]["metadata"]["annotations"] = {webhooks.PATHS: text}
    if text:
        with pytest.raises(errors.CertsError, match=r"podseal\.dev/paths is no JSON object"):
            world.entrances.settle("leaf-1")
    else:
        world.entrances.settle("leaf-1")
    (webhook,) = world.double.objects[MUTATING]["webhooks"]
    assert "path" not in webhook["clientConfig"]["service"]


def test_nothing_is_published_that_is_not_stored(world: World) -> None:
    """Another replica was faster: the next pass sees what it stored."""
    world.double.put(SECRET, {})
    world.double.failures["PATCH", SECRET] = (409, b"{}")
    world.entrances.settle("leaf-1")
    (webhook,) = world.double.objects[MUTATING]["webhooks"]
    assert "path" not in webhook["clientConfig"]["service"]


def test_a_missing_right_is_named(world: World) -> None:
    """To the Secret of the paths, by its name."""
    world.double.put(SECRET, {})
    world.double.forbid("PATCH", SECRET)
    with pytest.raises(errors.CertsError, match=r'resourceNames: \["podseal-path"\], verbs: \["patch"\]'):
        world.entrances.settle("leaf-1")
