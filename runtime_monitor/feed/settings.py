"""The feed's configuration: a YAML file -> frozen Settings, or the place, the cause and the remedy of what is wrong.

In: the path of a file. Out: `Settings`. Called by `podseal-monitor feed`. Each output's own settings are in its module.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from msgspec import Meta, Struct

from runtime_monitor.feed import kubernetes, outputs
from runtime_monitor.feed.jetstream.settings import Stream
from runtime_monitor.feed.output import Settings as OutputSettings

MAX_BYTES = 1024 * 1024


class SettingsError(Exception):
    """The configuration cannot be used."""


class TokenReview(Struct, frozen=True, forbid_unknown_fields=True):
    """Clients may show the token of a ServiceAccount; the API server says whether it is one, and may `get` the path.

    `audiences` are those that a token must be for; empty = those of the API server.
    """

    server: kubernetes.ApiServer = kubernetes.ApiServer()
    audiences: tuple[str, ...] = ()


class Listen(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the API and the page are served, and who may read them. Off the loopback somebody must be authenticated.

    `token_file` holds one token a line. `client_ca_file` asks every client for a certificate of that authority.
    """

    address: str = "127.0.0.1:9480"
    tls_cert_file: str = ""
    tls_private_key_file: str = ""
    client_ca_file: str = ""
    token_file: str = ""
    token_review: TokenReview | None = None
    max_streams: Annotated[int, Meta(ge=1)] = 250
    hosts: tuple[str, ...] = ()  # further names by which a browser may ask for the page


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that the feed has to know. `state` is the folder for its own positions.

    With `stream` it serves the alerts of all nodes from there, and no spool.
    """

    stream: Stream | None = None
    spool: str = "/var/lib/podseal/spool.db"
    state: str = "/var/lib/podseal-feed"
    listen: Listen | None = Listen()
    outputs: tuple[Any, ...] = ()
    log_level: Literal["debug", "info", "warning", "error"] = "info"


def read(path: Path) -> Settings:
    """The settings of a file.

    Raises:
        SettingsError: it cannot be read, is no YAML, or holds what is none of ours.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    return parse(text, str(path))


def parse(text: bytes, source: str) -> Settings:
    """The settings of a file's text; `source` is its name, for messages."""
    if len(text) > MAX_BYTES:
        raise SettingsError(f"{source}: larger than {MAX_BYTES} bytes; this is no configuration file")
    try:
        tree = yaml.load(text, yaml.CSafeLoader) or {}
        settings = msgspec.convert(tree, Settings)
        found = tuple(_output(each, number) for number, each in enumerate(settings.outputs))
    except yaml.YAMLError as error:
        raise SettingsError(f"{source}: {' '.join(str(error).split())}") from error
    except (msgspec.ValidationError, RecursionError) as error:
        raise SettingsError(f"{source}: {error}") from error
    if settings.stream and found:
        raise SettingsError(f"{source}: outputs beside a stream: each replica would deliver; the nodes have outputs")
    names = [each.name for each in found]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"{source}: two outputs are named {name!r}; a name keeps a position, give each its own")
    return msgspec.structs.replace(settings, outputs=found)


def _output(tree: Any, number: int) -> OutputSettings:  # noqa: ANN401 -- whatever YAML can say
    place = f"$.outputs[{number}]"
    kind = tree.get("type") if isinstance(tree, dict) else None
    if not isinstance(kind, str) or kind not in outputs.KINDS:
        raise msgspec.ValidationError(f"type {kind!r} is none of {', '.join(sorted(outputs.KINDS))} - at `{place}`")
    try:
        return msgspec.convert({"name": kind, **tree}, outputs.KINDS[kind])
    except msgspec.ValidationError as error:
        text = str(error)
        raise msgspec.ValidationError(
            text.replace("`$", f"`{place}") if "`$" in text else f"{text} - at `{place}`"
        ) from error
