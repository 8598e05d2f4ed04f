"""`podseal-certs`: the group, its exit codes, and which file holds which sub-command. Called by the user.

A sub-command's module is imported when it is called: `--help` waits for neither cryptography nor the
Kubernetes client, and commands on folders never load the latter.
"""

from __future__ import annotations

import importlib
from typing import Any

import click

from certs import errors

_COMMANDS = {
    "init": "Make an authority and a serving certificate in a folder.",
    "status": "Show what is there, when it ends, and whether it fits together.",
    "rotate": "Take the next step of a rotation now.",
    "run": "Keep the Secret and the caBundles of a cluster right.",
    "withdraw": "End the registration of webhooks.",
}


class _Commands(click.Group):
    """Imports `certs.commands.<name>` when <name> is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"certs.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - the same
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        try:
            return super().invoke(ctx)
        except errors.CertsError as error:
            click.echo(f"podseal-certs: {error}", err=True)
            ctx.exit(error.code)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="podseal")
def main() -> None:
    """Certificates of the podseal webhook: made, rotated, published.

    Exit codes: 0 all is well, 1 something is wrong (expired, mismatched, refused), 2 wrong usage or something
    that cannot be read.
    """
