"""The Secret as a `reconcile.Store`: compare-and-swap by resourceVersion, so two replicas end with one result.

The layout is `layout`'s, which is that of the type kubernetes.io/tls. A Secret that is made here is Opaque all the
same: kubernetes.io/tls demands tls.crt from the first moment, and a Pod that mounts it would start with an empty one.
Rights that it needs: get, patch and create, all bound to the one name.

Keys and labels that are not podseal's stay as they are. Two kinds of Secret are never written: one that
cert-manager keeps (it says so in an annotation), and one that holds something else altogether.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from certs import errors, layout
from certs.cluster import api

_DEMANDING_TYPE = "kubernetes.io/tls"
_FOREIGN = (layout.CERTIFICATE, layout.KEY, layout.TRUST)
_CERT_MANAGER = "cert-manager.io/certificate-name"


class Secret:
    """One Secret.

    Args:
        server: the API server.
        namespace: where the Secret lies.
        name: its name.
        publish_only: somebody else makes it; nothing of it is written, and its absence is an error.
    """

    def __init__(self, server: api.Api, namespace: str, name: str, *, publish_only: bool = False) -> None:
        self._api = server
        self._publish_only = publish_only
        self._address = api.Address("", "secrets", "Secret", name, namespace)
        self._demanding = False

    def __str__(self) -> str:
        return str(self._address)

    def read(self) -> tuple[dict[str, bytes], str]:
        """The items and the resourceVersion; nothing and "" where there is no Secret.

        Of a Secret that somebody else makes only that maker's items are read, so that `layout` sees as foreign
        what once was podseal's own.

        Raises:
            errors.CertsError: the Secret is not readable, or holds something else.
        """
        found = self._api.get(self._address)
        if found is None:
            if self._publish_only:
                raise errors.CertsError(str(self), "does not exist", "let its maker (cert-manager) create it")
            self._demanding = False
            return {}, ""
        self._demanding = found.get("type") == _DEMANDING_TYPE
        stored = {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}
        foreign = self._publish_only or _CERT_MANAGER in (found["metadata"].get("annotations") or {})
        items = {name: stored[name] for name in (_FOREIGN if foreign else layout.NAMES) if name in stored}
        if foreign and not items.get(layout.CERTIFICATE):
            raise errors.CertsError(str(self), "holds no tls.crt yet", "let its maker (cert-manager) fill it")
        if stored and not items:
            raise errors.CertsError(
                str(self), f"holds something else ({', '.join(sorted(stored))})", "give another --secret"
            )
        return items, found["metadata"]["resourceVersion"]

    def write(self, data: Mapping[str, bytes], version: str) -> None:
        """Replace podseal's items.

        Raises:
            errors.ConflictError: the Secret has another version than the one read, or is gone, or there is one.
            errors.CertsError: the API server refuses.
        """
        if not version:
            made = self._api.ensure(self._address)
            if made.get("data"):
                raise errors.ConflictError  # another replica has made and filled it
            version = made["metadata"]["resourceVersion"]
        items = {layout.CERTIFICATE: b"", layout.KEY: b"", **data} if self._demanding else data
        encoded = {name: base64.b64encode(items[name]).decode() if name in items else None for name in layout.NAMES}
        self._api.merge(self._address, {"metadata": {"resourceVersion": version}, "data": encoded})
