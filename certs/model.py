"""The frozen values of certs: certificates, the stored state, the wishes. No I/O, no cryptography.

`layout` makes a State from stored bytes, `rotation` says what becomes of it, `authority` makes new Pairs.
All times are aware and in UTC.
"""

from __future__ import annotations

import dataclasses
import datetime as dt


@dataclasses.dataclass(frozen=True, slots=True)
class Certificate:
    """One X.509 certificate and what decisions need of it.

    Args:
        pem: the certificate as one PEM block.
        fingerprint: SHA-256 of its DER form, hexadecimal.
        subject: distinguished name as in RFC 4514.
        issuer: distinguished name as in RFC 4514.
        names: DNS names, then IP addresses, of the subject alternative name.
        not_before: start of validity.
        not_after: end of validity.
        is_authority: whether basicConstraints lets it sign others.
        signed_by: fingerprint of the authority whose key signed it; empty while none is known.
    """

    pem: bytes
    fingerprint: str
    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: dt.datetime
    not_after: dt.datetime
    is_authority: bool
    signed_by: str = ""

    def usable(self, now: dt.datetime) -> bool:
        """Whether `now` lies in its validity."""
        return self.not_before <= now < self.not_after


@dataclasses.dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key (PKCS #8 PEM). `layout` never makes one whose halves do not match."""

    certificate: Certificate
    key: bytes = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Retired:
    """An authority that signs no more, but may have signed a certificate that is still served.

    Args:
        certificate: the authority; its key is gone.
        since: when it stopped signing.
        until: when the last certificate it signed ends, or its own end where that is unknown. From then on
            nothing needs it.
    """

    certificate: Certificate
    since: dt.datetime
    until: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """What one Secret or folder holds.

    Args:
        leaf: the serving certificate, None while there is none that can be served.
        signer: the authority that signs now, None while there is none with its key.
        signed_until: when the last certificate that `signer` has signed ends; None while that is unknown.
        successor: the authority that will sign after it, staged and not yet used.
        successor_published: since when every caBundle has been seen to hold the successor.
        retired: authorities still published for the sake of certificates they signed.
        foreign: made by somebody else (cert-manager): published, never written. Its authorities are `retired`.
    """

    leaf: Pair | None = None
    signer: Pair | None = None
    signed_until: dt.datetime | None = None
    successor: Pair | None = None
    successor_published: dt.datetime | None = None
    retired: tuple[Retired, ...] = ()
    foreign: bool = False

    @property
    def trust(self) -> tuple[Certificate, ...]:
        """The authorities that belong into every caBundle, the signing one first."""
        pairs = [pair.certificate for pair in (self.signer, self.successor) if pair is not None]
        return (*pairs, *(retired.certificate for retired in self.retired))


@dataclasses.dataclass(frozen=True, slots=True)
class Wishes:
    """What the user asked for.

    Args:
        names: DNS names and IP addresses of the serving certificate; empty keeps those it has.
        authority_life: validity of a new authority.
        leaf_life: validity of a new serving certificate, cut where its authority ends.
        settle: how long a successor stands in every caBundle before it signs, and how long a retired
            authority stays at least: time for API servers to see the one and for kubelets to bring the other.
    """

    names: tuple[str, ...] = ()
    authority_life: dt.timedelta = dt.timedelta(days=365)
    leaf_life: dt.timedelta = dt.timedelta(days=90)
    settle: dt.timedelta = dt.timedelta(minutes=10)
