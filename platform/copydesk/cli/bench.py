"""`copydesk bench`: measure, beside the same work done the plain way."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from copydesk.cli.installation import open_installation, print_json, with_root
from copydesk.cli.options import Number
from copydesk.cli.ports import free_ports
from copydesk.venues.lab import LabConfig


@click.group("bench")
def command() -> None:
    """Measure on a stage of its own: embedded servers, the lab, real roles.

    \b
    Example:
      copydesk bench fanout --followers 1000 --rtt-ms 20 --json
    """


@command.command("fanout")
@click.option("--followers", default=1000, show_default=True, type=click.IntRange(1, 20_000), help="Followers.")
@click.option(
    "--rtt-ms",
    default=20.0,
    show_default=True,
    type=Number(0, LabConfig.RTT_MS_MAX),
    help="Round trip to the exchange, in milliseconds.",
)
@click.option("--signals", default=30, show_default=True, type=click.IntRange(2), help="Leader fills to measure.")
@click.option("--plain/--no-plain", default=True, help="Also do the same orders the plain ways.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one line of JSON.")
@with_root
def fanout(root: Path, followers: int, rtt_ms: float, signals: int, plain: bool, as_json: bool) -> None:
    """Measure from a leader's fill to the last follower's acknowledgement.

    \b
    Examples:
      copydesk bench fanout
      copydesk bench fanout --followers 200 --rtt-ms 5 --no-plain --json
    """
    from copydesk.bench.fanout import Plan, run_fanout
    from copydesk.cli.up import interruptible
    from copydesk.stack import RoleOptions

    installation = open_installation(root, None)
    var_dir = Path(tempfile.mkdtemp(prefix="copydesk-bench-"))
    port, live_port, lab_port, lab_ws_port = free_ports(4)
    options = RoleOptions(
        root=installation.root.resolve(),
        var_dir=var_dir,
        port=port,
        live_port=live_port,
        lab_port=lab_port,
        lab_ws_port=lab_ws_port,
    )
    try:
        with interruptible():
            figures = run_fanout(
                Plan(followers, rtt_ms, signals, plain), options, os.environ, lambda line: click.echo(line, err=True)
            )
    finally:
        shutil.rmtree(var_dir, ignore_errors=True)
    if as_json:
        print_json(figures)
        return
    table = Table("figure", "value", title=f"One leader fill to {followers} followers")
    for name, value in figures.items():
        table.add_row(name, f"{value:,}")
    Console().print(table)
