"""File names and their bytes <-> State. The same names are the keys of a Secret and the files of a folder.

| name | content |
|---|---|
| tls.crt, tls.key | the serving certificate and its key, as in Secrets of type kubernetes.io/tls |
| ca.crt | every authority that belongs into a caBundle, the signing one first |
| ca.key | key of the signing authority |
| ca-next.crt, ca-next.key | the authority that is staged to sign next |
| rotation.json | since when the staged one is published everywhere; how long what each has signed lives |

The webhook needs tls.crt and tls.key (and ca.crt): its volume lists these `items` and no others, so the
authority's key never reaches it, though it lies in the same Secret. One Secret, because the authority and what
it signed then change in one write.

cert-manager writes tls.crt, tls.key and ca.crt alone: where ca.key and rotation.json are missing, the content
is foreign and nobody here writes it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping, Sequence

from certs import authority, model, pem

CERTIFICATE = "tls.crt"
KEY = "tls.key"
TRUST = "ca.crt"
TRUST_KEY = "ca.key"
NEXT = "ca-next.crt"
NEXT_KEY = "ca-next.key"
ROTATION = "rotation.json"

NAMES = (CERTIFICATE, KEY, TRUST, TRUST_KEY, NEXT, NEXT_KEY, ROTATION)
SECRETS = frozenset({KEY, TRUST_KEY, NEXT_KEY})


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """One stored item that cannot be used: its name, what is wrong."""

    name: str
    cause: str


@dataclasses.dataclass(frozen=True, slots=True)
class Decoded:
    """A State, and what had to be left out of it."""

    state: model.State
    problems: tuple[Problem, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class _Rotation:
    successor_published: dt.datetime | None = None
    signed_until: dt.datetime | None = None
    retired: Mapping[str, tuple[dt.datetime, dt.datetime]] = dataclasses.field(default_factory=dict)


def decode(data: Mapping[str, bytes]) -> Decoded:
    """Read what is stored, whatever it is: unusable items become Problems, never exceptions."""
    problems: list[Problem] = []
    published = _authorities(TRUST, data, problems)
    foreign = bool(data.get(CERTIFICATE)) and not data.get(TRUST_KEY) and ROTATION not in data
    rotation = _rotation(data, problems)
    signer = None if foreign else _signer(TRUST, published, data.get(TRUST_KEY, b""), problems)
    staged = _authorities(NEXT, data, problems)
    successor = None if foreign else _signer(NEXT, staged, data.get(NEXT_KEY, b""), problems)
    signing = {pair.certificate.fingerprint for pair in (signer, successor) if pair is not None}
    retired = tuple(
        model.Retired(certificate, *rotation.retired.get(certificate.fingerprint, _whole_life(certificate)))
        for certificate in published
        if certificate.fingerprint not in signing
    )
    state = model.State(
        signer=signer,
        signed_until=rotation.signed_until if signer else None,
        successor=successor,
        successor_published=rotation.successor_published if successor else None,
        retired=retired,
        foreign=foreign,
    )
    state = dataclasses.replace(state, leaf=_leaf(data, state.trust, problems))
    return Decoded(state, tuple(problems))


def encode(state: model.State) -> dict[str, bytes]:
    """The State as names and bytes; `decode` gives it back."""
    data = {
        TRUST: pem.join(state.trust),
        ROTATION: _encode_rotation(state),
    }
    if state.leaf:
        data[CERTIFICATE] = state.leaf.certificate.pem
        data[KEY] = state.leaf.key
    if state.signer:
        data[TRUST_KEY] = state.signer.key
    if state.successor:
        data[NEXT] = state.successor.certificate.pem
        data[NEXT_KEY] = state.successor.key
    return data


def _authorities(name: str, data: Mapping[str, bytes], problems: list[Problem]) -> tuple[model.Certificate, ...]:
    if not data.get(name):
        return ()
    try:
        found = pem.certificates(data[name])
    except ValueError as error:
        problems.append(Problem(name, f"is no PEM certificate ({error})"))
        return ()
    problems.extend(
        Problem(name, f"{certificate.subject} is no certificate authority")
        for certificate in found
        if not certificate.is_authority
    )
    signers = [certificate for certificate in found if certificate.is_authority]
    return tuple(pem.with_signer(certificate, signers) for certificate in signers)


def _signer(
    name: str, candidates: Sequence[model.Certificate], key: bytes, problems: list[Problem]
) -> model.Pair | None:
    key_name = name.removesuffix(".crt") + ".key"
    if not key:
        if candidates:
            problems.append(Problem(key_name, f"is missing, so {name} cannot sign"))
        return None
    try:
        for certificate in candidates:
            if pem.key_matches(certificate, key):
                if authority.can_sign(key):
                    return model.Pair(certificate, key)
                problems.append(Problem(key_name, "is neither an ECDSA nor an RSA key"))
                return None
    except ValueError as error:
        problems.append(Problem(key_name, f"is no private key ({error})"))
        return None
    problems.append(Problem(key_name, f"does not match {name}"))
    return None


def _leaf(data: Mapping[str, bytes], trust: Sequence[model.Certificate], problems: list[Problem]) -> model.Pair | None:
    if not data.get(CERTIFICATE) and not data.get(KEY):
        problems.append(Problem(CERTIFICATE, "is missing"))
        return None
    try:
        certificate, *intermediates = pem.certificates(data.get(CERTIFICATE, b""))
    except ValueError as error:
        problems.append(Problem(CERTIFICATE, f"is no PEM certificate ({error})"))
        return None
    try:
        matches = pem.key_matches(certificate, data.get(KEY, b""))
    except ValueError as error:
        problems.append(Problem(KEY, f"is no private key ({error})"))
        return None
    if not matches:
        problems.append(Problem(KEY, f"does not match {CERTIFICATE}"))
        return None
    return model.Pair(pem.with_signer(certificate, trust, intermediates), data[KEY])


def _whole_life(certificate: model.Certificate) -> tuple[dt.datetime, dt.datetime]:
    return certificate.not_before, certificate.not_after


def _encode_rotation(state: model.State) -> bytes:
    content = {
        "successorPublished": state.successor_published and state.successor_published.isoformat(),
        "signedUntil": state.signed_until and state.signed_until.isoformat(),
        "retired": {
            retired.certificate.fingerprint: {
                "since": retired.since.isoformat(),
                "until": retired.until.isoformat(),
            }
            for retired in state.retired
        },
    }
    return json.dumps(content, indent=1, sort_keys=True).encode() + b"\n"


def _rotation(data: Mapping[str, bytes], problems: list[Problem]) -> _Rotation:
    if ROTATION not in data:
        return _Rotation()
    try:
        content = json.loads(data[ROTATION])
        return _Rotation(
            _time(content["successorPublished"]),
            _time(content["signedUntil"]),
            {
                fingerprint: (since, until)
                for fingerprint, times in content["retired"].items()
                if (since := _time(times["since"])) and (until := _time(times["until"]))
            },
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        problems.append(Problem(ROTATION, f"cannot be read ({type(error).__name__}: {error})"))
        return _Rotation()


def _time(text: str | None) -> dt.datetime | None:
    if text is None:
        return None
    time = dt.datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return time
