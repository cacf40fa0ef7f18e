"""A second strategy that a desk site's follower copies with the same account."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from copydesk.kernel import utc_now
from copydesk.replication import Leader, NewStrategy, NewSubscription, Strategy, Subscription, add_strategy, subscribe
from copydesk.trading import SizingMode
from copydesk.vault import Account
from desk_site import ALLOCATION, Site
from life_site import other_account
from sqlalchemy import update


def second_strategy(site: Site, *, allocation: Decimal = ALLOCATION) -> Site:
    """Let the site's followers copy another leader too; return the site as that leader's people see it."""
    hour_ago = utc_now() - timedelta(hours=1)
    with site.db.tenant(site.tenant_id) as session:
        user = session.get_one(Account, (site.tenant_id, site.leader.account_id)).user_id
        leads = other_account(session, site, "second leader")
        strategy = add_strategy(session, NewStrategy(user, leads, "t", "T", "Another sentence."))
        subscriptions = [
            subscribe(session, NewSubscription(strategy, account, allocation, SizingMode.EQUITY_RATIO, None))
            for account in site.accounts
        ]
        session.execute(update(Subscription).values(created_at=hour_ago))
        session.execute(update(Strategy).values(created_at=hour_ago))
    leader = Leader(site.tenant_id, strategy, leads, hour_ago)
    return replace(site, leader=leader, subscriptions=subscriptions, trades=1_000)
