"""PEM bytes -> Certificate; whether a key fits and who signed. The reading half of the cryptography.

Called by `layout` for stored bytes and by `cluster.publish` for caBundles. Input is hostile: everything that
cannot be read is a ValueError with its cause, and nothing here writes or logs a key.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from cryptography import exceptions, x509
from cryptography.hazmat.primitives import hashes, serialization

from certs import model


def certificates(pem: bytes) -> tuple[model.Certificate, ...]:
    """Every certificate in a PEM text, in its order; text between the blocks is skipped, as Go does.

    Raises:
        ValueError: there is no block, or one of them is no certificate.
    """
    return tuple(describe(certificate) for certificate in x509.load_pem_x509_certificates(pem))


def describe(certificate: x509.Certificate) -> model.Certificate:
    """The facts of a parsed certificate; `signed_by` stays empty.

    Raises:
        ValueError: an extension that is read here is malformed.
    """
    return model.Certificate(
        pem=certificate.public_bytes(serialization.Encoding.PEM),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        names=_names(certificate),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        is_authority=_is_authority(certificate),
    )


def key_matches(certificate: model.Certificate, key: bytes) -> bool:
    """Whether the private key (unencrypted PEM) belongs to the certificate.

    Raises:
        ValueError: the key cannot be read.
    """
    try:
        private = serialization.load_pem_private_key(key, password=None)
    except (TypeError, exceptions.UnsupportedAlgorithm) as error:  # TypeError: the key asks for a password
        raise ValueError(str(error)) from error
    return _public_bytes(private.public_key()) == _public_bytes(_parsed(certificate).public_key())


def with_signer(
    certificate: model.Certificate,
    authorities: Sequence[model.Certificate],
    intermediates: Sequence[model.Certificate] = (),
) -> model.Certificate:
    """The certificate with `signed_by` set to the authority that its signatures lead to, or unset if none.

    The intermediates are those that a server sends behind its certificate, in that order (RFC 8446, 4.4.2).
    """
    link = certificate
    for following in (*intermediates, None):
        for authority in authorities:
            if _issued_by(link, authority):
                return dataclasses.replace(certificate, signed_by=authority.fingerprint)
        if following is None or not following.is_authority or not _issued_by(link, following):
            break
        link = following
    return dataclasses.replace(certificate, signed_by="")


def join(authorities: Iterable[model.Certificate]) -> bytes:
    """The certificates as one PEM text: what a caBundle or ca.crt holds."""
    return b"".join(authority.pem for authority in authorities)


def _issued_by(certificate: model.Certificate, authority: model.Certificate) -> bool:
    try:
        _parsed(certificate).verify_directly_issued_by(_parsed(authority))
    except (ValueError, TypeError, exceptions.InvalidSignature):
        return False
    return True


def _parsed(certificate: model.Certificate) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificate.pem)


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = names.get_values_for_type(x509.IPAddress)
    return (*names.get_values_for_type(x509.DNSName), *(str(address) for address in addresses))


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _public_bytes(key: object) -> bytes:
    encode = getattr(key, "public_bytes", None)
    if encode is None:
        raise ValueError("a key of this kind cannot serve TLS")
    encoded: bytes = encode(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return encoded
