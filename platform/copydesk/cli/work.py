"""`copydesk work`: run a queue worker."""

from __future__ import annotations

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.roles import role


@click.group("work")
def command() -> None:
    """Run a queue worker.

    \b
    Example:
      copydesk work replicate
    """


@command.command("replicate")
def replicate() -> None:
    """Copy trades: plan, store, send and settle what the listener stored.

    \b
    Example:
      copydesk work replicate
    """
    from copydesk.workers.replicator import run_replicator

    with role("replicator"):
        runtime = Runtime(role="replicator")
        try:
            run_replicator(runtime)
        finally:
            runtime.close()
