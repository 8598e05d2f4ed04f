"""`podseal-monitor stream`: the stream of NATS JetStream from which the cluster's feed reads, made and guarded.

In: the part `stream` of the feed's configuration. Out: the stream exists as it says; or the permissions of its users,
for the configuration of nats-server. Exit code 2 where that cannot be.
"""

import sys
from pathlib import Path
from typing import NoReturn

import click
import msgspec

from runtime_monitor.feed import settings as configuration
from runtime_monitor.feed.jetstream import permissions as guarding
from runtime_monitor.feed.jetstream.settings import MAKER, Stream

CONFIG = click.option(
    "--config", required=True, type=click.Path(path_type=Path), help="The feed's YAML configuration, with `stream`."
)


@click.group("stream")
def command() -> None:
    """The stream of NATS JetStream behind a cluster's feed."""


@command.command()
@CONFIG
@click.option("--client-cert-file", help=f"The certificate of {MAKER}, who alone may do this.")
@click.option("--client-key-file", help="Its key.")
def apply(config: Path, client_cert_file: str | None, client_key_file: str | None) -> None:
    """Make the stream, or bring what it keeps to the configuration. Done twice it changes nothing."""
    from runtime_monitor.feed.jetstream import client, stream  # noqa: PLC0415 -- `permissions` needs no NATS

    wanted = _read(config)
    connection = msgspec.structs.replace(
        wanted.connection,
        client_cert_file=client_cert_file or wanted.connection.client_cert_file,
        client_key_file=client_key_file or wanted.connection.client_key_file,
    )
    nats = client.Client(connection, MAKER)
    try:
        done = nats.run(lambda connected: stream.apply(connected, wanted))
    except client.JetStreamError as error:
        _refuse(str(error))
    finally:
        nats.close()
    sys.stdout.write(f"stream {wanted.name}: {done}\n")


@command.command()
@CONFIG
@click.argument("nodes", nargs=-1, metavar="NODE...")
def permissions(config: Path, nodes: tuple[str, ...]) -> None:
    """Print who may do what, for nats-server: the feed, whoever makes the stream, and each NODE."""
    wanted = _read(config)
    try:
        sys.stdout.write(guarding.authorization(wanted, nodes))
    except ValueError as error:
        _refuse(str(error))


def _read(config: Path) -> Stream:
    try:
        stream = configuration.read(config).stream
    except configuration.SettingsError as error:
        _refuse(str(error))
    if stream is None:
        _refuse(f"{config}: it has no `stream`")
    return stream


def _refuse(message: str) -> NoReturn:
    sys.stderr.write(f"podseal-monitor stream: {message}\n")
    sys.exit(2)
