"""What somebody copies, as their own list has it: terms, state, and the figures that were computed last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

_OWN = text(
    """
    SELECT s.id, t.slug AS strategy, t.name AS strategy_name, a.venue AS exchange, a.label AS account, s.state,
           s.allocation, s.created_at, s.ended_at, f.equity, f.net_result, f.money_weighted, f.tracking_difference,
           f.as_of
    FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    JOIN strategy t ON t.tenant_id = s.tenant_id AND t.id = s.strategy_id
    LEFT JOIN subscription_figures f ON f.tenant_id = s.tenant_id AND f.subscription_id = s.id
    WHERE a.user_id = :user_id ORDER BY s.id
    """
)


@dataclass(frozen=True, slots=True)
class OwnSubscription:
    """One subscription of somebody's; money in the brand's currency, ratios as fractions.

    Figures are None, and so is `as_of`, until they were computed for the first time.
    """

    id: int
    strategy: str
    strategy_name: str
    exchange: str
    account: str
    state: str
    allocation: Decimal
    created_at: datetime
    ended_at: datetime | None
    equity: Decimal | None
    net_result: Decimal | None
    money_weighted: Decimal | None
    tracking_difference: Decimal | None
    as_of: datetime | None


def own_subscriptions(session: Session, user_id: int) -> list[OwnSubscription]:
    """Return all that somebody copies or has copied, the oldest first."""
    return [OwnSubscription(**row) for row in session.execute(_OWN, {"user_id": user_id}).mappings()]
