"""Gives pods the API server at the address of the Service `kubernetes`, without kube-proxy.

The API server listens on the host's loopback only, which no pod reaches. So a network plugin (`write_plugin`, called by
containerd for every new pod) opens a listening socket on the cluster IP inside the pod's network namespace and hands it
to the relay, a process on the host that passes each connection on to the loopback.

In: as a program, `service_relay.py SOCKET PORT` is the relay and `service_relay.py plugin` one call of the plugin; it
imports the standard library only, as containerd calls it for every pod. Out: bytes, both ways.
"""

import asyncio
import contextlib
import json
import os
import pathlib
import shlex
import socket
import subprocess
import sys

PLUGIN = "podseal-service"
_CLUSTER_IP = ("10.0.0.1", 443)
_MESSAGE_BYTES = 4096
_CHUNK_BYTES = 65_536


def write_plugin(file: pathlib.Path) -> None:
    """Write the executable that containerd calls; adding a pod runs inside the pod's network namespace."""
    run = f"{shlex.quote(sys.executable)} -I {shlex.quote(__file__)} plugin"
    file.write_text(
        f'#!/bin/sh\nif [ "$CNI_COMMAND" = ADD ]; then\n  exec nsenter --net="$CNI_NETNS" {run}\nfi\nexec {run}\n'
    )
    file.chmod(0o755)


def plugin() -> None:
    """Answer one call by the CNI specification 0.4.0: environment and standard input in, JSON out."""
    command, container = os.environ["CNI_COMMAND"], os.environ.get("CNI_CONTAINERID", "")
    if command == "VERSION":
        print(json.dumps({"cniVersion": "0.4.0", "supportedVersions": ["0.4.0"]}))
        return
    configuration = json.load(sys.stdin)
    if command == "ADD":
        subprocess.run(["ip", "address", "add", f"{_CLUSTER_IP[0]}/32", "dev", "lo"], check=True)
        with socket.create_server(_CLUSTER_IP) as listener:
            _tell(configuration["socket"], {"container": container}, [listener.fileno()])
        print(json.dumps(configuration["prevResult"]))
    elif command == "DEL":
        # A bed whose relay is gone has no sockets left to close; the specification wants DEL to succeed then.
        with contextlib.suppress(OSError):
            _tell(configuration["socket"], {"container": container}, [])


def _tell(relay: str, message: dict[str, str], descriptors: list[int]) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect(relay)
        socket.send_fds(connection, [json.dumps(message).encode()], descriptors)
        connection.recv(1)  # the relay has taken, or closed, the pod's socket


class Relay:
    """Accepts on the sockets that the plugin hands over, and closes them when their pod goes."""

    def __init__(self, port: int) -> None:
        """`port` is the API server's on the host's loopback."""
        self._port = port
        self._servers: dict[str, asyncio.Server] = {}

    async def serve(self, listener: socket.socket) -> None:
        """Take messages from the plugin on a Unix socket, for ever."""
        listener.setblocking(False)
        while True:
            connection, _ = await asyncio.get_running_loop().sock_accept(listener)
            with connection:
                connection.setblocking(True)  # the plugin sends at once
                await self._take(connection)

    async def _take(self, connection: socket.socket) -> None:
        text, descriptors, _, _ = socket.recv_fds(connection, _MESSAGE_BYTES, 1)
        container = json.loads(text)["container"]
        for descriptor in descriptors:
            pod = socket.socket(fileno=descriptor)
            self._servers[container] = await asyncio.start_server(self._connected, sock=pod)
        if not descriptors and container in self._servers:
            self._servers.pop(container).close()
        connection.send(b".")

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:  # the API server restarts: the pod sees a closed connection, as from a real Service
            writer.close()
            return
        await asyncio.gather(_copy(reader, upstream_writer), _copy(upstream_reader, writer))


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await source.read(_CHUNK_BYTES):
            target.write(chunk)
            await target.drain()
    with contextlib.suppress(OSError):
        target.close()


def relay(path: pathlib.Path, port: int) -> None:
    """Run the relay on the Unix socket `path`, which only this user may reach, until it is killed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen()
        asyncio.run(Relay(port).serve(listener))


if __name__ == "__main__":
    if sys.argv[1] == "plugin":
        plugin()
    else:
        relay(pathlib.Path(sys.argv[1]), int(sys.argv[2]))
