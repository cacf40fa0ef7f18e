"""The stop at the exchange of each open book of a perpetual, as staff and followers are shown it. Read-only."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.risk.protection import ProtectiveState
from copydesk.trading import PositionSide, Side

# What rests is told rather than what came of the others.
_STANDING = text(
    """
    SELECT b.subscription_id, b.symbol, b.position_side, p.state, p.side, p.qty, p.trigger_px, p.verified_at, p.reason
    FROM book b LEFT JOIN LATERAL (
        SELECT state, side, qty, trigger_px, verified_at, reason FROM protective_stop x
        WHERE x.tenant_id = b.tenant_id AND x.subscription_id = b.subscription_id AND x.symbol = b.symbol
          AND x.position_side = b.position_side
        ORDER BY x.state = 'resting' DESC, x.id DESC LIMIT 1) AS p ON true
    WHERE b.qty <> 0 AND strpos(b.symbol, ':') > 0
      AND (CAST(:subscription_id AS bigint) IS NULL OR b.subscription_id = :subscription_id)
    ORDER BY 1, 2, 3
    """
)


class PositionStop(NamedTuple):
    """The stop of one position: what it sells or buys in base units, from which price on in quote units.

    `verified_at` is when the exchange last said that it rests, `reason` what the exchange said where it does not.
    """

    state: ProtectiveState
    side: Side
    qty: Decimal
    trigger_px: Decimal
    verified_at: datetime | None
    reason: str | None


class StopStanding(NamedTuple):
    """How one open book of a perpetual is protected; `stop` is None where none was ever placed for it."""

    subscription_id: int
    symbol: str
    position_side: PositionSide
    stop: PositionStop | None

    @property
    def protected(self) -> bool:
        return self.stop is not None and self.stop.state is ProtectiveState.RESTING


def stop_standings(session: TenantSession, subscription_id: int | None = None) -> list[StopStanding]:
    """Return how every open book of a perpetual is protected, of a whole brand or of one subscription."""
    rows = session.execute(_STANDING, {"subscription_id": subscription_id})
    return [
        StopStanding(owner, symbol, PositionSide(position_side), _stop(*told) if told[0] is not None else None)
        for owner, symbol, position_side, *told in rows
    ]


def _stop(
    state: str, side: str, qty: Decimal, trigger_px: Decimal, verified_at: datetime | None, reason: str | None
) -> PositionStop:
    return PositionStop(ProtectiveState(state), Side(side), qty, trigger_px, verified_at, reason)
