"""Real receivers from Debian for the tests of the feed: rsyslog and Alertmanager, started for a test and ended with it.

Called by the tests marked `packages`. What is not installed is installed; where that cannot be, the tests are skipped
with the reason, or fail where nothing may be skipped.
"""

import contextlib
import json
import pathlib
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

from tests import waiting
from tests.cluster import packages, requirements

RSYSLOG = {"rsyslog": "/usr/sbin/rsyslogd", "rsyslog-gnutls": "/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_gtls.so"}
ALERTMANAGER = {"prometheus-alertmanager": "/usr/bin/prometheus-alertmanager"}
CHROMIUM = {"chromium": "/usr/bin/chromium"}


def require(wanted: Mapping[str, str]) -> None:
    """Have Debian packages installed, or skip."""
    with requirements.or_skip():
        packages.ensure(wanted)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of the loopback that nobody has now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], log: pathlib.Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours while the block runs."""
    with log.open("ab") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


@dataclass(frozen=True)
class Rsyslog:
    """A running rsyslogd: its addresses, and what it wrote."""

    tcp: str
    udp: str
    tls: str
    local: str
    records: pathlib.Path

    def messages(self) -> list[dict[str, Any]]:
        """Every message as rsyslog understood it."""
        if not self.records.exists():
            return []
        lines = self.records.read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines]


CONFIGURATION = """
module(load="imtcp" MaxSessions="20")
module(load="imudp")
module(load="imuxsock" SysSock.Use="off")
global(DefaultNetstreamDriverCAFile="{ca}")
global(DefaultNetstreamDriverCertFile="{cert}" DefaultNetstreamDriverKeyFile="{key}")
global(maxMessageSize="64k" workDirectory="{folder}" parser.escapeControlCharactersOnReceive="off")
input(type="imtcp" address="127.0.0.1" port="{tcp}")
input(type="imtcp" address="127.0.0.1" port="{tls}" streamDriver.name="gtls" streamDriver.mode="1" \
streamDriver.authMode="x509/certvalid")
input(type="imudp" address="127.0.0.1" port="{udp}")
input(type="imuxsock" socket="{local}" createPath="off")
template(name="fields" type="list" option.jsonf="on") {{
  property(outname="host" name="hostname" format="jsonf")
  property(outname="app" name="app-name" format="jsonf")
  property(outname="severity" name="syslogseverity" format="jsonf")
  property(outname="facility" name="syslogfacility" format="jsonf")
  property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="data" name="structured-data" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
  property(outname="raw" name="rawmsg" format="jsonf")
}}
action(type="omfile" file="{records}" template="fields")
"""


@contextlib.contextmanager
def rsyslog(folder: pathlib.Path, ca: str, files: tuple[str, str]) -> Iterator[Rsyslog]:
    """Debian's rsyslogd on the loopback with all four kinds of address."""
    tcp, tls, udp = free_port(), free_port(), free_port(socket.SOCK_DGRAM)
    local, records = folder / "log.sock", folder / "records"
    text = CONFIGURATION.format(
        ca=ca, cert=files[0], key=files[1], folder=folder, tcp=tcp, tls=tls, udp=udp, local=local, records=records
    )
    (folder / "rsyslog.conf").write_text(text)
    command = ["/usr/sbin/rsyslogd", "-n", "-f", str(folder / "rsyslog.conf"), "-i", str(folder / "pid")]
    with running(command, folder / "rsyslogd.log") as process:
        waiting.until(
            lambda: (_listens(tcp) and _listens(tls) and local.exists()) or process.poll(), "rsyslogd to listen"
        )
        assert process.poll() is None, (folder / "rsyslogd.log").read_text()
        yield Rsyslog(f"tcp://127.0.0.1:{tcp}", f"udp://127.0.0.1:{udp}", f"tls://127.0.0.1:{tls}", str(local), records)


@contextlib.contextmanager
def alertmanager(folder: pathlib.Path) -> Iterator[str]:
    """Debian's Alertmanager on the loopback; gives its URL."""
    configuration = folder / "alertmanager.yml"
    configuration.write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    port = free_port()
    command = [
        "/usr/bin/prometheus-alertmanager",
        f"--config.file={configuration}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    url = f"http://127.0.0.1:{port}"
    with running(command, folder / "alertmanager.log") as process:
        waiting.until(lambda: _is_ready(f"{url}/-/ready") or process.poll() is not None, "Alertmanager to be ready")
        assert process.poll() is None, (folder / "alertmanager.log").read_text()
        yield url


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _is_ready(url: str) -> bool:
    with contextlib.suppress(urllib3.exceptions.HTTPError):
        return urllib3.request("GET", url, retries=False, timeout=1).status == 200
    return False
