"""Requests to the API server: an object's address and a body go in, JSON comes out, failures become one line.

Called by `secret`, `publish` and `lease`. It uses the official client's configuration and transport alone; its
typed API would cost 78 MiB more in a process that needs six requests.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import kubernetes.client
import kubernetes.config
import urllib3
import yaml

from certs import errors

FIELD_MANAGER = "podseal-certs"

Object = Mapping[str, Any]
"""A Kubernetes object as JSON has it."""

_TIMEOUT_SECONDS = 10.0
_APPLY = "application/apply-patch+yaml"  # JSON is YAML; the transport wants this type encoded
_MERGE = "application/merge-patch+json"
_PATCH = "application/json-patch+json"
_SUCCESS = range(200, 300)
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _CONFLICT, _TOO_MANY, _SERVER_ERROR = 401, 403, 404, 409, 429, 500


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """Where one object lives.

    Args:
        group: API group, empty for the core one.
        resource: plural name, as in RBAC rules.
        kind: the object's kind.
        name: the object's name.
        namespace: empty for cluster-scoped resources.
    """

    group: str
    resource: str
    kind: str
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.kind} {self.name}{where}"

    @property
    def api_version(self) -> str:
        """As the object's `apiVersion` says it; every group used here has a v1."""
        return f"{self.group}/v1" if self.group else "v1"

    @property
    def path(self) -> str:
        """Path of the object."""
        root = f"/apis/{self.group}/v1" if self.group else "/api/v1"
        scope = f"/namespaces/{self.namespace}" if self.namespace else ""
        return f"{root}{scope}/{self.resource}/{self.name}"

    def rule(self, verbs: Sequence[str]) -> str:
        """The RBAC rule that allows the verbs on this object and on no other."""
        words = ", ".join(f'"{verb}"' for verb in verbs)
        return (
            f'apiGroups: ["{self.group}"], resources: ["{self.resource}"], resourceNames: ["{self.name}"], '
            f"verbs: [{words}]"
        )


class Api:
    """The API server as one user sees it."""

    def __init__(self, configuration: kubernetes.client.Configuration) -> None:
        configuration.retries = False  # the loop has its own back-off, and a write must not be sent twice
        self._client = kubernetes.client.ApiClient(configuration)
        self._host = configuration.host

    def get(self, address: Address) -> Object | None:
        """The object, None where there is none.

        Raises:
            errors.CertsError: the API server is away or refuses.
        """
        return self._call(("get",), address, "GET")

    def ensure(self, address: Address) -> Object:
        """The object; where there is none, a new one without content.

        It is made by an empty server-side apply and not by a POST: a POST has no name in its path, so RBAC cannot
        bind the right to create to a name ("Referring to resources" in its documentation); an apply has one. Two at
        once do each other no harm.

        Raises:
            errors.CertsError: the API server is away or refuses.
        """
        body = {"apiVersion": address.api_version, "kind": address.kind, "metadata": {"name": address.name}}
        verbs = ("patch", "create")
        return self._written(verbs, address, "PATCH", body=json.dumps(body), content_type=_APPLY)

    def merge(self, address: Address, body: Object) -> Object:
        """Change fields of the object (RFC 7386); a `metadata.resourceVersion` in the body guards it.

        Raises:
            errors.ConflictError: it is gone or has another version.
            errors.CertsError: the API server is away or refuses.
        """
        return self._written(("patch",), address, "PATCH", body=body, content_type=_MERGE)

    def patch(self, address: Address, version: str, operations: Sequence[Object]) -> Object:
        """Change fields of the object (RFC 6902), if it still has the version.

        Raises:
            errors.ConflictError: it is gone or has another version.
            errors.CertsError: the API server is away or refuses.
        """
        # A `test` of the version would be refused as an invalid request; to set it asks for the optimistic lock.
        guard = {"op": "replace", "path": "/metadata/resourceVersion", "value": version}
        return self._written(("patch",), address, "PATCH", body=[guard, *operations], content_type=_PATCH)

    def _written(
        self,
        verbs: Sequence[str],
        address: Address,
        method: str,
        *,
        body: object,
        content_type: str,
    ) -> Object:
        answer = self._call(verbs, address, method, body, content_type)
        if answer is None:  # gone since it was read
            raise errors.ConflictError
        return answer

    def _call(
        self, verbs: Sequence[str], address: Address, method: str, body: object = None, content_type: str = ""
    ) -> Object | None:
        try:
            status, text = self._send(method, address.path, body, content_type)
        except (urllib3.exceptions.HTTPError, kubernetes.client.ApiException, OSError) as error:
            raise errors.CertsError(
                f"API server {self._host}", f"does not answer ({_one_line(error)})", "check its address and health"
            ) from error
        if status == _NOT_FOUND:
            return None
        if status == _CONFLICT:
            raise errors.ConflictError
        answer = _object(text)
        if status in _SUCCESS and isinstance(answer.get("metadata"), dict):
            return answer
        raise _refusal(status, str(answer.get("message", "")), verbs, address)

    def _send(self, method: str, path: str, body: object, content_type: str) -> tuple[int, bytes]:
        query = [] if method == "GET" else [("fieldManager", FIELD_MANAGER)]
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = content_type
        serialized = self._client.param_serialize(
            method, path, query_params=query, header_params=headers, body=body, auth_settings=["BearerToken"]
        )
        response = self._client.call_api(*serialized, _request_timeout=_TIMEOUT_SECONDS)
        return response.status, response.read()


def connect(kubeconfig: str | None) -> Api:
    """The API server that a kubeconfig names, or the one whose Pod this is, or the default kubeconfig's.

    Raises:
        errors.CertsError: there is no usable configuration.
    """
    configuration = kubernetes.client.Configuration()
    try:
        if kubeconfig is None:
            _load_found(configuration)
        else:
            kubernetes.config.load_kube_config(kubeconfig, client_configuration=configuration, persist_config=False)
    except (kubernetes.config.ConfigException, yaml.YAMLError, OSError, ValueError) as error:
        raise errors.CertsError(
            kubeconfig or "kubeconfig",
            _one_line(error),
            "give a readable kubeconfig by --kubeconfig or KUBECONFIG, or run in a Pod with a ServiceAccount",
            errors.Exit.USAGE,
        ) from error
    return Api(configuration)


def _load_found(configuration: kubernetes.client.Configuration) -> None:
    try:
        kubernetes.config.load_incluster_config(client_configuration=configuration)
    except kubernetes.config.ConfigException:
        kubernetes.config.load_kube_config(client_configuration=configuration, persist_config=False)


def _refusal(status: int, message: str, verbs: Sequence[str], address: Address) -> errors.CertsError:
    verb = " and ".join(verbs)
    said = _one_line(message) or f"HTTP status {status} without a reason"
    if status == _FORBIDDEN:
        kind = "Role" if address.namespace else "ClusterRole"
        return errors.CertsError(
            str(address), f"no right to {verb} it ({said})", f"add to the {kind} the rule {address.rule(verbs)}"
        )
    if status == _UNAUTHORIZED:
        return errors.CertsError(str(address), "the API server does not know who asks", "renew the credentials")
    if status == _TOO_MANY or status >= _SERVER_ERROR:
        return errors.CertsError(str(address), f"the API server cannot answer now ({said})", "try again later")
    return errors.CertsError(str(address), f"the API server refuses to {verb} it ({said})", "correct the object")


def _object(body: bytes) -> Object:
    """The JSON object of an answer; proxies between here and the API server may answer with anything."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
