"""Both ends of a socket, as a record has them, in Falco's terms: the attributes of an Event's part `fd`.

In: the bytes of PIECE_SOCKET (`struct endpoints`, bpf/events.h) and, of a unix socket, its path. Out: a dict for
`events.File`. Called by `decode`. Names and characters are libsinsp's (fdinfo.cpp): the client's end comes first.
"""

import ipaddress
import struct
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from runtime_monitor.kernel.calls import Role

_ENDS: Final = struct.Struct("<5H4B16s16s")
SIZE: Final = _ENDS.size
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
SOCK_RAW: Final = 3
_PROTOCOLS: Final = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp"}
_TYPES: Final = {
    AF_UNIX: ("u", "unix"),
    AF_INET: ("4", "ipv4"),
    AF_INET6: ("6", "ipv6"),
    AF_NETLINK: ("n", "netlink"),
}
_FAMILIES: Final = {AF_UNIX: "unix", AF_INET: "ip", AF_INET6: "ip"}
_CONNECTED: Final = frozenset(
    {1, 4, 5, 8, 9, 11}
)  # TCP_ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT, LAST_ACK, CLOSING
_WITH_ENDS: Final = frozenset(
    {"connect", "accept", "accept4", "sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg"}
)
"""Events that have `tuple` among their arguments."""
_ROLES: Final = {Role.CLIENT: False, Role.SERVER: True}


class Ends(NamedTuple):
    """`struct endpoints`: addresses in network order, ports as numbers."""

    family: int
    type: int
    protocol: int
    local_port: int
    remote_port: int
    state: int
    role: int
    argument: int
    changed: int
    local: bytes
    remote: bytes


def unpack(raw: bytes) -> Ends:
    """The ends; raises `struct.error` where these are none."""
    return Ends._make(_ENDS.unpack(raw))


def attributes(ends: Ends, path: bytes | None) -> dict[str, Any]:
    """What `events.File` says of a socket; `path` is that of the unix socket that listens."""
    local, remote = _address(ends.family, ends.local), _address(ends.family, ends.remote)
    # A socket for IPv6 talks to IPv4 under ::ffff:0:0/96 (RFC 4291); Falco calls that what it is.
    family = AF_INET if ends.family == AF_INET6 and "." in (remote or local or "") else ends.family
    character, kind = _TYPES.get(family, ("o", None))
    found: dict[str, Any] = {
        "type_character": character,
        "type": kind,
        "socket_family": _FAMILIES.get(family),
        "path_source": "argument" if ends.argument else "object",
    }
    if ends.family == AF_UNIX:
        return found | {"name": _path(path) if path else None, "connected": ends.state in _CONNECTED}
    if local is None or remote is None:
        return found
    return found | _network(ends, local, remote)


def arguments(event_type: str, file: Mapping[str, Any]) -> dict[str, str]:
    """What `evt.args` says of the ends: both as `tuple`, and as `addr` the one that the call was given."""
    name = file.get("name")
    if name is not None and event_type == "bind":
        return {"addr": name}
    if name is None or event_type not in _WITH_ENDS:
        return {}
    address, port = file.get("remote_address"), file.get("remote_port")
    addr = name if address is None else f"{address}:{port}"
    return {"tuple": name} | ({"addr": addr} if event_type == "connect" else {})


def _network(ends: Ends, local: str, remote: str) -> dict[str, Any]:
    here, there = f"{local}:{ends.local_port}", f"{remote}:{ends.remote_port}"
    name = here if ends.local_port else None
    if ends.remote_port:
        name = f"{there}->{here}" if ends.role == Role.SERVER else f"{here}->{there}"
    # The kernel chooses the address by the route of each datagram: until then there is none to tell.
    chosen = not (ends.remote_port and ipaddress.ip_address(local).is_unspecified)
    return {
        "name": name,
        "l4proto": "raw" if ends.type == SOCK_RAW else _PROTOCOLS.get(ends.protocol),
        "local_address": local if ends.local_port and chosen else None,
        "local_port": ends.local_port or None,
        "remote_address": remote if ends.remote_port else None,
        "remote_port": ends.remote_port or None,
        "is_server": _ROLES.get(Role(ends.role)) if ends.role in _ROLES else None,
        "connected": ends.state in _CONNECTED,
        "name_changed": bool(ends.changed),
    }


def _address(family: int, raw: bytes) -> str | None:
    if family == AF_INET:
        return str(ipaddress.IPv4Address(raw[:4]))
    if family == AF_INET6:
        address = ipaddress.IPv6Address(raw)
        return str(address.ipv4_mapped or address)
    return None


def _path(raw: bytes) -> str:
    """A path, or an abstract name, which begins with a zero and is written with an @ as in /proc/net/unix."""
    text = b"@" + raw[1:] if raw.startswith(b"\0") else raw.split(b"\0", 1)[0]
    return text.decode("utf-8", "surrogateescape")
