"""`podseal-monitor run`: watches this node, and prints what it finds.

In: options. Out: alerts in the spool, as lines on standard output and on the page; exit 2 with one line where it
cannot start.
Two processes: this one is the sensor, the other reads the spool; either may die alone. With `--output none` this one
runs alone, and the other is somebody else's to start: a container of the same pod, or a unit of systemd.
"""

import functools
import logging
import platform
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import click

from runtime_monitor import capabilities, daemonset, falco_yaml, reload
from runtime_monitor import node as nodes
from runtime_monitor import ruling as rulings
from runtime_monitor.kernel import sensor
from runtime_monitor.kernel.libbpf import KernelError
from runtime_monitor.spool import schema
from webhook import apiserver

log = logging.getLogger("podseal.run")
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


class DaemonSetName(click.ParamType[daemonset.Name]):
    """NAMESPACE/NAME."""

    name = "namespace/name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> daemonset.Name:  # noqa: ANN401 -- click's
        """Both names."""
        if isinstance(value, daemonset.Name):
            return value
        if not re.fullmatch(r"[a-z0-9.-]+/[a-z0-9.-]+", str(value)):
            self.fail(f"{value!r} is no NAMESPACE/NAME", param, ctx)
        return daemonset.Name(*str(value).split("/"))


FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


class CannotStartError(click.ClickException):
    """One line that names the cause and the remedy."""

    exit_code = 2


@click.command()
@click.option(
    "--rules", "files", multiple=True, metavar="FILE", help="Rules in Falco's language, in order; repeatable."
)
@click.option("--config", type=FILE, help="Falco's falco.yaml: rules_files, priority, rule_matching, ...")
@click.option(
    "--output",
    type=click.Choice(["text", "json", "none"]),
    help="Form of lines; none: no line and no page, `podseal-monitor feed` reads the spool.  [default: text]",
)
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
@click.option(
    "--page-bind",
    "page",
    type=Bind(),
    default="127.0.0.1:9480",
    show_default=True,
    help="Where the page and the feed's API are served; empty: nowhere.",
)
@click.option("--bpffs", type=FOLDER, default=BPFFS, show_default=True, help="BPF file system; one monitor for each.")
@click.option(
    "--daemonset",
    "owner",
    type=DaemonSetName(),
    help="The DaemonSet whose pod this is: where it is deleted, the sensor's last act is `podseal-monitor unload`.",
)
def command(files: tuple[str, ...], config: Path | None, output: str | None, **options: Any) -> None:  # noqa: ANN401 -- click hands every option over; Settings names them
    """Watch this node: who reaches into running containers, and what they change.

    Rules of --rules and --config add to what podseal finds by itself. They are loaded anew when a file changes, and on
    SIGHUP; a broken file leaves those in force that were.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    page, owner = options.pop("page"), options.pop("owner")
    settings = nodes.Settings(**options)
    following = _configured(config)
    ruling = _ruling(files, following)
    output = output or ("json" if following.json else "text")
    feed = None if output == "none" else _start_feed(settings.spool, output, page)
    try:
        nodes.run(settings, ruling, stopped)
    except (KernelError, schema.SpoolError, OSError) as error:
        raise CannotStartError(str(error)) from error
    finally:
        ruling.close()
        if feed is not None:
            feed.communicate()
    if owner is not None:
        pinned = settings.bpffs / sensor.PINNED.name
        daemonset.leave(owner, pinned, functools.partial(apiserver.connect, settings.kubeconfig))


def _configured(config: Path | None) -> falco_yaml.Config:
    if config is None:
        return falco_yaml.Config()
    try:
        following, warnings = falco_yaml.parse(config.read_text(encoding="utf-8"), str(config))
    except (falco_yaml.FalcoYamlError, OSError, ValueError) as error:
        raise CannotStartError(str(error)) from error
    for warning in warnings:
        log.warning("%s", warning)
    return following


def _ruling(files: tuple[str, ...], config: falco_yaml.Config) -> rulings.Ruling:
    request = reload.Request(
        paths=config.rules_files + files,
        fillable=capabilities.fillable(),
        delivered=capabilities.delivered(),
        lenient=True,
        priority=config.priority,
        first=config.first,
        append_output=config.append_output,
    )
    try:
        ruling = rulings.Ruling.of(request, watch=config.watch)
    except rulings.RulesError as error:
        raise CannotStartError(str(error)) from error
    signal.signal(signal.SIGHUP, lambda *_: ruling.ask())
    return ruling


def _start_feed(spool: Path, output: str, page: tuple[str, int] | None) -> subprocess.Popen[bytes]:
    """The process that reads the spool; it ends once its standard input does, so with this process at the latest."""
    host, port = page or ("", 0)
    bind = f"{f'[{host}]' if ':' in host else host}:{port}" if page else ""
    argv = [sys.executable, "-m", "runtime_monitor.feed.child", str(spool), output, bind]
    # A session of its own: Ctrl-C is for the sensor, whose last words are still to be printed.
    return subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 -- our own module
