"""What a leader does to a position without trading: another leverage, more or less margin. Followers are told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.replication.intake import Leader
from copydesk.trading import PositionSide
from copydesk.venues import Position

# A liquidation price moves a little with everything that the account holds; a step of this share of the price does not.
STEP_RATIO = Decimal("0.02")

_INSERT = text(
    """
    INSERT INTO leader_event (tenant_id, strategy_id, symbol, position_side, kind, leverage_before, leverage, mark_px,
                              liquidation_px_before, liquidation_px)
    VALUES (:tenant_id, :strategy_id, :symbol, :position_side, :kind, :leverage_before, :leverage, :mark_px,
            :liquidation_px_before, :liquidation_px) RETURNING id
    """
)
_SHOWN = text(
    """
    SELECT e.id, e.symbol, e.position_side, e.kind, e.leverage_before, e.leverage, e.at, e.mark_px,
           e.liquidation_px_before, e.liquidation_px, p.mark_px AS own_mark_px, p.liquidation_px AS own_liquidation_px
    FROM subscription s JOIN leader_event e ON e.tenant_id = s.tenant_id AND e.strategy_id = s.strategy_id
    LEFT JOIN account_position p ON p.tenant_id = s.tenant_id AND p.account_id = s.account_id AND p.symbol = e.symbol
         AND p.position_side = e.position_side
    WHERE s.id = :id ORDER BY e.id DESC LIMIT :limit
    """
)


class EventKind(StrEnum):
    """What was changed: the leverage, or the margin behind a position."""

    LEVERAGE = "leverage"
    MARGIN = "margin"


class LeaderChange(NamedTuple):
    """One such change, with what would have liquidated the position before it and would after it."""

    kind: EventKind
    before: Position
    now: Position


@dataclass(frozen=True)
class LeaderEventShown:
    """A leader's change as a follower sees it. Distances are how far the price may go, as a ratio (0.1 is 10 %).

    `own_distance` is that of the follower's position when it was last looked at, None where there is none.
    """

    symbol: str
    position_side: PositionSide
    kind: EventKind
    leverage_before: int | None
    leverage: int | None
    distance_before: Decimal | None
    distance: Decimal | None
    own_distance: Decimal | None
    at: datetime


def leader_changes(before: Iterable[Position], now: Iterable[Position]) -> list[LeaderChange]:
    """Compare two readings of a leader's positions; those that were traded in between are left out. Pure."""
    known = {(position.symbol, position.side): position for position in before}
    pairs = [(known.get((position.symbol, position.side)), position) for position in now]
    return [
        LeaderChange(kind, old, position)
        for old, position in pairs
        if old is not None and (old.qty, old.entry_px) == (position.qty, position.entry_px)
        if (kind := _kind(old, position)) is not None
    ]


def _kind(old: Position, now: Position) -> EventKind | None:
    if old.leverage is not None and now.leverage is not None and old.leverage != now.leverage:
        return EventKind.LEVERAGE
    if old.liquidation_px is None and now.liquidation_px is None:
        return None
    if old.liquidation_px is None or now.liquidation_px is None:
        return EventKind.MARGIN
    stepped = abs(now.liquidation_px - old.liquidation_px) > now.mark_px * STEP_RATIO
    return EventKind.MARGIN if stepped else None


def distance(mark_px: Decimal | None, liquidation_px: Decimal | None) -> Decimal | None:
    """Return how far the price may go before a position is liquidated, as a ratio; None where nothing liquidates it."""
    if mark_px is None or liquidation_px is None or mark_px <= 0:
        return None
    return abs(mark_px - liquidation_px) / mark_px


def store_leader_changes(session: TenantSession, leader: Leader, found: Sequence[LeaderChange]) -> list[int]:
    """Store what a leader has changed, and return the ids, to be announced."""
    ids = []
    for kind, before, now in found:
        params = {
            "tenant_id": leader.tenant_id,
            "strategy_id": leader.strategy_id,
            "symbol": now.symbol,
            "position_side": str(now.side),
            "kind": str(kind),
            "leverage_before": before.leverage,
            "leverage": now.leverage,
            "mark_px": now.mark_px,
            "liquidation_px_before": before.liquidation_px,
            "liquidation_px": now.liquidation_px,
        }
        ids.append(int(session.execute(_INSERT, params).scalar_one()))
    return ids


def leader_events(session: TenantSession, subscription_id: int, *, limit: int = 20) -> list[LeaderEventShown]:
    """Return what a subscription's leader has changed without trading, newest first, with both distances."""
    return [
        LeaderEventShown(
            row.symbol,
            PositionSide(row.position_side),
            EventKind(row.kind),
            row.leverage_before,
            row.leverage,
            distance(row.mark_px, row.liquidation_px_before),
            distance(row.mark_px, row.liquidation_px),
            distance(row.own_mark_px, row.own_liquidation_px),
            row.at,
        )
        for row in session.execute(_SHOWN, {"id": subscription_id, "limit": limit})
    ]
