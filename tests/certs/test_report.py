"""The facts of `status`, and what it calls wrong."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from certs import authority, layout, model, report
from tests.certs.world import DAY, NAMES, START

SIGNER = authority.make_authority(START, 365 * DAY)
NEXT = authority.make_authority(START, 365 * DAY)
OLD = authority.make_authority(START - 300 * DAY, 365 * DAY)
LEAF = authority.make_leaf(START, 90 * DAY, NAMES, SIGNER)
STATE = model.State(
    leaf=LEAF,
    signer=SIGNER,
    successor=NEXT,
    retired=(model.Retired(OLD.certificate, since=START, until=START + 30 * DAY),),
)
STORED = layout.encode(STATE)
STRANGER = authority.make_leaf(START, 90 * DAY, NAMES, authority.make_authority(START, 365 * DAY))


def test_rows() -> None:
    """One row a certificate, with its role, its dates and whether it fits."""
    found = report.inspect(STORED, START)

    assert [(row.item, row.role, row.key_matches) for row in found.rows] == [
        ("tls.crt", "serves", True),
        ("ca.crt", "signs", True),
        ("ca-next.crt", "is staged", True),
        ("ca.crt", "is retired", None),
    ]
    assert all(row.chain_verifies for row in found.rows)
    assert [row.days_left for row in found.rows] == [90, 365, 365, 65]
    assert found.rows[3].rotation_due == START + 30 * DAY
    assert found.faults == ()


@pytest.mark.parametrize(
    ("data", "after", "fault"),
    [
        (STORED, 91 * DAY, "tls.crt CN=podseal.podseal-system.svc,O=podseal expired at"),
        (STORED, 366 * DAY, "ca.crt CN=podseal webhook CA"),
        (STORED, -2 * DAY, "is not valid before"),
        (STORED | {"tls.key": SIGNER.key}, 0 * DAY, "tls.key does not match tls.crt"),
        (STORED | {"tls.crt": STRANGER.certificate.pem, "tls.key": STRANGER.key}, 0 * DAY, "not verified by ca.crt"),
        (STORED | {"tls.crt": b"", "tls.key": b""}, 0 * DAY, "tls.crt is missing"),
        (STORED | {"ca.crt": b"junk"}, 0 * DAY, "ca.crt is no PEM certificate"),
        ({}, 0 * DAY, "tls.crt is missing"),
    ],
)
def test_faults(data: dict[str, bytes], after: dt.timedelta, fault: str) -> None:
    """Everything that keeps the certificate from serving is named."""
    assert any(fault in one for one in report.inspect(data, START + after).faults)


def test_leaf_that_cannot_serve_is_described() -> None:
    """Its key does not match: what it says is shown nevertheless."""
    row = report.inspect(STORED | {"tls.key": SIGNER.key}, START).rows[0]

    assert (row.role, row.key_matches, row.certificate.names) == ("cannot serve", False, NAMES)


def test_expired_retired_authority_is_no_fault() -> None:
    """It has done its service; the next pass drops it."""
    faults = report.inspect(layout.encode(dataclasses.replace(STATE)), START + 70 * DAY).faults

    assert faults == ()


def test_authority_expired_while_leaf_is_valid() -> None:
    """kyverno#13639: days are left on the leaf, and nothing verifies it."""
    data = {"tls.crt": LEAF.certificate.pem, "tls.key": LEAF.key, "ca.crt": SIGNER.certificate.pem}
    short = authority.make_authority(START, DAY)
    data["ca.crt"] = short.certificate.pem
    leaf, trusted = report.inspect(data, START + 2 * DAY).rows

    assert leaf.days_left > 0
    assert not leaf.chain_verifies
    assert (trusted.role, trusted.chain_verifies, trusted.rotation_due) == ("is trusted", False, None)


def test_bundles_that_lack_an_authority() -> None:
    """Only what is missing counts; more than needed is the next pass's matter."""
    trust = STATE.trust

    assert report.unpublished(STORED, [trust, trust]) == ()
    assert report.unpublished(STORED, [trust, trust[:1]]) == ("1 of 2 caBundles lack an authority of ca.crt",)
