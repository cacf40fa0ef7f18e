"""The guard of strategies: read how leaders' equity went, suspend who lost too much, and tell what has changed.

Runs in a thread of the risk role, on what PostgreSQL holds: while that is away nothing new is known either. A suspended
strategy opens nothing for anyone; closes follow its leader, who is still watched. Only a person lets it go on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from copydesk.bootstrap import Runtime
from copydesk.db import Database, TenantSession
from copydesk.kernel import ConfigError, decimal_text, utc_now
from copydesk.replication import (
    EquitySeen,
    LiveStrategy,
    NewsKind,
    TradeSeen,
    equity_history,
    equity_since,
    keep_likenesses,
    leader_trades_since,
    live_strategies,
    pairs_together,
    suspend_strategy,
    tell_news,
    trades_since,
)
from copydesk.risk.acts import Act, ActState, resumed_at, store_acts
from copydesk.risk.conduct import ConductRules, changes
from copydesk.risk.grammar import text_of
from copydesk.risk.guard import Finding, GuardState, judge_worths
from copydesk.risk.habits import SENTENCES, Flag, flags
from copydesk.risk.likeness import DAYS, daily_returns, likeness
from copydesk.risk.limits import effective
from copydesk.risk.model import Action, Basis, Limit, Measure, Scope, Scoped, Unit
from copydesk.risk.store import Holder, read_limits
from copydesk.risk.track import Track
from copydesk.workers.lookout import Lookout

log = logging.getLogger(__name__)

LOOK_EVERY_S = 3.0
CONDUCT_EVERY_S = 600.0
COMPARE_EVERY_S = 3_600.0
# A trade is stored a moment after it happened: a point is judged once those before it are known.
_SETTLED_AFTER = timedelta(seconds=2)
_EVER = datetime(2000, 1, 1, tzinfo=UTC)
_CENT = Decimal("0.01")
_STATE_OF = {GuardState.WARNED: ActState.WARNED, GuardState.SUSPENDED: ActState.BLOCKED}

# Wakes a lane, so that it takes back what rests: brand and shard.
Wake = Callable[[int, str], object]
Announce = Callable[[int, Mapping[str, Any]], None]


class Brand(NamedTuple):
    """A brand as its files have it: its currency and time zone."""

    tenant_id: int
    currency: str
    zone: ZoneInfo


@dataclass
class _Watched:
    """One strategy: since when it is judged, by what, up to which signal, and when its trades were looked at last."""

    since: datetime
    track: Track
    signal_id: int = 0
    conduct_at: float = float("-inf")
    told: set[str] = field(default_factory=set)
    units: dict[date, Decimal] = field(default_factory=dict)

    def see(self, seen: EquitySeen, zone: ZoneInfo) -> None:
        """Take a point in, and keep what a unit was worth at the end of each of the last days."""
        self.track.see(seen.at, seen.equity)
        if self.track.unit is not None:
            day = seen.at.astimezone(zone).date()
            self.units[day] = self.track.unit
            if len(self.units) > DAYS + 2:
                self.units = {one: unit for one, unit in self.units.items() if one >= day - timedelta(days=DAYS + 1)}


class StrategyGuards:
    """Judge the strategies of all brands again and again."""

    def __init__(
        self,
        db: Database,
        brands: Callable[[], Iterable[Brand]],
        *,
        wake: Wake,
        announce: Announce,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._db = db
        self._brands = brands
        self._wake = wake
        self._announce = announce
        self._now = now
        self._watched: dict[tuple[int, int], _Watched] = {}
        self._compared_at: dict[int, float] = {}
        self._lookout = Lookout(
            "risk-strategies", self.look, every_s=LOOK_EVERY_S, away="strategies are not judged now"
        )

    def start(self) -> None:
        """Look from now on, in a thread."""
        self._lookout.start()

    def close(self) -> None:
        """End the thread."""
        self._lookout.close()

    def look(self) -> None:
        """Look at every strategy once. Raises the driver's errors."""
        for brand in self._brands():
            self._look_at(brand)

    def _look_at(self, brand: Brand) -> None:
        now = self._now()
        with self._db.tenant(brand.tenant_id) as session:
            strategies = live_strategies(session)
            fresh = self._follow(session, brand, strategies, until=now - _SETTLED_AFTER)
            stored = read_limits(session, [Holder(0, strategy.id, 0) for strategy in strategies])
        self._compare(brand, now)
        for strategy in strategies:
            watched = self._watched[brand.tenant_id, strategy.id]
            if strategy.id in fresh:
                own = [told for told in stored.of(Holder(0, strategy.id, 0)) if told.scope is Scope.STRATEGY]
                limits = guard_limits(own, brand.currency)
                self._judge(brand, strategy, watched, limits, now)
            if time.monotonic() - watched.conduct_at >= CONDUCT_EVERY_S:
                watched.conduct_at = time.monotonic()
                self._watch_conduct(brand, strategy, watched, now)

    def _follow(
        self, session: TenantSession, brand: Brand, strategies: Sequence[LiveStrategy], *, until: datetime
    ) -> set[int]:
        """Bring every strategy's track up to date, and return which have changed."""
        resumed, points, known = resumed_at(session), list[EquitySeen](), dict[int, datetime]()
        for strategy in strategies:
            key, since = (brand.tenant_id, strategy.id), resumed.get(strategy.id, _EVER)
            watched = self._watched.get(key)
            if watched is None or watched.since != since:
                self._watched[key] = _Watched(since, Track(brand.zone))
                points += equity_history(session, strategy.id, after=since, until=until)
            else:
                known[strategy.id] = since if watched.track.last is None else watched.track.last.at
        points += equity_since(session, known, until=until)
        mine = {strategy.id: self._watched[brand.tenant_id, strategy.id] for strategy in strategies}
        trades = leader_trades_since(session, {number: watched.signal_id for number, watched in mine.items()})
        # A trade goes before the point of the same moment.
        events: list[TradeSeen | EquitySeen] = [*trades, *points]
        for seen in sorted(events, key=lambda one: one.at):
            watched = mine[seen.strategy_id]
            if isinstance(seen, TradeSeen):
                watched.track.trade(seen.symbol, seen.position_side, seen.value)
            else:
                watched.see(seen, brand.zone)
        for one in trades:
            mine[one.strategy_id].signal_id = max(mine[one.strategy_id].signal_id, one.id)
        return {point.strategy_id for point in points}

    def _compare(self, brand: Brand, now: datetime) -> None:
        """Keep once an hour how alike those strategies go that one and the same account copies."""
        if time.monotonic() - self._compared_at.get(brand.tenant_id, float("-inf")) < COMPARE_EVERY_S:
            return
        today = now.astimezone(brand.zone).date()
        with self._db.tenant(brand.tenant_id) as session:
            pairs = pairs_together(session)
            returns = {
                number: daily_returns(self._watched[brand.tenant_id, number].units, today=today)
                for number in {number for pair in pairs for number in pair}
                if (brand.tenant_id, number) in self._watched
            }
            found = {(one, other): likeness(returns.get(one, {}), returns.get(other, {})) for one, other in pairs}
            keep_likenesses(session, found, at=now)
        self._compared_at[brand.tenant_id] = time.monotonic()

    def _judge(
        self, brand: Brand, strategy: LiveStrategy, watched: _Watched, limits: Sequence[Limit], now: datetime
    ) -> None:
        worths = watched.track.worths
        verdict = judge_worths(worths, limits, now=now, zone=brand.zone, currency=brand.currency)
        if verdict.state is GuardState.OK:
            return
        if verdict.state is GuardState.SUSPENDED:
            worst = next(found for found in verdict.broken if found.limit.action is not Action.WARN)
            self._suspend(brand, act_of(strategy, worst, verdict.state, now, brand.zone))
            return
        for found in verdict.broken:
            self._tell(brand, watched, act_of(strategy, found, verdict.state, now, brand.zone))

    def _suspend(self, brand: Brand, act: Act) -> None:
        """Suspend a strategy and store why, both or neither; a strategy that is not live any more is left alone."""
        with self._db.tenant(brand.tenant_id) as session:
            shards = suspend_strategy(session, act.subject_id)
            if shards is None:
                return
            store_acts(session, [act])
            facts = {name: value for name, value in act.facts.items() if name != "strategy"} | {"line": act.line}
            news_id = tell_news(session, act.subject_id, NewsKind.SUSPENDED, None, facts, act.at)
        log.warning("%s of brand %s: %s", act.reference, brand.tenant_id, act.line)
        for shard in shards:
            self._wake(brand.tenant_id, shard)
        self._say(brand, act, news_id=news_id)

    def _watch_conduct(self, brand: Brand, strategy: LiveStrategy, watched: _Watched, now: datetime) -> None:
        with self._db.tenant(brand.tenant_id) as session:
            trades = trades_since(session, strategy.id, now - timedelta(days=ConductRules().days), now=now)
        for flag in (*changes(trades, now=now), *flags(trades)):
            self._tell(brand, watched, act_of_flag(strategy, flag, now, brand.zone))

    def _tell(self, brand: Brand, watched: _Watched, act: Act) -> None:
        """Store a warning, once a day."""
        if act.reference in watched.told:
            return
        with self._db.tenant(brand.tenant_id) as session:
            store_acts(session, [act])
        watched.told.add(act.reference)
        self._say(brand, act)

    def _say(self, brand: Brand, act: Act, *, news_id: int | None = None) -> None:
        """Tell live pages; `news_id` is what all followers are told."""
        told = {"type": "risk", "subscription_id": None, "strategy_id": act.subject_id, "state": str(act.state)}
        self._announce(brand.tenant_id, told if news_id is None else told | {"news_id": news_id})


def guard_limits(limits: Iterable[Scoped], currency: str) -> tuple[Limit, ...]:
    """Return those limits that a strategy is judged by, of several alike the tightest. Pure."""
    told = (scoped for scoped in limits if _is_of_equity(scoped.limit, currency))
    return tuple(scoped.limit for scoped in effective(told))


def act_of(strategy: LiveStrategy, found: Finding, state: GuardState, now: datetime, zone: ZoneInfo) -> Act:
    """Write down what the guard found; a warning is the same act all day. Pure."""
    line = text_of(found.limit)
    when = now.isoformat() if state is GuardState.SUSPENDED else now.astimezone(zone).date().isoformat()
    return Act(
        f"strategy-{strategy.id}-{when}-{state} {line}",
        "strategy",
        strategy.id,
        None,
        line,
        str(found.limit.action),
        _STATE_OF[state],
        {"strategy": strategy.slug, "now": _figure(found.value), "at": _figure(found.limit.threshold.value)},
        now,
    )


def act_of_flag(strategy: LiveStrategy, flag: Flag, now: datetime, zone: ZoneInfo) -> Act:
    """Write down what is to be said of a trader's behavior: the same act all day. Pure."""
    values = {name: _figure(value) for name, value in flag.values.items()}
    day = now.astimezone(zone).date().isoformat()
    return Act(
        f"strategy-{strategy.id}-{day}-{flag.sentence}",
        "strategy",
        strategy.id,
        None,
        SENTENCES[flag.sentence] % values,
        str(Action.WARN),
        ActState.WARNED,
        {"strategy": strategy.slug, "sentence": str(flag.sentence), **values},
        now,
    )


def brands_of(runtime: Runtime) -> Iterable[Brand]:
    """Return the brands of an installation; one whose file is wrong is left out until it is mended."""
    for tenant_id in runtime.tenant_ids.values():
        try:
            tenant = runtime.tenant(tenant_id)
            yield Brand(tenant_id, tenant.config.currency, ZoneInfo(tenant.config.time_zone))
        except ConfigError as error:
            log.warning("strategies of a brand are not judged: %s", error)


def _is_of_equity(limit: Limit, currency: str) -> bool:
    told = limit.measure in (Measure.LOSS, Measure.DRAWDOWN) and limit.basis is Basis.EQUITY
    return told and limit.threshold.unit in (Unit.PERCENT, Unit.MONEY) and limit.threshold.currency in ("", currency)


def _figure(value: Decimal) -> str:
    return decimal_text(value.quantize(_CENT))
