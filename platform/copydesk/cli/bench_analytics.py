"""`copydesk bench analytics`: figures of a long past, a brand computed anew, one fill followed, the leaderboard."""

from __future__ import annotations

import os
from contextlib import closing
from functools import partial
from pathlib import Path

import click

from copydesk.bench.bars import ANALYTICS_BARS, verdicts
from copydesk.cli.bench_fanout import print_figures, run_folder
from copydesk.cli.installation import print_json, with_root

_TRADES_MAX, _STRATEGIES_MAX = 10_000_000, 20_000


@click.command("analytics")
@click.option(
    "--trades", default=1_000_000, show_default=True, type=click.IntRange(40, _TRADES_MAX), help="Trades in all."
)
@click.option(
    "--strategies",
    default=1_000,
    show_default=True,
    type=click.IntRange(1, _STRATEGIES_MAX),
    help="Strategies that made them.",
)
@click.option(
    "--listed",
    default=5_000,
    show_default=True,
    type=click.IntRange(1, _STRATEGIES_MAX),
    help="Strategies on the leaderboard.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one line of JSON.")
@with_root
def analytics(root: Path, trades: int, strategies: int, listed: int, as_json: bool) -> None:
    """Compute figures from raw trades and compare with plain ways: a long past, a whole brand, a fill, a page.

    Servers and measurements share one core. Bars are shown at their own size: 1,000,000 trades of 1,000 strategies.

    \b
    Examples:
      copydesk bench analytics --json
      copydesk bench analytics --trades 100000 --strategies 100 --listed 500
    """
    from copydesk.bench.analytics import AnalyticsPlan, in_a_process, on_one_core, run_analytics
    from copydesk.bench.crowd import BRAND
    from copydesk.bootstrap import Runtime
    from copydesk.cli.up import interruptible
    from copydesk.db.migrate import migrate
    from copydesk.stack import embedded_stack, role_environment

    plan = AnalyticsPlan(trades, strategies, listed=listed)
    with (
        run_folder(root) as options,
        interruptible(),
        on_one_core(),
        embedded_stack(options.var_dir, say=_say) as stack,
    ):
        migrate(stack.owner_url)
        environ = role_environment(os.environ, stack, options, lab=False)
        with closing(Runtime(environ)) as runtime:
            tenant_id = runtime.tenant_ids[BRAND]
        figures = run_analytics(plan, partial(in_a_process, environ), stack.owner_url, tenant_id, _say)
    bars = verdicts(figures, ANALYTICS_BARS) if plan.full else []
    figures |= {"bars": [verdict._asdict() for verdict in bars]}
    if as_json:
        print_json(figures)
    else:
        print_figures(f"{trades:,} trades of {strategies:,} strategies on one core", figures)


def _say(line: str) -> None:
    click.echo(line, err=True)
