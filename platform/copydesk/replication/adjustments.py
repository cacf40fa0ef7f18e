"""Changes of books that no fill of ours made. A book is the sum of its fills and of these (invariant I3)."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.replication.doors import Doorway


class Adjusts(StrEnum):
    """Why a book was changed without a fill."""

    DETACHED = "detached"
    LIQUIDATED = "liquidated"
    HANDED_OVER = "handed_over"
    DUST = "dust"
    CROSSED = "crossed"


# What is written off takes its share of the cost with it, and leaves its worth in the book's cash; the target comes
# down to what is left.
_ADJUST = text(
    """
    WITH moved AS (
        UPDATE book SET
            cost = CASE WHEN qty + :qty = 0 THEN 0 ELSE cost * (qty + :qty) / qty END,
            cash = cash - coalesce(:qty * CAST(:px AS numeric), :qty * cost / abs(qty)),
            target_qty = CASE WHEN qty > 0 THEN least(target_qty, greatest(qty + :qty, 0))
                              ELSE greatest(target_qty, least(qty + :qty, 0)) END,
            qty = qty + :qty, updated_at = now()
        WHERE subscription_id = :id AND symbol = :symbol AND position_side = :position_side
          AND qty <> 0 AND abs(qty + :qty) < abs(qty) AND (qty + :qty) * qty >= 0
        RETURNING tenant_id, subscription_id, symbol, position_side
    )
    INSERT INTO book_adjustment (tenant_id, subscription_id, symbol, position_side, qty, px, reason)
    SELECT tenant_id, subscription_id, symbol, position_side, :qty, CAST(:px AS numeric), :reason FROM moved
    RETURNING id
    """
)


def write_down(
    session: TenantSession, place: Doorway, qty: Decimal, reason: Adjusts, *, px: Decimal | None = None
) -> bool:
    """Take a signed quantity off a book, at most down to zero, and note why; False where the book lacks it.

    A long is written down by less than nothing (`qty` below zero), a short by more. Only whoever owns the lane may do
    this, while nothing of the book is on its way. `px` is at what price it was closed, where that is known: without it
    the owner takes it over at cost (`profit`).
    """
    params = {
        "id": place.subscription_id,
        "symbol": place.symbol,
        "position_side": str(place.position_side),
        "qty": qty,
        "px": px,
        "reason": str(reason),
    }
    return session.execute(_ADJUST, params).scalar() is not None
