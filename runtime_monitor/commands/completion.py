"""`podseal-monitor completion SHELL`: the script that a shell reads to complete commands and options.

In: the name of a shell. Out: its script on standard output. `podseal completion` is the same for the other program.
"""

import click
from click import shell_completion

PROGRAM, VARIABLE = "podseal-monitor", "_PODSEAL_MONITOR_COMPLETE"
EPILOG = """\b
Install it:
  bash   podseal-monitor completion bash > ~/.local/share/bash-completion/completions/podseal-monitor
  zsh    podseal-monitor completion zsh > ~/.zfunc/_podseal-monitor   (with ~/.zfunc in fpath)
  fish   podseal-monitor completion fish > ~/.config/fish/completions/podseal-monitor.fish
"""


@click.command(epilog=EPILOG)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell."""
    completer = shell_completion.get_completion_class(shell)
    if completer is None:
        raise click.UsageError(f"click knows no completion for {shell}")
    click.echo(completer(context.find_root().command, {}, PROGRAM, VARIABLE).source())
