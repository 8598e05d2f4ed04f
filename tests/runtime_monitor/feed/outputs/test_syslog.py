"""Syslog, with Debian's rsyslog as the receiver."""

import json
import pathlib
import socket
import threading
from collections.abc import Iterator

import pytest

from runtime_monitor.feed import output, render
from runtime_monitor.feed.outputs import syslog
from tests import waiting
from tests.runtime_monitor import generated, parts
from tests.runtime_monitor.feed.tls import Authority

ALERTS = list(generated.stream(20))


@pytest.fixture
def authority(tmp_path: pathlib.Path) -> Authority:
    """Of the server's certificate and of ours."""
    return Authority(tmp_path)


@pytest.fixture
def rsyslog(tmp_path: pathlib.Path, authority: Authority) -> Iterator[parts.Rsyslog]:
    """A running rsyslogd."""
    parts.require(parts.RSYSLOG)
    with parts.rsyslog(tmp_path, str(authority.certificate), authority.issue("127.0.0.1")) as running:
        yield running


@pytest.mark.packages
@pytest.mark.parametrize("kind", ["tcp", "udp", "tls", "local"])
def test_a_real_rsyslog_understands_every_message(rsyslog: parts.Rsyslog, authority: Authority, kind: str) -> None:
    """Host, severity, structured data and text, hostile ones among them: no message is two."""
    client = authority.issue("client")
    settings = syslog.Settings(
        name="s",
        address=getattr(rsyslog, kind),
        ca_file=str(authority.certificate),
        client_cert_file=client[0],
        client_key_file=client[1],
        max_bytes=8192,
    )
    alerts = [*ALERTS, *generated.hostile()]
    made = settings.open()
    for first in range(0, len(alerts), 10):
        made.send(alerts[first : first + 10])
        waiting.until(lambda upto=first + 10: len(rsyslog.messages()) >= upto, "rsyslog to have written them")  # type: ignore[misc]
    made.close()
    messages = rsyslog.messages()
    assert len(messages) == len(alerts)
    assert {message["app"] for message in messages} == {"podseal"}
    assert [int(message["severity"]) for message in messages] == [int(alert.priority) for alert in alerts]
    assert {message["facility"] for message in messages} == {"13"}
    for message, alert in zip(messages, alerts, strict=True):
        assert render.printable(alert.output) in message["message"]
        if kind != "local":
            assert message["host"] == alert.hostname
            assert f'id="{alert.id}"' in message["data"]


@pytest.mark.packages
def test_a_server_that_was_restarted_is_found_again(tmp_path: pathlib.Path, authority: Authority) -> None:
    """The closed connection is seen before the next message goes into it."""
    parts.require(parts.RSYSLOG)
    made = None
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        with parts.rsyslog(folder, str(authority.certificate), authority.issue("127.0.0.1")) as running:
            made = syslog.Syslog(syslog.Settings(name="s", address=running.tcp))
            made.send(ALERTS[:3])
            waiting.until(lambda there=running: len(there.messages()) == 3, "the messages")  # type: ignore[misc]
        with pytest.raises(output.UnavailableError, match="refused"):
            made.send(ALERTS[3:4])


def test_a_datagram_is_cut_at_its_limit_and_stays_utf_8(tmp_path: pathlib.Path) -> None:
    """A real socket; no half character at the end."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        address = f"udp://127.0.0.1:{server.getsockname()[1]}"
        long = generated.hostile()[0]
        made = syslog.Settings(name="s", address=address, max_bytes=480).open()
        made.send(
            [type(long)(**{name: getattr(long, name) for name in long.__struct_fields__} | {"output": "é" * 900})]
        )
        message = server.recv(65535)
        made.close()
    assert 478 <= len(message) <= 480
    assert message.decode().endswith("é")
    del tmp_path


def test_a_socket_that_is_not_there_is_told(tmp_path: pathlib.Path) -> None:
    """With its path."""
    with pytest.raises(output.UnavailableError, match=r"log\.sock: No such file"):
        syslog.Settings(name="s", address=str(tmp_path / "log.sock")).open().send(ALERTS[:1])


def test_a_server_without_our_authority_gets_nothing(tmp_path: pathlib.Path, authority: Authority) -> None:
    """No alert before its certificate is verified."""
    files = authority.issue("127.0.0.1")
    other = tmp_path / "other"
    other.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        context = authority.server_context(files, clients=False)
        address = f"tls://127.0.0.1:{server.getsockname()[1]}"
        settings = syslog.Settings(name="s", address=address, ca_file=str(Authority(other).certificate))

        def accept() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    context.wrap_socket(connection, server_side=True)
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        with pytest.raises(output.UnavailableError, match=r"(?i)certificate"):
            settings.open().send(ALERTS[:1])
        thread.join()


@pytest.mark.parametrize(
    ("address", "parsed"),
    [
        ("/dev/log", ("unix", "/dev/log", 0)),
        ("udp://h", ("udp", "h", 514)),
        ("tcp://[::1]:1514", ("tcp", "::1", 1514)),
        ("tls://h", ("tls", "h", 6514)),
        ("nonsense", ("", "", 0)),
    ],
)
def test_addresses(address: str, parsed: tuple[str, str, int]) -> None:
    """Kind, host, port."""
    assert syslog.parse(address) == parsed
    assert json.dumps(parsed)
