"""Reads a strategy's past for a replay, and a brand's terms beside it. Read-only; the replay itself is `whatif`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import ZERO, NotFound
from copydesk.performance.wire import read_array
from copydesk.replication import (
    CARRY_S_MAX,
    EXPOSURE_MAX,
    LEVERAGE_MAX,
    MARK_BPS_MAX,
    NEW,
    ROUND_UP_RATIO_MAX,
    SIGNAL_AGE_MS_MAX,
    SLIPPAGE_BPS_MAX,
    Limits,
    limits_on_joining,
)
from copydesk.replication.model import SignalFact
from copydesk.risk.limits import LimitSet
from copydesk.risk.model import Scope, Scoped
from copydesk.risk.profiles import Profile
from copydesk.risk.service import ground_of, profile_of
from copydesk.risk.store import Holder
from copydesk.tenancy import PROFIT_SHARE_RATIO, PROFIT_SHARE_RATIO_MAX, Tenant, setting_value
from copydesk.trading import Instrument, PositionSide, SizePolicy, SizingMode
from copydesk.whatif import CopyTerms, MarkLine, Past, fees_at, grid_step_s

# So many of the newest signals are replayed at most; of a strategy that trades more, the past is shorter.
SIGNALS_MAX = 10_000
DAYS = (30, 90)

# A closed strategy keeps its page, and its past.
_STRATEGY = text(
    """
    SELECT t.id, t.slug, t.name, a.venue, a.venue || '-' || a.environment AS place,
           coalesce((SELECT min(at) FROM equity_point p WHERE p.tenant_id = t.tenant_id AND p.strategy_id = t.id),
                    t.created_at) AS started_at
    FROM strategy t JOIN account a ON a.tenant_id = t.tenant_id AND a.id = t.account_id
    WHERE t.slug = :slug AND t.status IN ('probation', 'live', 'paused', 'suspended', 'closed')
    """
)
# What the trader asks (`studio.terms`); without a row of theirs the brand's own share holds.
_SHARE = text("SELECT profit_share FROM strategy_terms WHERE strategy_id = :id")
_NEWEST = text("SELECT coalesce(max(id), 0) FROM signal WHERE strategy_id = :id")
_SIGNALS = text(
    """
    SELECT id, symbol, px, position_before, position_after, leader_equity, venue_at, qty = cum_qty AS first_of_order,
           position_side, leader_leverage
    FROM signal WHERE strategy_id = :id AND cum_qty > 0 AND venue_at >= :since AND venue_at <= :until
    ORDER BY id DESC LIMIT :most
    """
)
# What copies paid beyond the leader's price, as the strategy's page tells it: of its newest signals, of so many copies.
_SLIPPAGE = text(
    """
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY bps) FROM (
        SELECT copied.bps
        FROM (SELECT tenant_id, id, CAST(px AS float8) AS leader_px FROM signal
              WHERE strategy_id = :id AND px > 0 ORDER BY id DESC LIMIT 500) AS recent
        CROSS JOIN LATERAL (
            SELECT CASE c.side WHEN 'buy' THEN 1 ELSE -1 END * (CAST(c.avg_px AS float8) / leader_px - 1) * 10000 AS bps
            FROM copy c WHERE c.tenant_id = recent.tenant_id AND c.signal_id = recent.id
              AND c.leg IN ('open', 'close') AND c.cum_qty > 0 AND c.avg_px IS NOT NULL
            OFFSET 0
        ) AS copied LIMIT 5000
    ) AS newest
    """
)
# Whoever follows a long past needs not every minute of it; what is passed over is not even sent.
_MARKS = """
    SELECT array_position(CAST(%(symbols)s AS text[]), symbol) AS which, extract(epoch FROM at) AS at_s, px
    FROM mark_minute WHERE place = %(place)s AND symbol = ANY (CAST(%(symbols)s AS text[]))
      AND at >= %(since)s AND at <= %(until)s AND date_bin(%(step)s, at, TIMESTAMPTZ 'epoch') = at ORDER BY symbol, at
"""
_HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True)
class Subject:
    """The strategy that is replayed, where its leader trades ("binance-lab"), and since when it is on record."""

    strategy_id: int
    slug: str
    name: str
    venue: str
    place: str
    started_at: datetime


@dataclass(frozen=True)
class Wanted:
    """What somebody asks: an amount in the brand's quote currency, copied how, under which profile, how far back."""

    amount: Decimal
    sizing_mode: SizingMode = SizingMode.EQUITY_RATIO
    sizing_value: Decimal | None = None
    size_policy: SizePolicy = SizePolicy.SKIP
    profile: Profile | None = None
    days: int = 90


def subject_of(session: TenantSession, slug: str) -> Subject:
    """Return a strategy that has a page; raises NotFound."""
    row = session.execute(_STRATEGY, {"slug": slug}).first()
    if row is None:
        raise NotFound(f"there is no strategy {slug}")
    return Subject(*row)


def newest_signal(session: TenantSession, strategy_id: int) -> int:
    """Return the id of a strategy's newest signal, 0 where there is none: a past changes with nothing else."""
    return int(session.execute(_NEWEST, {"id": strategy_id}).scalar_one())


def markets_at(tenant: Tenant, place: str) -> frozenset[str]:
    """Return what a brand offers on an environment of an exchange."""
    there = (one for one in tenant.config.exchanges if f"{one.venue}-{one.environment}" == place)
    return frozenset(symbol for one in there for symbol in tenant.config.markets_of(one))


def read_past(
    session: TenantSession,
    tenant: Tenant,
    subject: Subject,
    listed: Mapping[str, Instrument],
    *,
    days: int,
    now: datetime,
) -> Past:
    """Return what is stored of so many days, or of all that there are; `listed` is what its exchange offers now."""
    since = min(max(now - timedelta(days=days), subject.started_at), now)
    signals = read_signals(session, subject.strategy_id, since=since, until=now)
    if len(signals) == SIGNALS_MAX:
        since = max(since, signals[0].venue_at)
    symbols = sorted({signal.symbol for signal in signals})
    marks = _marks(session, subject.place, symbols, since=since, until=now) if symbols else {}
    return Past(
        since,
        now,
        signals,
        {symbol: listed[symbol] for symbol in symbols if symbol in listed},
        {symbol: limits_of(tenant, symbol, markets_at(tenant, subject.place)) for symbol in symbols},
        marks,
        _slippage(session, subject.strategy_id),
    )


def read_terms(session: TenantSession, tenant: Tenant, subject: Subject, wanted: Wanted, past: Past) -> CopyTerms:
    """Return the terms on which somebody would have copied: the brand's fees and limits, and what the past measured.

    Raises InvalidInput where the amount or a mode's number is none.
    """
    return CopyTerms(
        allocation=wanted.amount,
        currency=tenant.config.currency,
        zone=ZoneInfo(tenant.config.time_zone),
        sizing_mode=wanted.sizing_mode,
        sizing_value=wanted.sizing_value,
        size_policy=wanted.size_policy,
        fees=fees_at(subject.venue),
        slippage_bps=past.slippage_bps,
        profit_share=_profit_share(session, tenant, subject.strategy_id),
        limits=_limits(session, tenant, subject, wanted.profile),
    )


def limits_of(tenant: Tenant, symbol: str, markets: Collection[str]) -> Limits:
    """Return a brand's bounds on copies of one instrument, for a strategy that takes positions."""
    usual, cap = setting_value(tenant, LEVERAGE_MAX, int), tenant.config.terms_of(symbol).leverage_max
    return Limits(
        setting_value(tenant, SLIPPAGE_BPS_MAX, int),
        setting_value(tenant, SIGNAL_AGE_MS_MAX, int),
        market_allowed=symbol in markets,
        leverage_max=min(usual, cap) if cap else usual,
        round_up_max=Decimal(setting_value(tenant, ROUND_UP_RATIO_MAX, int)),
        carry_s_max=setting_value(tenant, CARRY_S_MAX, int),
        mark_bps_max=setting_value(tenant, MARK_BPS_MAX, int),
        exposure_max=setting_value(tenant, EXPOSURE_MAX, int),
    )


def _limits(session: TenantSession, tenant: Tenant, subject: Subject, profile: Profile | None) -> LimitSet:
    """Return the limits that a new follower would have, with a profile's where one is chosen."""
    ground = ground_of(tenant, place=subject.place)
    chosen = () if profile is None else profile_of(ground, profile)
    holder = Holder(NEW, subject.strategy_id, NEW)
    return limits_on_joining(session, ground, holder, [Scoped(Scope.SUBSCRIPTION, limit) for limit in chosen])


def _profit_share(session: TenantSession, tenant: Tenant, strategy_id: int) -> Decimal:
    """Return what of a gain the trader asks, never above what the brand allows."""
    asked: Decimal | None = session.execute(_SHARE, {"id": strategy_id}).scalar()
    if asked is None:
        return setting_value(tenant, PROFIT_SHARE_RATIO, Decimal)
    return min(asked, setting_value(tenant, PROFIT_SHARE_RATIO_MAX, Decimal))


def _slippage(session: TenantSession, strategy_id: int) -> Decimal:
    """Return the median, never below zero: better prices than the leader's are luck."""
    median = session.execute(_SLIPPAGE, {"id": strategy_id}).scalar_one()
    return ZERO if median is None else max(Decimal(str(median)).quantize(_HUNDREDTH), ZERO)


def read_signals(
    session: TenantSession, strategy_id: int, *, since: datetime, until: datetime
) -> tuple[SignalFact, ...]:
    """Return the newest of a strategy's signals between two moments, in the order in which they were stored."""
    params = {"id": strategy_id, "since": since, "until": until, "most": SIGNALS_MAX}
    return tuple(_fact(row) for row in reversed(session.execute(_SIGNALS, params).all()))


def _marks(
    session: TenantSession, place: str, symbols: list[str], *, since: datetime, until: datetime
) -> dict[str, MarkLine]:
    """Return the prices that are kept of instruments, as often as a replay looks at them; `symbols` are sorted."""
    step = timedelta(seconds=grid_step_s(since, until, len(symbols)))
    bounds = {"place": place, "symbols": symbols, "since": since, "until": until, "step": step}
    rows = read_array(session, _MARKS, bounds, {"which": "int4", "at_s": "int8", "px": "float8"})
    edges = np.searchsorted(rows["which"], np.arange(1, len(symbols) + 2))
    parts = {symbol: rows[edges[place_in] : edges[place_in + 1]] for place_in, symbol in enumerate(symbols)}
    return {
        symbol: MarkLine(part["at_s"].astype(np.int64), part["px"].astype(np.float64))
        for symbol, part in parts.items()
        if len(part)
    }


def _fact(row: Any) -> SignalFact:
    signal_id, symbol, px, before, after, equity, venue_at, first, side, leverage = row
    return SignalFact(signal_id, symbol, px, before, after, equity, venue_at, first, PositionSide(side), leverage)
