"""Registers a webhook when it answers, and not before. Called by `run` after each pass, and by `withdraw`.

A webhook configuration comes without `rules`, which means that its webhooks are never called, and with the
annotation `podseal.dev/rules`: JSON, webhook name -> list of RuleWithOperations. When a webhook answers (`probe`),
the rules of the annotation become its rules. So neither an installation nor the order in which a tool creates
objects ever makes the API server refuse pods because nobody answers; and as the rules are absent from the
installed object, no tool that compares by fields resets them.

Once registered a webhook stays so, whether it answers or not: failurePolicy Fail means that. Rules are taken away
where the annotation no longer has them, but never from a configuration without the annotation whose rules
somebody else has set.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence

from certs import errors
from certs.cluster import api, webhooks

Ask = Callable[[webhooks.Webhook], None]
"""Returns when the webhook answers; `probe.ask`."""

_TRIES = 10


class Registry:
    """The rules of some webhook configurations.

    Args:
        server: the API server.
        configurations: whose rules.
        ask: whether a webhook answers.
        log: told of what was done.
    """

    def __init__(
        self, server: api.Api, configurations: Sequence[api.Address], ask: Ask, log: Callable[..., None]
    ) -> None:
        self._api = server
        self._addresses = configurations
        self._ask = ask
        self._log = log

    def settle(self) -> tuple[errors.CertsError, ...]:
        """Set every rule that can be set now; why others cannot.

        Raises:
            errors.CertsError: a configuration cannot be read or written.
        """
        waiting: list[errors.CertsError] = []
        for address in self._addresses:
            found = webhooks.read(self._api, address)
            if found is not None:
                waiting += self._register(found)
        return tuple(waiting)

    def withdraw(self) -> None:
        """Take away every rule and the annotation, so that nothing registers them again.

        Raises:
            errors.CertsError: a configuration cannot be read or written.
        """
        for address in self._addresses:
            self._withdraw(address)

    def _withdraw(self, address: api.Address) -> None:
        for _ in range(_TRIES):
            found = webhooks.read(self._api, address)
            changes = _withdrawal(found) if found else []
            if found is None or not changes:
                self._log("has no rules", configuration=str(address))
                return
            with contextlib.suppress(errors.ConflictError):
                self._api.patch(address, found.version, changes)  # and read back in the next turn
        raise errors.CertsError(str(address), "another writer undoes each withdrawal", "stop it, then try again")

    def _register(self, found: webhooks.Configuration) -> list[errors.CertsError]:
        try:
            wanted = _wanted(found)
        except (ValueError, RecursionError) as error:
            return [_malformed(found, str(error))]
        waiting: list[errors.CertsError] = []
        changes: dict[int, webhooks.Rules] = {}
        for number, webhook in enumerate(found.webhooks):
            rules = wanted.get(webhook.name, [])
            if [_complete(rule) for rule in rules] == [_complete(rule) for rule in webhook.rules]:
                continue
            try:
                if rules:
                    self._ask(webhook)
                changes[number] = rules
            except errors.CertsError as error:
                waiting.append(error)
        if changes:
            waiting += self._write(found, changes)
        return waiting

    def _write(self, found: webhooks.Configuration, changes: dict[int, webhooks.Rules]) -> list[errors.CertsError]:
        operations = [_rules(number, rules) for number, rules in changes.items()]
        try:
            # The version guards the caBundle too: with the one that is there the webhook has just been verified.
            self._api.patch(found.address, found.version, operations)
        except errors.ConflictError:
            return [errors.CertsError(str(found.address), "was written meanwhile", "nothing: it is tried again")]
        for number, rules in changes.items():
            done = "registered" if rules else "no longer registered"
            self._log(done, webhook=found.webhooks[number].name, configuration=str(found.address))
        return []


def _wanted(found: webhooks.Configuration) -> dict[str, webhooks.Rules]:
    """The rules that each webhook is to have.

    Raises:
        ValueError: the annotation is not what it must be.
    """
    if found.annotation is None:
        return {webhook.name: [] if webhook.claimed else webhook.rules for webhook in found.webhooks}
    wanted = json.loads(found.annotation)
    if not isinstance(wanted, dict) or not all(_are_rules(rules) for rules in wanted.values()):
        raise ValueError("it is no JSON object of webhook names and lists of rules")
    unknown = wanted.keys() - {webhook.name for webhook in found.webhooks}
    if unknown:
        raise ValueError(f"it names {', '.join(sorted(unknown))}, which is no webhook of the configuration")
    return wanted


def _are_rules(rules: object) -> bool:
    return isinstance(rules, list) and all(isinstance(rule, dict) for rule in rules)


def _complete(rule: dict[str, object]) -> dict[str, object]:
    """The rule with the default that the API server fills in (k8s.io/api/admissionregistration/v1, Rule.scope)."""
    return {"scope": "*"} | rule


def _malformed(found: webhooks.Configuration, cause: str) -> errors.CertsError:
    return errors.CertsError(
        str(found.address),
        f"the annotation {webhooks.RULES} cannot be used: {' '.join(cause.split())}",
        'write {"webhook name": [rule, …], …}; the rules stay as they are',
    )


def _withdrawal(found: webhooks.Configuration) -> list[api.Object]:
    changes = [_rules(number, []) for number, webhook in enumerate(found.webhooks) if webhook.rules]
    if found.annotation is not None:
        changes.append({"op": "remove", "path": f"/metadata/annotations/{webhooks.RULES.replace('/', '~1')}"})
    return changes


def _rules(number: int, rules: webhooks.Rules) -> api.Object:
    return {"op": "add", "path": f"/webhooks/{number}/rules", "value": rules}  # `add` replaces too
