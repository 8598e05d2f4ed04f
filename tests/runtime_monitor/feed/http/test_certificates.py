"""A certificate that is renewed while the feed serves."""

import pathlib
import shutil
import ssl

import pytest

from runtime_monitor.feed.http import certificates
from runtime_monitor.feed.settings import Listen
from tests.runtime_monitor.feed.tls import Authority


class Renewed:
    """Files that are written over, and the server's side over them, with a clock of its own."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.authorities = []
        for name in ("old", "new"):
            (folder / name).mkdir()
            self.authorities.append(Authority(folder / name))
        self.names = ("tls.crt", "tls.key", "clients.crt")
        self.folder = folder
        self.now = 0.0
        self.use(self.authorities[0])
        paths = [str(folder / name) for name in self.names]
        listen = Listen(tls_cert_file=paths[0], tls_private_key_file=paths[1], client_ca_file=paths[2])
        self.made = certificates.Certificates(listen, lambda: self.now)
        self.context = self.made.context()

    def use(self, authority: Authority) -> None:
        """All files anew: certificate and key, and who signs the clients'."""
        found = [*authority.issue("localhost"), str(authority.certificate)]
        for source, name in zip(found, self.names, strict=True):
            shutil.copy(source, self.folder / f"{name}.new")
            (self.folder / f"{name}.new").rename(self.folder / name)

    def greet(self, server: Authority, client: Authority, name: str | None = "localhost") -> None:
        """A handshake; the client trusts one authority and shows a certificate of another."""
        own = ssl.create_default_context(cafile=str(server.certificate))
        own.check_hostname = name is not None
        own.load_cert_chain(*client.issue("client"))
        shake(self.context, own, name)


def shake(server: ssl.SSLContext, client: ssl.SSLContext, name: str | None) -> None:
    """In memory; raises `ssl.SSLError` where one refuses the other."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [client.wrap_bio(back, there, server_hostname=name), server.wrap_bio(there, back, server_side=True)]
    for _ in range(10):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue


@pytest.fixture
def renewed(tmp_path: pathlib.Path) -> Renewed:
    """With the old authority's files."""
    return Renewed(tmp_path)


@pytest.mark.parametrize("name", ["localhost", None], ids=["by-name", "without-a-name"])
def test_the_next_connection_gets_the_new_one(renewed: Renewed, name: str | None) -> None:
    """And clients are asked for certificates of the new authority; before a second has gone by, the old ones count."""
    old, new = renewed.authorities
    renewed.greet(old, old, name)
    renewed.use(new)
    renewed.greet(old, old, name)
    renewed.now += certificates.SECONDS_BETWEEN_LOOKS
    renewed.greet(new, new, name)
    with pytest.raises(ssl.SSLError):
        renewed.greet(old, new, name)
    with pytest.raises(ssl.SSLError):
        renewed.greet(new, old, name)


@pytest.mark.parametrize("broken", ["tls.crt", "tls.key", "clients.crt"])
def test_a_broken_file_leaves_the_old_one(renewed: Renewed, broken: str, caplog: pytest.LogCaptureFixture) -> None:
    """Told once; what is whole later is used."""
    old, new = renewed.authorities
    (renewed.folder / broken).write_text("no certificate\n")
    for _ in range(3):
        renewed.now += certificates.SECONDS_BETWEEN_LOOKS
        renewed.greet(old, old)
    assert len([each for each in caplog.messages if "the old certificate stays in use" in each]) == 1
    renewed.use(new)
    renewed.now += certificates.SECONDS_BETWEEN_LOOKS
    renewed.greet(new, new)


def test_without_a_certificate_nothing_is_served(tmp_path: pathlib.Path) -> None:
    """From the start."""
    with pytest.raises(OSError, match="No such file"):
        certificates.Certificates(Listen(tls_cert_file=str(tmp_path / "none")))
