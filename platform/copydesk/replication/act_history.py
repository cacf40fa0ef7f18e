"""What risk did that a follower is to know of: to the subscription, to its account, and to its strategy. Read-only."""

from __future__ import annotations

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import NotFound
from copydesk.replication.strategy_news import News, news_of_strategy
from copydesk.risk.acts import Act, Reached, acts_reaching

_SUBSCRIPTION = text(
    "SELECT id, account_id, strategy_id, created_at, ended_at FROM subscription WHERE id = :subscription_id"
)


def acts_of(session: TenantSession, subscription_id: int, *, most: int = 20) -> list[Act]:
    """Return the newest acts first that reached a subscription; raises NotFound."""
    return acts_reaching(session, _whom(session, subscription_id), most=most)


def news_for(session: TenantSession, subscription_id: int, *, most: int = 20) -> list[News]:
    """Return the newest news first of a subscription's strategy, of its own time only; raises NotFound."""
    whom = _whom(session, subscription_id)
    until = whom.until
    news = news_of_strategy(session, whom.strategy_id, most=most)
    return [one for one in news if one.at >= whom.since and (until is None or one.at <= until)]


def _whom(session: TenantSession, subscription_id: int) -> Reached:
    row = session.execute(_SUBSCRIPTION, {"subscription_id": subscription_id}).one_or_none()
    if row is None:
        raise NotFound(f"there is no subscription {subscription_id}")
    return Reached(*row)
