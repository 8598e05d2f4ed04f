"""`podseal-certs status`: the table, the JSON, and exit code 1 where something is wrong."""

from __future__ import annotations

import json
import pathlib

import pytest
from click import testing

from certs import authority, cli
from tests.certs.cluster import double as doubles
from tests.certs.cluster.double import Double
from tests.certs.world import DAY, START


def call(*arguments: str) -> testing.Result:
    """Run podseal-certs."""
    return testing.CliRunner().invoke(cli.main, list(arguments), catch_exceptions=False)


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> str:
    """A folder with good certificates."""
    call("init", "--dir", str(tmp_path / "certs"))
    return str(tmp_path / "certs")


def test_table(folder: str) -> None:
    """A line for each fact, a column for each certificate."""
    done = call("status", "--dir", folder)
    lines = done.output.splitlines()

    assert done.exit_code == 0
    assert lines[2].split() == ["tls.crt", "serves", "ca.crt", "signs"]
    labels = ("subject", "issuer", "names", "not after", "days left", "rotation due", "key matches", "chain verifies")
    assert all(any(line.startswith(label) for line in lines) for label in labels)
    assert lines[-1] == "all is well"


def test_json(folder: str) -> None:
    """The same facts for programs."""
    found = json.loads(call("status", "--dir", folder, "--output", "json").output)

    assert found["faults"] == []
    assert [one["item"] for one in found["certificates"]] == ["tls.crt", "ca.crt"]
    assert found["certificates"][0]["names"] == ["localhost", "127.0.0.1", "::1"]
    assert found["certificates"][0]["daysLeft"] == pytest.approx(90, abs=0.1)
    assert "PRIVATE" not in json.dumps(found)


def test_faults_exit_1(folder: str) -> None:
    """A key that does not match is named in both forms."""
    (pathlib.Path(folder) / "tls.key").write_text("junk")

    text, found = (call("status", "--dir", folder, "-o", form) for form in ("text", "json"))

    assert text.exit_code == found.exit_code == 1
    assert "wrong: tls.key is no private key" in text.output
    assert "NO" in text.output
    assert json.loads(found.output)["faults"][0].startswith("tls.key is no private key")


def test_certificate_does_not_steer_the_terminal(tmp_path: pathlib.Path) -> None:
    """Control characters of a certificate from elsewhere are shown as question marks."""
    signer = authority.make_authority(START, DAY)
    leaf = authority.make_leaf(START, DAY, ("\x1b[31mred",), signer)
    for name, content in {
        "tls.crt": leaf.certificate.pem,
        "tls.key": leaf.key,
        "ca.crt": signer.certificate.pem,
    }.items():
        (tmp_path / name).write_bytes(content)

    shown = call("status", "--dir", str(tmp_path)).output

    assert "\x1b" not in shown
    assert "?[31mred" in shown


def test_cluster(double: Double, kubeconfig: str) -> None:
    """Of a Secret, with the caBundles that are to hold its authorities."""
    double.put_webhooks(doubles.VALIDATING, "pods.podseal.dev")
    where = ["--secret", "podseal-tls", "--webhook-configuration", "podseal", "--kubeconfig", kubeconfig]
    assert "Secret podseal-tls in namespace podseal-system: holds no certificates" in call("status", *where).output
    assert call("run", "--once", "--service", "podseal", *where).exit_code == 0

    good = call("status", *where)
    assert good.exit_code == 0, good.output
    double.put_webhooks(doubles.VALIDATING, "pods.podseal.dev")
    emptied = call("status", *where)

    assert emptied.exit_code == 1
    assert "1 of 1 caBundles lack an authority of ca.crt" in emptied.output


def test_missing_right(double: Double, kubeconfig: str) -> None:
    """A caBundle that cannot be read is not called good."""
    double.forbid("GET", doubles.MUTATING)
    done = call("status", "--secret", "x", "--webhook-configuration", "podseal", "--kubeconfig", kubeconfig)

    assert done.exit_code == 1
    assert 'resources: ["mutatingwebhookconfigurations"], resourceNames: ["podseal"], verbs: ["get"]' in done.output
