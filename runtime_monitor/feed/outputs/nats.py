"""NATS JetStream: the stream from which the cluster's feed reads the alerts of all nodes.

Settings: `connection` (`jetstream.settings.Connection`), `node`, by default the environment's NODE_NAME, else this
machine's name; `subject`, below which the node publishes, as the stream has it. The alert's id is `Nats-Msg-Id`.
"""

import os
import socket

from runtime_monitor.feed import output
from runtime_monitor.feed.jetstream import settings as jetstream


class Settings(output.Settings, frozen=True, kw_only=True, tag_field="type", tag="nats", forbid_unknown_fields=True):
    """A stream of NATS JetStream."""

    connection: jetstream.Connection
    node: str = ""
    subject: jetstream.Subject = jetstream.SUBJECT

    def __post_init__(self) -> None:
        """Refuse a node whose name is none."""
        jetstream.subject_of(self.subject, self.named)

    @property
    def named(self) -> str:
        """The node's name."""
        return self.node or os.environ.get("NODE_NAME") or socket.gethostname()

    def open(self) -> output.Output:
        """The connection is made by the first alert."""
        # Here, not above: every feed imports every output, and the client of NATS costs a quarter of a second.
        from runtime_monitor.feed.jetstream.publisher import Publisher  # noqa: PLC0415

        return Publisher(self.connection, self.named, jetstream.subject_of(self.subject, self.named))
