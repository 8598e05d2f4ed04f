"""GET /alerts/stream: alerts as they come, as server-sent events, for hundreds of clients in one thread.

In: an ASGI request, its filters and the `Last-Event-ID` of a client that comes back. Out: an event an alert, its number
as `id`. Called by `server`. All clients share what was read and encoded once; one that reads nothing costs its share of
buffers and is dropped after half a minute. https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import collections
import contextlib
import urllib.parse
from typing import Final

from runtime_monitor.alerts import Alert
from runtime_monitor.feed import render
from runtime_monitor.feed.http import guard, selection
from runtime_monitor.feed.http.app import Store
from runtime_monitor.feed.watch import RECENT
from runtime_monitor.spool.reader import Query, Reader
from runtime_monitor.spool.schema import SpoolError

PACE: Final = 0.2
"""Seconds in which alerts are gathered into one write: with 200 clients each write counts."""
HEARTBEAT: Final = 15.0
SECONDS_TO_TAKE: Final = 30.0
MOST_EVENTS: Final = 500
RETRY: Final = b"retry: 2000\n\n"
HEADERS: Final = [(b"content-type", b"text/event-stream"), (b"x-accel-buffering", b"no")]


class Frame:
    """An alert ready to be sent."""

    __slots__ = ("alert", "data", "seq")

    def __init__(self, seq: int, alert: Alert) -> None:
        self.seq = seq
        self.alert = alert
        self.data = b"id: %d\nevent: alert\ndata: %s\n\n" % (seq, render.json_line(alert).encode())


class Streams:
    """All open streams. `start` and every request run in the server's event loop."""

    def __init__(self, store: Store, most: int) -> None:
        self._store = store
        self._watch = store.watch
        self._metrics = store.metrics
        self._most = most
        self._clients = 0
        self._frames: collections.deque[Frame] = collections.deque(maxlen=RECENT)
        self._last = 0
        self._joined: dict[int, bytes] = {}
        self._news = asyncio.Event()
        self._closing = False
        self._pump: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to follow the spool."""
        self._last = self._watch.last
        self._pump = asyncio.get_running_loop().create_task(self._follow())

    async def stop(self) -> None:
        """End every stream."""
        self._closing = True
        self._wake()
        if self._pump is not None:
            self._pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pump

    async def __call__(self, scope: guard.Scope, receive: guard.Receive, send: guard.Send) -> None:
        """One client, until it goes away."""
        parameters = dict(urllib.parse.parse_qsl(scope["query_string"].decode("latin-1")))
        resumed = dict(scope["headers"]).get(b"last-event-id", b"").decode("latin-1")
        try:
            query = selection.read(parameters)
            begin = selection.number({"Last-Event-ID": resumed}, "Last-Event-ID", None, 2**62)
        except selection.ParameterError as error:
            await _bad_request(send, str(error))
            return
        if self._clients >= self._most:
            self._metrics.refused_clients.inc()
            await guard.refuse(send, 503, retry_after=b"30")
            return
        self._clients += 1
        self._metrics.clients.set(self._clients)
        gone = asyncio.get_running_loop().create_task(_until_gone(receive))
        try:
            await self._serve(send, query, await self._begin(begin), gone)
        except (TimeoutError, OSError):
            pass  # a client that takes nothing: there is nobody to tell
        finally:
            gone.cancel()
            self._clients -= 1
            self._metrics.clients.set(self._clients)

    async def _begin(self, resumed: int | None) -> int:
        """Behind the event that a client had last; from now on without one, or where it is another spool's.

        A client that comes from another replica may be ahead of this one.
        """
        if resumed is None:
            return self._last
        known = resumed <= self._watch.last or resumed <= await asyncio.to_thread(self._store.newest)
        return resumed if known else self._last

    async def _serve(self, send: guard.Send, query: Query, position: int, gone: "asyncio.Task[None]") -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await _write(send, RETRY)
        silent = 0.0
        while not (self._closing or gone.done()):
            data, position = await self._after(query, position)
            if data:
                await _write(send, data)
                silent = 0.0
            elif silent >= HEARTBEAT:
                await _write(send, b": alive\n\n")
                silent = 0.0
            if position >= self._last:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), PACE * 5)
                silent += PACE * 5
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _after(self, query: Query, position: int) -> tuple[bytes, int]:
        """What comes behind a position, and how far that reaches."""
        if position >= self._last:
            return b"", position
        if not self._frames or position < self._frames[0].seq - 1:
            return await asyncio.to_thread(self._from_spool, query, position)
        if query == Query():
            found = self._joined.get(position)
            if found is None:
                found = self._joined[position] = b"".join(each.data for each in self._frames if each.seq > position)
            return found, self._last
        fitting = (each.data for each in self._frames if each.seq > position and selection.fits(query, each.alert))
        return b"".join(fitting), self._last

    def _from_spool(self, query: Query, position: int) -> tuple[bytes, int]:
        """For a client that comes back after a long time; in a thread, since it reads the disk."""
        reader = Reader(self._store.spool)
        try:
            entries = reader.after(position, MOST_EVENTS)
        except SpoolError:
            return b"", position
        finally:
            reader.close()
        data = []
        for entry in entries:
            with contextlib.suppress(ValueError):  # a row that the disk damaged
                alert = entry.alert()
                if selection.fits(query, alert):
                    data.append(Frame(entry.seq, alert).data)
        return b"".join(data), entries[-1].seq if entries else self._last

    async def _follow(self) -> None:
        """Encode what is new, at most five times a second, and wake the clients."""
        while True:
            await asyncio.sleep(PACE)
            last = self._watch.last
            if last == self._last:
                continue
            if last < self._last:  # another spool
                self._frames.clear()
                self._last = 0
            items = self._watch.since(self._last)
            if items is None:
                # More came than memory holds: whoever is behind reads the spool.
                self._frames.clear()
                items = self._watch.since(last - 1) or []
            self._frames.extend(Frame(entry.seq, alert) for entry, alert in items)
            self._last = max(last, self._frames[-1].seq if self._frames else 0)
            self._joined.clear()
            self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


async def _write(send: guard.Send, data: bytes) -> None:
    """Raises `TimeoutError` where the client does not take it."""
    await asyncio.wait_for(send({"type": "http.response.body", "body": data, "more_body": True}), SECONDS_TO_TAKE)


async def _until_gone(receive: guard.Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _bad_request(send: guard.Send, message: str) -> None:
    body = render.encode({"error": message})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body})
