"""Syslog: the local socket, or RFC 5424 over UDP, TCP (octet counting, RFC 6587) and TLS (RFC 5425).

Settings: `address` (`/dev/log`, `udp://host:514`, `tcp://host:601`, `tls://host:6514`), `format`, `line`, `facility`,
`ca_file`, `client_cert_file`, `client_key_file`, `max_bytes` of a datagram. Syslog acknowledges nothing: what a server
had not read from its socket when it died is gone, which no client can see; a connection that the server closed is seen
before the next message.
"""

import os
import socket
import ssl
import urllib.parse
from collections.abc import Sequence
from typing import Annotated, Final

from msgspec import Meta

from runtime_monitor.alerts import Alert
from runtime_monitor.feed import output, render, rfc5424

PORTS: Final = {"udp": 514, "tcp": 601, "tls": 6514}
SECONDS: Final = 10.0


class Settings(output.Settings, frozen=True, kw_only=True, tag_field="type", tag="syslog", forbid_unknown_fields=True):
    """Syslog."""

    address: Annotated[str, Meta(min_length=1)] = "/dev/log"
    format: render.Form = "text"
    line: render.Line = render.FALCO
    facility: Annotated[int, Meta(ge=0, le=23)] = 13  # log audit
    ca_file: str = ""
    client_cert_file: str = ""
    client_key_file: str = ""
    max_bytes: Annotated[int, Meta(ge=480)] = 2048

    def __post_init__(self) -> None:
        """Refuse an address that is none."""
        kind, _, _ = parse(self.address)
        if kind != "unix" and kind not in PORTS:
            raise ValueError(f"{self.address!r}: a path, or udp://, tcp://, tls:// with a host")

    def open(self) -> "Syslog":
        """The connection is made by the first alert."""
        return Syslog(self)


def parse(address: str) -> tuple[str, str, int]:
    """Kind of socket, host or path, port."""
    if address.startswith("/"):
        return "unix", address, 0
    found = urllib.parse.urlsplit(address)
    if not found.hostname:
        return "", "", 0
    return found.scheme, found.hostname, found.port or PORTS.get(found.scheme, 0)


class Syslog:
    """Keeps one socket."""

    batch = 50

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._form = render.form(settings.format, settings.line)
        self._kind, self._host, self._port = parse(settings.address)
        self._socket: socket.socket | None = None

    def send(self, alerts: Sequence[Alert]) -> None:
        """A message for each; over TCP and TLS all in one write."""
        try:
            connection = self._connected()
            if self._kind in ("tcp", "tls"):
                messages = map(self._message, alerts)
                connection.sendall(b"".join(b"%d %s" % (len(message), message) for message in messages))
                return
            for alert in alerts:
                connection.send(self._datagram(alert))
        except OSError as error:
            self.close()
            raise output.UnavailableError(f"{self._settings.address}: {error.strerror or error}") from error

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _message(self, alert: Alert) -> bytes:
        form = rfc5424.local if self._kind == "unix" else rfc5424.network
        return form(alert, self._form(alert), self._settings.facility, os.getpid())

    def _datagram(self, alert: Alert) -> bytes:
        message = self._message(alert)[: self._settings.max_bytes]
        return message.decode("utf-8", "ignore").encode()  # no half character at the end

    def _connected(self) -> socket.socket:
        if self._socket is not None and self._was_closed(self._socket):
            self.close()
        if self._socket is None:
            self._socket = self._connect()
        return self._socket

    def _was_closed(self, connection: socket.socket) -> bool:
        """Whether the server ended the connection: then it is readable, and gives nothing."""
        if self._kind not in ("tcp", "tls"):
            return False
        connection.setblocking(False)
        try:
            return connection.recv(1) == b""
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        finally:
            connection.settimeout(SECONDS)

    def _connect(self) -> socket.socket:
        if self._kind in ("unix", "udp"):
            family = socket.AF_UNIX if self._kind == "unix" else _family(self._host, self._port)
            connection = socket.socket(family, socket.SOCK_DGRAM)
            connection.settimeout(SECONDS)
            try:
                connection.connect(self._host if self._kind == "unix" else (self._host, self._port))
            except OSError:
                connection.close()
                raise
            return connection
        plain = socket.create_connection((self._host, self._port), SECONDS)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if self._kind == "tcp":
            return plain
        context = ssl.create_default_context(cafile=self._settings.ca_file or None)
        if self._settings.client_cert_file:
            context.load_cert_chain(self._settings.client_cert_file, self._settings.client_key_file or None)
        return context.wrap_socket(plain, server_hostname=self._host)


def _family(host: str, port: int) -> socket.AddressFamily:
    return socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0][0]
