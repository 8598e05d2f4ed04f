"""Webhook configurations as `publish`, `entrances`, `register` and `withdraw` read them. Values; they send requests."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from certs import model, pem
from certs.cluster import api

RULES = "podseal.dev/rules"
"""Annotation with the rules that each webhook is to get when it answers; see `register`."""

PATHS = "podseal.dev/paths"
"""Annotation with the path of each webhook, without its random component; see `entrances`."""

_GROUP = "admissionregistration.k8s.io"
_KINDS = {
    "validating": ("validatingwebhookconfigurations", "ValidatingWebhookConfiguration"),
    "mutating": ("mutatingwebhookconfigurations", "MutatingWebhookConfiguration"),
}

Rules = list[dict[str, Any]]
"""RuleWithOperations, as JSON has them."""


@dataclasses.dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook of a configuration.

    Args:
        name: its name in the list.
        client: clientConfig, as JSON has it.
        bundle: the bytes of its caBundle, empty where it is absent or no base64.
        authorities: the certificates in it, none where it cannot be read.
        rules: which requests it gets; none means that it is never called.
        claimed: whether podseal-certs has set these rules.
    """

    name: str
    client: Mapping[str, Any]
    bundle: bytes
    authorities: tuple[model.Certificate, ...]
    rules: Rules
    claimed: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Configuration:
    """A webhook configuration as it was read.

    Args:
        address: where it lives.
        version: its resourceVersion.
        annotation: the text of the annotation `RULES`, None where there is none.
        paths: the text of the annotation `PATHS`, None where there is none.
        webhooks: in their order.
    """

    address: api.Address
    version: str
    annotation: str | None
    paths: str | None
    webhooks: tuple[Webhook, ...]


def addresses(name: str) -> tuple[api.Address, ...]:
    """The configurations that `NAME`, `validating/NAME` or `mutating/NAME` means; the bare name means both.

    Raises:
        ValueError: the kind before the slash is neither.
    """
    kind, slash, bare = name.rpartition("/")
    kinds = (kind,) if slash else tuple(_KINDS)
    if not bare or not set(kinds) <= set(_KINDS):
        raise ValueError(f"{name!r} is neither NAME nor validating/NAME nor mutating/NAME")
    return tuple(api.Address(_GROUP, *_KINDS[one], bare) for one in kinds)


def read(server: api.Api, address: api.Address) -> Configuration | None:
    """The configuration, None where there is none.

    Raises:
        errors.CertsError: the API server is away or refuses.
    """
    found = server.get(address)
    if found is None:
        return None
    metadata = found["metadata"]
    annotations = metadata.get("annotations") or {}
    return Configuration(
        address=address,
        version=metadata["resourceVersion"],
        annotation=annotations.get(RULES),
        paths=annotations.get(PATHS),
        webhooks=tuple(_webhook(webhook, metadata) for webhook in found.get("webhooks") or ()),
    )


def _webhook(webhook: Mapping[str, Any], metadata: Mapping[str, Any]) -> Webhook:
    client = webhook["clientConfig"]
    bundle, authorities = _bundle(client.get("caBundle") or "")
    return Webhook(
        name=webhook["name"],
        client=client,
        bundle=bundle,
        authorities=authorities,
        rules=list(webhook.get("rules") or ()),
        claimed=_claimed(webhook["name"], metadata),
    )


def _bundle(text: str) -> tuple[bytes, tuple[model.Certificate, ...]]:
    try:
        content = base64.b64decode(text, validate=True)
        return content, pem.certificates(content)
    except (ValueError, binascii.Error):
        return b"", ()


def _claimed(name: str, metadata: Mapping[str, Any]) -> bool:
    """Whether the API server's record says that podseal-certs set the rules (KEP-555, managedFields)."""
    key = f"k:{json.dumps({'name': name}, separators=(',', ':'))}"
    return any(
        "f:rules" in ((entry.get("fieldsV1") or {}).get("f:webhooks") or {}).get(key, {})
        for entry in metadata.get("managedFields") or ()
        if entry.get("manager") == api.FIELD_MANAGER
    )
