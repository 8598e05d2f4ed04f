"""`podseal completion SHELL`: the script that a shell reads to complete podseal's commands and options."""

import click
from click import shell_completion

EPILOG = """\b
Install it:
  bash   podseal completion bash > ~/.local/share/bash-completion/completions/podseal
  zsh    podseal completion zsh > ~/.zfunc/_podseal   (with ~/.zfunc in fpath)
  fish   podseal completion fish > ~/.config/fish/completions/podseal.fish
"""


@click.command(epilog=EPILOG)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell."""
    completer = shell_completion.get_completion_class(shell)
    if completer is None:
        raise click.UsageError(f"click knows no completion for {shell}")
    click.echo(completer(context.find_root().command, {}, "podseal", "_PODSEAL_COMPLETE").source())
