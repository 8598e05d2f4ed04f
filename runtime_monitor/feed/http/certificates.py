"""The serving certificate: read anew when its files change, for every connection that begins then.

In: the paths of PEM files. Out: one `ssl.SSLContext` to listen with, which hands each handshake on to the newest whole
one. Called by `server`. A context in use is never changed: loading a certificate into one while handshakes run fails a
part of them. A file that is broken, or of another key, leaves the old one in use and is told.
"""

import logging
import os
import ssl
import time
from collections.abc import Callable
from typing import Final

from runtime_monitor.feed.settings import Listen

SECONDS_BETWEEN_LOOKS: Final = 1.0
log = logging.getLogger("podseal.feed")


class Certificates:
    """The newest whole certificate of some files.

    Raises:
        OSError, ssl.SSLError: there is none to begin with.
    """

    def __init__(self, listen: Listen, clock: Callable[[], float] = time.monotonic) -> None:
        self._listen = listen
        self._clock = clock
        self._signature = self._signed()
        self._context = built(listen)
        self._next_look = clock() + SECONDS_BETWEEN_LOOKS

    def context(self) -> ssl.SSLContext:
        """What a server listens with. Its own certificate is never shown: the callback comes before it, SNI or not."""
        outer = built(self._listen)
        outer.sni_callback = self._hand_on
        return outer

    def current(self) -> ssl.SSLContext:
        """The context of a connection that begins now; looks at the files at most once a second."""
        if self._clock() < self._next_look:
            return self._context
        self._next_look = self._clock() + SECONDS_BETWEEN_LOOKS
        signature = self._signed()
        if signature == self._signature:
            return self._context
        # Told once: the next attempt is when the files change again.
        self._signature = signature
        try:
            self._context = built(self._listen)
        except (OSError, ValueError) as error:  # SSLError is an OSError
            log.error("%s: %s; the old certificate stays in use", self._listen.tls_cert_file, error)  # noqa: TRY400 -- its text says everything
        else:
            log.info("%s: the new certificate is in use", self._listen.tls_cert_file)
        return self._context

    def _hand_on(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self.current()

    def _signed(self) -> tuple[tuple[int, int, int], ...]:
        """What differs where a file is another one, or was written; an absent one is like no other."""
        listen = self._listen
        return tuple(
            _signature(path) for path in (listen.tls_cert_file, listen.tls_private_key_file, listen.client_ca_file)
        )


def built(listen: Listen) -> ssl.SSLContext:
    """A server's context. With a client authority nobody without a certificate of it gets a word in."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=listen.client_ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(listen.tls_cert_file, listen.tls_private_key_file or None)
    context.verify_mode = ssl.CERT_REQUIRED if listen.client_ca_file else ssl.CERT_NONE
    return context


def _signature(path: str) -> tuple[int, int, int]:
    try:
        found = os.stat(path)  # noqa: PTH116 -- three of them for each look
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_size, found.st_mtime_ns)
