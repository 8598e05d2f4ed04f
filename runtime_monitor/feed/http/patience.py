"""A connection that does not wait for ever: a client that sends its request, or takes its answer, too slowly is let go.

In: what uvicorn hands to a protocol of its own. Out: the same, with two limits that uvicorn lacks: it bounds only the
pause between two requests, so clients that send a byte now and then would hold every connection that it permits, and
clients that take nothing every thread that answers. Called by `server`.
"""

import asyncio
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

SECONDS_TO_ASK: Final = 10.0
"""For a whole request, its body too, from when the server began to wait for it."""
SECONDS_TO_TAKE: Final = 30.0
"""For the buffers of one connection to be emptied again; an open stream is under the same limit."""


class Impatient(H11Protocol):
    """uvicorn's protocol, with limits."""

    _asking: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as its parent has it
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._look()

    def data_received(self, data: bytes) -> None:
        """A part of a request, or all of it."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        """The client takes less than it is sent."""
        super().pause_writing()
        self._taking = self._taking or self.loop.call_later(SECONDS_TO_TAKE, self.transport.abort)

    def resume_writing(self) -> None:
        """It has taken it."""
        super().resume_writing()
        _end(self._taking)
        self._taking = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        _end(self._asking)
        _end(self._taking)
        self._asking = self._taking = None
        super().connection_lost(exc)

    def _look(self) -> None:
        """Whether the client is at turn; the time runs from when it began to be."""
        if self.transport.is_closing() or self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            _end(self._asking)
            self._asking = None
        elif self._asking is None:
            self._asking = self.loop.call_later(SECONDS_TO_ASK, self.transport.abort)


def _end(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
