"""What is stored, as facts for `podseal-certs status`. Pure: stored bytes and a time in, rows and faults out."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence

from certs import layout, model, pem, rotation


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One stored certificate.

    Args:
        item: the name under which it is stored.
        role: serves, signs, is staged, is retired, or is trusted (made by somebody else).
        certificate: its facts.
        days_left: until its end, negative afterwards.
        rotation_due: when it is replaced or dropped; None where somebody else sees to it.
        key_matches: whether the stored key belongs to it; None where no key is expected.
        chain_verifies: whether ca.crt (for an authority: its own signature) verifies it now.
    """

    item: str
    role: str
    certificate: model.Certificate
    days_left: float
    rotation_due: dt.datetime | None
    key_matches: bool | None
    chain_verifies: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """All rows, and every fault as `place: cause`; no fault means that the certificate serves."""

    rows: tuple[Row, ...]
    faults: tuple[str, ...]


def inspect(data: Mapping[str, bytes], now: dt.datetime) -> Report:
    """Describe what is stored; whatever it is, this answers."""
    decoded = layout.decode(data)
    state = decoded.state
    leaf = _leaf(data, state, now)
    rows = (*((leaf,) if leaf else ()), *_authorities(state, now))
    faults = [f"{problem.name} {problem.cause}" for problem in decoded.problems]
    faults += [fault for row in rows for fault in _faults(row, now)]
    if leaf and not leaf.chain_verifies:
        faults.append(f"{layout.CERTIFICATE} is not verified by {layout.TRUST}")
    return Report(rows, tuple(faults))


def unpublished(data: Mapping[str, bytes], bundles: rotation.Bundles) -> tuple[str, ...]:
    """A fault if there are caBundles that do not hold what ca.crt does."""
    wanted = {certificate.fingerprint for certificate in layout.decode(data).state.trust}
    missing = sum(1 for bundle in bundles if not wanted <= {one.fingerprint for one in bundle})
    return (f"{missing} of {len(bundles)} caBundles lack an authority of {layout.TRUST}",) if missing else ()


def _leaf(data: Mapping[str, bytes], state: model.State, now: dt.datetime) -> Row | None:
    if state.leaf is not None:
        certificate, matches = state.leaf.certificate, True
    else:
        try:  # it cannot serve, but what it says helps to find out why
            certificate = pem.with_signer(pem.certificates(data.get(layout.CERTIFICATE, b""))[0], state.trust)
        except ValueError:
            return None
        matches = False
    return Row(
        item=layout.CERTIFICATE,
        role="serves" if matches else "cannot serve",
        certificate=certificate,
        days_left=_days(certificate, now),
        rotation_due=None if state.foreign else rotation.due_at(certificate),
        key_matches=matches,
        chain_verifies=any(one.fingerprint == certificate.signed_by and one.usable(now) for one in state.trust),
    )


def _authorities(state: model.State, now: dt.datetime) -> Sequence[Row]:
    rows = []
    if state.signer is not None:
        certificate = state.signer.certificate
        rows.append(_authority(layout.TRUST, "signs", certificate, rotation.due_at(certificate), now))
    if state.successor is not None:
        rows.append(_authority(layout.NEXT, "is staged", state.successor.certificate, None, now))
    for retired in state.retired:
        role, due = ("is trusted", None) if state.foreign else ("is retired", retired.until)
        rows.append(_authority(layout.TRUST, role, retired.certificate, due, now))
    return rows


def _authority(item: str, role: str, certificate: model.Certificate, due: dt.datetime | None, now: dt.datetime) -> Row:
    return Row(
        item=item,
        role=role,
        certificate=certificate,
        days_left=_days(certificate, now),
        rotation_due=due,
        key_matches=True if role in ("signs", "is staged") else None,
        chain_verifies=bool(certificate.signed_by) and certificate.usable(now),
    )


def _faults(row: Row, now: dt.datetime) -> list[str]:
    certificate = row.certificate
    if row.role == "is retired":
        return []  # it is dropped when its time comes; nothing depends on it
    if now >= certificate.not_after:
        return [f"{row.item} {certificate.subject} expired at {certificate.not_after:%Y-%m-%d %H:%M}Z"]
    if now < certificate.not_before:
        return [f"{row.item} {certificate.subject} is not valid before {certificate.not_before:%Y-%m-%d %H:%M}Z"]
    return []


def _days(certificate: model.Certificate, now: dt.datetime) -> float:
    return round((certificate.not_after - now) / dt.timedelta(days=1), 2)
