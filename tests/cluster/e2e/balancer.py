"""A TCP balancer for the test bed, in the place of a Service: each connection goes to one of the ready backends.

In: backends with an address and a question whether they are ready. Out: one address that stays while they come and go.
Called by `installation`. It knows nothing of TLS or HTTP, so what it cannot repair, nobody else does: a connection
stays with its backend until one of the two ends it.
"""

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass

from tests.cluster import networks

SECONDS_BETWEEN_LOOKS = 0.1
PIECE = 65536
TURNS_TO_CATCH_UP = 10
"""Of the event loop: from the end of a connection to the end of its other half it takes a few."""


@dataclass(frozen=True)
class Backend:
    """Where connections may go, and whether new ones should."""

    port: int
    is_ready: Callable[[], bool]


class Balancer:
    """Listens on a port of its own from `start` to `stop`; its sockets live in one thread of this process."""

    def __init__(self) -> None:
        self.port = 0
        self.accepted = 0
        """Connections so far."""
        self.ended_by_backend = 0
        """Connections that the backend ended before its client did."""
        self._backends: tuple[Backend, ...] = ()
        self._ready: frozenset[Backend] = frozenset()
        self._turn = itertools.count()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="balancer", daemon=True)
        self._watch = threading.Thread(target=self._look_on, name="balancer-watch", daemon=True)
        self._connections: set[asyncio.Task[None]] = set()
        self._stopped = threading.Event()

    @property
    def address(self) -> str:
        """HOST:PORT for clients."""
        return f"{networks.LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self._watch.start()

    def stop(self) -> None:
        """End every connection and the thread."""
        self._stopped.set()
        self._watch.join(30)
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def add(self, backend: Backend) -> None:
        """Let connections go to a backend from its next readiness on."""
        self._backends = (*self._backends, backend)

    def remove(self, backend: Backend) -> None:
        """No new connection goes there; those that exist stay, as when a pod leaves a Service."""
        self._backends = tuple(each for each in self._backends if each is not backend)
        self._ready -= {backend}

    def knows_as_ready(self, backend: Backend) -> bool:
        """Whether new connections go there."""
        return backend in self._ready

    def catch_up(self) -> None:
        """Return once everything is handled that has happened to the connections before."""
        for _ in range(TURNS_TO_CATCH_UP):
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self._loop).result(10)

    def _look_on(self) -> None:
        """Readiness, as kubelet's probes tell it to a Service."""
        while not self._stopped.wait(SECONDS_BETWEEN_LOOKS):
            backends = self._backends
            ready = frozenset(each for each in backends if each.is_ready())
            self._ready = ready & frozenset(self._backends)

    async def _listen(self) -> asyncio.Server:
        server = await asyncio.start_server(self._connected, networks.LOOPBACK, 0, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _close(self) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        try:
            opened = await self._open()
            if opened is None:
                writer.transport.abort()
                return
            await self._carry((reader, writer), opened)
        except asyncio.CancelledError:
            writer.transport.abort()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """A connection to the next ready backend that takes it."""
        ready = [each for each in self._backends if each in self._ready]
        start = next(self._turn)
        for offset in range(len(ready)):
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(networks.LOOPBACK, ready[(start + offset) % len(ready)].port)
        return None

    async def _carry(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        backend: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        """Carry both ways until one side has ended; then end the other at once."""
        up = asyncio.create_task(_pump(client[0], backend[1]))
        down = asyncio.create_task(_pump(backend[0], client[1]))
        try:
            done, _ = await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
            if up not in done:
                self.ended_by_backend += 1
        finally:
            for task in (up, down):
                task.cancel()
            for _, writer in (client, backend):
                writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
