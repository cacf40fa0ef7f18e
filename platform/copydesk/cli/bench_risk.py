"""`copydesk bench risk` and `gap`: how long it takes to value and screen everything, and to close everybody."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import click

from copydesk.bench.bars import GAP_BARS, RISK_BARS, verdicts
from copydesk.bench.gap_closes import GAP_SCENARIOS, flawless
from copydesk.cli.bench_fanout import print_figures, print_rows, run_folder
from copydesk.cli.installation import print_json, with_root
from copydesk.cli.options import Number
from copydesk.venues.lab import LabConfig


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


@click.command("gap")
@click.option("--followers", default=500, show_default=True, type=click.IntRange(1, 1000), help="Followers.")
@click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    type=click.Choice(GAP_SCENARIOS),
    help="Only this one; may be repeated.",
)
@click.option(
    "--rtt-ms",
    default=20.0,
    show_default=True,
    type=Number(0, LabConfig.RTT_MS_MAX),
    help="Round trip to the exchange, in milliseconds.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one line of JSON.")
@with_root
def gap(root: Path, followers: int, scenarios: tuple[str, ...], rtt_ms: float, as_json: bool) -> int:
    """Let the price gap through everybody's stop while something else is broken, and measure until all are closed.

    Closes are counted in the exchange's journal. Exits 1 where one is missing, came twice, or closed too much.

    \b
    Examples:
      copydesk bench gap --followers 500 --json
      copydesk bench gap --followers 50 --scenario redis --scenario postgres
    """
    from copydesk.bench.gap import GapPlan, run_gap
    from copydesk.cli.up import interruptible

    plan = GapPlan(followers, scenarios or GAP_SCENARIOS, rtt_ms)
    with run_folder(root) as options, interruptible():
        rows = run_gap(plan, options, os.environ, _say)
    if as_json:
        told = [row | {"bars": [verdict._asdict() for verdict in verdicts(row, GAP_BARS)]} for row in rows]
        print_json({"rtt_ms": rtt_ms, "rows": told})
    else:
        print_rows(f"Stops of {followers:,} followers: milliseconds until the exchange's answer", rows)
    return 0 if all(flawless(row) for row in rows) else 1


def _say(line: str) -> None:
    click.echo(line, err=True)
