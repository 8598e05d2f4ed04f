"""The stream itself: made, or brought to its settings; and what the servers say of it.

In: `Stream`. Out: it exists. Called by `podseal-monitor stream apply`, whose user alone may do this, and by `mirror`,
which asks for its state.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct
from nats.aio.client import Client as Nats
from nats.errors import NoRespondersError

from runtime_monitor.feed.jetstream.client import LONG, JetStreamError, RefusedError
from runtime_monitor.feed.jetstream.settings import Stream

NANOSECONDS: Final = 1_000_000_000
NOT_FOUND: Final = 10059
MESSAGE_BYTES: Final = 512 * 1024


class Replica(Struct, frozen=True):
    """A follower; `lag` is how many operations it is behind."""

    name: str
    current: bool = False
    lag: int = 0


class _Cluster(Struct, frozen=True):
    leader: str = ""
    replicas: tuple[Replica, ...] = ()


class State(Struct, frozen=True):
    """What a stream holds."""

    messages: int
    bytes: int
    first_seq: int
    last_seq: int


class Information(Struct, frozen=True):
    """A stream as the servers describe it."""

    created: str
    state: State
    config: dict[str, Any]
    cluster: _Cluster = _Cluster()

    @property
    def identity(self) -> str:
        """Which stream this is: numbers in another one, or in one made anew, mean nothing here."""
        return f"{self.config['name']}@{self.created}"

    def described(self) -> dict[str, Any]:
        """For people: its replicas, and what it holds."""
        return {
            "leader": self.cluster.leader,
            "replicas": {
                each.name: "current" if each.current else f"{each.lag} behind" for each in self.cluster.replicas
            },
            "alerts": self.state.messages,
            "bytes": self.state.bytes,
        }


class _Error(Struct, frozen=True):
    err_code: int = 0
    description: str = ""


class _Refusal(Struct, frozen=True):
    error: _Error | None = None


async def information(connection: Nats, name: str) -> Information:
    """What the servers say of a stream. Raises `RefusedError` with `NOT_FOUND` where there is none."""
    return msgspec.json.decode(await _asked(connection, f"STREAM.INFO.{name}", b""), type=Information)


async def apply(connection: Nats, wanted: Stream) -> str:
    """Make the stream, or change it; gives `made`, `changed` or `as it was`."""
    configuration = configured(wanted)
    try:
        there = (await information(connection, wanted.name)).config
    except RefusedError as error:
        if error.code != NOT_FOUND:
            raise
        await _asked(connection, f"STREAM.CREATE.{wanted.name}", msgspec.json.encode(configuration))
        return "made"
    if all(there.get(key) == value for key, value in configuration.items()):
        return "as it was"
    await _asked(connection, f"STREAM.UPDATE.{wanted.name}", msgspec.json.encode({**there, **configuration}))
    return "changed"


def configured(wanted: Stream) -> dict[str, Any]:
    """The stream's configuration in JetStream's words (ADR-8 and the API's StreamConfig).

    Nobody can take alerts out of it but time and room: deletion and purging are denied to everybody.
    """
    return {
        "name": wanted.name,
        "subjects": [f"{wanted.subject}.>"],
        "storage": "file",
        "retention": "limits",
        "discard": "old",
        "num_replicas": wanted.replicas,
        "max_age": wanted.max_age_seconds * NANOSECONDS,
        "max_bytes": wanted.max_bytes,
        "max_msgs_per_subject": wanted.max_alerts_per_node,
        "max_msg_size": MESSAGE_BYTES,
        "duplicate_window": wanted.duplicate_window_seconds * NANOSECONDS,
        "allow_direct": True,
        "allow_atomic": True,
        "deny_delete": True,
        "deny_purge": True,
    }


async def _asked(connection: Nats, what: str, body: bytes) -> bytes:
    try:
        answer = await connection.request(f"$JS.API.{what}", body, timeout=LONG)
    except NoRespondersError as error:
        raise JetStreamError("JetStream is not enabled there, or this user's account has none") from error
    refusal = msgspec.json.decode(answer.data, type=_Refusal).error
    if refusal is not None:
        raise RefusedError(refusal.err_code, refusal.description)
    return answer.data
