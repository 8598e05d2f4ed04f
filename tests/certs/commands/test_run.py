"""`podseal-certs run`: one pass, the loop as a process with its end, rights, cert-manager's Secret."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys

import pytest
from click import testing

from certs import authority, cli, layout, model
from certs.commands import options
from tests.certs.cluster import double as doubles
from tests.certs.cluster.double import LEASE, MUTATING, SECRET, VALIDATING, Double


@pytest.fixture
def arguments(double: Double, kubeconfig: str) -> list[str]:
    """`run` for two webhook configurations."""
    double.put_webhooks(VALIDATING, "pods.podseal.dev")
    double.put_webhooks(MUTATING, "pods.podseal.dev")
    return ["run", "--secret", "podseal-tls", "--webhook-configuration", "podseal", "--kubeconfig", kubeconfig]


def call(*arguments: str) -> testing.Result:
    """Run podseal-certs."""
    return testing.CliRunner().invoke(cli.main, list(arguments), catch_exceptions=False)


def test_one_pass(double: Double, arguments: list[str]) -> None:
    """The Secret is made for the Service's names, and both configurations hold its authority."""
    done = call(*arguments, "--service", "podseal", "--once")

    assert done.exit_code == 0
    state = layout.decode(double.data()).state
    assert state.leaf is not None
    assert state.leaf.certificate.names[0] == "podseal.podseal-system.svc"
    trust = tuple(one.fingerprint for one in state.trust)
    assert double.bundles(VALIDATING) == double.bundles(MUTATING) == [trust]
    assert [json.loads(line)["message"] for line in done.output.splitlines()] == [
        "made an authority",
        "published the authorities",
        "changed to the staged authority, made a serving certificate",
    ]


def test_published_before_it_is_served(double: Double, arguments: list[str]) -> None:
    """The caBundles are written between the Secret's first content and its serving certificate."""
    call(*arguments, "--service", "podseal", "--once")

    writes = [path for method, path in double.requests if method != "GET"]
    assert writes == [SECRET, SECRET, VALIDATING, MUTATING, SECRET]


def test_overwritten_bundle_is_restored(double: Double, arguments: list[str]) -> None:
    """A GitOps tool emptied a configuration: the next pass writes that one and nothing else."""
    call(*arguments, "--service", "podseal", "--once")
    right = double.bundles(VALIDATING)
    double.put_webhooks(VALIDATING, "pods.podseal.dev")
    double.requests.clear()

    call(*arguments, "--service", "podseal", "--once")

    assert double.bundles(VALIDATING) == right
    assert [path for method, path in double.requests if method != "GET"] == [VALIDATING]


def test_deleted_secret_comes_back(double: Double, arguments: list[str]) -> None:
    """With the authority of what is still served in every caBundle."""
    call(*arguments, "--service", "podseal", "--once")
    (old,) = double.bundles(VALIDATING)[0]
    del double.objects[SECRET]

    call(*arguments, "--service", "podseal", "--once")

    assert old in double.bundles(VALIDATING)[0]
    assert len(double.bundles(VALIDATING)[0]) == 2


def test_missing_right_ends_one_pass(double: Double, arguments: list[str]) -> None:
    """Exit code 1 with the RBAC rule; nothing is half installed."""
    double.forbid("CREATE", SECRET)
    done = call(*arguments, "--service", "podseal", "--once")

    assert done.exit_code == 1
    assert (
        'apiGroups: [""], resources: ["secrets"], resourceNames: ["podseal-tls"], verbs: ["patch", "create"]'
        in done.output
    )
    assert double.bundles(VALIDATING) == [()]


@pytest.mark.parametrize("publish_only", [[], ["--publish-only"]])
def test_cert_manager_secret_is_only_published(double: Double, arguments: list[str], publish_only: list[str]) -> None:
    """Its ca.crt goes into the caBundles; the Secret is never written."""
    now = options.clock()
    signer = authority.make_authority(now, model.Wishes().authority_life)
    leaf = authority.make_leaf(now, model.Wishes().leaf_life, ("podseal",), signer)
    items = {"tls.crt": leaf.certificate.pem, "tls.key": leaf.key, "ca.crt": signer.certificate.pem}
    double.put(SECRET, {"data": {name: base64.b64encode(content).decode() for name, content in items.items()}})
    before = double.objects[SECRET]

    done = call(*arguments, *(publish_only or ["--service", "podseal"]), "--once")

    assert done.exit_code == 0
    assert double.bundles(MUTATING) == [(signer.certificate.fingerprint,)]
    assert double.objects[SECRET] == before


def test_publish_only_makes_no_secret(double: Double, arguments: list[str]) -> None:
    """cert-manager is late: that is said, and nothing is made in its place."""
    done = call(*arguments, "--publish-only", "--once")

    assert done.exit_code == 1
    assert "does not exist; let its maker (cert-manager) create it" in done.output
    assert SECRET not in double.objects


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_loop(double: Double, arguments: list[str], number: signal.Signals) -> None:
    """It works, and ends with exit code 0 and a released Lease within its pause."""
    double.put(LEASE, {})
    command = [sys.executable, "-c", "from certs import cli; cli.main()", *arguments]
    options_ = ["--service", "podseal", "--lease", "podseal-certs", "--interval", "1h"]
    process = subprocess.Popen([*command, *options_], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [json.loads(process.stdout.readline())["message"] for _ in range(4)]
    assert lines[0] == "works"
    assert lines[3].startswith("changed to the staged authority")
    assert double.objects[LEASE]["spec"]["holderIdentity"]

    process.send_signal(number)
    rest, _ = process.communicate(timeout=60)

    assert process.returncode == 0
    assert [json.loads(line)["message"] for line in rest.splitlines()] == ["stops"]
    assert double.objects[LEASE]["spec"]["holderIdentity"] == ""
    assert "PRIVATE" not in "".join(lines) + rest


def test_log_is_for_programs(double: Double, arguments: list[str]) -> None:
    """Each line is an object with time and message; a failing double does not end the loop's caller."""
    double.failures["GET", doubles.SECRET] = (503, b"")
    done = call(*arguments, "--service", "podseal", "--once")

    assert done.exit_code == 1
    assert done.output.count("\n") == 1
    assert "the API server cannot answer now" in done.output
