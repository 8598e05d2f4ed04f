"""Stored names and bytes to State and back, and every way in which they are broken."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certs import authority, layout, model, pem
from tests.certs.world import DAY, NAMES, START

SIGNER = authority.make_authority(START, 365 * DAY)
NEXT = authority.make_authority(START, 365 * DAY)
OLD = authority.make_authority(START - 200 * DAY, 365 * DAY)
LEAF = authority.make_leaf(START, 90 * DAY, NAMES, SIGNER)
STATE = model.State(
    leaf=LEAF,
    signer=SIGNER,
    signed_until=LEAF.certificate.not_after,
    successor=NEXT,
    successor_published=START + DAY,
    retired=(model.Retired(OLD.certificate, since=START, until=START + 3 * DAY),),
)
STORED = layout.encode(STATE)


def without(*names: str) -> dict[str, bytes]:
    """What is stored, but for some items."""
    return {name: content for name, content in STORED.items() if name not in names}


@pytest.mark.parametrize(
    "state",
    [
        STATE,
        dataclasses.replace(STATE, successor=None, successor_published=None),
        dataclasses.replace(STATE, retired=(), signed_until=None),
        dataclasses.replace(STATE, leaf=None),
    ],
    ids=["all", "no successor", "none retired", "no leaf"],
)
def test_what_is_stored_is_read_back(state: model.State) -> None:
    """What encode writes, decode reads."""
    assert layout.decode(layout.encode(state)).state == state


def test_trust_begins_with_the_signer() -> None:
    """Tools that read one certificate of ca.crt get the one that signs."""
    assert pem.certificates(STORED["ca.crt"])[0].fingerprint == SIGNER.certificate.fingerprint


def test_cert_manager_layout_is_foreign() -> None:
    """tls.crt, tls.key and ca.crt alone: published, and its leaf is read."""
    data = {"tls.crt": LEAF.certificate.pem, "tls.key": LEAF.key, "ca.crt": SIGNER.certificate.pem}

    decoded = layout.decode(data)

    assert decoded.problems == ()
    assert decoded.state.foreign
    assert decoded.state.signer is None
    assert [one.fingerprint for one in decoded.state.trust] == [SIGNER.certificate.fingerprint]
    assert decoded.state.leaf == LEAF


@pytest.mark.parametrize(
    ("data", "name", "cause"),
    [
        (without("tls.crt", "tls.key"), "tls.crt", "is missing"),
        (without("tls.key"), "tls.key", "is no private key"),
        (STORED | {"tls.crt": b"junk"}, "tls.crt", "is no PEM certificate"),
        (STORED | {"tls.key": LEAF.key[:80]}, "tls.key", "is no private key"),
        (STORED | {"tls.key": SIGNER.key}, "tls.key", "does not match tls.crt"),
        (without("ca.key"), "ca.key", "is missing"),
        (STORED | {"ca.key": LEAF.key}, "ca.key", "does not match ca.crt"),
        (STORED | {"ca.crt": b"junk"}, "ca.crt", "is no PEM certificate"),
        (STORED | {"ca.crt": LEAF.certificate.pem}, "ca.crt", "is no certificate authority"),
        (without("ca-next.key"), "ca-next.key", "is missing"),
        (STORED | {"rotation.json": b"{"}, "rotation.json", "cannot be read"),
        (STORED | {"rotation.json": b"[]"}, "rotation.json", "cannot be read"),
        (STORED | {"rotation.json": b"[" * 100_000}, "rotation.json", "cannot be read"),
    ],
)
def test_what_is_broken_is_named(data: dict[str, bytes], name: str, cause: str) -> None:
    """Each broken item is a problem with its name; the rest is used."""
    problems = layout.decode(data).problems

    assert any(one.name == name and cause in one.cause for one in problems)


def test_authority_without_key_is_retired() -> None:
    """ca.key is lost: its authority stays published to its end, since nobody knows what it has signed."""
    data = without("ca.key")

    state = layout.decode(data).state

    assert state.signer is None
    assert (SIGNER.certificate, SIGNER.certificate.not_after) in [(one.certificate, one.until) for one in state.retired]
    assert state.leaf == LEAF


def test_forgotten_times_are_the_longest() -> None:
    """rotation.json is lost: what is retired stays to its own end."""
    state = layout.decode(without("rotation.json")).state

    assert state.signed_until is None
    assert state.retired[0].until == OLD.certificate.not_after


def test_times_without_a_zone_are_refused() -> None:
    """A time that could be meant in any zone is not guessed."""
    content = json.loads(STORED["rotation.json"]) | {"signedUntil": "2027-01-01T00:00:00"}

    assert layout.decode(STORED | {"rotation.json": json.dumps(content).encode()}).state.signed_until is None


PIECES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(list(STORED.values())),
    st.sampled_from([LEAF.certificate.pem[:300], SIGNER.key[:90], b'{"retired": 1, "successorPublished": 2}']),
)


@given(data=st.dictionaries(st.sampled_from(layout.NAMES), PIECES))
@settings(max_examples=150, deadline=None)
def test_anything_stored_is_read(data: dict[str, bytes]) -> None:
    """Whatever is stored, decode answers, and what it answers can be stored and read again."""
    state = layout.decode(data).state

    if not state.foreign:
        again = layout.decode(layout.encode(state)).state
        assert (again.leaf, again.signer, again.successor) == (state.leaf, state.signer, state.successor)
        assert set(again.trust) == set(state.trust)


def test_secrets_are_not_shown() -> None:
    """A Pair that ends up in a message or a log shows no key."""
    assert "PRIVATE" not in repr(STATE)
