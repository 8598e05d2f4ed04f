"""`podseal-certs init`: made, kept, healed, and never over somebody else's."""

from __future__ import annotations

import pathlib

import pytest
from click import testing

from certs import authority, cli, layout, model, pem
from certs.commands import options


def init(folder: pathlib.Path, *arguments: str) -> testing.Result:
    """Run it."""
    return testing.CliRunner().invoke(cli.main, ["init", "--dir", str(folder), *arguments], catch_exceptions=False)


def leaf(folder: pathlib.Path) -> model.Certificate:
    """The serving certificate, with what verifies it."""
    state = layout.decode(
        {name: (folder / name).read_bytes() for name in layout.NAMES if (folder / name).exists()}
    ).state
    assert state.leaf is not None
    return state.leaf.certificate


def test_it_makes_four_files(tmp_path: pathlib.Path) -> None:
    """For localhost at first; the certificate is verified by ca.crt."""
    done = init(tmp_path)

    assert done.exit_code == 0
    assert len(done.output.splitlines()) == 2
    assert f"{tmp_path}/ca.crt: made, valid until" in done.output
    assert f"{tmp_path}/tls.crt: made, valid for localhost, 127.0.0.1, ::1 until" in done.output
    assert {"ca.crt", "ca.key", "tls.crt", "tls.key"} <= {path.name for path in tmp_path.iterdir()}
    assert leaf(tmp_path).signed_by == pem.certificates((tmp_path / "ca.crt").read_bytes())[0].fingerprint


def test_it_keeps_what_is_good(tmp_path: pathlib.Path) -> None:
    """A second call changes no byte, and says so."""
    init(tmp_path, "--dns", "a.example")
    before = leaf(tmp_path)
    done = init(tmp_path)

    assert "ca.crt: kept" in done.output
    assert "tls.crt: kept, valid for a.example" in done.output
    assert leaf(tmp_path) == before


def test_other_names_make_another_certificate(tmp_path: pathlib.Path) -> None:
    """The authority stays, so that whoever trusts it need not change."""
    init(tmp_path)
    before = leaf(tmp_path)
    done = init(tmp_path, "--dns", "B.example", "--dns", "b.example", "--ip", "0:0::1")

    assert "ca.crt: kept" in done.output
    assert "made (the names have changed)" in done.output
    assert leaf(tmp_path).names == ("b.example", "::1")
    assert leaf(tmp_path).signed_by == before.signed_by


@pytest.mark.parametrize("name", ["tls.crt", "tls.key", "ca.key", "ca.crt", "rotation.json"])
@pytest.mark.parametrize("content", [None, b"", b"junk"], ids=["missing", "empty", "junk"])
def test_it_heals(tmp_path: pathlib.Path, name: str, content: bytes | None) -> None:
    """Whatever is half written or lost, the pair fits together again afterwards."""
    init(tmp_path)
    path = tmp_path / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)

    assert init(tmp_path).exit_code == 0
    assert leaf(tmp_path).signed_by


def test_mismatched_key_is_told(tmp_path: pathlib.Path) -> None:
    """Why a certificate was made anew is said."""
    init(tmp_path)
    (tmp_path / "tls.key").write_bytes((tmp_path / "ca.key").read_bytes())

    assert f"{tmp_path}/tls.key: does not match tls.crt" in init(tmp_path).output


def test_somebody_elses_certificate_is_left_alone(tmp_path: pathlib.Path) -> None:
    """tls.crt without ca.key is not podseal's to write."""
    now = options.clock()
    signer = authority.make_authority(now, model.Wishes().authority_life)
    theirs = authority.make_leaf(now, model.Wishes().leaf_life, ("theirs",), signer)
    (tmp_path / "tls.crt").write_bytes(theirs.certificate.pem)
    (tmp_path / "tls.key").write_bytes(theirs.key)
    done = init(tmp_path)

    assert done.exit_code == 1
    assert "was made by somebody else (there is no ca.key); name another --dir" in done.output
    assert (tmp_path / "tls.key").read_bytes() == theirs.key


def test_lives(tmp_path: pathlib.Path) -> None:
    """Days may be fractions; the start lies a tenth of the life back, an hour at most."""
    init(tmp_path, "--days-ca", "2", "--days-leaf", "0.01")
    made = leaf(tmp_path)

    assert (made.not_after - made.not_before).total_seconds() == pytest.approx(864 * 1.1, abs=2)
