"""The Secret as a store: its form, its guards, and the Secrets that it leaves alone."""

from __future__ import annotations

import base64

import pytest

from certs import authority, errors, layout, model
from certs.cluster import api, secret
from tests.certs.cluster import double as doubles
from tests.certs.cluster.double import Double
from tests.certs.world import DAY, NAMES, START

SIGNER = authority.make_authority(START, 365 * DAY)
LEAF = authority.make_leaf(START, DAY, NAMES, SIGNER)
STORED = layout.encode(model.State(leaf=LEAF, signer=SIGNER, signed_until=LEAF.certificate.not_after))
CERT_MANAGER = {"tls.crt": LEAF.certificate.pem, "tls.key": LEAF.key, "ca.crt": SIGNER.certificate.pem}


@pytest.fixture
def store(server: api.Api) -> secret.Secret:
    """The Secret under test."""
    return secret.Secret(server, "podseal-system", "podseal-tls")


def encoded(data: dict[str, bytes]) -> dict[str, str]:
    """Items as a Secret carries them."""
    return {name: base64.b64encode(content).decode() for name, content in data.items()}


def test_secret_is_made_and_read(store: secret.Secret) -> None:
    """What was written is read."""
    assert store.read() == ({}, "")
    store.write(STORED, "")

    assert store.read()[0] == STORED


def test_leaf_is_absent_before_it_is_made(store: secret.Secret, double: Double) -> None:
    """A Pod that mounts tls.crt waits for it, instead of starting with an empty one."""
    store.write(layout.encode(model.State(successor=SIGNER)), "")

    assert not {"tls.crt", "tls.key"} & double.data().keys()


def test_leaf_is_empty_where_the_type_demands_it(store: secret.Secret, double: Double) -> None:
    """The API server refuses a Secret of type kubernetes.io/tls without tls.crt and tls.key."""
    double.put(doubles.SECRET, {"type": "kubernetes.io/tls", "data": encoded(STORED)})
    _, version = store.read()
    store.write(layout.encode(model.State(successor=SIGNER)), version)

    assert (double.data()["tls.crt"], double.data()["tls.key"]) == (b"", b"")
    assert not store.read()[0]["tls.crt"]


def test_change_keeps_what_is_not_podseals(store: secret.Secret, double: Double) -> None:
    """Labels and items of others stay; podseal's items that are gone are removed."""
    items = encoded(STORED | {"ca-next.crt": b"x"}) | {"other": "eA=="}
    double.put(doubles.SECRET, {"metadata": {"labels": {"team": "x"}}, "data": items})

    store.write(STORED, store.read()[1])

    found = double.objects[doubles.SECRET]
    assert found["metadata"]["labels"] == {"team": "x"}
    assert found["data"] == encoded(STORED) | {"other": "eA=="}


def test_second_writer_conflicts(store: secret.Secret) -> None:
    """Two replicas read the same version, or both found none: the second to write must read again."""
    store.write(STORED, "")
    with pytest.raises(errors.ConflictError):
        store.write(STORED, "")
    _, version = store.read()
    store.write(STORED, version)
    with pytest.raises(errors.ConflictError):
        store.write(STORED, version)


def test_deleted_since_it_was_read_conflicts(store: secret.Secret, double: Double) -> None:
    """A change of a Secret that is gone makes none by the way."""
    store.write(STORED, "")
    _, version = store.read()
    del double.objects[doubles.SECRET]

    with pytest.raises(errors.ConflictError):
        store.write(STORED, version)


@pytest.mark.parametrize("data", [None, {}, {"tls.crt": "", "tls.key": ""}])
def test_empty_secret_is_filled(store: secret.Secret, double: Double, data: dict[str, str] | None) -> None:
    """A chart may have made it empty, so that no right to create is needed."""
    double.put(doubles.SECRET, {"data": data} if data is not None else {})
    items, version = store.read()

    assert not any(items.values())
    store.write(STORED, version)
    assert double.data() == STORED


def test_secret_with_something_else_is_refused(store: secret.Secret, double: Double) -> None:
    """A mistyped --secret destroys no password."""
    double.put(doubles.SECRET, {"data": {"password": "eA=="}})

    with pytest.raises(errors.CertsError, match=r"holds something else \(password\)"):
        store.read()


def test_cert_manager_secret_is_foreign(store: secret.Secret, double: Double) -> None:
    """By its layout, and by its annotation where podseal's own items are left over in it."""
    double.put(doubles.SECRET, {"data": encoded(CERT_MANAGER)})
    assert layout.decode(store.read()[0]).state.foreign

    annotations = {"cert-manager.io/certificate-name": "podseal"}
    double.put(doubles.SECRET, {"metadata": {"annotations": annotations}, "data": encoded(STORED)})
    assert layout.decode(store.read()[0]).state.foreign


def test_publish_only_waits_for_the_maker(server: api.Api, double: Double) -> None:
    """No Secret, or an empty one, is an error there: podseal must not be first."""
    store = secret.Secret(server, "podseal-system", "podseal-tls", publish_only=True)

    with pytest.raises(errors.CertsError, match="does not exist"):
        store.read()
    double.put(doubles.SECRET, {"data": {"tls.crt": "", "tls.key": ""}})
    with pytest.raises(errors.CertsError, match=r"holds no tls\.crt yet"):
        store.read()
    double.put(doubles.SECRET, {"data": encoded(STORED)})
    assert layout.decode(store.read()[0]).state.foreign
