"""`copydesk work`: run a queue worker."""

from __future__ import annotations

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.roles import role


@click.group("work")
def command() -> None:
    """Run a queue worker.

    \b
    Examples:
      copydesk work replicate
      copydesk work default
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


@command.command("default")
def default() -> None:
    """Keep figures: follow trades and copies, keep each minute's marks, compare all of it each night.

    \b
    Example:
      copydesk work default
    """
    from copydesk.workers.clerk import run_clerk

    with role("worker"):
        runtime = Runtime(opens_exchange_keys=False, role="worker")
        try:
            run_clerk(runtime)
        finally:
            runtime.close()
