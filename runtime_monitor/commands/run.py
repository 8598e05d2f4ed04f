"""`podseal-monitor run`: watches this node, and prints what it finds.

In: options. Out: alerts in the spool, as lines on standard output and on the page; exit 2 with one line where it
cannot start.
Two processes: this one is the sensor, the other reads the spool; either may die alone. With `--output none` this one
runs alone, and the other is somebody else's to start: a container of the same pod, or a unit of systemd.
"""

import dataclasses
import functools
import json
import platform
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import click

from runtime_monitor import daemonset, following
from runtime_monitor import node as nodes
from runtime_monitor import ruling as rulings
from runtime_monitor.falco_yaml.tree import FalcoYamlError
from runtime_monitor.kernel import sensor
from runtime_monitor.kernel.libbpf import KernelError
from runtime_monitor.selftest import container, demonstration
from runtime_monitor.spool import schema
from webhook import apiserver

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


@click.command(
    epilog="""\b
Examples:
  podseal-monitor run                                       what podseal finds by itself
  podseal-monitor run -c /etc/falco/falco.yaml              as Falco, its rules and outputs
  podseal-monitor run -r falco_rules.yaml -r mine.yaml -o json_output=true
  podseal-monitor run -o http_output.enabled=true -o http_output.url=http://127.0.0.1:2801
"""
)
@click.option(
    "-r", "--rules", "files", multiple=True, metavar="FILE", help="Rules in Falco's language, in order; repeatable."
)
@click.option("-c", "--config", "path", type=FILE, help="Falco's falco.yaml: rules, outputs, web server, log.")
@click.option(
    "-o",
    "--option",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    help="A key of falco.yaml, above what the file says: json_output=true, rules_files[]=x.yaml; repeatable.",
)
@click.option(
    "--output",
    type=click.Choice(["text", "json", "none"]),
    help="Form of lines on standard output, above the file; none: no output and no page, `podseal-monitor feed` reads "
    "the spool.  [default: text]",
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
    "--unpinned",
    is_flag=True,
    help="Leave nothing in the kernel at the end; then what happens before the next start goes unseen.",
)
@click.option(
    "--selftest",
    is_flag=True,
    help="Play the self-test once, in a container of its own, so that lines and page have something to show.",
)
@click.option(
    "--daemonset",
    "owner",
    type=DaemonSetName(),
    help="The DaemonSet whose pod this is: where it is deleted, the sensor's last act is `podseal-monitor unload`.",
)
def command(
    files: tuple[str, ...],
    path: Path | None,
    changes: tuple[str, ...],
    output: str | None,
    **options: Any,  # noqa: ANN401 -- click hands every option over; Settings names them
) -> None:
    """Watch this node: who reaches into running containers, and what they change.

    Rules of --config and --rules add to what podseal finds by itself, and may change it. They are loaded anew when a
    file changes, and on SIGHUP; a broken file leaves those in force that were.
    """
    wanted = _following(path, changes, files)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    page, owner, metrics, selftest = (options.pop(name) for name in ("page", "owner", "metrics", "selftest"))
    settings = nodes.Settings(listeners=tuple(wanted.listeners(metrics)), **options)
    played = None
    if selftest:
        played = demonstration.Demonstration()
        settings = dataclasses.replace(settings, bundles=(*settings.bundles, container.BUNDLES))
    ruling = _ruling(wanted)
    feed = None if output == "none" else _start_feed(wanted.feed(settings.spool, page, output))
    if feed is None:
        wanted.tell_of_outputs()
    try:
        nodes.run(settings, ruling, stopped, played.begin if played else lambda: None)
    except (KernelError, schema.SpoolError, OSError) as error:
        raise CannotStartError(str(error)) from error
    finally:
        if played is not None:
            played.end()
        ruling.close()
        if feed is not None:
            feed.communicate()
    if owner is not None:
        pinned = settings.bpffs / sensor.PINNED.name
        daemonset.leave(owner, pinned, functools.partial(apiserver.connect, settings.kubeconfig))


def _following(path: Path | None, changes: tuple[str, ...], rules: tuple[str, ...]) -> following.Following:
    try:
        return following.Following(path, changes, rules)
    except FalcoYamlError as error:
        raise CannotStartError(str(error)) from error


def _ruling(wanted: following.Following) -> rulings.Ruling:
    try:
        ruling = rulings.Ruling.of(wanted.request(), watch=wanted.config.watch, renew=wanted.renewed)
    except rulings.RulesError as error:
        raise CannotStartError(str(error)) from error
    signal.signal(signal.SIGHUP, lambda *_: ruling.ask())
    return ruling


def _start_feed(configuration: dict[str, Any]) -> subprocess.Popen[bytes]:
    """The process that reads the spool; it ends once its standard input does, so with this process at the latest."""
    argv = [sys.executable, "-m", "runtime_monitor.feed.child"]
    # A session of its own: Ctrl-C is for the sensor, whose last words are still to be printed.
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 -- our own module
    assert process.stdin is not None  # noqa: S101 -- PIPE was asked for
    process.stdin.write(json.dumps(configuration).encode() + b"\n")
    process.stdin.flush()
    return process
