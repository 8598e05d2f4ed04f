"""Alerts out of the stream: so many behind a number, with nothing left out between them.

In: the stream's name and a number. Out: `Batch`. Called by `mirror`. Direct gets of JetStream (ADR-31) need nothing
that the server would have to remember of a reader, and any replica answers them.
"""

from typing import Final

import msgspec
from msgspec import Struct
from nats.aio.client import Client as Nats
from nats.aio.msg import Msg

from runtime_monitor.feed.jetstream.client import LONG, JetStreamError

MOST: Final = 500
NO_MESSAGE: Final = "404"
NO_RESPONDERS: Final = "503"


class Message(Struct, frozen=True):
    """A message of the stream; `sequence` is its number in it, the same whichever replica is asked."""

    sequence: int
    subject: str
    data: bytes


class Batch(Struct, frozen=True):
    """Messages in order. `pending` is how many there are behind them."""

    messages: tuple[Message, ...]
    pending: int


async def after(connection: Nats, stream: str, sequence: int, most: int = MOST) -> Batch:
    """The next messages behind a number.

    Raises:
        JetStreamError: there is no stream, or something is missing between them. Errors of `nats`, `TimeoutError`.
    """
    inbox = connection.new_inbox()
    subscription = await connection.subscribe(inbox)
    try:
        request = msgspec.json.encode({"seq": sequence + 1, "batch": most})
        await connection.publish(f"$JS.API.DIRECT.GET.{stream}", request, reply=inbox)
        found: list[Message] = []
        while True:
            answer = await subscription.next_msg(timeout=LONG)
            headers = answer.headers or {}
            # By this header that the server adds last, not by `Status`: a publisher may have put a header of that name
            # into its message, and the last one of a name counts.
            if "Nats-Sequence" not in headers:
                return Batch(tuple(found), _end(headers, stream, found))
            found.append(_message(answer, headers, found))
    finally:
        await subscription.unsubscribe()


def _message(answer: Msg, headers: dict[str, str], found: list[Message]) -> Message:
    before = int(headers.get("Nats-Last-Sequence") or 0)
    if before != (found[-1].sequence if found else 0):
        raise JetStreamError(f"a message between {found[-1].sequence if found else 0} and {before} did not arrive")
    return Message(int(headers["Nats-Sequence"]), headers["Nats-Subject"], answer.data)


def _end(headers: dict[str, str], stream: str, found: list[Message]) -> int:
    """How many messages are pending behind a batch that ends with these headers."""
    status = headers.get("Status")
    if status == NO_RESPONDERS:
        raise JetStreamError(f"there is no stream {stream}: make it with `podseal-monitor stream apply`")
    if status == NO_MESSAGE and not found:
        return 0
    if int(headers.get("Nats-Last-Sequence") or 0) != (found[-1].sequence if found else 0):
        raise JetStreamError("the last messages of a batch did not arrive")
    return int(headers.get("Nats-Num-Pending") or 0)
