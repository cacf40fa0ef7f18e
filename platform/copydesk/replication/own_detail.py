"""What there is to one subscription besides its worth: what is kept back, joined late, resting, coming. Read-only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.replication.flattening import being_closed
from copydesk.replication.resting_lines import RestingLine, resting_of
from copydesk.trading import Denial

_DOORS = text(
    "SELECT symbol, position_side, reason, at FROM door WHERE subscription_id = :id ORDER BY symbol, position_side"
)
_JOINS = text(
    "SELECT symbol, position_side, state, reason, reason_facts FROM late_join "
    "WHERE subscription_id = :id AND state IN ('waiting', 'sent') ORDER BY symbol, position_side"
)
_COMING = text(
    """
    SELECT signal_id, symbol, position_side, side, type, qty, px, reduces, status, planned_at FROM copy
    WHERE shard = :shard AND status IN ('planned', 'in_flight', 'accepted', 'partially_filled')
      AND subscription_id = :id AND leg NOT LIKE 'rest-%' ORDER BY id
    """
)


class KeptBack(NamedTuple):
    """An instrument that is not opened for now, and why."""

    symbol: str
    position_side: str
    reason: Denial
    at: datetime


class Joining(NamedTuple):
    """A position of the trader's from before that is still to be taken over."""

    symbol: str
    position_side: str
    state: str
    reason: str | None
    facts: dict[str, Any] | None


class Coming(NamedTuple):
    """An order that was sent and has not ended."""

    signal_id: int
    symbol: str
    position_side: str
    side: str
    type: str
    qty: Decimal
    px: Decimal | None
    reduces: bool
    status: str
    planned_at: datetime


@dataclass(frozen=True)
class OwnDetail:
    """What there is to a subscription; `closing` tells that it was stopped and its positions are being closed."""

    kept_back: tuple[KeptBack, ...]
    joining: tuple[Joining, ...]
    resting: tuple[RestingLine, ...]
    coming: tuple[Coming, ...]
    closing: bool


def own_detail(session: TenantSession, subscription_id: int, shard: str) -> OwnDetail:
    """Return what there is to a subscription that one lane serves."""
    keys = {"id": subscription_id, "shard": shard}
    doors = [
        KeptBack(row.symbol, row.position_side, Denial(row.reason), row.at) for row in session.execute(_DOORS, keys)
    ]
    return OwnDetail(
        tuple(doors),
        tuple(Joining(*row) for row in session.execute(_JOINS, keys)),
        tuple(resting_of(session, subscription_id, shard)),
        tuple(Coming(*row) for row in session.execute(_COMING, keys)),
        being_closed(session, subscription_id),
    )
