"""`podseal-monitor`: the group of sub-commands, each a module of `runtime_monitor.commands`.

In: a command line. Out: what the sub-command does. The entry point of the package, `main`. A sub-command is imported
when it runs, so that `rules check` in CI needs neither libbpf nor a cluster.
"""

import importlib
import pkgutil

import click

from runtime_monitor import commands


class Lazy(click.Group):
    """Finds sub-commands by the presence of their modules, and imports only the one that runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every sub-command."""
        del ctx
        return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One sub-command, None where there is none of this name."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"runtime_monitor.commands.{cmd_name}").command
        return command


@click.command(
    cls=Lazy, context_settings={"auto_envvar_prefix": "PODSEAL_MONITOR", "help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="podseal")
def main() -> None:
    """See on a node who reaches into running containers and what they change."""
