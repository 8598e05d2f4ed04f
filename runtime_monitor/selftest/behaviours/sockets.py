"""Connections, datagrams and sockets of a container's process, in a network namespace of its own: nothing leaves it."""

import contextlib
import fcntl
import os
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from runtime_monitor.selftest import linux
from runtime_monitor.selftest.behaviour import behaviour
from runtime_monitor.selftest.stage import Stage

LOOPBACK: Final = "127.0.0.1"
ENDS: Final = {"fd.lip": LOOPBACK, "fd.rip": LOOPBACK, "fd.l4proto": "tcp"}
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 1


def _alone(act: Callable[[], object]) -> Callable[[], object]:
    """The same in a new network namespace, whose loopback is up."""

    def play() -> None:
        linux.unshare(linux.CLONE_NEWNET)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
        act()

    return play


@contextlib.contextmanager
def _connected() -> Iterator[socket.socket]:
    """The client's end of a connection that was accepted."""
    with (
        socket.create_server((LOOPBACK, 0)) as server,
        socket.create_connection(server.getsockname()) as client,
        server.accept()[0],
    ):
        yield client


@behaviour(
    {**ENDS, "evt.type": "connect", "fd.is_server": False},
    {**ENDS, "evt.type": "accept4", "fd.is_server": True},
    {"evt.type": "listen", "fd.lip": LOOPBACK, "fd.is_server": True},
)
def connection(stage: Stage) -> Mapping[str, Any]:
    """A connection over TCP, from both of its ends."""

    def play() -> None:
        with _connected():
            pass

    return {"proc.pid": stage.call(_alone(play)).pid}


@behaviour({"evt.type": "sendto", "fd.rip": LOOPBACK, "fd.rport": 53, "fd.l4proto": "udp", "fd.name_changed": True})
def datagram(stage: Stage) -> Mapping[str, Any]:
    """A datagram by a socket that is not connected."""

    def play() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"podseal", (LOOPBACK, 53))

    return {"proc.pid": stage.call(_alone(play)).pid}


@behaviour({**ENDS, "evt.type": "dup2", "fd.num": 0, "fd.type": "ipv4", "fd.is_server": False})
def connection_as_standard_input(stage: Stage) -> Mapping[str, Any]:
    """A connection becomes the standard input, as of a reverse shell."""

    def play() -> None:
        with _connected() as client:
            os.dup2(client.fileno(), 0)

    return {"proc.pid": stage.call(_alone(play)).pid}


@behaviour({"evt.type": "socket", "fd.typechar": "o"})
def packet_socket(stage: Stage) -> Mapping[str, Any]:
    """A socket that sees every frame of the network."""

    def play() -> None:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()

    return {"proc.pid": stage.call(_alone(play)).pid}


@behaviour({"evt.type": "setuid", "evt.res": "SUCCESS", "user.uid": 65534})
def change_of_user(stage: Stage) -> Mapping[str, Any]:
    """A process becomes another user."""
    return {"proc.pid": stage.call(lambda: os.setuid(65534)).pid}
