"""`copydesk analytics`: compute figures anew from raw rows, compare them with what is stored, show one strategy's."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import click

from copydesk.analytics import FIGURES, Unit
from copydesk.bootstrap import Runtime
from copydesk.cli.brand import brand_id, on_brand, on_installation
from copydesk.cli.installation import print_json
from copydesk.kernel import InvalidInput, utc_now
from copydesk.performance.audit_run import Difference, check_tenant
from copydesk.performance.rebuild import Progress, rebuild_strategy, rebuild_tenant
from copydesk.performance.told import Told, strategy_told

_TENANT = click.option("--tenant", metavar="SLUG", help="Only this brand [default: every brand].")
_SHOWN_MAX = 20


@click.group("analytics")
def command() -> None:
    """Compute figures anew from raw rows, compare them with what is stored and shown, or show one strategy's.

    \b
    Examples:
      copydesk analytics rebuild
      copydesk analytics check --tenant aurora
      copydesk analytics show steady --tenant aurora
    """


@dataclass(frozen=True)
class _Brand:
    slug: str
    number: int


@command.command("rebuild")
@_TENANT
@click.option("--strategy", metavar="SLUG", help="Only this strategy, and who copies it; with --tenant.")
@on_installation
def rebuild(runtime: Runtime, tenant: str | None, strategy: str | None, as_json: bool) -> int:
    """Delete points and figures and make them again from raw rows: executions, fills, funding, payments, prices.

    Safe while everything runs: each strategy is one transaction. What staff adjusted by hand stays.

    \b
    Examples:
      copydesk analytics rebuild
      copydesk analytics rebuild --tenant aurora --strategy steady --json
    """
    if strategy is not None and tenant is None:
        raise InvalidInput("--strategy needs --tenant: strategies of two brands may have one name")
    done = []
    for brand in _brands(runtime, tenant):
        counted = _one(runtime, brand, strategy) if strategy is not None else _all(runtime, brand)
        click.echo(
            f"{brand.slug}: {counted['strategies']} strategies and {counted['subscriptions']} subscriptions computed "
            f"from {counted['rows']} raw rows, {counted['points']} points stored",
            err=as_json,
        )
        done.append({"tenant": brand.slug, **counted})
    if as_json:
        print_json({"brands": done})
    return 0


@command.command("check")
@_TENANT
@on_installation
def check(runtime: Runtime, tenant: str | None, as_json: bool) -> int:
    """Compute every figure anew, in memory, and compare with what is stored; exit 1 if any differs.

    The worker does the same each night (analytics.check_at).

    \b
    Examples:
      copydesk analytics check
      copydesk analytics check --tenant aurora --json
    """
    found, compared = list[tuple[str, Difference]](), 0
    for brand in _brands(runtime, tenant):
        checked = check_tenant(runtime.db, runtime.tenant(brand.number), now=utc_now())
        compared += checked.compared
        found += [(brand.slug, one) for one in checked.differences]
        verdict = f"{len(checked.differences)} differ" if checked.differences else "all as computed anew"
        click.echo(
            f"{brand.slug}: {checked.compared} figures of {checked.strategies} strategies compared, {verdict}",
            err=as_json,
        )
    for slug, one in found[:_SHOWN_MAX]:
        click.echo(
            f"{slug} {one.owner} {one.id} {one.figure}: stored {one.stored}, computed {one.recomputed}", err=True
        )
    if as_json:
        told = [{"tenant": slug, **one._asdict()} for slug, one in found]
        print_json({"ok": not found, "compared": compared, "differences": told})
    return 1 if found else 0


@command.command("show")
@click.argument("strategy")
@on_brand
def show(runtime: Runtime, tenant: str, strategy: str, as_json: bool) -> int:
    """Show everything that is stored of a strategy: figures, remarks, score, payments, how many points.

    \b
    Example:
      copydesk analytics show steady --tenant aurora
    """
    with runtime.db.tenant(brand_id(runtime, tenant)) as session:
        told = strategy_told(session, strategy)
    for line in _lines(told):
        click.echo(line, err=as_json)
    if as_json:
        print_json(told._asdict() | {"as_of": None if told.as_of is None else told.as_of.isoformat()})
    return 0


def _brands(runtime: Runtime, tenant: str | None) -> list[_Brand]:
    if tenant is not None:
        return [_Brand(tenant, brand_id(runtime, tenant))]
    return [_Brand(slug, number) for slug, number in sorted(runtime.tenant_ids.items())]


def _one(runtime: Runtime, brand: _Brand, slug: str) -> dict[str, int]:
    with runtime.db.tenant(brand.number) as session:
        strategy_id = strategy_told(session, slug).id
        done = rebuild_strategy(session, runtime.tenant(brand.number), strategy_id, now=utc_now())
    return done._asdict()


def _all(runtime: Runtime, brand: _Brand) -> dict[str, int]:
    done = rebuild_tenant(runtime.db, runtime.tenant(brand.number), now=utc_now(), progress=_progress(brand.slug))
    if sys.stderr.isatty():
        click.echo(err=True)
    return done._asdict()


def _progress(slug: str) -> Progress:
    """Tell on a terminal how far a brand is, in one line."""

    def tell(done: int, of: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{slug}: {done} of {of} strategies", nl=False, err=True)

    return tell


def _lines(told: Told) -> Iterator[str]:
    if told.as_of is None:
        yield f"{told.slug}: no figures yet; they begin when the account's equity is told first"
        return
    place = "no place" if told.place is None else f"place {told.place}"
    gates = f" ({', '.join(told.gates)})" if told.gates else ""
    score = "–" if told.score is None else f"{told.score:.2f}"
    yield f"{told.slug} as of {told.as_of:%Y-%m-%d %H:%M:%S} UTC: score {score}, {place}{gates}"
    yield f"trades {', '.join(told.symbols) or 'nothing yet'}"
    for name, meaning in FIGURES.items():
        yield f"{name:22}{_figure(told.figures.get(name), meaning.unit)}"
    for flag, shown in told.flags.items():
        yield f"remark {flag}: {', '.join(f'{name} {number:g}' for name, number in shown.items())}"
    for at, kind, amount in told.flows:
        yield f"paid {at[:19]} {kind} {amount:+.2f}"
    yield f"points {', '.join(f'{count} {grain}' for grain, count in sorted(told.points.items())) or 'none'}"


_UNITS = {Unit.DAYS: " days", Unit.SECONDS: " s", Unit.TIMES: " ×", Unit.BPS: " bps", Unit.MS: " ms"}


def _figure(value: float | None, unit: Unit) -> str:
    if value is None:
        return "–"
    if unit is Unit.RATIO:
        return f"{value * 100:.2f} %"
    return f"{value:.0f}" if unit is Unit.COUNT else f"{value:.2f}{_UNITS.get(unit, '')}"
