"""`copydesk bench keys`: what it costs to open an exchange key, to turn all and to revoke all."""

from __future__ import annotations

import os
from pathlib import Path

import click

from copydesk.bench.bars import KEY_BARS, verdicts
from copydesk.cli.bench_fanout import print_figures, run_folder
from copydesk.cli.installation import print_json, with_root


@click.command("keys")
@click.option("--opens", default=200_000, show_default=True, type=click.IntRange(100), help="Times a key is opened.")
@click.option(
    "--accounts", default=10_000, show_default=True, type=click.IntRange(0, 1_000_000), help="Keys turned and revoked."
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one line of JSON.")
@with_root
def keys(root: Path, opens: int, accounts: int, as_json: bool) -> int:
    """Measure opening a key, beside unwrapping its data key every time, and turning and revoking all of a brand.

    Starts servers of its own; with --accounts 0 none. Exits 1 where a bar is missed.

    \b
    Examples:
      copydesk bench keys --json
      copydesk bench keys --opens 10000 --accounts 0
    """
    from copydesk.bench.keys import KeysPlan, run_keys
    from copydesk.cli.up import interruptible

    with run_folder(root) as options, interruptible():
        figures = run_keys(KeysPlan(opens, accounts), options, os.environ, _say)
    bars = verdicts(figures, KEY_BARS)
    figures |= {"bars": [verdict._asdict() for verdict in bars]}
    if as_json:
        print_json(figures)
    else:
        print_figures(f"{accounts:,} keys", figures)
    return 0 if all(verdict.met for verdict in bars) else 1


def _say(line: str) -> None:
    click.echo(line, err=True)
