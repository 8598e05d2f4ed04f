"""A node's alerts into the stream, in order, each once.

In: alerts. Out: nothing once a majority of the stream's replicas has them. The output `nats` opens it.

A batch is one atomic publish of JetStream (ADR-50): were its messages only sent one behind the other, the end of a
server could leave later ones in the stream before earlier ones. A batch that was stored though its acknowledgement was
lost is refused as a duplicate when it comes again; then its messages go one by one, and those that are there already
are left out by their ids.
"""

import functools
import urllib.parse
import uuid
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct
from nats.aio.client import Client as Nats
from nats.errors import NoRespondersError

from runtime_monitor import alerts as encoding
from runtime_monitor.alerts import Alert
from runtime_monitor.feed import output
from runtime_monitor.feed.jetstream.client import LONG, Client, JetStreamError, RefusedError
from runtime_monitor.feed.jetstream.settings import Connection

TOO_LARGE_FOR_SERVER: Final = 0
TOO_LARGE: Final = frozenset({TOO_LARGE_FOR_SERVER, 10054, 10097})
"""Err_codes of a message or a header that exceeds what is taken (server/errors.json of nats-server)."""
HEADER_BYTES: Final = 4096
Message = tuple[str, bytes]
"""An alert's id, and the alert."""


class Publisher:
    """An output that publishes to one node's subject; it connects with the first alert."""

    batch = 200
    """JetStream takes a thousand, unless its limits say otherwise (streamDefaultMaxAtomicBatchSize)."""

    def __init__(self, connection: Connection, node: str, subject: str) -> None:
        self._client = Client(connection, node)
        self._subject = subject

    def send(self, alerts: Sequence[Alert]) -> None:
        """Store them all at once, or one by one."""
        messages = [message(each) for each in alerts]
        try:
            self._publish(messages)
        except RefusedError as error:
            if error.code in TOO_LARGE:
                raise output.RejectedError(str(error)) from error
            raise output.UnavailableError(str(error)) from error
        except JetStreamError as error:
            raise output.UnavailableError(str(error)) from error

    def close(self) -> None:
        """Disconnect."""
        self._client.close()

    def _publish(self, messages: Sequence[Message]) -> None:
        if len(messages) > 1:
            try:
                self._client.run(functools.partial(store, subject=self._subject, messages=messages))
            except RefusedError:
                pass  # one is there already, or is never taken, or this is an older server: each alone will show
            else:
                return
        for each in messages:
            self._client.run(functools.partial(store_one, subject=self._subject, message=each))


def message(alert: Alert) -> Message:
    """An alert as it is published; its id is made safe for a header."""
    return urllib.parse.quote(alert.id, safe="/", errors="replace"), encoding.encode(alert)


async def store(connection: Nats, subject: str, messages: Sequence[Message]) -> None:
    """Store all of the messages or none. They are sent without waiting; the last one asks for the answer.

    Raises:
        RefusedError: none was stored. JetStreamError, errors of `nats`, `TimeoutError`: perhaps they were.
    """
    batch = uuid.uuid4().hex
    *first, (identifier, last) = messages
    for number, (each, data) in enumerate(first, 1):
        _check_size(connection, data)
        await connection.publish(subject, data, headers=_headers(each, batch, number))
    headers = _headers(identifier, batch, len(messages))
    await _asked(connection, subject, last, {**headers, "Nats-Batch-Commit": "1"})


async def store_one(connection: Nats, subject: str, message: Message) -> None:
    """Store a message unless it is there already. Raises as `store` does."""
    identifier, data = message
    await _asked(connection, subject, data, {"Nats-Msg-Id": identifier})


def _headers(identifier: str, batch: str, number: int) -> dict[str, str]:
    return {"Nats-Msg-Id": identifier, "Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number)}


def _check_size(connection: Nats, data: bytes) -> None:
    """The client would raise an error, as for a connection that is lost."""
    if len(data) > connection.max_payload - HEADER_BYTES:
        raise RefusedError(
            TOO_LARGE_FOR_SERVER, f"more than the servers' max_payload of {connection.max_payload} bytes"
        )


class _Error(Struct, frozen=True):
    err_code: int = 0
    description: str = ""


class _Answer(Struct, frozen=True):
    error: _Error | None = None


async def _asked(connection: Nats, subject: str, data: bytes, headers: dict[str, str]) -> None:
    _check_size(connection, data)
    try:
        answer = await connection.request(subject, data, timeout=LONG, headers=headers)
    except NoRespondersError as error:
        raise JetStreamError(
            f"no stream takes {subject}: make it with `podseal-monitor stream apply`; or it has no leader now"
        ) from error
    refusal = msgspec.json.decode(answer.data, type=_Answer).error
    if refusal is not None:
        raise RefusedError(refusal.err_code, refusal.description)
