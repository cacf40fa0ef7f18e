"""`copydesk risk simulate`: what limits would have done in a strategy's past."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.brand import brand_id, on_brand
from copydesk.cli.installation import print_json
from copydesk.cli.replay_report import Played, played_json, told
from copydesk.db import TenantSession
from copydesk.kernel import NotFound, utc_now
from copydesk.marks import Marks
from copydesk.replication import Past, read_past, strategy_keys
from copydesk.risk.grammar import parse
from copydesk.risk.history import Event, Mark
from copydesk.risk.limits import LimitSet, effective, key_of, require_consistent
from copydesk.risk.model import Scope, Scoped
from copydesk.risk.profiles import Profile
from copydesk.risk.replay import Terms
from copydesk.risk.service import Ground, ground_of, profile_of
from copydesk.risk.simulate import simulate as replay
from copydesk.risk.store import LimitOwner, limits_set

_PROFILES = click.Choice([profile.value for profile in Profile])
# So few are read and replayed before anybody looks.
_SHORT = 2_000


class _Amount(click.ParamType[Decimal]):
    """Money above zero, exactly as written."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            amount = Decimal(value)
        except InvalidOperation:
            amount = Decimal("NaN")
        if not (amount.is_finite() and 0 < amount < 10**15):
            self.fail(f"expected an amount above zero, found {value!r}", param, ctx)
        return amount


@click.command("simulate")
@click.option("--strategy", required=True, help="The strategy, by its slug.")
@click.option("--limit", "lines", multiple=True, metavar="LINE", help="A limit to try; may be given several times.")
@click.option("--profile", type=_PROFILES, help="A profile to try; a --limit of the same kind goes before its own.")
@click.option("--allocation", type=_Amount(), default="1000", show_default=True, help="What the follower allocates.")
@click.option("--days", type=click.IntRange(1, 3650), help="So many days back only; everything stored otherwise.")
@on_brand
def simulate(
    runtime: Runtime,
    tenant: str,
    strategy: str,
    lines: Sequence[str],
    profile: str | None,
    allocation: Decimal,
    days: int | None,
    as_json: bool,
) -> int:
    """Replay a strategy's stored past for one follower, with limits and without, and show what they would have done.

    Without --limit and --profile it tries what holds for every follower of the strategy at present.

    \b
    Examples:
      copydesk risk simulate --tenant aurora --strategy steady --profile balanced
      copydesk risk simulate --tenant aurora --strategy steady --limit "drawdown > 10 % of equity -> close" --days 30
    """
    config = runtime.tenant(brand_id(runtime, tenant)).config
    terms = Terms(allocation, ZoneInfo(config.time_zone), currency=config.currency)
    found = _played(runtime, tenant, strategy, _Wanted(lines, profile, days), terms)
    for line in told(found):
        click.echo(line, err=as_json)
    if as_json:
        print_json(played_json(found))
    return 0


class _Wanted:
    """Which limits are to be tried, and over how long a past."""

    def __init__(self, lines: Sequence[str], profile: str | None, days: int | None) -> None:
        self.since = datetime.min.replace(tzinfo=UTC) if days is None else utc_now() - timedelta(days=days)
        self._lines = lines
        self._profile = profile

    def limits(self, session: TenantSession, ground: Ground, strategy_id: int) -> LimitSet:
        """Return the limits to try; raises InvalidInput for lines that say none, or contradict each other."""
        if not self._lines and self._profile is None:
            owners = (LimitOwner(Scope.TENANT), LimitOwner(Scope.STRATEGY, strategy_id))
            stored = [one.scoped for owner in owners for one in limits_set(session, owner)]
            return effective((*ground.limits, *stored))
        mine = [Scoped(Scope.SUBSCRIPTION, parse(line, symbols=ground.markets)) for line in self._lines]
        taken = {key_of(scoped) for scoped in mine}
        profile = () if self._profile is None else profile_of(ground, Profile(self._profile))
        wider = [Scoped(Scope.SUBSCRIPTION, limit) for limit in profile]
        tried = [*mine, *(scoped for scoped in wider if key_of(scoped) not in taken)]
        require_consistent(tried, currency=ground.currency)
        return effective(tried)


def _played(runtime: Runtime, tenant: str, slug: str, wanted: _Wanted, terms: Terms) -> Played:
    """Read and replay; raises NotFound where there is no such strategy, or nothing of it is stored."""
    tenant_id = brand_id(runtime, tenant)
    ground = ground_of(runtime.tenant(tenant_id))
    with runtime.db.tenant(tenant_id) as session, _progress("reading") as show:
        keys = strategy_keys(session, slug)
        limits = wanted.limits(session, ground, keys.strategy_id)
        past = read_past(session, keys.strategy_id, since=wanted.since, progress=show)
    if not past.events:
        raise NotFound(f"nothing is stored of the strategy {slug} in that time")
    events = (*past.events, *_now(runtime, past))
    with _progress("replaying") as show:
        comparison = replay(events, terms, limits, seen=lambda done: show(done, 2 * len(events)))
    return Played(slug, past, terms, limits, comparison)


def _now(runtime: Runtime, past: Past) -> Iterator[Event]:
    """Go on to the newest public prices, so that what is still held is worth what it is today."""
    marks, now = Marks(runtime.hasty_redis), utc_now()
    for place, symbol in sorted(past.listings):
        px = marks.worth(place, symbol)
        if px is not None:
            yield Mark(now, symbol, px)


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Say on a terminal how far a long history is."""
    told_at = [-1]

    def show(done: int, whole: int) -> None:
        percent = 100 * done // whole
        if whole >= _SHORT and percent != told_at[0] and sys.stderr.isatty():
            told_at[0] = percent
            click.echo(f"\r{what} {percent} %", nl=False, err=True)

    yield show
    if told_at[0] >= 0:
        click.echo("\r\033[K", nl=False, err=True)
