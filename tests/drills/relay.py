"""A stretch of network that can be cut: bytes wait on both sides, new connections get no word, until it is mended.

In: ports of the loopback. Out: a port for each that leads there. Called by the drill of the stream.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Sequence

LOOPBACK = "127.0.0.1"
CHUNK = 65536


class Network:
    """A relay a port, in a thread of their own. `ports` are where they listen."""

    def __init__(self, targets: Sequence[int]) -> None:
        self.ports: list[int] = []
        self._targets = targets
        self._loop = asyncio.new_event_loop()
        self._whole = asyncio.Event()
        self._whole.set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Return once they listen."""
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """End all connections."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def cut(self) -> None:
        """From now on nothing passes."""
        self._loop.call_soon_threadsafe(self._whole.clear)

    def mend(self) -> None:
        """What waited goes on, if there is still somebody who waits."""
        self._loop.call_soon_threadsafe(self._whole.set)

    def _run(self) -> None:
        servers = [self._loop.run_until_complete(self._listen(target)) for target in self._targets]
        self.ports = [server.sockets[0].getsockname()[1] for server in servers]
        self._ready.set()
        self._loop.run_forever()
        for server in servers:
            server.close()
        self._loop.run_until_complete(_ended())
        self._loop.close()

    async def _listen(self, target: int) -> asyncio.Server:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._whole.wait()
            with contextlib.closing(writer), contextlib.suppress(OSError):
                there = await asyncio.open_connection(LOOPBACK, target)
                with contextlib.closing(there[1]):
                    ways = {
                        asyncio.ensure_future(self._pass(reader, there[1])),
                        asyncio.ensure_future(self._pass(there[0], writer)),
                    }
                    _, left = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                    for way in left:
                        way.cancel()

        return await asyncio.start_server(connected, LOOPBACK, 0)

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(CHUNK):
                await self._whole.wait()
                sink.write(data)
                await sink.drain()


async def _ended() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


@contextlib.contextmanager
def network(targets: Sequence[int]) -> Iterator[Network]:
    """One while the block runs."""
    made = Network(targets)
    made.start()
    try:
        yield made
    finally:
        made.stop()
