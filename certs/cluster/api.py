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
    def collection(self) -> str:
        """Path of the collection, for creating."""
        root = f"/apis/{self.group}/v1" if self.group else "/api/v1"
        return f"{root}/namespaces/{self.namespace}/{self.resource}" if self.namespace else f"{root}/{self.resource}"

    @property
    def path(self) -> str:
        """Path of the object."""
        return f"{self.collection}/{self.name}"

    def rule(self, verb: str) -> str:
        """The RBAC rule that allows a verb on the object; `create` cannot be bound to a name."""
        names = "" if verb == "create" else f', resourceNames: ["{self.name}"]'
        return f'apiGroups: ["{self.group}"], resources: ["{self.resource}"]{names}, verbs: ["{verb}"]'


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
        return self._call("get", address, "GET", address.path)

    def create(self, address: Address, body: Object) -> Object:
        """Create the object.

        Raises:
            errors.ConflictError: it exists.
            errors.CertsError: the API server is away or refuses.
        """
        return self._written("create", address, "POST", address.collection, body=body)

    def merge(self, address: Address, body: Object) -> Object:
        """Change fields of the object (RFC 7386); a `metadata.resourceVersion` in the body guards it.

        Raises:
            errors.ConflictError: it is gone or has another version.
            errors.CertsError: the API server is away or refuses.
        """
        return self._written("patch", address, "PATCH", address.path, body=body, content_type=_MERGE)

    def patch(self, address: Address, version: str, operations: Sequence[Object]) -> Object:
        """Change fields of the object (RFC 6902), if it still has the version.

        Raises:
            errors.ConflictError: it is gone or has another version.
            errors.CertsError: the API server is away or refuses.
        """
        # A `test` of the version would be refused as an invalid request; to set it asks for the optimistic lock.
        guard = {"op": "replace", "path": "/metadata/resourceVersion", "value": version}
        return self._written("patch", address, "PATCH", address.path, body=[guard, *operations], content_type=_PATCH)

    def _written(
        self,
        verb: str,
        address: Address,
        method: str,
        path: str,
        **request: Any,  # noqa: ANN401 - passed on
    ) -> Object:
        answer = self._call(verb, address, method, path, **request)
        if answer is None:  # gone since it was read
            raise errors.ConflictError
        return answer

    def _call(
        self,
        verb: str,
        address: Address,
        method: str,
        path: str,
        **request: Any,  # noqa: ANN401 - passed on
    ) -> Object | None:
        try:
            status, body = self._send(method, path, **request)
        except (urllib3.exceptions.HTTPError, kubernetes.client.ApiException, OSError) as error:
            raise errors.CertsError(
                f"API server {self._host}", f"does not answer ({_one_line(error)})", "check its address and health"
            ) from error
        if status == _NOT_FOUND:
            return None
        if status == _CONFLICT:
            raise errors.ConflictError
        answer = _object(body)
        if status in _SUCCESS and isinstance(answer.get("metadata"), dict):
            return answer
        raise _refusal(status, str(answer.get("message", "")), verb, address)

    def _send(
        self, method: str, path: str, body: object = None, content_type: str = "application/json"
    ) -> tuple[int, bytes]:
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


def _refusal(status: int, message: str, verb: str, address: Address) -> errors.CertsError:
    said = _one_line(message) or f"HTTP status {status} without a reason"
    if status == _FORBIDDEN:
        kind = "Role" if address.namespace else "ClusterRole"
        return errors.CertsError(
            str(address), f"no right to {verb} it ({said})", f"add to the {kind} the rule {address.rule(verb)}"
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
