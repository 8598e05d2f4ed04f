"""New certificates, judged by verifiers that are not podseal's: OpenSSL in a handshake, RFC 5280's path rules."""

from __future__ import annotations

import datetime as dt
import ipaddress
import pathlib
import socket
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.x509 import oid, verification
from hypothesis import given, settings
from hypothesis import strategies as st

from certs import authority, model, pem
from tests.certs.world import DAY, START

NAMES = ("podseal.podseal-system.svc", "192.0.2.7", "2001:db8::7")


@pytest.fixture(scope="module")
def signer() -> model.Pair:
    """An authority that ends in a year."""
    return authority.make_authority(START, 365 * DAY)


def parsed(pair: model.Pair) -> x509.Certificate:
    """The certificate as the library sees it."""
    return x509.load_pem_x509_certificate(pair.certificate.pem)


@pytest.mark.parametrize(
    "subject", [x509.DNSName(NAMES[0]), *(x509.IPAddress(ipaddress.ip_address(n)) for n in NAMES[1:])]
)
@pytest.mark.parametrize("minutes", [-59, 0, 90 * 24 * 60 - 1], ids=["slow clock", "now", "last minute"])
def test_path_is_valid(signer: model.Pair, subject: verification.Subject, minutes: int) -> None:
    """The leaf is verified for each of its names, by a clock an hour behind too, until its last minute."""
    leaf = authority.make_leaf(START, 90 * DAY, NAMES, signer)
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store([parsed(signer)]))
        .time(START + dt.timedelta(minutes=minutes))
        .build_server_verifier(subject)
    )

    assert verifier.verify(parsed(leaf), []) == [parsed(leaf), parsed(signer)]


def test_authority_may_sign_leaves_only(signer: model.Pair) -> None:
    """A path length of 0, and keyCertSign and cRLSign as its only uses."""
    extensions = parsed(signer).extensions
    constraints = extensions.get_extension_for_class(x509.BasicConstraints)
    usage = extensions.get_extension_for_class(x509.KeyUsage)

    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    assert usage.critical
    assert (usage.value.key_cert_sign, usage.value.crl_sign, usage.value.digital_signature) == (True, True, False)


def test_leaf_may_serve_only(signer: model.Pair) -> None:
    """No authority, digitalSignature and serverAuth alone, key identifiers that lead to its authority."""
    extensions = parsed(authority.make_leaf(START, DAY, NAMES, signer)).extensions
    issuer = parsed(signer).extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value

    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        oid.ExtendedKeyUsageOID.SERVER_AUTH
    ]
    assert extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    assert not extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    key = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert key == issuer.digest


def test_authorities_differ_in_subject() -> None:
    """Old and new authority stand in one caBundle: a verifier that looks up by name must tell them apart."""
    subjects = {authority.make_authority(START, DAY).certificate.subject for _ in range(3)}

    assert len(subjects) == 3


def test_long_service_name_is_served(signer: model.Pair) -> None:
    """A name longer than the 64 characters of a common name is served all the same."""
    name = f"{'s' * 63}.{'n' * 63}.svc"

    assert authority.make_leaf(START, DAY, (name,), signer).certificate.names == (name,)


@given(leaf=st.integers(min_value=60, max_value=10**8), age=st.integers(min_value=0, max_value=365 * 86400 - 61))
@settings(max_examples=25, deadline=None)
def test_leaf_ends_with_its_authority(signer: model.Pair, leaf: int, age: int) -> None:
    """Whatever life is asked for, a leaf never outlives its authority, and is valid when it is made."""
    now = START + dt.timedelta(seconds=age)
    made = authority.make_leaf(now, dt.timedelta(seconds=leaf), NAMES, signer).certificate

    assert made.usable(now)
    assert made.not_after <= signer.certificate.not_after


def test_own_rsa_authority_signs() -> None:
    """An authority that the user brought, with an RSA key and without key identifiers, signs as well."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(oid.NameOID.COMMON_NAME, "own")])
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), START, START + DAY
    ).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    own = model.Pair(pem.describe(builder.sign(key, hashes.SHA256())), private(key))

    leaf = authority.make_leaf(START, DAY, NAMES, own)

    assert pem.with_signer(leaf.certificate, [own.certificate]).signed_by == own.certificate.fingerprint
    assert authority.can_sign(own.key)


def test_key_of_another_kind_cannot_sign() -> None:
    """Ed25519 is refused when it is read, not when it is needed."""
    assert not authority.can_sign(private(ed25519.Ed25519PrivateKey.generate()))


def private(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    """The key as PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_handshake(tmp_path: pathlib.Path) -> None:
    """OpenSSL serves the pair and verifies it by name and by address."""
    now = dt.datetime.now(dt.UTC)
    signer = authority.make_authority(now, DAY)
    leaf = authority.make_leaf(now, DAY, ("localhost", "127.0.0.1"), signer)
    (tmp_path / "tls.crt").write_bytes(leaf.certificate.pem)
    (tmp_path / "tls.key").write_bytes(leaf.key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    client = ssl.create_default_context(cadata=signer.certificate.pem.decode())
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(2):
                connection, _ = listener.accept()
                with server.wrap_socket(connection, server_side=True) as secured:
                    secured.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        for name in ("localhost", "127.0.0.1"):
            with (
                socket.create_connection(listener.getsockname(), timeout=10) as connection,
                client.wrap_socket(connection, server_hostname=name) as secured,
            ):
                secured.send(b"x")
                assert secured.version() == "TLSv1.3"
        thread.join(timeout=10)
