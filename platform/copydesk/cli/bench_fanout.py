"""`copydesk bench fanout` and `failover`: from a leader's fill to the last follower, and with a replicator killed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from copydesk.bench.bars import SIZES, verdicts
from copydesk.bench.load import ENGINES, LIGHT, MARKETS, SPOT, Load, Plan
from copydesk.cli.installation import open_installation, print_json, with_root
from copydesk.cli.options import Number
from copydesk.cli.ports import free_ports
from copydesk.venues import TRAITS
from copydesk.venues.lab import LabConfig

if TYPE_CHECKING:
    from copydesk.stack import RoleOptions

FOLLOWERS_MAX = 10_000
_VENUES = tuple(TRAITS)
_MISS = "MISSED"


def _venues(_context: click.Context, _parameter: click.Parameter, words: str) -> tuple[str, ...]:
    found = tuple(word.strip() for word in words.split(","))
    for word in found:
        if word not in _VENUES or found.count(word) > 1:
            raise click.BadParameter(f"expected some of {', '.join(_VENUES)}, each once, found {words!r}")
    return found


_RTT = click.option(
    "--rtt-ms",
    default=20.0,
    show_default=True,
    type=Number(0, LabConfig.RTT_MS_MAX),
    help="Round trip to the exchange, in milliseconds.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print the figures as one line of JSON.")


@click.command("fanout")
@click.option("--followers", default=1000, show_default=True, type=click.IntRange(1, FOLLOWERS_MAX), help="Followers.")
@_RTT
@click.option("--signals", default=30, show_default=True, type=click.IntRange(2), help="Leader fills to measure.")
@click.option(
    "--engine",
    default=LIGHT,
    show_default=True,
    type=click.Choice(ENGINES),
    help="Fill orders at the last price, or match each of them in a book.",
)
@click.option("--tls", is_flag=True, help="Speak to the exchange under TLS.")
@click.option(
    "--venues",
    default=_VENUES[0],
    show_default=True,
    callback=_venues,
    help="Exchanges that followers are spread over, with commas; the leader is on the first.",
)
@click.option("--market", default=SPOT, show_default=True, type=click.Choice(MARKETS), help="What is traded.")
@click.option("--plain/--no-plain", default=True, help="Also do the same orders the plain ways.")
@click.option("--table", "sizes", is_flag=True, help=f"Measure {', '.join(f'{n:,}' for n in SIZES)} followers in turn.")
@_JSON
@with_root
def fanout(root: Path, followers: int, sizes: bool, as_json: bool, **chosen: Any) -> None:
    """Measure from a leader's fill to the last follower's acknowledgement.

    Figures that have a bar are shown beside it; the command succeeds whether or not they reach it.

    \b
    Examples:
      copydesk bench fanout
      copydesk bench fanout --table --json
      copydesk bench fanout --followers 200 --rtt-ms 5 --no-plain --json
      copydesk bench fanout --venues binance,okx,bybit,bitget --market perpetual --tls
    """
    venues, market = chosen.pop("venues"), chosen.pop("market")
    rows = []
    for size in SIZES if sizes else (followers,):
        if size < len(venues):
            raise click.BadParameter(f"expected a follower on each of {len(venues)} exchanges, found {size} followers")
        rows.append(_measure(root, Plan(Load(size, venues, market), **chosen)))
    if as_json:
        print_json({"rows": rows} if sizes else rows[0])
    elif sizes:
        _print_bars(rows)
    else:
        print_figures(f"One leader fill to {followers:,} followers", rows[0])


def _measure(root: Path, plan: Plan) -> dict[str, Any]:
    from copydesk.bench.fanout import run_fanout
    from copydesk.cli.up import interruptible

    with run_folder(root) as options, interruptible():
        figures = run_fanout(plan, options, os.environ, _say)
    return figures | {"bars": [verdict._asdict() for verdict in verdicts(figures)]}


@click.command("failover")
@click.option("--followers", default=1000, show_default=True, type=click.IntRange(2, FOLLOWERS_MAX), help="Followers.")
@click.option(
    "--lanes", default=8, show_default=True, type=click.IntRange(2, 64), help="Lanes that they are spread on."
)
@click.option("--seconds", default=20, show_default=True, type=click.IntRange(2, 600), help="Load before, and after.")
@_RTT
@_JSON
@with_root
def failover(root: Path, followers: int, lanes: int, seconds: int, rtt_ms: float, as_json: bool) -> None:
    """Kill one of two replicators in the middle of a fan-out, and measure what the other one still does.

    The leader trades again when everybody has copied and limits have had their time, which does not count. Doubles and
    gaps are counted in the exchange's journal.

    \b
    Examples:
      copydesk bench failover
      copydesk bench failover --followers 200 --lanes 4 --seconds 10 --json
    """
    from copydesk.bench.failover import FailoverPlan, run_failover
    from copydesk.cli.up import interruptible

    with run_folder(root) as options, interruptible():
        figures = run_failover(FailoverPlan(followers, lanes, seconds, rtt_ms), options, os.environ, _say)
    figures |= {"bars": [verdict._asdict() for verdict in verdicts(figures)]}
    if as_json:
        print_json(figures)
    else:
        print_figures("One of two replicators killed", figures)


def _say(line: str) -> None:
    click.echo(line, err=True)


@contextmanager
def run_folder(root: Path) -> Iterator[RoleOptions]:
    """Give a run a folder and ports of its own; nothing of it stays."""
    from copydesk.stack import RoleOptions

    installation = open_installation(root, None)
    var_dir = Path(tempfile.mkdtemp(prefix="copydesk-bench-"))
    port, live_port, lab_port, lab_ws_port, lab_control_port = free_ports(5)
    try:
        yield RoleOptions(
            root=installation.root.resolve(),
            var_dir=var_dir,
            port=port,
            live_port=live_port,
            lab_port=lab_port,
            lab_ws_port=lab_ws_port,
            lab_control_port=lab_control_port,
        )
    finally:
        shutil.rmtree(var_dir, ignore_errors=True)


def print_figures(title: str, figures: dict[str, Any]) -> None:
    """Print figures below each other, with the bars of those that have one (`figures["bars"]`)."""
    bars = {verdict["figure"]: verdict for verdict in figures["bars"]}
    table = Table("figure", "value", "bar", "", title=title)
    for name, value in figures.items():
        if name != "bars":
            bar = bars.get(name)
            table.add_row(name, _shown(value), bar["bar"] if bar else "", _mark(bar))
    Console().print(table)


def print_rows(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """Print rows of the same figures below each other."""
    table = Table(*(name.replace("_", " ") for name in rows[0]), title=title)
    for row in rows:
        table.add_row(*(f"{value:,}" if isinstance(value, int | float) else value for value in row.values()))
    Console().print(table)


def _print_bars(rows: Sequence[dict[str, Any]]) -> None:
    """Print each size's figures in a column beside their bars; figures without one come last."""
    table = Table("figure", title="From the leader's execution to the followers' acknowledgements")
    for row in rows:
        table.add_column(f"{row['followers']:,} followers", justify="right")
        table.add_column("bar")
    bars = [{verdict["figure"]: verdict for verdict in row["bars"]} for row in rows]
    names = [name for name in rows[0] if name not in ("bars", "followers")]
    for name in sorted(names, key=lambda name: not any(name in held for held in bars)):
        cells: list[str] = []
        for row, held in zip(rows, bars, strict=True):
            cells += [_shown(row[name]), f"{held[name]['bar']} {_mark(held[name])}".strip() if name in held else ""]
        table.add_row(name.replace("_", " "), *cells)
    Console().print(table)


def _mark(verdict: dict[str, Any] | None) -> str:
    return "" if verdict is None else "ok" if verdict["met"] else _MISS


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
