"""The command line of the traders' program."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click

from copydesk.demo.traders import Rhythm, trade_all


@click.command("traders")
@click.argument("seats", type=click.Path(path_type=Path))
@click.option("--rest", required=True, help="REST address of the exchanges, such as http://127.0.0.1:8010.")
@click.option("--stream", required=True, help="Stream address of the exchanges, such as ws://127.0.0.1:8011.")
@click.option("--pace", default=4.0, show_default=True, help="Seconds between a spot trader's orders, on average.")
@click.option("--seed", default=7, show_default=True, help="Seed of what is traded, and in which order.")
def traders(seats: Path, rest: str, stream: str, pace: float, seed: int) -> None:
    """Trade the accounts of a seats file by simple plans, with plain ccxt, until told to stop.

    \b
    Example:
      copydesk demo traders var/demo/traders.json --rest http://127.0.0.1:8010 --stream ws://127.0.0.1:8011
    """
    if not seats.is_file():
        raise click.ClickException(f"{seats}: expected the seats file that the demo writes, found none")
    asyncio.run(_until_signal(seats, (rest, stream), Rhythm(pace, seed)))


async def _until_signal(seats: Path, bases: tuple[str, str], rhythm: Rhythm) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await trade_all(seats, bases, rhythm, stop)
