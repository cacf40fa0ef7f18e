"""`copydesk completion`: what a shell runs to complete commands, options and choices."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
def command(shell: str) -> int:
    """Print the script that makes a shell complete this command; a line of the shell's own start-up file reads it.

    \b
    Examples:
      copydesk completion bash > ~/.local/share/bash-completion/completions/copydesk
      copydesk completion zsh > ~/.zfunc/_copydesk
      copydesk completion fish > ~/.config/fish/completions/copydesk.fish
    """
    from copydesk.cli import cli

    made = get_completion_class(shell)
    assert made is not None, "click knows these shells"
    click.echo(made(cli, {}, "copydesk", "_COPYDESK_COMPLETE").source())
    return 0
