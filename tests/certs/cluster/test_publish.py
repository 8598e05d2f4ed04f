"""caBundles: what is read from them, what is written, and that one failure stops no other configuration."""

from __future__ import annotations

import pytest

from certs import authority, errors
from certs.cluster import api, publish, webhooks
from tests.certs.cluster import double as doubles
from tests.certs.cluster.double import MUTATING, VALIDATING, Double
from tests.certs.world import DAY, START

OLD, NEW = (authority.make_authority(START, DAY).certificate for _ in range(2))
BOTH = (OLD.fingerprint, NEW.fingerprint)


@pytest.fixture
def bundles(server: api.Api, double: Double) -> publish.CaBundles:
    """Two webhooks in a validating configuration, one in a mutating one."""
    double.put_webhooks(VALIDATING, "pods.podseal.dev", "templates.podseal.dev")
    double.put_webhooks(MUTATING, "pods.podseal.dev")
    return publish.CaBundles(server, webhooks.addresses("podseal"))


def test_every_webhook_gets_every_authority(bundles: publish.CaBundles, double: Double) -> None:
    """Old and new authority stand in each caBundle; the rest of the webhook is as it was."""
    assert bundles.read() == (((), (), ()), None)
    bundles.publish((OLD, NEW))

    assert double.bundles(VALIDATING) == [BOTH, BOTH]
    assert double.bundles(MUTATING) == [BOTH]
    assert double.objects[MUTATING]["webhooks"][0]["clientConfig"]["url"] == "https://127.0.0.1:1/"
    found, _ = bundles.read()
    assert [tuple(one.fingerprint for one in bundle) for bundle in found] == [BOTH] * 3


def test_right_configuration_is_not_written(bundles: publish.CaBundles, double: Double) -> None:
    """Order and text do not matter: only the configuration that differs is written."""
    double.objects[VALIDATING]["webhooks"][0]["clientConfig"]["caBundle"] = doubles.authorities(NEW, OLD)
    double.objects[VALIDATING]["webhooks"][1]["clientConfig"]["caBundle"] = doubles.authorities(OLD, NEW)
    bundles.read()
    bundles.publish((OLD, NEW))

    assert [path for method, path in double.requests if method == "PATCH"] == [MUTATING]


@pytest.mark.parametrize("bundle", ["", "Zm9v", "not base64!", doubles.authorities(OLD)[:100]])
def test_unreadable_bundle_holds_nothing_and_is_written(
    bundles: publish.CaBundles, double: Double, bundle: str
) -> None:
    """What a GitOps tool left there is replaced."""
    double.objects[MUTATING]["webhooks"][0]["clientConfig"]["caBundle"] = bundle

    assert bundles.read()[0][2] == ()
    bundles.publish((OLD,))
    assert double.bundles(MUTATING) == [(OLD.fingerprint,)]


def test_missing_configuration_is_no_failure(bundles: publish.CaBundles, double: Double) -> None:
    """The webhooks are registered later, when they are ready: there is nothing to publish into before."""
    double.objects.clear()

    assert bundles.read() == ((), None)
    bundles.publish((OLD,))


def test_changed_since_it_was_read_conflicts(bundles: publish.CaBundles, double: Double) -> None:
    """The other configuration is written all the same."""
    bundles.read()
    double.put_webhooks(VALIDATING, "pods.podseal.dev")

    with pytest.raises(errors.ConflictError):
        bundles.publish((OLD,))
    assert double.bundles(VALIDATING) == [()]
    assert double.bundles(MUTATING) == [(OLD.fingerprint,)]


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_missing_right_stops_no_other_configuration(bundles: publish.CaBundles, double: Double, method: str) -> None:
    """One cannot be read or written: it counts as empty, the other is written, and the right is named."""
    double.forbid(method, VALIDATING)
    found, unreadable = bundles.read()
    assert () in found
    assert (unreadable is not None) == (method == "GET")

    with pytest.raises(errors.CertsError, match=f'verbs: ."{"get" if method == "GET" else "patch"}".'):
        bundles.publish((OLD,))
    assert double.bundles(MUTATING) == [(OLD.fingerprint,)]
