"""A few requests to the API server: a POST of an object, with the ServiceAccount's own token.

In: a path and an object. Out: status and the object that came back. Called by the output `kubernetes_event` and by the
API's TokenReview. The kubernetes package would cost 48 MiB for these.
"""

import os
import ssl
from pathlib import Path
from typing import Any, Final

import msgspec
import urllib3
from msgspec import Struct

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
SECONDS: Final = 10.0
ANSWER_BYTES: Final = 1024 * 1024


class ApiServerError(Exception):
    """The API server cannot be reached."""


class ApiServer(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the API server is; what is empty is taken from the pod's ServiceAccount."""

    url: str = ""
    ca_file: str = ""
    token_file: str = ""


class Client:
    """Keeps a connection. Threads may share it. The token is read for each request, since the kubelet renews it."""

    def __init__(self, server: ApiServer) -> None:
        self._url = (server.url or _in_cluster()).rstrip("/")
        self._token = Path(server.token_file or SERVICE_ACCOUNT / "token")
        self._ca = server.ca_file or str(SERVICE_ACCOUNT / "ca.crt")
        self._pool: urllib3.PoolManager | None = None

    def post(self, path: str, body: object) -> tuple[int, dict[str, Any]]:
        """Create an object.

        Raises:
            ApiServerError: there was no answer.
        """
        try:
            if self._pool is None:
                context = ssl.create_default_context(cafile=self._ca)
                self._pool = urllib3.PoolManager(maxsize=4, retries=False, ssl_context=context, timeout=SECONDS)
            headers = {
                "Authorization": f"Bearer {self._token.read_text().strip()}",
                "Content-Type": "application/json",
                "Accept": "application/json",
            }
            answer = self._pool.request(
                "POST", self._url + path, body=msgspec.json.encode(body), headers=headers, redirect=False
            )
            found = msgspec.json.decode(answer.data[:ANSWER_BYTES])
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise ApiServerError(f"{self._url or 'API server'}: {error}") from error
        return answer.status, found if isinstance(found, dict) else {}


def _in_cluster() -> str:
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST", ""), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    return f"https://{f'[{host}]' if ':' in host else host}:{port}" if host else ""
