"""A thin client of the Kubernetes API server: bytes in, bytes out, errors that name what is missing.

In: a kubeconfig, or the pod's own ServiceAccount. Out: responses, whole or as a stream of lines; `Refused` otherwise.
Called by `webhook.watch`, `webhook.sessions`, `webhook.scan` and the node monitor, never on the webhook's hot path.
It takes configuration and authentication from the kubernetes package (tokens that rotate, exec plugins), and of that
only ApiClient: one typed API of it costs 78 MiB a process.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import urllib3
    from kubernetes.client import ApiClient

METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
LINE_BYTES = 16 * 1024 * 1024
"""The longest line of a watch that is read: an object is at most 3 MiB, its JSON may be escaped."""
NO_QUERY: Mapping[str, str] = {}


class StatusMetadata(msgspec.Struct, frozen=True):
    """metadata of a Status."""

    continue_: str = msgspec.field(default="", name="continue")


class Status(msgspec.Struct, frozen=True):
    """The Status object of a refusal (k8s.io/apimachinery/pkg/apis/meta/v1)."""

    message: str = ""
    reason: str = ""
    code: int = 0
    metadata: StatusMetadata = StatusMetadata()


class Refused(Exception):  # noqa: N818 -- the API server refused; that is no programming error
    """The API server answered with an error, or did not answer: then the status is 0.

    `continue_token` comes with the 410 of a list whose snapshot is gone: it goes on from there as of now.
    """

    def __init__(self, status: int, message: str, continue_token: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.continue_token = continue_token

    def __str__(self) -> str:
        text = self.args[0]
        if self.status == 403:  # noqa: PLR2004 -- HTTP Forbidden
            # The API server's own text names user, verb, resource and scope: what an RBAC rule must say.
            return f"{text}; grant it with a Role or ClusterRole that has this verb on this resource"
        return f"the API server answered {self.status}: {text}" if self.status else str(text)


class Request(msgspec.Struct, frozen=True):
    """A request as the caller means it; `body` is a JSON value."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str] = NO_QUERY
    body: object = None


class Client:
    """Requests to one API server. Threads may share it; urllib3 keeps the connections."""

    def __init__(self, api_client: ApiClient) -> None:
        self._api = api_client

    @property
    def host(self) -> str:
        """The API server's address, for messages."""
        return str(self._api.configuration.host)

    def get(
        self, path: str, query: Mapping[str, str] = NO_QUERY, *, accept: str = "application/json", seconds: float = 30.0
    ) -> bytes:
        """The body of a GET."""
        with self._send(Request("GET", path, {"Accept": accept}, query), (min(seconds, 5.0), seconds)) as response:
            return _body(response)

    def send(
        self, method: str, path: str, body: object, *, content_type: str = "application/json", seconds: float = 10.0
    ) -> bytes:
        """The body of the answer to a POST, PATCH, PUT or DELETE of a JSON value."""
        headers = {"Accept": "application/json", "Content-Type": content_type}
        with self._send(Request(method, path, headers, body=body), (min(seconds, 2.0), seconds)) as response:
            return _body(response)

    @contextlib.contextmanager
    def watch(
        self, path: str, query: Mapping[str, str], *, accept: str = "application/json", silence: float = 90.0
    ) -> Iterator[Iterator[bytes]]:
        """The lines of a watch that the server has accepted, as they come; they end when the server ends it.

        Raises:
            Refused: the server refused, sent nothing for `silence` seconds, or broke the connection.
        """
        with self._send(Request("GET", path, {"Accept": accept}, query), (5.0, silence)) as response:
            yield _lines(response, path)

    @contextlib.contextmanager
    def _send(self, request: Request, timeout: tuple[float, float]) -> Iterator[urllib3.HTTPResponse]:
        """One request; its connection goes back to the pool once it is read out, else it is closed."""
        with _as_refusal():
            method, url, headers, body, _ = self._api.param_serialize(
                request.method,
                request.path,
                query_params=list(request.query.items()),
                header_params=dict(request.headers),
                body=request.body,
                auth_settings=["BearerToken"],
            )
            response: urllib3.HTTPResponse = self._api.call_api(
                method, url, headers, body, _request_timeout=timeout
            ).response
        try:
            if response.status >= 300:  # noqa: PLR2004 -- HTTP: neither success nor, without redirects, progress
                raise _refusal(response)
            yield response
        finally:
            response.close()
            response.release_conn()


def _lines(response: urllib3.HTTPResponse, path: str) -> Iterator[bytes]:
    pending = b""
    with _as_refusal():
        for chunk in response.stream(65536):
            *whole, pending = (pending + chunk).split(b"\n")
            yield from (line for line in whole if line)
            if len(pending) > LINE_BYTES:
                raise Refused(0, f"a line of more than {LINE_BYTES} bytes came from {path}")


def _body(response: urllib3.HTTPResponse) -> bytes:
    with _as_refusal():
        return response.data


def _refusal(response: urllib3.HTTPResponse) -> Refused:
    try:
        status = msgspec.json.decode(_body(response), type=Status)
    except msgspec.DecodeError:
        status = Status()
    return Refused(response.status, status.message or str(response.reason), status.metadata.continue_)


@contextlib.contextmanager
def _as_refusal() -> Iterator[None]:
    """Turn what urllib3 and the kubernetes package raise into `Refused`."""
    import kubernetes.client  # noqa: PLC0415 -- 0.4 s; only who talks to a cluster pays
    import urllib3.exceptions  # noqa: PLC0415 -- comes with it

    try:
        yield
    except kubernetes.client.ApiException as error:
        raise Refused(error.status or 0, str(error.reason)) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise Refused(0, f"cannot reach the API server: {error}") from error


def connect(kubeconfig: str | None = None) -> Client:
    """A client from a kubeconfig, else from the pod's ServiceAccount, else from the user's default kubeconfig.

    Raises:
        Refused: there is no usable configuration; the text names what was tried.
    """
    import kubernetes.client  # noqa: PLC0415 -- see _as_refusal
    import kubernetes.config  # noqa: PLC0415 -- see _as_refusal
    import yaml  # noqa: PLC0415 -- comes with it

    configuration = kubernetes.client.Configuration()
    try:
        # Not load_config, which prints a remark where reports go, on standard output.
        if kubeconfig or "KUBERNETES_SERVICE_HOST" not in os.environ:
            kubernetes.config.load_kube_config(kubeconfig, client_configuration=configuration)
        else:
            kubernetes.config.load_incluster_config(client_configuration=configuration)
    except (kubernetes.config.ConfigException, yaml.YAMLError, OSError, ValueError) as error:
        where = kubeconfig or "the ServiceAccount of this pod and ~/.kube/config"
        reason = " ".join(str(error).split())
        raise Refused(0, f"no cluster to talk to: {where}: {reason}; give --kubeconfig FILE") from error
    # Retries are the caller's: a watch has its own back-off, and a fetch for a request its own deadline.
    configuration.retries = False
    return Client(kubernetes.client.ApiClient(configuration))
