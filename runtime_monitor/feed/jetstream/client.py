"""A connection to NATS for threads: its event loop runs in a thread of its own.

In: where the servers are, and pieces of work for a connection. Out: what the work gives; or a `JetStreamError`, after
which the next piece of work begins with a new connection, to another server if need be. Called by the output `nats`,
by `mirror` and by `podseal-monitor stream`.

The client's own way to reconnect is not used: it keeps a TLS context whose certificate has expired meanwhile, and work
that was under way waits for it.
"""

import asyncio
import contextlib
import logging
import random
import ssl
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from nats.aio.client import Client as Nats

from runtime_monitor.feed.jetstream.settings import Connection, inbox_of

PING_SECONDS: Final = 10
UNANSWERED_PINGS: Final = 2
"""A connection over which nothing comes back any more is found dead while nothing is sent, too."""
SECONDS_TO_CLOSE: Final = 0.5
LONG: Final = 3600.0
"""For calls of the client that want a time limit of their own: `timeout_seconds` is over long before."""
Answer = TypeVar("Answer")
# asyncio says so whenever a server ends a connection that became TLS only after its first line, as those of NATS do.
logging.getLogger("asyncio").addFilter(lambda record: "eof_received() has no effect" not in record.getMessage())


class JetStreamError(Exception):
    """NATS cannot be reached, or did not do it; the text says what to look at."""


class RefusedError(JetStreamError):
    """JetStream's own answer. `code` is its err_code (server/errors.json of nats-server)."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(f"JetStream answers: {description} ({code})")
        self.code = code


class Client:
    """Connected when there is work. `user` is whose inbox the answers come to."""

    def __init__(self, settings: Connection, user: str) -> None:
        self._settings = settings
        self._user = user
        self._nats: Nats | None = None
        self._told = ""
        self._working: set[asyncio.Task[Any]] = set()
        self._connecting = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def run(self, work: Callable[[Nats], Coroutine[Any, Any, Answer]]) -> Answer:
        """What the work gives, within `timeout_seconds` once there is a connection. Threads may share this.

        Raises:
            JetStreamError: no server could be reached, or the work failed. RefusedError: JetStream says no.
        """
        return asyncio.run_coroutine_threadsafe(self._run(work), self._running()).result()

    def close(self) -> None:
        """Disconnect, and end the thread."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="nats", daemon=True)
                self._thread.start()
            return self._loop

    async def _run(self, work: Callable[[Nats], Coroutine[Any, Any, Answer]]) -> Answer:
        async with self._connecting:
            connection = await self._connected()
        url = connection.connected_url
        task = asyncio.get_running_loop().create_task(work(connection))
        self._working.add(task)
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                return await task
        except RefusedError:
            raise
        except (Exception, asyncio.CancelledError) as error:
            # Whatever the client raises, a future that it cancelled included: this connection is not trusted any more.
            if self._nats is connection:
                await self._disconnect()
            raise JetStreamError(f"{url.geturl() if url else 'NATS'}: {self._told or _reason(error)}") from error
        finally:
            self._working.discard(task)

    async def _connected(self) -> Nats:
        if self._nats is not None and self._nats.is_connected:
            return self._nats
        await self._disconnect()
        servers = list(self._settings.servers)
        random.shuffle(servers)
        failures = []
        for server in servers:
            try:
                async with asyncio.timeout(self._settings.timeout_seconds):
                    self._nats = await self._connection(server)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 -- likewise
                failures.append(f"{server}: {self._told or _reason(error)}")
            else:
                return self._nats
        raise JetStreamError("; ".join(failures))

    async def _connection(self, server: str) -> Nats:
        self._told = ""
        made = Nats()
        try:
            await made.connect(server, **self._options(server))
        except BaseException:
            await _closed(made)
            raise
        return made

    def _options(self, server: str) -> dict[str, Any]:
        return {
            "name": f"podseal {self._user}",
            "tls": tls_context(self._settings) if server.startswith("tls:") else None,
            "allow_reconnect": False,
            "max_reconnect_attempts": 1,  # this client's word for connecting at all; 0 would be for ever
            "reconnect_time_wait": 0,
            "connect_timeout": max(1, int(self._settings.timeout_seconds)),
            "ping_interval": PING_SECONDS,
            "max_outstanding_pings": UNANSWERED_PINGS,
            "inbox_prefix": inbox_of(self._user),
            "error_cb": self._note,
            "closed_cb": self._give_up,
        }

    async def _note(self, error: Exception) -> None:
        """What the server says beside answers: that a subject is not permitted, for one."""
        self._told = _reason(error)
        await self._give_up()

    async def _give_up(self) -> None:
        """No answer will come any more."""
        for task in self._working:
            task.cancel()

    async def _disconnect(self) -> None:
        connection, self._nats = self._nats, None
        if connection is not None:
            await _closed(connection)

    async def _end(self) -> None:
        """Leave nothing that the loop would go on with: the client ends its own tasks without awaiting them."""
        await self._disconnect()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def _closed(connection: Nats) -> None:
    """After a handshake that failed the client waits for the end of what never began, and leaves its socket open."""
    with contextlib.suppress(Exception, asyncio.CancelledError):
        async with asyncio.timeout(SECONDS_TO_CLOSE):
            await connection.close()
    transport = connection._transport  # noqa: SLF001 -- it has no public name
    for writer in (getattr(transport, name, None) for name in ("_io_writer", "_bare_io_writer")):
        if writer is not None:
            writer.transport.abort()
    await asyncio.sleep(0)


def tls_context(settings: Connection) -> ssl.SSLContext:
    """A client's context; the server's name is checked."""
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    if settings.client_cert_file:
        context.load_cert_chain(settings.client_cert_file, settings.client_key_file or None)
    return context


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return " ".join(str(error).split()) or type(error).__name__
