"""Registration: rules when the webhook answers, none before, none taken from others, all withdrawn at the end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from certs import errors
from certs.cluster import api, register, webhooks
from tests.certs.cluster.double import MUTATING, VALIDATING, Double

RULE = {"apiGroups": [""], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["pods"], "scope": "Namespaced"}
NEWER = RULE | {"operations": ["CREATE", "UPDATE"]}
WANTED = json.dumps({"a": [RULE], "b": [RULE]})


class Registration:
    """A registry, and webhooks of which some answer."""

    def __init__(self, server: api.Api, double: Double) -> None:
        self.double = double
        self.answering = {"a", "b"}
        self.asked: list[str] = []
        self.log: list[str] = []
        addresses = webhooks.addresses("podseal")
        self.registry = register.Registry(server, addresses, self._ask, lambda message, **_: self.log.append(message))

    def _ask(self, webhook: webhooks.Webhook) -> None:
        self.asked.append(webhook.name)
        if webhook.name not in self.answering:
            raise errors.CertsError(f"webhook {webhook.name}", "connection refused", "start it")

    def rules(self, path: str = VALIDATING) -> dict[str, Any]:
        """The rules of each webhook."""
        return {one["name"]: one.get("rules", []) for one in self.double.objects[path]["webhooks"]}

    def annotate(self, text: str | None) -> None:
        """Install the validating configuration as a chart does: annotation, no rules; live ones stay."""
        live = self.double.objects.get(VALIDATING, {}).get("webhooks", [])
        self.double.put_webhooks(VALIDATING, "a", "b", rules=text)
        for new, old in zip(self.double.objects[VALIDATING]["webhooks"], live, strict=False):
            new.update({key: old[key] for key in ("rules",) if key in old})


@pytest.fixture
def registration(server: api.Api, double: Double) -> Registration:
    """Two webhooks that answer, not registered yet."""
    made = Registration(server, double)
    made.annotate(WANTED)
    return made


def test_webhooks_that_answer_are_registered(registration: Registration) -> None:
    """In one write, and then never asked again."""
    assert registration.registry.settle() == ()
    assert registration.rules() == {"a": [RULE], "b": [RULE]}
    assert registration.log == ["registered", "registered"]
    assert registration.registry.settle() == ()
    assert registration.asked == ["a", "b"]


def test_webhook_that_does_not_answer_waits(registration: Registration) -> None:
    """The other is registered; the reason is given until it answers."""
    registration.answering = {"b"}
    assert [error.place for error in registration.registry.settle()] == ["webhook a"]
    assert registration.rules() == {"a": [], "b": [RULE]}
    registration.answering = {"a"}
    assert registration.registry.settle() == ()
    assert registration.rules() == {"a": [RULE], "b": [RULE]}


def test_registered_stays_registered(registration: Registration) -> None:
    """A webhook that answers no more is not asked: Fail means Fail. New rules wait for its answer."""
    registration.registry.settle()
    registration.answering = set()
    assert registration.registry.settle() == ()
    registration.annotate(json.dumps({"a": [NEWER], "b": [RULE]}))

    assert len(registration.registry.settle()) == 1
    assert registration.rules() == {"a": [RULE], "b": [RULE]}


def test_rules_that_are_wanted_no_more_go(registration: Registration) -> None:
    """A webhook that the annotation no longer names is called no more, whether it answers or not."""
    registration.registry.settle()
    registration.answering = set()
    registration.annotate(json.dumps({"a": [RULE]}))

    assert registration.registry.settle() == ()
    assert registration.rules() == {"a": [RULE], "b": []}
    assert registration.log[-1] == "no longer registered"


def test_default_of_the_api_server_is_no_difference(registration: Registration) -> None:
    """A rule without a scope is the live rule with the scope `*`."""
    bare = {key: value for key, value in RULE.items() if key != "scope"}
    registration.annotate(json.dumps({"a": [bare], "b": [bare]}))
    for webhook in registration.double.objects[VALIDATING]["webhooks"]:
        webhook["rules"] = [bare | {"scope": "*"}]

    assert registration.registry.settle() == ()
    assert registration.asked == []


@pytest.mark.parametrize("claimed", [False, True])
def test_configuration_without_annotation(registration: Registration, *, claimed: bool) -> None:
    """Rules that somebody else has set stay; those of podseal-certs go, since nobody wants them any more."""
    registration.annotate(None)
    webhook = registration.double.objects[VALIDATING]["webhooks"][0]
    webhook["rules"] = [RULE]
    if claimed:
        fields: dict[str, Any] = {"f:webhooks": {'k:{"name":"a"}': {"f:rules": {}}}}
        entry = {"manager": "podseal-certs", "fieldsV1": fields}
        registration.double.objects[VALIDATING]["metadata"]["managedFields"] = [entry]

    assert registration.registry.settle() == ()
    assert registration.rules()["a"] == ([] if claimed else [RULE])


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("[]", "no JSON object"),
        ('{"a": {}}', "no JSON object"),
        ('{"a": ["pods"]}', "no JSON object"),
        ('{"c": []}', "names c, which is no webhook"),
        ("[" * 100_000, "recursion"),
    ],
)
def test_malformed_annotation_changes_nothing(registration: Registration, text: str, cause: str) -> None:
    """It is named with its object, and the rules stay as they are."""
    registration.registry.settle()
    registration.annotate(text)

    (error,) = registration.registry.settle()

    assert cause in error.cause
    assert error.place == "ValidatingWebhookConfiguration podseal"
    assert registration.rules() == {"a": [RULE], "b": [RULE]}


def test_written_meanwhile(registration: Registration) -> None:
    """Another writer was faster: it waits for the next pass, which comes soon."""
    registration.double.failures["PATCH", VALIDATING] = (409, b"{}")

    assert [error.cause for error in registration.registry.settle()] == ["was written meanwhile"]


def test_missing_right_is_named(registration: Registration) -> None:
    """As everywhere."""
    registration.double.forbid("PATCH", VALIDATING)

    with pytest.raises(errors.CertsError, match=r'resourceNames: \["podseal"\], verbs: \["patch"\]'):
        registration.registry.settle()


def test_withdrawal(registration: Registration) -> None:
    """Rules and annotation go, so that a loop which still runs does not register again; twice is well."""
    registration.registry.settle()
    for _ in range(2):
        registration.registry.withdraw()

    assert registration.rules() == {"a": [], "b": []}
    assert "podseal.dev/rules" not in registration.double.objects[VALIDATING]["metadata"]["annotations"]
    assert registration.registry.settle() == ()
    assert registration.rules() == {"a": [], "b": []}
    assert registration.log[2:] == ["has no rules"] * 4
    assert MUTATING not in registration.double.objects


def test_withdrawal_does_not_give_up_at_once(registration: Registration) -> None:
    """Conflicts are tried again, but not for ever."""
    registration.double.failures["PATCH", VALIDATING] = (409, b"{}")

    with pytest.raises(errors.CertsError, match="another writer undoes"):
        registration.registry.withdraw()
