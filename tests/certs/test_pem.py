"""Reading of certificates and keys: what they are, what they are not, who signed."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.x509 import oid

from certs import authority, model, pem
from tests.certs.world import DAY, START

SIGNER = authority.make_authority(START, 365 * DAY)
LEAF = authority.make_leaf(START, DAY, ("a.svc", "::1"), SIGNER)
BLOCK = LEAF.certificate.pem


def test_facts_of_a_leaf() -> None:
    """Names, dates and kind are what was asked for."""
    (found,) = pem.certificates(BLOCK)

    assert found.names == ("a.svc", "::1")
    assert found.not_after == START + DAY
    assert not found.is_authority
    assert "a.svc" in found.subject
    assert found.issuer == SIGNER.certificate.subject


def test_text_between_blocks_is_skipped() -> None:
    """Comments in a bundle are skipped, the order is kept."""
    found = pem.certificates(b"# leaf\n" + BLOCK + b"\n# signer\n" + SIGNER.certificate.pem)

    assert [one.is_authority for one in found] == [False, True]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\x00",
        BLOCK[:200],
        BLOCK.replace(b"MII", b"AAA", 1),
        LEAF.key,
        b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
    ],
    ids=["empty", "binary", "cut", "no DER", "a key", "empty block"],
)
def test_what_is_no_certificate(text: bytes) -> None:
    """Anything else is a ValueError, never another exception."""
    with pytest.raises(ValueError, match=r".+"):
        pem.certificates(text)


def test_malformed_names_are_refused() -> None:
    """A certificate whose subject alternative name cannot be read is refused as a whole."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    broken = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), b"\x30\x05junk")
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), START, START + DAY
    ).add_extension(broken, critical=False)
    made = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    with pytest.raises(ValueError, match=r".+"):
        pem.certificates(made)


def test_key_matches_its_certificate_only() -> None:
    """The pair fits; two halves of different pairs do not."""
    assert pem.key_matches(LEAF.certificate, LEAF.key)
    assert not pem.key_matches(LEAF.certificate, SIGNER.key)


def encrypted() -> bytes:
    """A key behind a password."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )


@pytest.mark.parametrize(
    "key", [b"", b"junk", LEAF.key[:100], BLOCK, encrypted()], ids=["empty", "junk", "cut", "certificate", "encrypted"]
)
def test_what_is_no_key(key: bytes) -> None:
    """An unreadable key is a ValueError, never another exception."""
    with pytest.raises(ValueError, match=r".+"):
        pem.key_matches(LEAF.certificate, key)


def test_key_for_agreement_does_not_match() -> None:
    """A key that cannot sign at all is no match."""
    key = x25519.X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

    assert not pem.key_matches(LEAF.certificate, key)


def test_signer_is_found_by_signature() -> None:
    """The authority whose key signed is named; one of the same subject but another key is not."""
    stranger = authority.make_authority(START, DAY).certificate

    found = pem.with_signer(LEAF.certificate, [stranger, SIGNER.certificate])

    assert found.signed_by == SIGNER.certificate.fingerprint
    assert pem.with_signer(LEAF.certificate, [stranger]).signed_by == ""


def chain() -> tuple[model.Certificate, model.Certificate, model.Certificate]:
    """A root, an intermediate and a leaf, as an issuer in a company makes them."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    names = [x509.Name([x509.NameAttribute(oid.NameOID.COMMON_NAME, n)]) for n in ("root", "between", "leaf")]
    made = []
    for number in range(3):
        issuer = max(0, number - 1)
        builder = x509.CertificateBuilder(
            names[issuer], names[number], keys[number].public_key(), x509.random_serial_number(), START, START + DAY
        ).add_extension(x509.BasicConstraints(ca=number < 2, path_length=None), critical=True)
        made.append(pem.describe(builder.sign(keys[issuer], hashes.SHA256())))
    return made[0], made[1], made[2]


def test_signer_is_found_through_intermediates() -> None:
    """A leaf of an intermediate leads to the root, if the intermediate is sent along."""
    root, between, leaf = chain()

    assert pem.with_signer(leaf, [root], [between]).signed_by == root.fingerprint
    assert pem.with_signer(leaf, [root]).signed_by == ""
    assert pem.with_signer(leaf, [root], [LEAF.certificate]).signed_by == ""


def test_join_is_read_back() -> None:
    """What is joined for a caBundle is read back from it."""
    authorities = [SIGNER.certificate, authority.make_authority(START, DAY).certificate]

    found = pem.certificates(pem.join(authorities))

    assert [one.fingerprint for one in found] == [one.fingerprint for one in authorities]
