"""`podseal-monitor prepare`: the folders of a node, for a sensor that is root and a feed that is not.

In: where the spool and the feed's own positions lie. Out: both folders, of the group that this process has. Called by
the first container of the DaemonSet's pod: a folder of the node that a pod asks for belongs to root. Without a
capability: an owner may give a folder to a group of its own (chown(2)).
"""

import os
from pathlib import Path

import click

from runtime_monitor.commands.run import SPOOL

FOLDER = click.Path(path_type=Path)


@click.command()
@click.option("--spool", type=FOLDER, default=SPOOL, show_default=True, help="The spool; only its folder is made.")
@click.option("--state", type=FOLDER, required=True, help="Folder of the feed's own positions.")
def command(spool: Path, state: Path) -> None:
    """Make the folders of sensor and feed: the group reads the spool, and writes what the feed has to keep."""
    for folder, mode in ((spool.parent, 0o750), (state, 0o770)):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            os.chown(folder, -1, os.getegid())
            folder.chmod(mode)
        except OSError as error:
            raise click.ClickException(f"{folder}: {error.strerror}; it must be a folder of this user's") from error
