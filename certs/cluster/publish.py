"""The caBundles of webhook configurations as a `reconcile.Publication`.

Each write is a JSON patch of the caBundles alone, by the field manager `podseal-certs`, guarded by the
resourceVersion that was read (which makes the positions in the list safe).

Why not a server-side apply? Both leave the record that podseal-certs set `caBundle` and nothing else, which GitOps
tools compare by (argo-cd#4326, #1487): no difference is shown, and who applies a caBundle of his own is told of the
conflict. But apply also claims the list's entry (`k:{"name":…}` and `f:name`). When such a tool then removes a
webhook from its manifests, the claimed rest of it stays, without url and rules, and the API server refuses the
tool's whole update. A patch claims the leaf only; the entry goes. Both were tried with Kubernetes 1.37.

Rights that it needs: get and patch on the named configurations.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from certs import errors, model, pem, rotation
from certs.cluster import api, webhooks


class CaBundles:
    """Every caBundle of some webhook configurations; those that do not exist have none.

    Args:
        server: the API server.
        configurations: where to publish.
    """

    def __init__(self, server: api.Api, configurations: Sequence[api.Address]) -> None:
        self._api = server
        self._addresses = configurations
        self._read: list[webhooks.Configuration] = []
        self._unreadable: errors.CertsError | None = None

    def read(self) -> tuple[rotation.Bundles, errors.CertsError | None]:
        """What every caBundle holds, and the first failure; a configuration that cannot be read holds nothing."""
        self._read = []
        self._unreadable = None
        for address in self._addresses:
            try:
                found = webhooks.read(self._api, address)
            except errors.CertsError as error:
                self._unreadable = self._unreadable or error
                continue
            if found is not None:
                self._read.append(found)
        bundles = [webhook.authorities for configuration in self._read for webhook in configuration.webhooks]
        return (*bundles, *([()] if self._unreadable else [])), self._unreadable

    def publish(self, trust: Sequence[model.Certificate]) -> None:
        """Bring every configuration that was read to hold exactly `trust`; one that fails stops no other.

        Raises:
            errors.ConflictError: a configuration was written since it was read.
            errors.CertsError: a configuration cannot be read or written.
        """
        failures: list[Exception] = [self._unreadable] if self._unreadable else []
        wanted = {certificate.fingerprint for certificate in trust}
        for configuration in self._read:
            held = [{one.fingerprint for one in webhook.authorities} for webhook in configuration.webhooks]
            if all(fingerprints == wanted for fingerprints in held):
                continue
            try:
                changes = _changes(len(held), pem.join(trust))
                self._api.patch(configuration.address, configuration.version, changes)
            except (errors.CertsError, errors.ConflictError) as error:
                failures.append(error)
        if failures:
            raise failures[0]


def _changes(count: int, bundle: bytes) -> list[api.Object]:
    content = base64.b64encode(bundle).decode()
    return [
        {"op": "add", "path": f"/webhooks/{number}/clientConfig/caBundle", "value": content}  # `add` replaces too
        for number in range(count)
    ]
