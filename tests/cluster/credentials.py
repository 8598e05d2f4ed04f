"""Keys, certificates and tokens of one bed, made anew for each.

In: a folder, the API server's address. Out: files. Called once by bed; the programs' command lines name the files.
Everything lasts a day: a bed that is forgotten does not leave credentials that work.
"""

import base64
import csv
import dataclasses
import datetime as dt
import ipaddress
import os
import pathlib
import secrets

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.cluster import layouts, users

_LIFE = dt.timedelta(days=1)
_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", layouts.NODE_NAME)


@dataclasses.dataclass(frozen=True)
class Files:
    """Where the keys and certificates of a bed are."""

    folder: pathlib.Path

    @property
    def authority(self) -> pathlib.Path:
        """The certificate of the authority that signs the rest, which pods get as kube-root-ca.crt."""
        return self.folder / "ca.crt"

    @property
    def service_accounts(self) -> pathlib.Path:
        """The key that signs ServiceAccount tokens."""
        return self.folder / "service-accounts.key"

    @property
    def tokens(self) -> pathlib.Path:
        """The API server's static token file."""
        return self.folder / "tokens.csv"

    def certificate(self, name: str) -> pathlib.Path:
        """Return the certificate of `server` or `kubelet-client`."""
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> pathlib.Path:
        """Return the key of `server` or `kubelet-client`."""
        return self.folder / f"{name}.key"


def make(layout: layouts.Layout, server: str, service_address: str) -> None:
    """Write the keys, certificates, the token file and a kubeconfig for each user of `users.ALL`.

    `server` is the API server's URL, `service_address` the cluster IP of the Service `kubernetes`.
    """
    files = Files(layout.keys)
    layout.keys.mkdir(mode=0o700)
    layout.users.mkdir(mode=0o700)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("podseal test bed", authority_key, None)
    _write(files.authority, authority.public_bytes(serialization.Encoding.PEM))
    _write(files.service_accounts, _pem(ec.generate_private_key(ec.SECP256R1())))

    # One certificate for API server and kubelet: both answer on the loopback, and only there.
    addresses = [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address(service_address)]
    alternatives = x509.SubjectAlternativeName(
        [*(x509.DNSName(name) for name in _NAMES), *(x509.IPAddress(address) for address in addresses)]
    )
    for name, common_name, usage in (
        ("server", "podseal-test-server", alternatives),
        ("kubelet-client", users.KUBELET_CLIENT, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        signed = _certificate(common_name, key, (authority, authority_key), usage)
        _write(files.certificate(name), signed.public_bytes(serialization.Encoding.PEM))
        _write(files.key(name), _pem(key))
    _write_users(layout, files, server)


def _write_users(layout: layouts.Layout, files: Files, server: str) -> None:
    rows = []
    for user in users.ALL:
        token = secrets.token_hex(16)
        rows.append([token, user.user_name, user.name, ",".join(user.groups)])
        _write(layout.kubeconfig_of(user.name), _kubeconfig(server, files.authority, user.name, token))
    with os.fdopen(_create(files.tokens), "w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    _write(layout.kubeconfig, layout.kubeconfig_of(users.ADMIN.name).read_bytes())


def _kubeconfig(server: str, authority: pathlib.Path, user: str, token: str) -> bytes:
    cluster = {
        "server": server,
        "certificate-authority-data": base64.b64encode(authority.read_bytes()).decode(),
    }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "bed", "cluster": cluster}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": user, "context": {"cluster": "bed", "user": user}}],
        "current-context": user,
    }
    return yaml.safe_dump(config, sort_keys=False).encode()


def _certificate(
    common_name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None,
    usage: x509.ExtensionType | None = None,
) -> x509.Certificate:
    """Return a certificate for `key`, signed by `issuer`; without an issuer it is an authority and signs itself."""
    now = dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if usage is not None:
        builder = builder.add_extension(usage, critical=False)
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256())


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    # In PKCS 8 the API server finds no public key: its reader (client-go's keyutil) wants the older form.
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _create(file: pathlib.Path) -> int:
    return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _write(file: pathlib.Path, content: bytes) -> None:
    with os.fdopen(_create(file), "wb") as stream:
        stream.write(content)
