"""`copydesk bench`: measure, beside the same work done the plain way."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import click

from copydesk.bench.lab_orders import LANES
from copydesk.cli.bench_analytics import analytics
from copydesk.cli.bench_fanout import failover, fanout, print_rows
from copydesk.cli.bench_keys import keys
from copydesk.cli.bench_pages import pages
from copydesk.cli.bench_push import push, push_pages
from copydesk.cli.bench_risk import gap, risk
from copydesk.cli.bench_signin import plain_site, signin
from copydesk.cli.bench_tenants import tenants
from copydesk.cli.installation import print_json


@click.group("bench")
def command() -> None:
    """Measure on a stage of its own: embedded servers, the lab, real roles.

    \b
    Example:
      copydesk bench fanout --followers 1000 --rtt-ms 20 --json
      copydesk bench failover
      copydesk bench risk --positions 100000 --accounts 10000
      copydesk bench gap --followers 500
      copydesk bench keys
      copydesk bench signin --rate 40 --seconds 20
      copydesk bench tenants --tenants 200
      copydesk bench analytics --trades 100000 --strategies 100
      copydesk bench push --clients 1000
      copydesk bench pages --rounds 10
    """


for part in (fanout, failover, risk, gap, keys, signin, tenants, analytics, push, pages, plain_site, push_pages):
    command.add_command(part)


@command.command("lab")
@click.option(
    "--orders", default=30_000, show_default=True, type=click.IntRange(1_000), help="Orders of each dialect and mode."
)
@click.option(
    "--accounts", default=1_000, show_default=True, type=click.IntRange(100, 5_000), help="Accounts that place them."
)
@click.option(
    "--connections", default=64, show_default=True, type=click.IntRange(1, 250), help="Kept-alive connections."
)
@click.option(
    "--ahead", default=8, show_default=True, type=click.IntRange(1, 64), help="Requests sent ahead of answers."
)
@click.option(
    "--dialect",
    "dialects",
    multiple=True,
    type=click.Choice([lane.name for lane in LANES]),
    help="Only this one; may be repeated.",
)
@click.option("--plain/--no-plain", default=True, help="Also do the same orders by unmodified ccxt.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one line of JSON.")
def lab(
    orders: int,
    accounts: int,
    connections: int,
    ahead: int,
    dialects: tuple[str, ...],
    plain: bool,
    as_json: bool,
) -> None:
    """Measure how many orders the lab takes on one core, by dialect, matched and light.

    \b
    Examples:
      copydesk bench lab
      copydesk bench lab --dialect okx --orders 10000 --ahead 1 --no-plain --json
    """
    from copydesk.bench.lab import ROUND_PER_ACCOUNT, Plan, run_lab
    from copydesk.cli.up import interruptible

    rounds = max(1, round(orders / (accounts * ROUND_PER_ACCOUNT)))
    plan = Plan(accounts, rounds, connections, ahead, plain=plain, lanes=dialects)
    folder = Path(tempfile.mkdtemp(prefix="copydesk-bench-"))
    try:
        with interruptible():
            figures = run_lab(plan, folder, lambda line: click.echo(line, err=True))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if as_json:
        print_json(figures)
        return
    print_rows(f"Orders a second on one core; {ahead} sent ahead on {connections} connections", figures["rows"])
    print_rows("Memory and restart", [figures["memory"]])


@command.command("venues")
@click.option("--accounts", default=1_000, show_default=True, type=click.IntRange(100, 5_000), help="Accounts.")
@click.option(
    "--rows",
    default=2_000,
    show_default=True,
    type=click.IntRange(100, 10_000),
    help="Instruments in each of an exchange's lists, spot and perpetual.",
)
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 50), help="Measurements of each call.")
@click.option("--exchange", "venues", multiple=True, help="Only this exchange; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one line of JSON.")
def venues(accounts: int, rows: int, rounds: int, venues: tuple[str, ...], as_json: bool) -> int:
    """Measure what one warm venue serves, beside one ccxt instance for each account, and how long calls stall the loop.

    Exits 1 when a call keeps the event loop for more than 20 ms.

    \b
    Examples:
      copydesk bench venues --json
      copydesk bench venues --exchange okx --accounts 200 --rounds 3
    """
    from copydesk.bench.venues import Plan, run_venues
    from copydesk.cli.up import interruptible

    folder = Path(tempfile.mkdtemp(prefix="copydesk-bench-"))
    try:
        with interruptible():
            figures = run_venues(Plan(accounts, rows, rounds, venues), folder, lambda line: click.echo(line, err=True))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if as_json:
        print_json(figures)
    else:
        print_rows(f"{accounts:,} accounts, each after its first order", figures["warm"])
        stalls = [{**row, "ok": "yes" if row["ok"] else "NO"} for row in figures["stalls"]]
        print_rows("Longest stall of the event loop: processor time, its worst round, wall clock", stalls)
    return 0 if figures["ok"] else 1
