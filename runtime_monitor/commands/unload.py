"""`podseal-monitor unload`: removes the programs and maps that a monitor has pinned on this node.

In: where the BPF file system is. Out: one line; exit code 1 where a monitor still runs. Called by people, on
a node that the chart's DaemonSet no longer selects: programs outlive the monitor on purpose, so that the next one
misses nothing, and only a monitor whose DaemonSet is deleted removes them itself.
"""

from pathlib import Path

import click

from runtime_monitor.kernel import pins
from runtime_monitor.kernel.libbpf import KernelError
from runtime_monitor.kernel.sensor import BPFFS, PINNED


@click.command()
@click.option("--bpffs", type=click.Path(path_type=Path), default=BPFFS, show_default=True, help="BPF file system.")
def command(bpffs: Path) -> None:
    """Remove the pinned programs, after which nothing is seen until a monitor runs again."""
    folder = bpffs / PINNED.name
    if not folder.is_dir():
        click.echo("nothing is pinned on this node")
        return
    try:
        count = pins.unload(folder)
    except (KernelError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{count} programs removed from {folder}")
