"""POST over HTTP and HTTPS, and what an answer means for the alerts in it.

In: a URL, a body, how to authenticate. Out: nothing once the receiver took it, else the errors of an output. Called by
the outputs `http`, `alertmanager` and `otlp`.
"""

import email.utils
import gzip
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import urllib3
from msgspec import Meta, Struct, field

from runtime_monitor.feed import output

UNPROCESSABLE: Final = frozenset({400, 405, 410, 411, 413, 414, 415, 422, 431})
"""Answers that say that this content will never be taken; 401, 403 and 404 are repaired by an administrator."""
LONGEST_WAIT: Final = 600.0
ANSWER_BYTES: Final = 65536


class Endpoint(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to reach a receiver. `header_files` names files whose content is a header's value, such as a token's.

    `insecure` takes any certificate; `ca_path` is a folder of authorities, named by their hashes (openssl rehash).
    """

    ca_file: str = ""
    ca_path: str = ""
    insecure: bool = False
    client_cert_file: str = ""
    client_key_file: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    header_files: dict[str, str] = field(default_factory=dict)
    gzip: bool = False
    timeout_seconds: Annotated[float, Meta(gt=0, le=300)] = 10.0


def check_url(url: str) -> None:
    """Raise `ValueError` where a URL is none of HTTP, or has a password in it, which would stand in logs."""
    parsed = urllib3.util.parse_url(url)
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError(f"{url!r}: an http:// or https:// URL is wanted")
    if parsed.auth:
        raise ValueError("the url holds a password; put an Authorization header in `header_files`")


class Poster:
    """Keeps the connections to one receiver."""

    def __init__(self, url: str, endpoint: Endpoint) -> None:
        self._url = url
        self._endpoint = endpoint
        self._pool: urllib3.PoolManager | None = None
        parsed = urllib3.util.parse_url(url)
        if endpoint.insecure:
            # It is the administrator's choice, and said once: not at each connection.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self._shown = f"{parsed.scheme}://{parsed.netloc}{parsed.path or ''}"

    def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Deliver JSON.

        Raises:
            UnavailableError: no answer, or one that may change. RejectedError: the content is refused for good.
        """
        try:
            answer = self._answer(body, headers)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise output.UnavailableError(f"{self._shown}: {_reason(error)}") from error
        if answer.status < 300:  # noqa: PLR2004 -- HTTP: success
            return
        message = f"{self._shown}: HTTP {answer.status}"
        if answer.status in UNPROCESSABLE:
            raise output.RejectedError(message)
        raise output.UnavailableError(message, retry_after(answer.headers.get("Retry-After", ""), time.time()))

    def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            self._pool.clear()
            self._pool = None

    def _answer(self, body: bytes, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        endpoint = self._endpoint
        if self._pool is None:
            self._pool = urllib3.PoolManager(maxsize=1, retries=False, ssl_context=self._context())
        sent = {"Content-Type": "application/json", "User-Agent": "podseal", **endpoint.headers, **headers}
        sent |= {name: Path(file).read_text().strip() for name, file in endpoint.header_files.items()}
        if endpoint.gzip:
            body, sent["Content-Encoding"] = gzip.compress(body, 6), "gzip"
        timeout = urllib3.Timeout(total=endpoint.timeout_seconds)
        answer = self._pool.request(
            "POST", self._url, body=body, headers=sent, timeout=timeout, redirect=False, preload_content=False
        )
        try:
            answer.read(ANSWER_BYTES)  # so that the connection can be used again
        finally:
            answer.release_conn()
        return answer

    def _context(self) -> ssl.SSLContext | None:
        endpoint = self._endpoint
        if not self._url.startswith("https:"):
            return None
        context = ssl.create_default_context(cafile=endpoint.ca_file or None, capath=endpoint.ca_path or None)
        if endpoint.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if endpoint.client_cert_file:
            context.load_cert_chain(endpoint.client_cert_file, endpoint.client_key_file or None)
        return context


def retry_after(value: str, now: float) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110, section 10.2.3), at most ten minutes; None if none."""
    if not value:
        return None
    if value.strip().isdigit():
        return min(float(value), LONGEST_WAIT)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return min(max(0.0, moment.timestamp() - now), LONGEST_WAIT)


def _reason(error: Exception) -> str:
    """The cause without the addresses of Python objects."""
    cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) else error
    text = str(cause)
    return text.split(": ", 1)[1] if text.startswith("<") and ": " in text else text or type(cause).__name__
