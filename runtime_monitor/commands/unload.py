"""`podseal-monitor unload`: removes the programs and maps that a monitor has pinned on this node.

In: where the BPF file system is. Out: one line; exit code 1 where a monitor still runs. Called by people and by the
chart's hook before it is deleted: programs outlive the monitor on purpose, so that the next one misses nothing.
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
    store = pins.Store(folder)
    try:
        store.lock()
        count = store.remove()
    except (KernelError, OSError) as error:
        raise click.ClickException(str(error)) from error
    finally:
        store.close()
    click.echo(f"{count} programs removed from {folder}")
