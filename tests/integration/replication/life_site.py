"""Followers who come late to a desk site."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from copydesk.db import TenantSession
from copydesk.replication import NewSubscription, subscribe
from copydesk.trading import JoinMode
from copydesk.vault import Account
from desk_site import ALLOCATION, SHARD, Site


def join(site: Site, mode: JoinMode, *, allocation: Decimal = ALLOCATION, **terms: Any) -> tuple[int, int]:
    """Let one more account subscribe now; return the subscription and the account."""
    with site.db.tenant(site.tenant_id) as session:
        account = other_account(session, site)
        new = NewSubscription(site.leader.strategy_id, account, allocation, join_mode=mode, **terms)
        return subscribe(session, new), account


def other_account(session: TenantSession, site: Site, label: str = "late") -> int:
    """Add an account of the leader's own user."""
    user = session.get_one(Account, (site.tenant_id, site.leader.account_id)).user_id
    row = Account(tenant_id=site.tenant_id, user_id=user, venue="binance", environment="lab", label=label, shard=SHARD)
    session.add(row)
    session.flush()
    return row.id
