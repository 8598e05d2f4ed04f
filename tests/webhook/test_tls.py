"""TLS contexts: when they are replaced, when not, and what a certificate says of its end."""

import base64
import contextlib
import os
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook import pki
from webhook import tls


class Clock:
    """A clock that the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        """The time that the test has set."""
        return self.now


@pytest.fixture
def folder(tmp_path: Path, authority: pki.Pair) -> Path:
    """A folder with a pair of its own."""
    return pki.write(tmp_path / "tls", authority, pki.issue("first", authority))


@pytest.fixture
def files(folder: Path) -> tls.Files:
    """The files in it."""
    return tls.Files(str(folder / "tls.crt"), str(folder / "tls.key"))


def test_the_context_is_kept_until_the_files_change(folder: Path, files: tls.Files, authority: pki.Pair) -> None:
    """One context for all connections; a new object, not a changed one, for a new certificate."""
    clock = Clock()
    certificates = tls.Certificates(files, clock)
    first = certificates.context()
    clock.now += 5
    assert certificates.context() is first
    leaf = pki.issue("second", authority)
    pki.write(folder, authority, leaf)
    assert certificates.context() is first, "it looks at most once a second"
    clock.now += 5
    assert certificates.context() is not first
    assert certificates.not_after == leaf.certificate.not_valid_after_utc.timestamp()


def test_a_secret_volume_is_followed_through_its_links(tmp_path: Path, authority: pki.Pair) -> None:
    """The kubelet swaps a symbolic link to a folder; size and time of the files may be the same."""
    for name in ("a", "b"):
        pki.write(tmp_path / name, authority, pki.issue("leaf", authority))
        for path in (tmp_path / name).iterdir():
            os.utime(path, (0, 0))
    (tmp_path / "..data").symlink_to("a")
    for name in ("tls.crt", "tls.key"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    clock = Clock()
    certificates = tls.Certificates(tls.Files(str(tmp_path / "tls.crt"), str(tmp_path / "tls.key")), clock)
    first = certificates.context()
    (tmp_path / "new").symlink_to("b")
    (tmp_path / "new").replace(tmp_path / "..data")
    clock.now += 2
    assert certificates.context() is not first


@pytest.mark.parametrize("broken", ["a key of another certificate", "a missing file", "half a file"])
def test_what_cannot_be_loaded_leaves_the_former_one(
    folder: Path, files: tls.Files, authority: pki.Pair, broken: str
) -> None:
    """It is counted at each look, and mended by the next good pair."""
    clock = Clock()
    ends: list[float] = []
    failures: list[float] = []
    certificates = tls.Certificates(files, clock)
    certificates.on_load, certificates.on_failure = ends.append, lambda: failures.append(clock.now)
    first = certificates.context()
    if broken == "a key of another certificate":
        (folder / "tls.key").write_bytes(pki.issue("other").key_pem)
    elif broken == "a missing file":
        (folder / "tls.key").unlink()
    else:
        (folder / "tls.crt").write_bytes(pki.issue("other", authority).pem[:300])
    for _ in range(2):
        clock.now += 2
        assert certificates.context() is first
    assert failures == [1002.0, 1004.0]
    pki.write(folder, authority, pki.issue("second", authority))
    clock.now += 2
    assert certificates.context() is not first
    assert len(ends) == 2


def test_without_any_certificate_it_raises(tmp_path: Path) -> None:
    """The server must not start as if all were well."""
    with pytest.raises(OSError, match=r"none\.crt"):
        tls.Certificates(tls.Files(str(tmp_path / "none.crt"), str(tmp_path / "none.key"))).context()


def test_the_context_has_a_floor_and_asks_clients_only_if_told(folder: Path, files: tls.Files) -> None:
    """TLS 1.2 at least, 1.3 on request; client certificates with an authority for them."""
    plain = tls.build(files)
    assert plain.minimum_version is ssl.TLSVersion.TLSv1_2
    assert plain.verify_mode is ssl.CERT_NONE
    strict = tls.build(tls.Files(files.certificate, files.private_key, str(folder / "ca.crt"), "VersionTLS13"))
    assert strict.minimum_version is ssl.TLSVersion.TLSv1_3
    assert strict.verify_mode is ssl.CERT_REQUIRED


def test_a_request_that_trickles_in_comes_to_an_end(files: tls.Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then keeps each read alive, but not all of them together; the next request has its own time."""
    near, far = socket.socketpair()
    client = ssl.create_default_context()
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    with ThreadPoolExecutor(1) as pool, near, far:
        handshake = pool.submit(client.wrap_socket, far)
        with tls.build(files).wrap_socket(near, server_side=True, do_handshake_on_connect=False) as server:
            server.do_handshake()
            with handshake.result(10) as sender:
                assert server.gettimeout() == tls.SECONDS_FOR_CLIENT
                sender.sendall(b"ab")
                assert server.recv(1) == b"a"
                monkeypatch.setattr("time.monotonic", lambda: float("inf"))
                with pytest.raises(TimeoutError, match="longer than 30 s"):
                    server.recv(1)
                monkeypatch.undo()
                server.setblocking(True)
                assert server.gettimeout() == tls.SECONDS_FOR_CLIENT
                assert server.recv(1) == b"b"


@pytest.mark.parametrize("year", [2027, 2049, 2050, 2099])
def test_the_end_is_read_as_the_library_reads_it(year: int) -> None:
    """Two-digit years up to 2049, four digits after that (RFC 5280)."""
    end = datetime(year, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert tls.not_after(pki.issue("x", not_after=end).pem.decode()) == end.timestamp()


@given(st.binary(max_size=200))
def test_what_is_no_certificate_is_told_so(garbage: bytes) -> None:
    """A ValueError, whatever the bytes are."""
    text = f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(garbage).decode()}\n-----END CERTIFICATE-----\n"
    with contextlib.suppress(ValueError):
        pytest.fail(f"not_after gave {tls.not_after(text)}")
