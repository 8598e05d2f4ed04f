"""The webhooks' paths in a cluster: their random component in a Secret, and in the webhook configurations.

A configuration comes without paths and with the annotation `podseal.dev/paths`: JSON, webhook name -> path. Each gets
that path and the random component at its end; as the field is absent from the installed object, no tool that compares
by fields resets it. `certs.paths` decides, here is what it costs: one read of each, writes where something differs.

Called by `run` after the certificates. Rights that it needs: get, patch and create on the one Secret, get and patch on
the configurations.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import datetime as dt
import json
import secrets
import urllib.parse
from collections.abc import Callable, Sequence

from certs import errors, paths
from certs.cluster import api, webhooks

ITEM = "paths.json"
_RANDOM_BYTES = 16


@dataclasses.dataclass(frozen=True, slots=True)
class Times:
    """The clock, and how long webhooks and API servers need to learn of a change."""

    clock: Callable[[], dt.datetime]
    settle: dt.timedelta


class Entrances:
    """The paths of some webhook configurations.

    Args:
        server: the API server.
        secret: where the random component lies; made by `address`.
        configurations: where it is published.
        times: the clock and the pace.
        log: told of what was done.
    """

    def __init__(
        self,
        server: api.Api,
        secret: api.Address,
        configurations: Sequence[api.Address],
        times: Times,
        log: Callable[..., None],
    ) -> None:
        self._api = server
        self._secret = secret
        self._addresses = configurations
        self._times = times
        self._log = log

    def settle(self, leaf: str) -> None:
        """Renew what is due and publish it; `leaf` is the fingerprint of the serving certificate.

        Raises:
            errors.CertsError: the Secret or a configuration cannot be read or written, or an annotation not be used.
        """
        found = [each for address in self._addresses if (each := webhooks.read(self._api, address)) is not None]
        with contextlib.suppress(errors.ConflictError):  # another replica was faster; the next pass sees what it did
            stored = self._stored(leaf, found)
            token = paths.current(self._times.clock(), stored, self._times.settle)
            for configuration in found:
                self._publish(configuration, token)

    def _stored(self, leaf: str, found: Sequence[webhooks.Configuration]) -> paths.Paths:
        secret = self._api.get(self._secret) or self._api.ensure(self._secret)
        content = base64.b64decode((secret.get("data") or {}).get(ITEM, ""))
        before = paths.decode(content)
        seen = paths.Seen(self._times.clock(), leaf, _published(found))
        after = paths.renewed(seen, before, self._times.settle, _token)
        if after != before:
            version = secret["metadata"]["resourceVersion"]
            data = {ITEM: base64.b64encode(paths.encode(after)).decode()}
            self._api.merge(self._secret, {"metadata": {"resourceVersion": version}, "data": data})
            if not before or after[0].token != before[0].token:
                self._log("made a path", secret=str(self._secret))
        return after

    def _publish(self, configuration: webhooks.Configuration, token: str) -> None:
        changes = [
            change
            for number, webhook in enumerate(configuration.webhooks)
            if (base := _bases(configuration).get(webhook.name)) and (change := _change(number, webhook, base, token))
        ]
        if changes:
            self._api.patch(configuration.address, configuration.version, changes)
            self._log("published the path", configuration=str(configuration.address))


def address(namespace: str, name: str) -> api.Address:
    """Where the random component lies."""
    return api.Address("", "secrets", "Secret", name, namespace)


def _token() -> str:
    # The API server takes no more than a DNS name for a part of a Service's path (ValidateWebhookService).
    return secrets.token_hex(_RANDOM_BYTES)


def _bases(configuration: webhooks.Configuration) -> dict[str, str]:
    """Webhook name -> its path without the random component.

    Raises:
        errors.CertsError: the annotation is no such JSON.
    """
    with contextlib.suppress(ValueError, RecursionError):
        bases = json.loads(configuration.paths or "{}")
        if isinstance(bases, dict) and all(isinstance(each, str) and each.startswith("/") for each in bases.values()):
            return bases
    raise errors.CertsError(
        str(configuration.address),
        f"the annotation {webhooks.PATHS} is no JSON object of webhook names and paths",
        'write {"webhook name": "/path", …}; the paths stay as they are',
    )


def _published(found: Sequence[webhooks.Configuration]) -> str:
    """The random component that every webhook has whose path is ours; empty where they differ."""
    tokens = {
        _path(webhook).removeprefix(f"{base}/") if _path(webhook).startswith(f"{base}/") else ""
        for configuration in found
        for webhook in configuration.webhooks
        if (base := _bases(configuration).get(webhook.name))
    }
    return tokens.pop() if len(tokens) == 1 else ""


def _path(webhook: webhooks.Webhook) -> str:
    if webhook.client.get("url"):
        return urllib.parse.urlsplit(str(webhook.client["url"])).path
    return str((webhook.client.get("service") or {}).get("path") or "")


def _change(number: int, webhook: webhooks.Webhook, base: str, token: str) -> api.Object | None:
    wanted = f"{base}/{token}"
    if _path(webhook) == wanted:
        return None
    client = f"/webhooks/{number}/clientConfig"
    if webhook.client.get("url"):
        url = urllib.parse.urlsplit(webhook.client["url"])._replace(path=wanted).geturl()
        return {"op": "replace", "path": f"{client}/url", "value": url}
    return {"op": "add", "path": f"{client}/service/path", "value": wanted}  # `add` replaces too
