"""The chart's webhook configurations as the test bed can use them: by URL, since no Service is routed there.

In: an address, the trust of its certificate, values of the chart. Out: objects for `Bed.apply`. Called by
`installation`. Client, caBundle, path and rules are what podseal-certs and a Service would give, the rest is the
chart's.
"""

import base64
import json
from typing import Any

KINDS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
NAMES = ("mutatingwebhookconfiguration/podseal", "validatingwebhookconfiguration/podseal")
RULES, PATHS = "podseal.dev/rules", "podseal.dev/paths"

Object = dict[str, Any]


def by_url(rendered: list[Object], address: str, trust: bytes) -> list[Object]:
    """The webhook configurations of a rendered chart, registered at `https://<address>`.

    Args:
        rendered: the chart's objects.
        address: HOST:PORT.
        trust: PEM of every authority that the API server is to trust.
    """
    return [_registered(each, address, trust) for each in rendered if each["kind"] in KINDS]


def _registered(configuration: Object, address: str, trust: bytes) -> Object:
    rules, paths = (json.loads(configuration["metadata"]["annotations"][each]) for each in (RULES, PATHS))
    webhooks = [
        webhook
        | {
            "rules": rules[webhook["name"]],
            "clientConfig": {
                "url": f"https://{address}{paths[webhook['name']]}",
                "caBundle": base64.b64encode(trust).decode(),
            },
        }
        for webhook in configuration["webhooks"]
    ]
    return configuration | {"webhooks": webhooks}
