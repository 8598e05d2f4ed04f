"""Sockets: what is made of a record, and what the programs tell of real ones on the loopback."""

import contextlib
import os
import pathlib
import re
import socket
import struct
from typing import Any

import pytest

from runtime_monitor.bpf import build
from runtime_monitor.kernel import sockets
from runtime_monitor.kernel.calls import Role
from tests.runtime_monitor.kernel.conftest import Tell
from tests.runtime_monitor.kernel.int80 import Int80

LOOPBACK = "127.0.0.1"
V4, V4_OTHER = bytes((10, 0, 0, 1)).ljust(16, b"\0"), bytes((10, 0, 0, 2)).ljust(16, b"\0")
TCP: dict[str, Any] = {
    "family": socket.AF_INET,
    "type": socket.SOCK_STREAM,
    "protocol": 6,
    "local": V4,
    "remote": V4_OTHER,
}


def _ends(**values: Any) -> sockets.Ends:  # noqa: ANN401 -- numbers and addresses
    return sockets.Ends(
        **({name: bytes(16) if name in ("local", "remote") else 0 for name in sockets.Ends._fields} | values)
    )


def test_python_and_c_agree_about_the_ends() -> None:
    """By the header; that the struct has no gap is asserted there."""
    header = (build.SOURCES / "events.h").read_text()
    body = re.search(r"struct endpoints \{(.*?)\};", header, re.DOTALL)
    assert body
    text = re.sub(r"/\*.*?\*/", "", body[1], flags=re.DOTALL)
    assert tuple(re.findall(r"(\w+)(?:\[\d+\])?[,;]", text)) == sockets.Ends._fields
    assert f"ENDPOINTS_SIZE = {sockets.SIZE}" in header


CASES = {
    "the client's end comes first": (
        _ends(**TCP, local_port=4000, remote_port=443, role=Role.CLIENT, state=1),
        {"name": "10.0.0.1:4000->10.0.0.2:443", "is_server": False, "connected": True, "type": "ipv4"},
    ),
    "also where that is the other one": (
        _ends(**TCP, local_port=443, remote_port=4000, role=Role.SERVER, state=1),
        {"name": "10.0.0.2:4000->10.0.0.1:443", "is_server": True, "local_port": 443, "l4proto": "tcp"},
    ),
    "one end alone": (
        _ends(**TCP, local_port=80, role=Role.SERVER, state=10),
        {"name": "10.0.0.1:80", "remote_address": None, "connected": False},
    ),
    "no end, no name": (_ends(**TCP), {"name": None, "local_address": None, "is_server": None}),
    "the kernel has not chosen an address yet": (
        _ends(family=socket.AF_INET, type=2, protocol=17, remote=V4, local_port=5000, remote_port=53, role=Role.CLIENT),
        {"name": "0.0.0.0:5000->10.0.0.1:53", "local_address": None, "remote_address": "10.0.0.1", "l4proto": "udp"},
    ),
    "IPv4 in an IPv6 socket is IPv4": (
        _ends(family=socket.AF_INET6, type=1, protocol=6, remote=bytes(10) + b"\xff\xff" + V4[:4], remote_port=1),
        {"type": "ipv4", "type_character": "4", "remote_address": "10.0.0.1"},
    ),
    "raw sockets": (_ends(family=socket.AF_INET, type=3, protocol=1), {"l4proto": "raw"}),
    "netlink has no ends": (_ends(family=16, type=3), {"type": "netlink", "type_character": "n"}),
    "packets have no type of Falco's": (_ends(family=17, type=3), {"type": None, "type_character": "o"}),
}


@pytest.mark.parametrize(("ends", "expected"), CASES.values(), ids=CASES)
def test_ends_in_falcos_terms(ends: sockets.Ends, expected: dict[str, object]) -> None:
    """What rules read."""
    found = sockets.attributes(ends, None)
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("path", "name"),
    [(b"/run/x.sock\0", "/run/x.sock"), (b"\0abstract", "@abstract"), (b"/no\xff", "/no\udcff"), (None, None)],
)
def test_a_unix_socket_is_called_by_its_path(path: bytes | None, name: str | None) -> None:
    """The path ends with a zero or with the address; an abstract name begins with one."""
    assert sockets.attributes(_ends(family=socket.AF_UNIX), path)["name"] == name


@pytest.mark.parametrize("short", [b"", bytes(sockets.SIZE - 1)])
def test_other_bytes_are_refused(short: bytes) -> None:
    """As any record that cannot be read."""
    with pytest.raises(struct.error):
        sockets.unpack(short)


def _listening(family: int, address: str) -> socket.socket:
    made = socket.socket(family)
    made.bind((address, 0))
    made.listen()
    return made


@pytest.mark.kernel
@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, LOOPBACK), (socket.AF_INET6, "::1")])
def test_a_connection_is_told_from_both_ends(tell: Tell, family: int, address: str) -> None:
    """With ports, roles, and what the descriptors are copied to and from."""

    def play() -> None:
        server = _listening(family, address)
        with socket.create_connection(server.getsockname()[:2]), server.accept()[0]:
            pass

    told = tell(play)
    (connect,), (accept,), (listen,) = told["connect"], told["accept4"], told["listen"]
    assert connect.fd.name == accept.fd.name
    assert connect.fd.name == f"{address}:{connect.fd.local_port}->{address}:{listen.fd.local_port}"
    assert (connect.fd.local_port, connect.fd.remote_port) == (accept.fd.remote_port, accept.fd.local_port)
    assert (connect.fd.is_server, accept.fd.is_server, listen.fd.is_server) == (False, True, True)
    assert connect.fd.type == f"ipv{4 if family == socket.AF_INET else 6}"
    assert (connect.fd.l4proto, connect.fd.socket_family, connect.fd.connected) == ("tcp", "ip", True)
    assert connect.evt.arguments["tuple"] == connect.fd.name
    assert connect.evt.arguments["addr"] == listen.fd.name
    assert connect.drift.kind is None


@pytest.mark.kernel
def test_a_connection_in_the_making_and_a_refused_one(tell: Tell) -> None:
    """EINPROGRESS has both ends; of a refused one the kernel keeps nothing but the argument tells."""

    def play() -> None:
        server = _listening(socket.AF_INET, LOOPBACK)
        with socket.socket() as pending, socket.socket() as refused:
            pending.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                pending.connect(server.getsockname())
            port = server.getsockname()[1]
            server.close()
            with contextlib.suppress(ConnectionRefusedError):
                refused.connect((LOOPBACK, port))

    pending, refused = tell(play)["connect"]
    assert pending.evt.result == "EINPROGRESS"
    assert (pending.fd.remote_address, pending.fd.is_server) == (LOOPBACK, False)
    assert pending.fd.path_source == "object"
    assert refused.evt.result == "ECONNREFUSED"
    assert (refused.fd.remote_address, refused.fd.remote_port) == (LOOPBACK, pending.fd.remote_port)


@pytest.mark.kernel
def test_a_datagram_names_its_end_once(tell: Tell) -> None:
    """Of an unconnected socket by the call's argument; the name changes with the end, not with each datagram."""

    def play() -> None:
        receivers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        for each in receivers:
            each.bind((LOOPBACK, 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for each in (*receivers[:1] * 2, receivers[1]):
                sender.sendto(b"some data", each.getsockname())
            sender.sendmsg([b"more"], [], 0, receivers[0].getsockname())
        receivers[0].recvfrom(100)
        receivers[1].recvmsg(100)

    told = tell(play)
    assert [event.fd.name_changed for event in told["sendto"]] == [True, False, True]
    assert {(event.fd.l4proto, event.fd.connected, event.fd.is_server) for event in told["sendto"]} == {
        ("udp", False, False)
    }
    assert {event.evt.buffer for event in told["sendto"]} == {b"some data"}
    (message,) = told["sendmsg"]
    assert (message.fd.name_changed, message.evt.buffer) == (True, b"more")
    assert message.fd.remote_port == told["bind"][0].fd.local_port
    (received,), (by_message,) = told["recvfrom"], told["recvmsg"]
    assert (received.evt.buffer, received.fd.is_server, received.fd.remote_address) == (b"some data", True, LOOPBACK)
    assert (by_message.evt.buffer, by_message.fd.remote_address) == (b"some data", LOOPBACK)


@pytest.mark.kernel
def test_unix_sockets_are_told_by_path(tell: Tell) -> None:
    """On both ends by the path of the one that listens; of a missing one by the argument."""
    path = "/dev/shm/x.sock"  # noqa: S108 -- the container's own

    def play() -> None:
        server, client = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        with contextlib.suppress(FileNotFoundError):
            client.connect(path)
        server.bind(path)
        server.listen()
        client.connect(path)
        server.accept()
        pathlib.Path(path).unlink()

    told = tell(play)
    missing, connect = told["connect"]
    (accept,) = told["accept4"]
    assert missing.evt.result == "ENOENT"
    assert [event.fd.name for event in (missing, connect, accept, *told["bind"])] == [path] * 4
    assert (connect.fd.type, connect.fd.type_character, connect.fd.socket_family) == ("unix", "u", "unix")


@pytest.mark.kernel
def test_a_packet_socket_is_told_by_its_domain(tell: Tell) -> None:
    """Also where it is refused."""

    def play() -> None:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
        os.setuid(65534)
        with contextlib.suppress(PermissionError):
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)

    made, refused = tell(play)["socket"]
    assert [event.evt.arguments["domain"] for event in (made, refused)] == [socket.AF_PACKET] * 2
    assert [event.evt.result for event in (made, refused)] == ["SUCCESS", "EPERM"]


def _sockaddr(address: tuple[str, int]) -> bytes:
    return struct.pack("<H", socket.AF_INET) + struct.pack(">H", address[1]) + socket.inet_aton(address[0]) + bytes(8)


@pytest.mark.kernel
@pytest.mark.parametrize("way", ["socketcall", "direct"])
def test_32_bit_calls_are_told_by_the_same_names(tell: Tell, way: str) -> None:
    """By socketcall(2), which has its arguments in memory, and by calls of their own."""

    def play() -> None:
        server = _listening(socket.AF_INET, LOOPBACK)
        call, data = Int80(), b"32 bits"
        address, text = call.put(_sockaddr(server.getsockname())), call.put(data)
        if way == "direct":
            number = call.call(359, socket.AF_INET, socket.SOCK_STREAM, 0)
            results = call.call(362, number, address, 16), call.call(369, number, text, len(data))
        else:
            number = call.socketcall(1, socket.AF_INET, socket.SOCK_STREAM, 0)
            results = call.socketcall(3, number, address, 16), call.socketcall(9, number, text, len(data), 0)
        assert results == (0, len(data))

    told = tell(play)
    (connect,), (send,) = told["connect"], told["sendto"]
    assert connect.fd.remote_port == told["listen"][0].fd.local_port
    assert (connect.fd.is_server, connect.evt.result) == (False, "SUCCESS")
    assert (send.evt.buffer, send.fd.name) == (b"32 bits", connect.fd.name)


@pytest.mark.kernel
def test_of_several_messages_the_first_one_s_end_is_told(tell: Tell) -> None:
    """Its bytes are not: the result counts messages."""

    def play() -> None:
        call = Int80()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, _receiver() as receiver:
            address, data = call.put(_sockaddr(receiver.getsockname())), call.put(b"data")
            piece = call.put(struct.pack("<II", data, 4))
            message = call.put(struct.pack("<8I", address, 16, piece, 1, 0, 0, 0, 0))
            assert call.call(345, sender.fileno(), message, 1, 0) == 1

    told = tell(play)
    (sent,) = told["sendmmsg"]
    assert sent.fd.remote_port == told["bind"][0].fd.local_port
    assert sent.evt.buffer is None


def _receiver() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((LOOPBACK, 0))
    return made
