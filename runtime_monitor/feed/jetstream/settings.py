"""Which servers of NATS, as whom; which stream, and what it keeps.

In: the feed's configuration. Out: frozen values. Called by `feed.settings`, by the output `nats` and by
`podseal-monitor stream`. Nothing here imports the client of NATS.
"""

import re
import urllib.parse
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
NODE: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*")
"""A node's name as Kubernetes has it: no token of it is a wildcard of a subject."""
READER: Final = "podseal-feed"
MAKER: Final = "podseal-stream"
"""As whom the cluster's feed reads, and who makes the stream; every other user is a node."""
SUBJECT: Final = "podseal.alerts"
DAY: Final = 24 * 3600
Subject = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$", max_length=100)]


class Connection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to reach NATS: `tls://HOST:PORT` each, tried in an order of chance; `nats://` on the loopback alone.

    The files are read for each connection, so that renewed certificates are used.
    """

    servers: Annotated[tuple[str, ...], Meta(min_length=1)]
    ca_file: str = ""
    client_cert_file: str = ""
    client_key_file: str = ""
    timeout_seconds: Annotated[float, Meta(gt=0, le=300)] = 5.0

    def __post_init__(self) -> None:
        """Refuse an address that is none, or over which alerts would pass in clear text."""
        for server in self.servers:
            check_server(server)


class Stream(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stream, and what it keeps. The oldest alerts go first, those of a node alone beyond `max_alerts_per_node`.

    `duplicate_window_seconds` is the longest cut of a node after which a repeated alert is still told from a new one;
    the servers hold the ids of so long in memory.
    """

    connection: Connection
    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+$", max_length=100)] = "PODSEAL"
    subject: Subject = SUBJECT
    replicas: Literal[1, 3, 5] = 3
    max_age_seconds: Annotated[int, Meta(gt=0)] = 7 * DAY
    max_bytes: Annotated[int, Meta(gt=0)] = 1024**3
    max_alerts_per_node: Annotated[int, Meta(gt=0)] = 100_000
    duplicate_window_seconds: Annotated[int, Meta(gt=0)] = 2 * 3600

    def __post_init__(self) -> None:
        """Refuse what the servers would."""
        if self.duplicate_window_seconds > self.max_age_seconds:
            raise ValueError("duplicate_window_seconds: longer than max_age_seconds; alerts would be gone before ids")


def check_server(server: str) -> None:
    """Raise `ValueError` where an address is none, would be in clear text off the loopback, or holds a password."""
    parsed = urllib.parse.urlsplit(server)
    if parsed.scheme not in ("nats", "tls") or not parsed.hostname or parsed.path.strip("/"):
        raise ValueError(f"{server!r}: tls://HOST:PORT is wanted")
    if parsed.username or parsed.password:
        raise ValueError("a server's address holds a password; use client_cert_file and client_key_file")
    if parsed.scheme == "nats" and parsed.hostname not in LOOPBACK:
        raise ValueError(f"{server}: off the loopback alerts would pass in clear text; use tls://")


def subject_of(prefix: str, node: str) -> str:
    """Where a node publishes.

    Raises:
        ValueError: the name is none that Kubernetes would give a node.
    """
    if not NODE.fullmatch(node) or node in (READER, MAKER):
        raise ValueError(f"{node!r} is no name of a node; give `node`")
    return f"{prefix}.{node}"


def inbox_of(user: str) -> str:
    """Where answers come to a user, who alone may read them."""
    return f"_INBOX.{user}"
