"""fd.*: the file or the socket that it was done to. Source: the file in the kernel, the path as the container sees it.

Of a connection, the server's end is the one that listens, the client's the other; `l` and `r` are ours and theirs. Both
ends count for fd.ip, fd.port and fd.net: one is enough for `=` and `in`, as in libsinsp.
"""

from collections.abc import Callable

from runtime_monitor.events import Event, File
from runtime_monitor.rules.fields.field import Field, Several, Type, plain

ADDRESSES = ("fd.lip", "fd.rip")
PORTS = ("fd.lport", "fd.rport")


def _directory(event: Event) -> str | None:
    file = event.fd
    name = file.name
    if name is None or (file.type_character or "f") not in "fd":
        return None
    if file.type_character == "d":
        return name
    return name[: name.rfind("/")] or "/"


def _filename(event: Event) -> str | None:
    file = event.fd
    if file.name is None or (file.type_character or "f") != "f":
        return None
    return file.name[file.name.rfind("/") + 1 :]


def _of_server(file: File, local: str, remote: str) -> object:
    if file.is_server is None:
        return None
    return getattr(file, local if file.is_server else remote)


def _server(kind: str) -> Callable[[Event], object]:
    return lambda event: _of_server(event.fd, f"local_{kind}", f"remote_{kind}")


def _client(kind: str) -> Callable[[Event], object]:
    return lambda event: _of_server(event.fd, f"remote_{kind}", f"local_{kind}")


def _both(kind: str) -> Callable[[Event], tuple[object, ...] | None]:
    local, remote = f"local_{kind}", f"remote_{kind}"

    def read(event: Event) -> tuple[object, ...] | None:
        ends = (getattr(event.fd, local), getattr(event.fd, remote))
        return tuple(end for end in ends if end is not None) or None

    return read


def _made(name: str, kind: Type, doc: str, needs: tuple[str, ...], read: Callable[[Event], object]) -> Field:
    return Field(name=name, type=kind, doc=doc, needs=needs, read=read)


def _pair(name: str, kind: Type, doc: str, needs: tuple[str, ...], read: Callable[[Event], object]) -> Field:
    return Field(name=name, type=kind, doc=doc, needs=needs, read=read, several=Several.EITHER)


def is_service(name: str) -> bool:
    """Whether it is the name of a Service, by cluster DNS: those of other hosts are known to nobody here."""
    return name.endswith((".svc", ".svc.cluster.local"))


def _names(end: str, doc: str, read: Callable[[Event], object] | None = None, path: str = "") -> Field:
    return Field(
        name=f"fd.{end}ip.name",
        type=Type.STRING,
        doc=f"Names of {doc} address: of Services, such as kubernetes.default.svc.cluster.local.",
        needs=("fd.lip.name", "fd.rip.name"),
        read=read,
        path=path,
        several=Several.ANY,
        told=is_service,
    )


SERVER = (*ADDRESSES, "fd.is_server")
SERVER_PORT = (*PORTS, "fd.is_server")

FIELDS = (
    plain("fd.number", "fd.num", Type.NUMBER, "File descriptor; negative where an open failed."),
    plain("fd.name", "fd.name", Type.STRING, "Path, or both ends of a connection: 10.0.0.1:4000->10.0.0.2:443."),
    plain("fd.name_raw", "fd.nameraw", Type.STRING, "Path as the program gave it."),
    plain("fd.type", "fd.type", Type.STRING, "file, directory, ipv4, ipv6, unix, pipe, event, ..."),
    plain("fd.type_character", "fd.typechar", Type.STRING, "The type in one character: f, d, 4, 6, u, p."),
    _made("fd.directory", Type.STRING, "Directory of a file.", ("fd.name",), _directory),
    _made("fd.filename", Type.STRING, "Name of a file without its directory.", ("fd.name",), _filename),
    plain("fd.device", "fd.dev", Type.NUMBER, "Device number of the file system."),
    plain("fd.inode", "fd.ino", Type.NUMBER, "Inode."),
    plain("fd.path_source", "fd.path_source", Type.STRING, "Whence the path is known: object (kernel) or argument."),
    plain("fd.l4proto", "fd.l4proto", Type.STRING, "tcp, udp, icmp, raw."),
    plain("fd.socket_family", "fd.sockfamily", Type.STRING, "ip or unix."),
    plain("fd.is_server", "fd.is_server", Type.BOOLEAN, "Whether our end is the one that listens."),
    plain("fd.connected", "fd.connected", Type.BOOLEAN, "Whether a datagram socket is connected."),
    plain("fd.name_changed", "fd.name_changed", Type.BOOLEAN, "Whether this call changed the ends of the socket."),
    plain("fd.local_address", "fd.lip", Type.ADDRESS, "Our address."),
    plain("fd.remote_address", "fd.rip", Type.ADDRESS, "Their address."),
    _made("fd.sip", Type.ADDRESS, "The server's address.", SERVER, _server("address")),
    _made("fd.cip", Type.ADDRESS, "The client's address.", SERVER, _client("address")),
    _pair("fd.ip", Type.ADDRESS, "Either address.", ADDRESSES, _both("address")),
    plain("fd.local_address", "fd.lnet", Type.NETWORK, "Our address, for networks.", needs=("fd.lip",)),
    plain("fd.remote_address", "fd.rnet", Type.NETWORK, "Their address, for networks.", needs=("fd.rip",)),
    _made("fd.snet", Type.NETWORK, "The server's address, for networks.", SERVER, _server("address")),
    _made("fd.cnet", Type.NETWORK, "The client's address, for networks.", SERVER, _client("address")),
    _pair("fd.net", Type.NETWORK, "Either address, for networks.", ADDRESSES, _both("address")),
    plain("fd.local_port", "fd.lport", Type.NUMBER, "Our port."),
    plain("fd.remote_port", "fd.rport", Type.NUMBER, "Their port."),
    _made("fd.sport", Type.NUMBER, "The server's port.", SERVER_PORT, _server("port")),
    _made("fd.cport", Type.NUMBER, "The client's port.", SERVER_PORT, _client("port")),
    _pair("fd.port", Type.NUMBER, "Either port.", PORTS, _both("port")),
    _names("s", "the server's", _server("names")),
    _names("c", "the client's", _client("names")),
    _names("l", "our", path="fd.local_names"),
    _names("r", "their", path="fd.remote_names"),
)
