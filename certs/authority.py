"""New authorities and serving certificates: the writing half of the cryptography.

Wishes and a clock reading go in, Pairs come out; `rotation.apply` calls both. ECDSA P-256 throughout: every
TLS 1.2 client has it, and its handshake costs a server a tenth of RSA's. RFC 5280 gives the extensions.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import oid

from certs import model, pem

ORGANIZATION = "podseal"
_COMMON_NAME_LIMIT = 64  # RFC 5280, ub-common-name


def backdate(life: dt.timedelta) -> dt.timedelta:
    """How far a certificate starts before its making, for API servers whose clock is slow.

    An hour, but never more than a tenth of its life: a certificate that lives minutes would otherwise count
    as old when it is made, and be renewed in every pass.
    """
    return min(dt.timedelta(hours=1), life / 10)


def make_authority(now: dt.datetime, life: dt.timedelta) -> model.Pair:
    """A self-signed authority that may sign serving certificates and no further authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    # A subject of its own for each authority: verifiers that look a signer up by name (OpenSSL before the key
    # identifier) must not meet the old one while both are published.
    name = _name(f"podseal webhook CA {serial:x}"[:30])
    certificate = (
        _builder(now, life, serial, key)
        .subject_name(name)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs=True), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    made = pem.describe(certificate)
    return model.Pair(dataclasses.replace(made, signed_by=made.fingerprint), _key_bytes(key))


def make_leaf(now: dt.datetime, life: dt.timedelta, names: tuple[str, ...], signer: model.Pair) -> model.Pair:
    """A serving certificate for the names, which ends with its authority at the latest.

    Names that are IP addresses become IP entries: Go's verifier looks for nothing else when it dials one.
    """
    authority = x509.load_pem_x509_certificate(signer.certificate.pem)
    authority_key = serialization.load_pem_private_key(signer.key, password=None)
    if not isinstance(authority_key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise TypeError("`layout` lets only signers in that `can_sign` accepts")
    key = ec.generate_private_key(ec.SECP256R1())
    life = min(life, signer.certificate.not_after - now)
    common_name = names[0] if len(names[0]) <= _COMMON_NAME_LIMIT else "podseal webhook"
    certificate = (
        _builder(now, life, x509.random_serial_number(), key)
        .subject_name(_name(common_name))
        .issuer_name(authority.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(_authority_key_identifier(authority), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    described = dataclasses.replace(pem.describe(certificate), signed_by=signer.certificate.fingerprint)
    return model.Pair(described, _key_bytes(key))


def can_sign(key: bytes) -> bool:
    """Whether `make_leaf` can sign with this private key: ECDSA as made here, or RSA from elsewhere."""
    private = serialization.load_pem_private_key(key, password=None)
    return isinstance(private, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)


def _authority_key_identifier(authority: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    try:
        subject_key = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        key = authority.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
            raise TypeError("`layout` lets only signers in that `can_sign` accepts") from None
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(subject_key)


def _builder(
    now: dt.datetime, life: dt.timedelta, serial: int, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    whole_seconds = now.replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .serial_number(serial)
        .public_key(key.public_key())
        .not_valid_before(whole_seconds - backdate(life))
        .not_valid_after(whole_seconds + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(oid.NameOID.ORGANIZATION_NAME, ORGANIZATION),
            x509.NameAttribute(oid.NameOID.COMMON_NAME, common_name),
        ]
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,  # RSA key exchange only; ECDSA has none
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
