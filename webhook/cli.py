"""`podseal`: the group of sub-commands, each a module of `webhook.commands` that is imported when it is asked for.

In: a command line. Out: what the sub-command does. The entry point of the package, `main`.
"""

import gc
import importlib
import pkgutil

import click

from webhook import commands


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
        # What is imported lives as long as the process. Left to itself, the collector searches it for garbage again
        # and again, at exit too: an eighth of the time of a short `podseal check`.
        gc.disable()
        try:
            command: click.Command = importlib.import_module(f"webhook.commands.{cmd_name}").command
        finally:
            gc.enable()
            gc.freeze()
        return command


@click.command(cls=Lazy, context_settings={"auto_envvar_prefix": "PODSEAL", "help_option_names": ["-h", "--help"]})
@click.version_option(package_name="podseal")
def main() -> None:
    """Keep the containers of Kubernetes pods immutable: judge them in CI and at admission."""
