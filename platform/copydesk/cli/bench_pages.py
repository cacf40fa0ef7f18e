"""`copydesk bench pages`: how long the server takes for each page of people with very many rows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from copydesk.bench.bars import PAGES_BARS, verdicts
from copydesk.cli.bench_fanout import print_figures, print_rows, run_folder
from copydesk.cli.installation import print_json, with_root
from copydesk.cli.web import SiteRuntime

if TYPE_CHECKING:
    from flask import Flask

    from copydesk.bootstrap import Runtime

_SUBSCRIPTIONS_MAX, _RECEIPTS_MAX, _ROUNDS_MAX = 5_000, 1_000_000, 1_000
_ORIGIN = "http://{host}"
_SHOWN = ("page", "p50_ms", "p95_ms", "p99_ms", "cpu_p95_ms", "statements")


@click.command("pages")
@click.option(
    "--subscriptions",
    default=1_000,
    show_default=True,
    type=click.IntRange(20, _SUBSCRIPTIONS_MAX),
    help="Running subscriptions of the follower; as many follow the trader.",
)
@click.option(
    "--receipts",
    default=100_000,
    show_default=True,
    type=click.IntRange(100, _RECEIPTS_MAX),
    help="Receipts of the follower.",
)
@click.option(
    "--rounds", default=30, show_default=True, type=click.IntRange(1, _ROUNDS_MAX), help="How often each page is asked."
)
@click.option("--plain/--no-plain", default=True, help="Also read some pages' figures the plain way.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one line of JSON.")
@with_root
def pages(root: Path, as_json: bool, subscriptions: int, **chosen: Any) -> None:
    """Ask every page of a follower with very many subscriptions, and of a trader with very many followers.

    \b
    Examples:
      copydesk bench pages --json
      copydesk bench pages --subscriptions 100 --receipts 2000 --rounds 5 --no-plain
    """
    from copydesk.bench.pages import run_pages
    from copydesk.bench.pages_plan import PagesPlan
    from copydesk.cli.up import interruptible
    from copydesk.db.migrate import migrate
    from copydesk.stack import embedded_stack, role_environment

    plan = PagesPlan(subscriptions=subscriptions, followers=subscriptions, **chosen)
    with run_folder(root) as options, interruptible(), embedded_stack(options.var_dir, say=_say) as stack:
        migrate(stack.owner_url)
        environ = role_environment(os.environ, stack, options, lab=False)
        figures = run_pages(plan, site_of, environ, stack.owner_url, _say)
    bars = verdicts(figures, PAGES_BARS) if plan.full else []
    figures |= {"bars": [verdict._asdict() for verdict in bars]}
    if as_json:
        print_json(figures)
        return
    rows, plain = figures.pop("rows"), figures.pop("plain", [])
    shown = [{name: row[name] for name in _SHOWN} for row in rows]
    print_rows(f"Pages with {subscriptions:,} subscriptions: wall clock, and our processor time", shown)
    if plain:
        print_rows("The figures of a page, ours and the plain way", plain)
    print_figures("The slowest page", figures)


def site_of(runtime: Runtime) -> Flask:
    """Build the sites of an installation, as `copydesk web` does."""
    from copydesk.web import create_app
    from copydesk.web.server import keep_out_of_collections

    app = create_app(SiteRuntime(runtime, _ORIGIN, _ORIGIN))
    keep_out_of_collections()
    return app


def _say(line: str) -> None:
    click.echo(line, err=True)
