"""Webhook configurations as they are read: names, versions, caBundles, rules, and who has set these."""

from __future__ import annotations

from typing import Any

import pytest

from certs import authority
from certs.cluster import api, webhooks
from tests.certs.cluster import double as doubles
from tests.certs.cluster.double import MUTATING, VALIDATING, Double
from tests.certs.world import DAY, START

RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"], "scope": "*"}


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("podseal", [VALIDATING, MUTATING]),
        ("validating/podseal", [VALIDATING]),
        ("mutating/podseal", [MUTATING]),
    ],
)
def test_names(name: str, paths: list[str]) -> None:
    """A bare name means both kinds."""
    assert [address.path for address in webhooks.addresses(name)] == paths


@pytest.mark.parametrize("name", ["", "validating/", "other/podseal", "/podseal"])
def test_names_that_mean_nothing(name: str) -> None:
    """They are refused."""
    with pytest.raises(ValueError, match="neither NAME nor"):
        webhooks.addresses(name)


def read(server: api.Api) -> webhooks.Configuration:
    """The validating configuration."""
    found = webhooks.read(server, webhooks.addresses("validating/podseal")[0])
    assert found is not None
    return found


def test_missing_configuration(server: api.Api) -> None:
    """It is no failure."""
    assert webhooks.read(server, webhooks.addresses("validating/podseal")[0]) is None


def test_webhooks_in_their_order(server: api.Api, double: Double) -> None:
    """Each with its client, its authorities and its rules."""
    signer = authority.make_authority(START, DAY).certificate
    double.put_webhooks(VALIDATING, "b", "a", rules="{}")
    double.objects[VALIDATING]["webhooks"][1]["clientConfig"]["caBundle"] = doubles.authorities(signer)
    double.objects[VALIDATING]["webhooks"][1]["rules"] = [RULE]

    found = read(server)

    assert found.annotation == "{}"
    assert [one.name for one in found.webhooks] == ["b", "a"]
    assert [one.rules for one in found.webhooks] == [[], [RULE]]
    assert [len(one.authorities) for one in found.webhooks] == [0, 1]
    assert found.webhooks[1].bundle == signer.pem


def test_configuration_without_webhooks(server: api.Api, double: Double) -> None:
    """The API server allows one."""
    double.put(VALIDATING, {"webhooks": None})

    assert read(server).webhooks == ()


@pytest.mark.parametrize(
    ("entries", "claimed"),
    [
        (None, False),
        ([{"manager": "podseal-certs"}], False),
        ([{"manager": "podseal-certs", "fieldsV1": {"f:webhooks": {'k:{"name":"a"}': {"f:rules": {}}}}}], True),
        ([{"manager": "podseal-certs", "fieldsV1": {"f:webhooks": {'k:{"name":"b"}': {"f:rules": {}}}}}], False),
        ([{"manager": "podseal-certs", "fieldsV1": {"f:webhooks": {'k:{"name":"a"}': {"f:clientConfig": {}}}}}], False),
        ([{"manager": "helm", "fieldsV1": {"f:webhooks": {'k:{"name":"a"}': {"f:rules": {}}}}}], False),
    ],
    ids=["no record", "nothing", "rules", "another webhook's", "caBundle only", "somebody else's"],
)
def test_who_has_set_the_rules(
    server: api.Api, double: Double, entries: list[dict[str, Any]] | None, *, claimed: bool
) -> None:
    """The API server's record decides."""
    double.put(VALIDATING, {"metadata": {"managedFields": entries}, "webhooks": [{"name": "a", "clientConfig": {}}]})

    assert read(server).webhooks[0].claimed is claimed
