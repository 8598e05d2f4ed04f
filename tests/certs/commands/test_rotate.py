"""`podseal-certs rotate`: one step a call, on folders and Secrets."""

from __future__ import annotations

import pathlib

import pytest
from click import testing

from certs import authority, cli, pem
from tests.certs.cluster import double as doubles
from tests.certs.cluster.double import Double
from tests.certs.world import DAY, START


def call(*arguments: str) -> testing.Result:
    """Run podseal-certs."""
    return testing.CliRunner().invoke(cli.main, list(arguments), catch_exceptions=False)


def fingerprints(path: pathlib.Path) -> list[str]:
    """The certificates in a file."""
    return [one.fingerprint for one in pem.certificates(path.read_bytes())]


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder with good certificates."""
    call("init", "--dir", str(tmp_path / "certs"), "--dns", "a.example")
    return tmp_path / "certs"


def test_leaf(folder: pathlib.Path) -> None:
    """A new serving certificate of the same authority for the same names."""
    before = fingerprints(folder / "tls.crt"), fingerprints(folder / "ca.crt")
    done = call("rotate", "--dir", str(folder))

    assert done.output == f"{folder}: made a serving certificate\n"
    assert fingerprints(folder / "tls.crt") != before[0]
    assert fingerprints(folder / "ca.crt") == before[1]
    assert pem.certificates((folder / "tls.crt").read_bytes())[0].names == ("a.example",)


def test_authority_in_three_calls(folder: pathlib.Path) -> None:
    """Staged, signing, alone; ca.crt holds both in between, and a call too early is refused with the time."""
    rotate = ("rotate", "--dir", str(folder), "--ca")
    (old,) = fingerprints(folder / "ca.crt")

    assert "when every caBundle holds ca.crt, run this again" in call(*rotate).output
    both = fingerprints(folder / "ca.crt")
    assert both[0] == old
    early = call(*rotate)
    assert early.exit_code == 1
    assert "run it again from" in early.output
    assert "when every webhook serves the new certificate" in call(*rotate, "--settle", "0s").output
    assert fingerprints(folder / "ca.crt") == both[::-1]
    assert "dropped a retired authority" in call(*rotate, "--settle", "0s").output
    assert fingerprints(folder / "ca.crt") == [both[1]]
    assert call("status", "--dir", str(folder)).exit_code == 0


def test_leaf_while_an_authority_is_staged(folder: pathlib.Path) -> None:
    """The signing authority signs; the staged one stays staged."""
    call("rotate", "--dir", str(folder), "--ca")
    trust = fingerprints(folder / "ca.crt")
    done = call("rotate", "--dir", str(folder))

    assert done.exit_code == 0
    assert fingerprints(folder / "ca.crt") == trust


def test_nothing_to_rotate(tmp_path: pathlib.Path) -> None:
    """An empty folder, and one that is somebody else's, are refused."""
    assert "holds no certificates" in call("rotate", "--dir", str(tmp_path)).output
    leaf = authority.make_leaf(START, DAY, ("x",), authority.make_authority(START, DAY))
    (tmp_path / "tls.crt").write_bytes(leaf.certificate.pem)
    (tmp_path / "tls.key").write_bytes(leaf.key)

    done = call("rotate", "--dir", str(tmp_path))
    assert done.exit_code == 1
    assert "was made by somebody else" in done.output


def test_secret(double: Double, kubeconfig: str) -> None:
    """A staged authority is published in the same call, and promoted and dropped in the next ones."""
    double.put_webhooks(doubles.VALIDATING, "pods.podseal.dev")
    where = ["--secret", "podseal-tls", "--webhook-configuration", "podseal", "--kubeconfig", kubeconfig]
    call("run", "--once", "--service", "podseal", *where)
    rotate = ("rotate", "--ca", "--settle", "0s", *where)

    assert "published the authorities" in call(*rotate).output
    assert len(double.bundles(doubles.VALIDATING)[0]) == 2
    assert "changed to the staged authority" in call(*rotate).output
    assert len(double.bundles(doubles.VALIDATING)[0]) == 2
    assert "dropped a retired authority" in call(*rotate).output
    assert len(double.bundles(doubles.VALIDATING)[0]) == 1
    assert call("status", *where).exit_code == 0
