"""Who may do what at NATS, as the part `authorization` of the servers' configuration.

In: the stream, the nodes' names. Out: text for nats-server, to be included in its configuration beside `tls` with
`verify_and_map: true`: a user is whom the certificate's DNS name says (docs.nats.io, "TLS authentication"). Pure.
Called by `podseal-monitor stream permissions`.

A node publishes to its own subject and reads the answers to itself: no alert of any node, its own included, nor what
else the stream holds. Nobody who is named here may delete the stream or an alert in it.
"""

import json
from collections.abc import Iterable, Sequence

from runtime_monitor.feed.jetstream.settings import MAKER, READER, Stream, inbox_of, subject_of


def authorization(stream: Stream, nodes: Iterable[str]) -> str:
    """The configuration's part.

    Raises:
        ValueError: a name is none that Kubernetes would give a node.
    """
    api = "$JS.API."
    reader = [f"{api}STREAM.INFO.{stream.name}", f"{api}DIRECT.GET.{stream.name}"]
    maker = [f"{api}STREAM.{verb}.{stream.name}" for verb in ("INFO", "CREATE", "UPDATE")]
    users = [_user(MAKER, maker), _user(READER, reader)]
    users += [_user(node, [subject_of(stream.subject, node)]) for node in sorted(set(nodes))]
    return "authorization {\n  users: [\n" + "".join(f"    {user}\n" for user in users) + "  ]\n}\n"


def _user(name: str, publish: Sequence[str]) -> str:
    # JSON is a part of this language (nats-server's conf package).
    permissions = {"publish": {"allow": list(publish)}, "subscribe": {"allow": [f"{inbox_of(name)}.>"]}}
    return json.dumps({"user": name, "permissions": permissions})
