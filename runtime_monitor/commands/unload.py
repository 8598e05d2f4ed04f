"""`podseal-monitor unload`: removes the programs and maps that a monitor has pinned on this node.

In: nothing. Out: one line; exit code 1 where a monitor still runs. Called by people and by the chart's hook before it
is deleted: programs outlive the monitor on purpose, so that the next one misses nothing.
"""

import click

from runtime_monitor.kernel import pins
from runtime_monitor.kernel.libbpf import KernelError
from runtime_monitor.kernel.sensor import PINNED


@click.command()
def command() -> None:
    """Remove the pinned programs, after which nothing is seen until a monitor runs again."""
    if not PINNED.is_dir():
        click.echo("nothing is pinned on this node")
        return
    store = pins.Store(PINNED)
    try:
        store.lock()
        count = store.remove()
    except (KernelError, OSError) as error:
        raise click.ClickException(str(error)) from error
    finally:
        store.close()
    click.echo(f"{count} programs removed from {PINNED}")
