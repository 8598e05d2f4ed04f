"""The values: when a certificate is valid, what belongs into a caBundle, and that keys are not shown."""

from __future__ import annotations

import datetime as dt

import pytest

from certs import model
from tests.certs.world import DAY, START, CheapMint

SECOND = dt.timedelta(seconds=1)


@pytest.mark.parametrize(
    ("moment", "usable"),
    [("not_before", True), ("before", False), ("last", True), ("not_after", False)],
)
def test_validity_ends_with_not_after(moment: str, *, usable: bool) -> None:
    """The first second counts, the last instant does not: a successor must be there by then."""
    certificate = CheapMint().make_authority(START, DAY).certificate
    times = {
        "not_before": certificate.not_before,
        "before": certificate.not_before - SECOND,
        "last": certificate.not_after - SECOND,
        "not_after": certificate.not_after,
    }

    assert certificate.usable(times[moment]) is usable


def test_trust_holds_every_authority_and_the_signer_first() -> None:
    """Those that sign, will sign and have signed."""
    mint = CheapMint()
    signer, successor, old = (mint.make_authority(START, DAY) for _ in range(3))
    retired = model.Retired(old.certificate, since=START, until=START + DAY)
    state = model.State(signer=signer, successor=successor, retired=(retired,))

    assert state.trust == (signer.certificate, successor.certificate, old.certificate)
    assert model.State().trust == ()


def test_keys_are_not_shown() -> None:
    """A value in a message or a trace gives no key away."""
    pair = model.Pair(CheapMint().make_authority(START, DAY).certificate, key=b"very private")

    assert "very private" not in repr(model.State(leaf=pair, signer=pair, successor=pair))
