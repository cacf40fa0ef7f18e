"""What a strategy's leader holds at present, with the signals that built it: what late joiners ask for."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.replication.late import Leads, Move, Standing, entry_px
from copydesk.replication.model import SignalFact
from copydesk.trading import PositionSide

_HELD = text(
    """
    SELECT l.symbol, l.position_side, l.qty, coalesce((
        SELECT max(g.id) FROM signal g WHERE g.tenant_id = l.tenant_id AND g.strategy_id = l.strategy_id
        AND g.symbol = l.symbol AND g.position_side = l.position_side), 0) AS signal_id
    FROM leader_book l WHERE l.strategy_id = :strategy_id AND l.qty <> 0 ORDER BY l.symbol, l.position_side
    """
)
# From the newest signal on that began anew; without one, all that are known.
_BUILT = text(
    """
    SELECT position_before, position_after, px FROM signal g
    WHERE strategy_id = :strategy_id AND symbol = :symbol AND position_side = :position_side AND id >= coalesce((
        SELECT max(b.id) FROM signal b WHERE b.tenant_id = g.tenant_id AND b.strategy_id = g.strategy_id
        AND b.symbol = g.symbol AND b.position_side = g.position_side
        AND b.position_before * b.position_after <= 0), 0)
    ORDER BY id
    """
)
_SINCE = text(
    """
    SELECT position_before, position_after, px, venue_at < :joined_at FROM signal
    WHERE strategy_id = :strategy_id AND symbol = :symbol AND position_side = :position_side AND id > :signal_id
    ORDER BY id
    """
)
# The instrument's own signal, or the strategy's newest where the position is older than all we have seen of it.
_NEWEST = text(
    """
    SELECT g.id, g.leader_equity, coalesce(l.leverage, g.leader_leverage)
    FROM signal g LEFT JOIN leader_setup l ON l.tenant_id = g.tenant_id AND l.strategy_id = g.strategy_id
         AND l.symbol = :symbol
    WHERE g.strategy_id = :strategy_id
    ORDER BY (g.symbol = :symbol AND g.position_side = :position_side) DESC, g.id DESC LIMIT 1
    """
)
_EQUITY = text("SELECT equity FROM equity_point WHERE strategy_id = :strategy_id ORDER BY at DESC LIMIT 1")


_LEVERAGES = text("SELECT symbol, leverage FROM leader_setup WHERE strategy_id = :strategy_id")


def leader_in_figures(session: TenantSession, strategy_id: int) -> Leads:
    """Return the leader's newest equity, zero where it was never seen, and the leverage of each perpetual."""
    keys = {"strategy_id": strategy_id}
    equity: Decimal | None = session.execute(_EQUITY, keys).scalar()
    leverage = {row.symbol: row.leverage for row in session.execute(_LEVERAGES, keys)}
    return Leads(equity or Decimal(0), leverage)


def standings(session: TenantSession, strategy_id: int) -> list[Standing]:
    """Return the leader's open positions with their average entry prices, as of the signals stored so far."""
    found = []
    for symbol, side, qty, signal_id in session.execute(_HELD, {"strategy_id": strategy_id}).all():
        place = {"strategy_id": strategy_id, "symbol": symbol, "position_side": side}
        moves = [Move(*row) for row in session.execute(_BUILT, place)]
        found.append(Standing(symbol, PositionSide(side), qty, entry_px(moves), signal_id))
    return found


def moves_since(session: TenantSession, strategy_id: int, standing: Standing, joined_at: datetime) -> list[Move]:
    """Return what the leader did with a position since the signal that it is known from."""
    place = {
        "strategy_id": strategy_id,
        "symbol": standing.symbol,
        "position_side": str(standing.position_side),
        "signal_id": standing.signal_id,
        "joined_at": joined_at,
    }
    return [Move(*row) for row in session.execute(_SINCE, place)]


def newest_signal(
    session: TenantSession, strategy_id: int, symbol: str, position_side: PositionSide, *, now: datetime
) -> SignalFact | None:
    """Return the signal that a joining order belongs to, as of `now`, with the leader's equity of today.

    None while the strategy has not given any.
    """
    place = {"strategy_id": strategy_id, "symbol": symbol, "position_side": str(position_side)}
    row = session.execute(_NEWEST, place).first()
    if row is None:
        return None
    signal_id, equity, leverage = row
    today: Decimal | None = session.execute(_EQUITY, {"strategy_id": strategy_id}).scalar()
    zero = Decimal(0)
    return SignalFact(signal_id, symbol, zero, zero, zero, today or equity, now, True, position_side, leverage)
