"""`podseal-monitor run`: watches this node, and prints what it finds.

In: options. Out: alerts in the spool, and as lines on standard output; exit 2 with one line where it cannot start.
Two processes: this one is the sensor, the other reads the spool; either may die alone.
"""

import logging
import platform
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import click

from runtime_monitor import node as nodes
from runtime_monitor import verdicts
from runtime_monitor.kernel.libbpf import KernelError
from runtime_monitor.spool import schema

SPOOL = Path("/var/lib/podseal/spool.db")
BPFFS = Path("/sys/fs/bpf")


class Bind(click.ParamType[tuple[str, int] | None]):
    """ADDRESS:PORT; an empty text serves nothing."""

    name = "address:port"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 -- click's
        """The address and the port."""
        if not isinstance(value, str) or not value:
            return None
        address, colon, port = value.rpartition(":")
        if not colon or not port.isdecimal() or not 0 < int(port) < 65536:  # noqa: PLR2004 -- TCP
            self.fail(f"{value!r} is no ADDRESS:PORT", param, ctx)
        return address.strip("[]"), int(port)


FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


class CannotStartError(click.ClickException):
    """One line that names the cause and the remedy."""

    exit_code = 2


@click.command()
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form of lines.")
@click.option("--spool", type=FILE, default=SPOOL, show_default=True, help="File that keeps alerts.")
@click.option("--record", type=FILE, help="Append every event to this file.")
@click.option("--node-name", "node", default=platform.node(), show_default="the host's", help="This node's name.")
@click.option("--kubeconfig", type=click.Path(dir_okay=False), help="Cluster; else the pod's ServiceAccount.")
@click.option("--bundles", type=FOLDER, multiple=True, help="Further folder of OCI bundles, one for each container.")
@click.option(
    "--metrics-bind",
    "metrics",
    type=Bind(),
    default="127.0.0.1:8447",
    show_default=True,
    help="Where GET /metrics answers; empty: nowhere.",
)
@click.option("--bpffs", type=FOLDER, default=BPFFS, show_default=True, help="BPF file system; one monitor for each.")
def command(output: str, **options: Any) -> None:  # noqa: ANN401 -- click hands every option over; Settings names them
    """Watch this node: who reaches into running containers, and what they change."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    settings = nodes.Settings(**options)
    feed = _start_feed(settings.spool, output)
    try:
        nodes.run(settings, verdicts.judge, stopped)
    except (KernelError, schema.SpoolError, OSError) as error:
        raise CannotStartError(str(error)) from error
    finally:
        feed.communicate()


def _start_feed(spool: Path, output: str) -> subprocess.Popen[bytes]:
    """The process that reads the spool; it ends once its standard input does, so with this process at the latest."""
    argv = [sys.executable, "-m", "runtime_monitor.follow", str(spool), output]
    # A session of its own: Ctrl-C is for the sensor, whose last words are still to be printed.
    return subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 -- our own module
