"""The stream: made once, changed when its settings are, and nobody's to take alerts out of."""

import pathlib

import msgspec
import pytest
import yaml
from click.testing import CliRunner
from nats.aio.client import Client as Nats

from runtime_monitor.commands.stream import command
from runtime_monitor.feed.jetstream import stream
from runtime_monitor.feed.jetstream.client import JetStreamError, RefusedError
from runtime_monitor.feed.jetstream.settings import MAKER, READER
from tests.runtime_monitor.feed.jetstream.servers import Servers

pytestmark = pytest.mark.tools


def test_it_is_made_once_and_changed(nats: Servers) -> None:
    """Done twice, it changes nothing; what it is not told of it leaves alone."""
    wanted = nats.settings_of(MAKER)
    changed = msgspec.structs.replace(wanted, max_bytes=123_456_789, duplicate_window_seconds=60)
    with nats.client(MAKER) as client:
        assert client.run(lambda connection: stream.apply(connection, wanted)) == "as it was"
        before = client.run(lambda connection: stream.information(connection, "PODSEAL"))
        assert client.run(lambda connection: stream.apply(connection, changed)) == "changed"
        assert client.run(lambda connection: stream.apply(connection, changed)) == "as it was"
        after = client.run(lambda connection: stream.information(connection, "PODSEAL"))
    assert after.config == {**before.config, "max_bytes": 123_456_789, "duplicate_window": 60 * 10**9}
    assert after.identity == before.identity
    assert before.config["duplicate_window"] == 2 * 3600 * 10**9


def test_the_command_makes_it(nats: Servers, tmp_path: pathlib.Path) -> None:
    """With the readers' configuration, and the credential of whoever may."""
    nats.changes["max_bytes"] = 98_765_432
    config = tmp_path / "feed.yaml"
    config.write_text(yaml.safe_dump({"stream": nats.settings()}))
    cert, key = nats.authority.issue(MAKER)
    line = ["apply", "--config", str(config), "--client-cert-file", cert, "--client-key-file", key]
    assert [CliRunner().invoke(command, line).output for _ in range(2)] == [
        "stream PODSEAL: changed\n",
        "stream PODSEAL: as it was\n",
    ]
    refused = CliRunner().invoke(command, line[:3])
    assert refused.exit_code == 2
    assert "permissions violation" in refused.output.lower()


@pytest.mark.parametrize("what", ["STREAM.DELETE", "STREAM.PURGE", "STREAM.MSG.DELETE"])
@pytest.mark.parametrize("user", [MAKER, READER, "node-1"])
def test_nobody_takes_alerts_out_of_it(nats: Servers, user: str, what: str) -> None:
    """Neither whoever made it, nor whoever reads it."""

    async def ask(connection: Nats) -> None:
        await connection.request(f"$JS.API.{what}.PODSEAL", b'{"seq": 1}', timeout=60)

    with nats.client(user) as client, pytest.raises(JetStreamError, match=r"(?i)permissions violation"):
        client.run(ask)


def test_there_is_none(nats: Servers) -> None:
    """JetStream says so."""
    nats.all[0].kill()
    (nats.all[0].folder / "jetstream").rename(nats.folder / "gone")
    nats.all[0].start()
    with nats.client(MAKER) as client, pytest.raises(RefusedError) as refused:
        client.run(lambda connection: stream.information(connection, "PODSEAL"))
    assert refused.value.code == stream.NOT_FOUND
