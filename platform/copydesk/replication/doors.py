"""Doors: instruments that a subscription does not open for the time being, each with its reason.

A door closes when a follower closes a copied position, or chose to wait until the leader is flat. It opens once the
leader has been flat since, or when the follower attaches the instrument again (platform/docs/algorithms/lifecycle.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession, array_literal
from copydesk.replication.model import No
from copydesk.trading import Denial, PositionSide

# Opened by a signal from flat, to flat, or through zero. What a spot leader cannot sell any more stays behind as dust:
# less than a fiftieth counts as nothing.
_CLOSED = text(
    """
    SELECT d.subscription_id, d.reason FROM door d
    JOIN subscription s ON s.tenant_id = d.tenant_id AND s.id = d.subscription_id
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id AND a.shard = :shard
    WHERE d.strategy_id = :strategy_id AND d.symbol = :symbol AND d.position_side = :position_side AND NOT EXISTS (
        SELECT 1 FROM signal g WHERE g.tenant_id = d.tenant_id AND g.strategy_id = d.strategy_id
        AND g.id > d.since_signal_id AND g.id <= :signal_id AND g.symbol = d.symbol
        AND g.position_side = d.position_side AND (g.position_before * g.position_after <= 0
             OR (strpos(g.symbol, ':') = 0 AND g.position_after * 50 <= g.position_before)))
    """
)

# Only signals that the lane has planned open a door for good: what came before them is planned against it.
_SWEEP = text(
    """
    DELETE FROM door d USING subscription s, account a
    WHERE s.tenant_id = d.tenant_id AND s.id = d.subscription_id
      AND a.tenant_id = s.tenant_id AND a.id = s.account_id AND a.shard = :shard
      AND EXISTS (
        SELECT 1 FROM signal g JOIN delivery y ON y.tenant_id = g.tenant_id AND y.signal_id = g.id
             AND y.shard = :shard AND y.drained_at IS NOT NULL
        WHERE g.tenant_id = d.tenant_id AND g.strategy_id = d.strategy_id AND g.id > d.since_signal_id
          AND g.symbol = d.symbol AND g.position_side = d.position_side AND (g.position_before * g.position_after <= 0
               OR (strpos(g.symbol, ':') = 0 AND g.position_after * 50 <= g.position_before)))
    """
)

_CLOSE = text(
    """
    INSERT INTO door (tenant_id, subscription_id, symbol, position_side, strategy_id, reason, since_signal_id)
    SELECT :tenant_id, s.id, c.symbol, c.position_side, s.strategy_id, c.reason, coalesce((
        SELECT max(g.id) FROM signal g WHERE g.tenant_id = s.tenant_id AND g.strategy_id = s.strategy_id
          AND g.symbol = c.symbol AND g.position_side = c.position_side), 0)
    FROM unnest(CAST(:ids AS bigint[]), CAST(:symbols AS text[]), CAST(:sides AS text[]), CAST(:reasons AS text[]))
        AS c(subscription_id, symbol, position_side, reason)
    JOIN subscription s ON s.tenant_id = :tenant_id AND s.id = c.subscription_id
    ON CONFLICT (tenant_id, subscription_id, symbol, position_side) DO UPDATE
    SET reason = excluded.reason, since_signal_id = excluded.since_signal_id, at = now()
    """
)
_OPEN = text(
    "DELETE FROM door WHERE subscription_id = :id AND symbol = :symbol AND position_side = :position_side "
    "RETURNING reason"
)


class Doorway(NamedTuple):
    """One instrument of one subscription, by position side."""

    subscription_id: int
    symbol: str
    position_side: PositionSide


def closed_doors(
    session: TenantSession, strategy_id: int, shard: str, symbol: str, position_side: PositionSide, *, signal_id: int
) -> dict[int, No]:
    """Return why which subscriptions do not open an instrument as of a signal; one look at an index where none does.

    What concerns a whole subscription (paused, ending, liquidated) is its state, and not in here.
    """
    params = {
        "strategy_id": strategy_id,
        "shard": shard,
        "symbol": symbol,
        "position_side": str(position_side),
        "signal_id": signal_id,
    }
    return {subscription_id: (Denial(reason), {}) for subscription_id, reason in session.execute(_CLOSED, params)}


def close_doors(session: TenantSession, doorways: Iterable[Doorway], reason: Denial) -> None:
    """Open nothing in these instruments until their leader was flat after the newest signal so far."""
    shut = list(doorways)
    if not shut:
        return
    params = {
        "tenant_id": session.tenant_id,
        "ids": array_literal([door.subscription_id for door in shut]),
        "symbols": array_literal([door.symbol for door in shut]),
        "sides": array_literal([door.position_side for door in shut]),
        "reasons": array_literal([reason] * len(shut)),
    }
    session.execute(_CLOSE, params)


def open_door(session: TenantSession, door: Doorway) -> Denial | None:
    """Copy an instrument again from the next signal on; returns why it was not, None where nothing was closed."""
    params = {"id": door.subscription_id, "symbol": door.symbol, "position_side": str(door.position_side)}
    reason = session.execute(_OPEN, params).scalar()
    return None if reason is None else Denial(reason)


def sweep_doors(session: TenantSession, shard: str) -> int:
    """Take away the doors of a lane whose leaders have been flat, and return how many."""
    result = session.execute(_SWEEP, {"shard": shard})
    return int(result.rowcount)  # type: ignore[attr-defined]
