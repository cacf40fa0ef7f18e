"""Turn executions of a leader account into stored signals and deliveries, each exactly once (DESIGN §5, 1 and 2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import ZERO
from copydesk.trading import PositionSide, Side
from copydesk.venues import LeaderTrade, Position


@dataclass(frozen=True)
class Leader:
    """A strategy with its account, as the listener watches it, from the address that the account's key is bound to."""

    tenant_id: int
    strategy_id: int
    account_id: int
    started_at: datetime
    egress: str = ""


@dataclass(frozen=True)
class StoredSignal:
    """A signal that this call stored, with the shards that must be woken for it."""

    id: int
    shards: tuple[str, ...]


_FRESH = text(
    """
    INSERT INTO execution (tenant_id, account_id, symbol, trade_id, venue_order_id, position_side, side, qty, px, fee,
                           fee_currency, at)
    SELECT :tenant_id, :account_id, t.* FROM unnest(
        CAST(:symbols AS text[]), CAST(:trade_ids AS text[]), CAST(:order_ids AS text[]),
        CAST(:position_sides AS text[]), CAST(:sides AS text[]),
        CAST(:qtys AS numeric[]), CAST(:pxs AS numeric[]), CAST(:fees AS numeric[]), CAST(:currencies AS text[]),
        CAST(:ats AS timestamptz[])) AS t
    ON CONFLICT DO NOTHING RETURNING symbol, trade_id
    """
)

_LOCK_BOOK = text(
    """
    INSERT INTO leader_book (tenant_id, strategy_id, symbol, position_side, qty, last_px)
    VALUES (:tenant_id, :strategy_id, :symbol, :position_side, 0, :px)
    ON CONFLICT (tenant_id, strategy_id, symbol, position_side) DO UPDATE SET qty = leader_book.qty
    RETURNING qty, base_qty, last_at, coalesce((SELECT version FROM crowd_version), 0)
    """
)
_SHARDS = text(
    """
    SELECT DISTINCT a.shard FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE s.strategy_id = :strategy_id AND s.state <> 'ended' ORDER BY a.shard
    """
)

# A spot book after running through all executions in the exchange's order, stopping at zero: the sum, raised by
# the lowest level below zero on the way.
_REPLAY_SPOT = text(
    """
    SELECT max(total) - least(min(level), 0) FROM (
        SELECT sum(net) OVER () AS total, sum(net) OVER (ORDER BY at, length(trade_id), trade_id) AS level
        FROM (SELECT at, trade_id, CASE side WHEN 'buy' THEN qty ELSE -qty END
                     - CASE fee_currency WHEN split_part(symbol, '/', 1) THEN fee ELSE 0 END AS net
              FROM execution WHERE account_id = :account_id AND symbol = :symbol AND at <= :until) AS moves
    ) AS levels
    """
)
_SUM_PERPETUAL = text(
    """
    SELECT sum(CASE side WHEN 'buy' THEN qty ELSE -qty END) FROM execution
    WHERE account_id = :account_id AND symbol = :symbol AND position_side = :position_side AND at <= :until
    """
)

# One statement, since every round trip stands between the trader's fill and its copies: the book moves, the signal is
# stored, and each shard with a subscription gets its delivery.
_STORE_SIGNAL = text(
    """
    WITH moved AS (
        UPDATE leader_book SET qty = :after, last_at = greatest(last_at, :venue_at),
                               last_px = CASE WHEN last_at > :venue_at THEN last_px ELSE :px END
        WHERE strategy_id = :strategy_id AND symbol = :symbol AND position_side = :position_side
    ), stored AS (
        INSERT INTO signal (tenant_id, strategy_id, account_id, symbol, position_side, side, venue_order_id, cum_qty,
                            qty, px, position_before, position_after, leader_equity, leader_leverage, venue_at, seen_at)
        SELECT :tenant_id, :strategy_id, :account_id, :symbol, :position_side, :side, :order_id, sum(e.qty), :qty, :px,
               :before, :after, :equity, :leverage, :venue_at, :seen_at
        FROM execution e WHERE e.account_id = :account_id AND e.symbol = :symbol AND e.venue_order_id = :order_id
        ON CONFLICT (tenant_id, account_id, symbol, venue_order_id, cum_qty) DO NOTHING
        RETURNING id
    ), delivered AS (
        INSERT INTO delivery (tenant_id, signal_id, shard)
        SELECT :tenant_id, stored.id, here.shard FROM stored, unnest(CAST(:shards AS text[])) AS here(shard)
        RETURNING shard
    )
    SELECT stored.id, delivered.shard FROM stored LEFT JOIN delivered ON true
    """
)

_BEGUN = text("SELECT DISTINCT symbol FROM leader_book WHERE strategy_id = :strategy_id")
_BEGIN = text(
    """
    INSERT INTO leader_book (tenant_id, strategy_id, symbol, position_side, qty, base_qty, last_px)
    VALUES (:tenant_id, :strategy_id, :symbol, :position_side, :qty, :qty, :px) ON CONFLICT DO NOTHING
    """
)


@dataclass(frozen=True)
class LeaderState:
    """What the listener knows of a leader account at intake.

    `equity` is in quote currency; `leverage` is what the account has set, by perpetual.
    """

    equity: Decimal
    leverage: Mapping[str, int] = field(default_factory=dict)


class Reach:
    """The shards on which a leader is copied, read anew whenever the brand's crowd has changed (`crowd`)."""

    def __init__(self) -> None:
        self._version = -1
        self._shards: list[str] = []

    def shards(self, session: TenantSession, leader: Leader, version: int) -> list[str]:
        """Return the shards with a subscription as of a crowd version that this transaction has read."""
        if version != self._version:
            self._shards = list(session.execute(_SHARDS, {"strategy_id": leader.strategy_id}).scalars())
            self._version = version
        return self._shards


def store_trades(
    session: TenantSession,
    leader: Leader,
    trades: Sequence[LeaderTrade],
    *,
    state: LeaderState,
    seen_at: datetime,
    reach: Reach | None = None,
) -> list[StoredSignal]:
    """Store what is new among the trades as one signal per leader order and position side.

    Trades that are known already change nothing, so replays, duplicates and overlapping snapshots are harmless.
    `reach` is what the caller keeps of this leader between calls.
    """
    reach = reach or Reach()
    by_order: dict[tuple[str, str, PositionSide], list[LeaderTrade]] = {}
    for trade in _insert_fresh(session, leader, trades):
        by_order.setdefault((trade.symbol, trade.venue_order_id, trade.position_side), []).append(trade)
    signals = (
        _store_signal(session, leader, executions, state, seen_at, reach)
        for executions in sorted(by_order.values(), key=lambda order: _place_in_time(order[-1]))
    )
    return [signal for signal in signals if signal]


def begun_symbols(session: TenantSession, leader: Leader) -> set[str]:
    """Return the instruments of which the leader has a book."""
    return set(session.execute(_BEGUN, {"strategy_id": leader.strategy_id}).scalars())


def begin_books(
    session: TenantSession, leader: Leader, symbol: str, positions: Iterable[Position], trades: Iterable[LeaderTrade]
) -> None:
    """Begin the leader's books of a perpetual with what the account holds besides what `trades` have made of it.

    `trades` are those that will be stored; the positions are as of after them. Without this, a leader who closes
    an older position would seem to open one on the other side. Books that have begun stay as they are.
    """
    held = dict.fromkeys(PositionSide, ZERO)
    px = dict.fromkeys(PositionSide, ZERO)
    for position in positions:
        held[position.side] += position.qty
        px[position.side] = position.mark_px
    for trade in trades:
        held[trade.position_side] -= trade.qty if trade.side is Side.BUY else -trade.qty
    keys = {"tenant_id": leader.tenant_id, "strategy_id": leader.strategy_id, "symbol": symbol}
    for side, qty in held.items():
        if qty or side is PositionSide.NET:
            session.execute(_BEGIN, {**keys, "position_side": str(side), "qty": qty, "px": px[side]})


def _insert_fresh(session: TenantSession, leader: Leader, trades: Sequence[LeaderTrade]) -> list[LeaderTrade]:
    if not trades:
        return []
    params: dict[str, Any] = {
        "tenant_id": leader.tenant_id,
        "account_id": leader.account_id,
        "symbols": [t.symbol for t in trades],
        "trade_ids": [t.trade_id for t in trades],
        "order_ids": [t.venue_order_id for t in trades],
        "position_sides": [str(t.position_side) for t in trades],
        "sides": [str(t.side) for t in trades],
        "qtys": [t.qty for t in trades],
        "pxs": [t.px for t in trades],
        "fees": [t.fee for t in trades],
        "currencies": [t.fee_currency for t in trades],
        "ats": [_moment(t) for t in trades],
    }
    known = {(symbol, trade_id) for symbol, trade_id in session.execute(_FRESH, params)}
    fresh = {(t.symbol, t.trade_id): t for t in trades if (t.symbol, t.trade_id) in known}
    return sorted(fresh.values(), key=_place_in_time)


def _place_in_time(trade: LeaderTrade) -> tuple[int, int, str]:
    """Order executions as the exchange did: trade ids count upward, and as text a longer one is the larger number."""
    return trade.at_ms, len(trade.trade_id), trade.trade_id


def _store_signal(
    session: TenantSession,
    leader: Leader,
    executions: Sequence[LeaderTrade],
    state: LeaderState,
    seen_at: datetime,
    reach: Reach,
) -> StoredSignal | None:
    first = executions[0]
    qty = sum((t.qty for t in executions), ZERO)
    px = sum((t.qty * t.px for t in executions), ZERO) / qty
    before, after, crowd_version = _moved(session, leader, executions, px)
    rows = session.execute(
        _STORE_SIGNAL,
        {
            "tenant_id": leader.tenant_id,
            "strategy_id": leader.strategy_id,
            "account_id": leader.account_id,
            "symbol": first.symbol,
            "position_side": str(first.position_side),
            "side": str(first.side),
            "order_id": first.venue_order_id,
            "qty": qty,
            "px": px,
            "before": before,
            "after": after,
            "equity": state.equity,
            "leverage": state.leverage.get(first.symbol),
            "venue_at": _moment(executions[-1]),
            "seen_at": seen_at,
            "shards": reach.shards(session, leader, crowd_version),
        },
    ).all()
    if not rows:
        return None
    return StoredSignal(rows[0][0], tuple(shard for _, shard in rows if shard is not None))


def _moved(
    session: TenantSession, leader: Leader, executions: Sequence[LeaderTrade], px: Decimal
) -> tuple[Decimal, Decimal, int]:
    """Lock the leader's book; return the position before and after one order's executions, and the crowd version."""
    symbol, position_side = executions[0].symbol, executions[0].position_side
    place = {"strategy_id": leader.strategy_id, "symbol": symbol, "position_side": str(position_side)}
    first_at, last_at = _moment(executions[0]), _moment(executions[-1])
    lock = {**place, "tenant_id": leader.tenant_id, "px": px}
    before, base, newest_at, crowd_version = session.execute(_LOCK_BOOK, lock).one()
    if newest_at is None or newest_at < first_at:
        after = before + net_base_qty(symbol, executions)
    else:
        until = {**place, "account_id": leader.account_id, "until": max(newest_at, last_at)}
        replay = _SUM_PERPETUAL if ":" in symbol else _REPLAY_SPOT
        after = base + session.execute(replay, until).scalar_one()
    return before, _within(symbol, position_side, after), crowd_version


def _within(symbol: str, position_side: PositionSide, qty: Decimal) -> Decimal:
    """Keep a book on the side that it can be on: spot and hedge mode's long never fall below zero."""
    if ":" not in symbol or position_side is PositionSide.LONG:
        return max(qty, ZERO)
    return min(qty, ZERO) if position_side is PositionSide.SHORT else qty


def net_base_qty(symbol: str, executions: Sequence[LeaderTrade]) -> Decimal:
    """Return by how much the base quantity changed: bought minus sold minus, on spot, fees taken in base."""
    moved = sum((t.qty if t.side is Side.BUY else -t.qty for t in executions), ZERO)
    if ":" in symbol:
        return moved
    base = symbol.partition("/")[0]
    return moved - sum((t.fee for t in executions if t.fee_currency == base), ZERO)


def _moment(trade: LeaderTrade) -> datetime:
    return datetime.fromtimestamp(trade.at_ms / 1000, UTC)
