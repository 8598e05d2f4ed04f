"""The serving certificate: one TLS context for all connections, replaced when its files change.

In: paths of PEM files. Out: an `ssl.SSLContext` for each connection. Called by gunicorn's workers through
`webhook.gunicorn_conf`, for every connection that they accept.
A context in use is never changed: loading a certificate into one while handshakes run fails a part of them (tried,
up to a crash of the process). A new one is built beside it, and kept only if it is whole.
"""

import base64
import logging
import os
import ssl
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_FOR_CLIENT = 10.0
SECONDS_FOR_REQUEST = 30.0
"""How long a client may leave the server waiting for the next bytes, and for a whole request: the longest timeout that
a webhook configuration can have."""

MINIMUM_VERSIONS = {"VersionTLS12": ssl.TLSVersion.TLSv1_2, "VersionTLS13": ssl.TLSVersion.TLSv1_3}

SEQUENCE, UTC_TIME, GENERALIZED_TIME, EXPLICIT_VERSION = 0x30, 0x17, 0x18, 0xA0

Clock = Callable[[], float]
Signature = tuple[tuple[int, int, int], ...]
log = logging.getLogger("podseal.tls")


class Files(Struct, frozen=True):
    """Where the certificate is. With a client authority, clients must have a certificate of it (mTLS)."""

    certificate: str
    private_key: str
    client_ca: str = ""
    minimum_version: str = "VersionTLS12"

    @property
    def paths(self) -> tuple[str, ...]:
        """Every file that is read."""
        return tuple(path for path in (self.certificate, self.private_key, self.client_ca) if path)


class ImpatientSocket(ssl.SSLSocket):
    """A connection that does not wait for ever: gunicorn's threads would all wait for clients that say nothing more.

    Neither a silent client nor one that sends a byte now and then keeps a thread: each read has a limit, and so have
    all reads of one request together.
    """

    _deadline = float("inf")

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 -- the socket's own signature
        """Gunicorn's sign that a thread takes over: blocking means with a limit."""
        self.settimeout(SECONDS_FOR_CLIENT if flag else 0.0)
        self._deadline = time.monotonic() + SECONDS_FOR_REQUEST

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 -- the socket's own signature
        """The first thing that a client may stall."""
        self.settimeout(SECONDS_FOR_CLIENT)
        self._deadline = time.monotonic() + SECONDS_FOR_REQUEST
        super().do_handshake(block)

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """What has arrived, as long as the request may still take."""
        if time.monotonic() > self._deadline:
            raise TimeoutError(f"the request takes longer than {SECONDS_FOR_REQUEST:.0f} s")
        return super().recv(buflen, flags)


class Certificates:
    """Gives out the current context; looks at the files at most once a second.

    A master loads it before it forks, so that a worker that starts while the files are broken has one as well.
    `not_after` is the end of the certificate in use, in seconds since 1970. `on_load` is told it for each one that
    comes into use, `on_failure` of each attempt that failed, after which the old context serves on.
    """

    def __init__(self, files: Files, clock: Clock = time.monotonic) -> None:
        self.not_after = 0.0
        self.on_load: Callable[[float], None] = lambda _not_after: None
        self.on_failure: Callable[[], None] = lambda: None
        self._files = files
        self._clock = clock
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None
        self._signature: Signature = ()
        self._next_look = float("-inf")

    def context(self) -> ssl.SSLContext:
        """The context for one connection.

        Raises:
            OSError, ssl.SSLError, ValueError: there is none yet, and the files do not give one.
        """
        context = self._context
        if context is not None and self._clock() < self._next_look:
            return context
        with self._lock:
            return self._looked()

    def _looked(self) -> ssl.SSLContext:
        if self._context is not None and self._clock() < self._next_look:
            return self._context
        self._next_look = self._clock() + SECONDS_BETWEEN_LOOKS
        try:
            signature = _signature(self._files)
            if self._context is None or signature != self._signature:
                self._context = build(self._files)
                self._signature = signature
                self.not_after = not_after(Path(self._files.certificate).read_text())
                self.on_load(self.not_after)
        except (OSError, ValueError) as error:  # SSLError is an OSError
            self.on_failure()
            if self._context is None:
                raise
            # Half of a pair is there while somebody writes it; the next look finds the other half.
            log.warning("certificate not reloaded, the former one stays in use: %s", error)
        return self._context


def build(files: Files) -> ssl.SSLContext:
    """A server's context from the files.

    Raises:
        OSError: a file cannot be read. ssl.SSLError: certificate and key do not belong together, or are none.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files.client_ca or None)
    context.minimum_version = MINIMUM_VERSIONS[files.minimum_version]
    context.load_cert_chain(files.certificate, files.private_key)
    context.verify_mode = ssl.CERT_REQUIRED if files.client_ca else ssl.CERT_NONE
    context.sslsocket_class = ImpatientSocket
    return context


def not_after(pem: str) -> float:
    """When the first certificate of a PEM text ends, in seconds since 1970 (RFC 5280, section 4.1).

    The ssl module tells it only of a peer, and a library for it would cost every worker 10 MiB.

    Raises:
        ValueError: there is no certificate, or it is not DER as the RFC has it.
    """
    _, begin, rest = pem.partition("-----BEGIN CERTIFICATE-----")
    encoded, end, _ = rest.partition("-----END CERTIFICATE-----")
    if not (begin and end):
        raise ValueError("no certificate in PEM form")
    der = base64.b64decode("".join(encoded.split()), validate=True)
    _, certificate, _ = _element(der)
    _, to_be_signed, _ = _element(certificate)
    tag, _, rest_of_it = _element(to_be_signed)
    if tag == EXPLICIT_VERSION:
        _, _, rest_of_it = _element(rest_of_it)
    for _ in ("signature", "issuer"):
        _, _, rest_of_it = _element(rest_of_it)
    tag, validity, _ = _element(rest_of_it)
    if tag != SEQUENCE:
        raise ValueError("no validity in the certificate")
    _, _, following = _element(validity)
    tag, moment, _ = _element(following)
    return _seconds(tag, moment.decode("ascii"))


def _element(der: bytes) -> tuple[int, bytes, bytes]:
    """The tag and the content of the first element, and what follows it (ITU-T X.690, section 8.1)."""
    if len(der) < 2:  # noqa: PLR2004 -- tag and length
        raise ValueError("the certificate ends too early")
    tag, length, start = der[0], der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start], "big")
    if len(der) < start + length:
        raise ValueError("the certificate ends too early")
    return tag, der[start : start + length], der[start + length :]


def _seconds(tag: int, moment: str) -> float:
    """UTCTime has two digits for the year, of which those from 50 on belong to the last century."""
    if tag == UTC_TIME:
        moment = f"{'19' if moment[:2] >= '50' else '20'}{moment}"
    elif tag != GENERALIZED_TIME:
        raise ValueError("no time where the certificate's end should be")
    return datetime.strptime(moment, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _signature(files: Files) -> Signature:
    """What changes when a file does. A Secret's volume is swapped by a symbolic link, which stat follows."""
    found = (os.stat(path) for path in files.paths)  # noqa: PTH116 -- per second, for each path
    return tuple((each.st_mtime_ns, each.st_ino, each.st_size) for each in found)
