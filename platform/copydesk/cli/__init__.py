"""The `copydesk` command: one module per group, imported only when it is called.

`run` is the one place that turns an exception into a line on standard error and an exit code.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence

import click

from copydesk import __version__
from copydesk.bootstrap.addresses import read_addresses
from copydesk.kernel import CopydeskError

COMMANDS = {
    "tenant": "Make, check, change, move and end brands.",
    "accounts": "Check the key of an exchange account.",
    "keys": "Look at exchange keys; revoke them, one or all.",
    "staff": "Invite a brand's staff, see and change their roles.",
    "audit": "Export and verify the record of who did what.",
    "vault": "Turn keys; say where they lie.",
    "strategies": "Look at what can be copied; pause, close it.",
    "subscriptions": "Look at who copies whom; begin, pause, end it.",
    "statement": "Write a person's statement of a period.",
    "risk": "Stop copying by hand, and what is held.",
    "analytics": "Compute figures anew, and compare.",
    "explain": "Explain one follower's copies of one signal.",
    "config": "Explain where a setting's value comes from.",
    "up": "Run the whole installation as one supervised process tree.",
    "web": "Serve the branded sites.",
    "live": "Serve live events to browsers.",
    "listen": "Follow traders' accounts and store their signals.",
    "work": "Run a queue worker.",
    "relay": "Wake what the queue lost, run schedules.",
    "lab": "Run and steer the simulated exchanges.",
    "migrate": "Bring the database to the newest revision.",
    "demo": "Set up and run the two demo brands.",
    "bench": "Measure, and print the table.",
    "faults": "Harm a desk of its own, and judge it.",
    "status": "Show whether every role is alive.",
    "operator": "See all brands at once; plans, usage, console.",
    "completion": "Print the completion script of a shell.",
}
EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


class LazyGroup(click.Group):
    """List the commands from the table above, so that `--help` imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [name for name in COMMANDS if importlib.util.find_spec(f"copydesk.cli.{name}")]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"copydesk.cli.{cmd_name}")
        command = getattr(module, "command", None) or getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="copydesk")
@click.option("--debug", is_flag=True, help="Show the traceback of an unexpected error.")
def cli(debug: bool) -> None:
    """Run and look after a copydesk installation: many brands, one machine or many.

    \b
    Examples:
      copydesk up --lab
      copydesk tenant check aurora
      copydesk config explain aurora replication.slippage_bps_max
    """
    del debug
    os.environ |= read_addresses(os.environ)


def run(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code; a command's own integer result is the code."""
    try:
        result = cli.main(args=list(argv), prog_name="copydesk", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has left; what is buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except CopydeskError as error:
        return _fail(" ".join(str(error).split()), EXIT_FAILED)
    except Exception as error:
        # The one CLI wrapper: a user never sees a traceback.
        if "--debug" in argv:
            raise
        reason = " ".join(str(error).split())
        return _fail(f"unexpected {type(error).__name__}: {reason} (copydesk --debug … shows where)", EXIT_FAILED)
    return result if isinstance(result, int) and not isinstance(result, bool) else 0


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run(sys.argv[1:]))


def _fail(message: str, code: int) -> int:
    click.echo(f"copydesk: {message}", err=True)
    return code


__all__ = ["COMMANDS", "EXIT_FAILED", "cli", "main", "run"]
