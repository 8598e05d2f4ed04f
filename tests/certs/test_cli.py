"""The command as a process: help, exit codes, and what it does not load."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest


def podseal_certs(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-c", "from certs import cli; cli.main()", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_lists_every_command() -> None:
    """Each with what it does."""
    shown = podseal_certs("--help").stdout

    assert all(f"  {name} " in shown for name in ("init", "status", "rotate", "run"))
    assert "Exit codes" in shown


@pytest.mark.parametrize("name", ["init", "status", "rotate", "run"])
def test_help_of_each_command_has_examples(name: str) -> None:
    """An example says more than an option."""
    done = podseal_certs(name, "--help")

    assert done.returncode == 0
    assert f"podseal-certs {name} --" in done.stdout.partition("Examples:")[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["renew"], "No such command"),
        (["init"], "Missing option '--dir'"),
        (["status"], "give either --dir or --secret"),
        (["status", "--dir", ".", "--secret", "x"], "give either --dir or --secret"),
        (["init", "--dir", "/proc/none"], "podseal-certs: /proc/none: "),
        (["init", "--dir", "x", "--dns", "a b"], "is no DNS name"),
        (["init", "--dir", "x", "--ip", "a"], "is no IP address"),
        (["init", "--dir", "x", "--days-leaf", "0"], "--days-leaf"),
        (["init", "--dir", "x", "--days-leaf", "366"], "a serving certificate ends with its authority"),
        (["rotate", "--dir", "x", "--settle", "soon"], "is no duration"),
        (["run", "--secret", "x"], "nothing to serve"),
        (["status", "--secret", "x", "--kubeconfig", "/none"], "podseal-certs: /none: "),
        (["status", "--secret", "x", "--webhook-configuration", "other/x"], "neither NAME nor"),
    ],
)
def test_wrong_usage(arguments: list[str], said: str) -> None:
    """Exit code 2, and the reason on stderr without a stack trace."""
    done = podseal_certs(*arguments)

    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_what_is_wrong_is_exit_code_1(tmp_path: pathlib.Path) -> None:
    """One line: place, cause, remedy."""
    done = podseal_certs("status", "--dir", str(tmp_path))

    assert done.returncode == 1
    assert done.stderr == (
        f"podseal-certs: {tmp_path}: holds no certificates; make them with podseal-certs init or run\n"
    )


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("from certs import cli", ("cryptography", "kubernetes", "urllib3", "yaml")),
        ("from certs.commands import init, status, rotate", ("kubernetes", "urllib3", "yaml")),
        ("from certs.cluster import api, secret, publish, lease", ("kubernetes.client.api.core_v1_api",)),
    ],
)
def test_heavy_modules_are_not_loaded(statement: str, absent: tuple[str, ...]) -> None:
    """Help waits for no cryptography, work on folders for no Kubernetes client, and nothing for the typed API."""
    code = f"{statement}; import sys; print(sorted(set({absent!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout == "[]\n"
