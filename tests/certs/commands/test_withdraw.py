"""`podseal-certs withdraw`: what the uninstallation calls."""

from __future__ import annotations

import pytest
from click import testing

from certs import cli
from tests.certs.cluster.double import MUTATING, VALIDATING, Double

RULE = {"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "scope": "*"}


def withdraw(*arguments: str) -> testing.Result:
    """Run it without its pause."""
    return testing.CliRunner().invoke(cli.main, ["withdraw", "--settle", "0s", *arguments], catch_exceptions=False)


def test_rules_go(double: Double, kubeconfig: str) -> None:
    """Of both kinds; a configuration that is not there is well."""
    double.put_webhooks(VALIDATING, "pods.podseal.dev", rules="{}")
    double.objects[VALIDATING]["webhooks"][0]["rules"] = [RULE]

    done = withdraw("--webhook-configuration", "podseal", "--kubeconfig", kubeconfig)

    assert done.exit_code == 0
    assert done.output.splitlines() == [
        "ValidatingWebhookConfiguration podseal: has no rules",
        "MutatingWebhookConfiguration podseal: has no rules",
    ]
    assert double.objects[VALIDATING]["webhooks"][0]["rules"] == []


@pytest.mark.parametrize("verb", ["get", "patch"])
def test_missing_right(double: Double, kubeconfig: str, verb: str) -> None:
    """Exit code 1, and the rule that is missing."""
    double.put_webhooks(MUTATING, "pods.podseal.dev", rules="{}")
    double.forbid(verb.upper(), MUTATING)

    done = withdraw("--webhook-configuration", "mutating/podseal", "--kubeconfig", kubeconfig)

    assert done.exit_code == 1
    assert f'resourceNames: ["podseal"], verbs: ["{verb}"]' in done.output


def test_nothing_named() -> None:
    """Wrong usage: it would do nothing and look like success."""
    done = withdraw("--kubeconfig", "/none")

    assert done.exit_code == 2
