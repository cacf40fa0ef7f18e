"""`copydesk relay`: wake what the queue lost, reconcile on schedule."""

from __future__ import annotations

import signal
import threading

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.roles import role


@click.command("relay")
def command() -> None:
    """Sweep for deliveries that nobody drained and for copies whose outcome is unknown.

    \b
    Example:
      copydesk relay
    """
    from copydesk.workers.relay import Relay

    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with role("relay"):
        runtime = Runtime(opens_exchange_keys=False, role="relay")
        try:
            Relay(runtime).run(stopped)
        finally:
            runtime.close()
