"""`copydesk bench push`: how soon people know what the leader's account did, and how many pages one process bears."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from copydesk.bench.bars import PUSH_BARS, verdicts
from copydesk.cli.bench_fanout import print_figures, run_folder
from copydesk.cli.installation import print_json, with_root
from copydesk.cli.options import Number
from copydesk.venues.lab import LabConfig

if TYPE_CHECKING:
    from copydesk.stack import RoleOptions

_PAGES = "push-pages"
_CLIENTS_MAX = 10_000


@click.command("push")
@click.option(
    "--followers", default=20, show_default=True, type=click.IntRange(1, 500), help="Followers, reached in every way."
)
@click.option("--signals", default=20, show_default=True, type=click.IntRange(1, 500), help="Leader fills to measure.")
@click.option(
    "--rtt-ms",
    default=20.0,
    show_default=True,
    type=Number(0, LabConfig.RTT_MS_MAX),
    help="Round trip to the exchange, in milliseconds.",
)
@click.option(
    "--clients",
    default=5_000,
    show_default=True,
    type=click.IntRange(0, _CLIENTS_MAX),
    help="Pages on one live process; 0 leaves that part out.",
)
@click.option(
    "--news", default=20, show_default=True, type=click.IntRange(1, 500), help="News that all of them hear, in turn."
)
@click.option("--plain/--no-plain", default=True, help="Also tell the plain ways, each second.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one line of JSON.")
@with_root
def push(root: Path, as_json: bool, **chosen: Any) -> None:
    """Measure from the leader's execution to followers' open pages, push and mail, then thousands of open pages.

    \b
    Examples:
      copydesk bench push --json
      copydesk bench push --followers 5 --signals 5 --clients 0
      copydesk bench push --clients 5000 --news 50 --no-plain --json
    """
    from copydesk.bench.push import PushPlan, run_push
    from copydesk.cli.up import interruptible

    with run_folder(root) as options, interruptible():

        def part(name: str) -> RoleOptions:
            folder = options.var_dir / name
            folder.mkdir()
            return replace(options, var_dir=folder)

        figures = run_push(PushPlan(**chosen), part, os.environ, ("bench", _PAGES), _say)
    figures |= {"bars": [verdict._asdict() for verdict in verdicts(figures, PUSH_BARS)]}
    if as_json:
        print_json(figures)
    else:
        print_figures("From the leader's execution to pages, push and mail", figures)


@click.command(_PAGES, hidden=True)
def push_pages() -> None:
    """Hold pages open: what `bench push` listens with. What to open is one line of JSON on standard input.

    \b
    Example:
      copydesk bench push-pages < pages.json
    """
    from copydesk.bench.push_pages import serve

    serve()


def _say(line: str) -> None:
    click.echo(line, err=True)
