"""The stop at the exchange of each open perpetual of one subscription, as its follower is shown it. Read-only."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.risk.protection import ProtectiveState
from copydesk.trading import PositionSide, Side

# What rests is told rather than what came of the others.
_NEWEST = text(
    """
    SELECT DISTINCT ON (symbol, position_side)
        symbol, position_side, state, side, qty, trigger_px, verified_at, reason
    FROM protective_stop WHERE subscription_id = :subscription_id
    ORDER BY symbol, position_side, state = 'resting' DESC, id DESC
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

    @property
    def rests(self) -> bool:
        return self.state is ProtectiveState.RESTING


def position_stops(session: TenantSession, subscription_id: int) -> dict[tuple[str, PositionSide], PositionStop]:
    """Return a subscription's stops by ccxt symbol and side; a position that never had one is missing."""
    rows = session.execute(_NEWEST, {"subscription_id": subscription_id})
    return {
        (symbol, PositionSide(position_side)): PositionStop(ProtectiveState(state), Side(side), *told)
        for symbol, position_side, state, side, *told in rows
    }
