"""`copydesk bench risk`: how long it takes to value and screen everything, and one instrument."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import click

from copydesk.bench.bars import RISK_BARS, verdicts
from copydesk.cli.bench_fanout import print_figures, run_folder
from copydesk.cli.installation import print_json, with_root


@click.command("risk")
@click.option("--positions", default=1_000_000, show_default=True, type=click.IntRange(1), help="Positions in all.")
@click.option("--accounts", default=100_000, show_default=True, type=click.IntRange(1), help="Accounts that hold them.")
@click.option("--sweeps", default=200, show_default=True, type=click.IntRange(2, 10_000), help="Full sweeps.")
@click.option("--ticks", default=5_000, show_default=True, type=click.IntRange(2, 1_000_000), help="Single ticks.")
@click.option("--plain/--no-plain", default=True, help="Also sweep by Polars and by plain Python.")
@click.option("--breach/--no-breach", default=True, help="Also let prices break limits on a desk that runs.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one line of JSON.")
@with_root
def risk(
    root: Path, positions: int, accounts: int, sweeps: int, ticks: int, plain: bool, breach: bool, as_json: bool
) -> None:
    """Measure full sweeps and single ticks of the risk engine's arrays on one core, and how soon a breach is closed.

    Bars are shown at their own size and above: 1,000,000 positions of 100,000 accounts.

    \b
    Examples:
      copydesk bench risk --positions 1000000 --accounts 100000 --json
      copydesk bench risk --positions 10000 --accounts 1000 --no-plain
    """
    from copydesk.bench.breach import run_breaches
    from copydesk.bench.risk import RiskPlan, run_risk
    from copydesk.cli.up import interruptible

    plan = RiskPlan(positions, accounts, sweeps=sweeps, ticks=ticks, plain=plain)
    with run_folder(root) as options, interruptible():
        figures = run_risk(plan, _say, partial(run_breaches, options, os.environ, _say) if breach else None)
    bars = verdicts(figures, RISK_BARS) if plan.full else []
    figures |= {"bars": [verdict._asdict() for verdict in bars]}
    if as_json:
        print_json(figures)
    else:
        print_figures(f"{positions:,} positions of {accounts:,} accounts on one core", figures)


def _say(line: str) -> None:
    click.echo(line, err=True)
