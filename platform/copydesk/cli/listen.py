"""`copydesk listen`: follow the traders' accounts."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress

import click
import uvloop

from copydesk.bootstrap import Runtime
from copydesk.cli.roles import role


@click.command("listen")
def command() -> None:
    """Follow traders' accounts, store each trade as a signal and wake the replicator.

    \b
    Example:
      copydesk listen
    """
    from copydesk.workers.listener import Listener
    from copydesk.workers.loop import prefer_latency

    async def serve(runtime: Runtime) -> None:
        task = asyncio.current_task()
        assert task is not None, "serve runs inside a task"
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        listener = Listener(runtime)
        prefer_latency()
        with suppress(asyncio.CancelledError):
            await listener.run()

    with role("listener"):
        runtime = Runtime(role="listener")
        try:
            uvloop.run(serve(runtime))
        finally:
            runtime.close()
