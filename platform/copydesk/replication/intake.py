"""Turn executions of a leader account into stored signals and deliveries, each exactly once (DESIGN §5, 1 and 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import ZERO
from copydesk.trading import Side
from copydesk.venues import LeaderTrade


@dataclass(frozen=True)
class Leader:
    """A strategy with its account, as the listener watches it."""

    tenant_id: int
    strategy_id: int
    account_id: int
    started_at: datetime


@dataclass(frozen=True)
class StoredSignal:
    """A signal that this call stored, with the shards that must be woken for it."""

    id: int
    shards: tuple[str, ...]


_FRESH = text(
    """
    INSERT INTO execution (tenant_id, account_id, symbol, trade_id, venue_order_id, side, qty, px, fee, fee_currency,
                           at)
    SELECT :tenant_id, :account_id, t.* FROM unnest(
        CAST(:symbols AS text[]), CAST(:trade_ids AS text[]), CAST(:order_ids AS text[]), CAST(:sides AS text[]),
        CAST(:qtys AS numeric[]), CAST(:pxs AS numeric[]), CAST(:fees AS numeric[]), CAST(:currencies AS text[]),
        CAST(:ats AS timestamptz[])) AS t
    ON CONFLICT DO NOTHING RETURNING symbol, trade_id
    """
)

_LOCK_BOOK = text(
    """
    INSERT INTO leader_book (tenant_id, strategy_id, symbol, qty, last_px)
    VALUES (:tenant_id, :strategy_id, :symbol, 0, :px)
    ON CONFLICT (tenant_id, strategy_id, symbol) DO UPDATE SET qty = leader_book.qty RETURNING qty, last_at
    """
)

_MOVE_BOOK = text(
    """
    UPDATE leader_book SET qty = :qty, last_at = greatest(last_at, :at),
                           last_px = CASE WHEN last_at > :at THEN last_px ELSE :px END
    WHERE strategy_id = :strategy_id AND symbol = :symbol
    """
)

# The book after running through all executions in the exchange's order, stopping at zero: the sum, raised by
# the lowest level below zero on the way.
_REPLAY_BOOK = text(
    """
    SELECT max(total) - least(min(level), 0) FROM (
        SELECT sum(net) OVER () AS total, sum(net) OVER (ORDER BY at, length(trade_id), trade_id) AS level
        FROM (SELECT at, trade_id, CASE side WHEN 'buy' THEN qty ELSE -qty END
                     - CASE fee_currency WHEN split_part(symbol, '/', 1) THEN fee ELSE 0 END AS net
              FROM execution WHERE account_id = :account_id AND symbol = :symbol AND at <= :until) AS moves
    ) AS levels
    """
)

_STORE_SIGNAL = text(
    """
    INSERT INTO signal (tenant_id, strategy_id, account_id, symbol, side, venue_order_id, cum_qty, qty, px,
                        position_before, position_after, leader_equity, venue_at, seen_at)
    SELECT :tenant_id, :strategy_id, :account_id, :symbol, :side, :order_id, sum(e.qty), :qty, :px,
           :before, :after, :equity, :venue_at, :seen_at
    FROM execution e WHERE e.account_id = :account_id AND e.symbol = :symbol AND e.venue_order_id = :order_id
    ON CONFLICT (tenant_id, account_id, symbol, venue_order_id, cum_qty) DO NOTHING
    RETURNING id
    """
)

_DELIVER = text(
    """
    INSERT INTO delivery (tenant_id, signal_id, shard)
    SELECT DISTINCT s.tenant_id, CAST(:signal_id AS bigint), a.shard
    FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE s.strategy_id = :strategy_id
    RETURNING shard
    """
)


def store_trades(
    session: TenantSession,
    leader: Leader,
    trades: Sequence[tuple[str, LeaderTrade]],
    *,
    leader_equity: Decimal,
    seen_at: datetime,
) -> list[StoredSignal]:
    """Store what is new among the trades, given as (ccxt symbol, trade), as one signal per leader order.

    Trades that are known already change nothing, so replays, duplicates and overlapping snapshots are harmless.
    """
    by_order: dict[tuple[str, str], list[LeaderTrade]] = {}
    for symbol, trade in _insert_fresh(session, leader, trades):
        by_order.setdefault((symbol, trade.venue_order_id), []).append(trade)
    signals = (
        _store_signal(session, leader, symbol, executions, leader_equity, seen_at)
        for (symbol, _), executions in sorted(by_order.items(), key=lambda order: _place_in_time(order[1][-1]))
    )
    return [signal for signal in signals if signal]


def _insert_fresh(
    session: TenantSession, leader: Leader, trades: Sequence[tuple[str, LeaderTrade]]
) -> list[tuple[str, LeaderTrade]]:
    if not trades:
        return []
    rows = [trade for _, trade in trades]
    params: dict[str, Any] = {
        "tenant_id": leader.tenant_id,
        "account_id": leader.account_id,
        "symbols": [symbol for symbol, _ in trades],
        "trade_ids": [t.trade_id for t in rows],
        "order_ids": [t.venue_order_id for t in rows],
        "sides": [str(t.side) for t in rows],
        "qtys": [t.qty for t in rows],
        "pxs": [t.px for t in rows],
        "fees": [t.fee for t in rows],
        "currencies": [t.fee_currency for t in rows],
        "ats": [_moment(t) for t in rows],
    }
    known = {(symbol, trade_id) for symbol, trade_id in session.execute(_FRESH, params)}
    fresh = {(symbol, t.trade_id): (symbol, t) for symbol, t in trades if (symbol, t.trade_id) in known}
    return sorted(fresh.values(), key=lambda item: _place_in_time(item[1]))


def _place_in_time(trade: LeaderTrade) -> tuple[int, int, str]:
    """Order executions as the exchange did: trade ids count upward, and as text a longer one is the larger number."""
    return trade.at_ms, len(trade.trade_id), trade.trade_id


def _store_signal(
    session: TenantSession,
    leader: Leader,
    symbol: str,
    executions: Sequence[LeaderTrade],
    leader_equity: Decimal,
    seen_at: datetime,
) -> StoredSignal | None:
    qty = sum((t.qty for t in executions), ZERO)
    px = sum((t.qty * t.px for t in executions), ZERO) / qty
    keys = {"tenant_id": leader.tenant_id, "strategy_id": leader.strategy_id, "symbol": symbol}
    first_at, last_at = _moment(executions[0]), _moment(executions[-1])
    before, newest_at = session.execute(_LOCK_BOOK, {**keys, "px": px}).one()
    if newest_at is None or newest_at < first_at:
        after = max(before + net_base_qty(symbol, executions), ZERO)
    else:
        until = {"account_id": leader.account_id, "symbol": symbol, "until": max(newest_at, last_at)}
        after = session.execute(_REPLAY_BOOK, until).scalar_one()
    session.execute(_MOVE_BOOK, {**keys, "qty": after, "px": px, "at": last_at})
    signal_id = session.execute(
        _STORE_SIGNAL,
        {
            **keys,
            "account_id": leader.account_id,
            "side": str(executions[0].side),
            "order_id": executions[0].venue_order_id,
            "qty": qty,
            "px": px,
            "before": before,
            "after": after,
            "equity": leader_equity,
            "venue_at": last_at,
            "seen_at": seen_at,
        },
    ).scalar()
    if signal_id is None:
        return None
    shards = session.execute(_DELIVER, {"signal_id": signal_id, "strategy_id": leader.strategy_id}).scalars()
    return StoredSignal(signal_id, tuple(shards))


def net_base_qty(symbol: str, executions: Sequence[LeaderTrade]) -> Decimal:
    """Return by how much the base holding changed: bought minus sold minus fees taken in base."""
    base = symbol.partition("/")[0]
    moved = sum((t.qty if t.side is Side.BUY else -t.qty for t in executions), ZERO)
    return moved - sum((t.fee for t in executions if t.fee_currency == base), ZERO)


def _moment(trade: LeaderTrade) -> datetime:
    return datetime.fromtimestamp(trade.at_ms / 1000, UTC)
