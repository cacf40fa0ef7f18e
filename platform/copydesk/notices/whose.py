"""Whose a subscription is, and of which strategy: what everything that is told of one begins with."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import text

from copydesk.db import TenantSession, number_array

# To be narrowed down by who asks.
WHOSE = """
    SELECT s.id AS subscription_id, s.state_reason, a.user_id, t.id AS strategy_id, t.name AS strategy, t.slug
    FROM subscription s
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    JOIN strategy t ON t.tenant_id = s.tenant_id AND t.id = s.strategy_id
"""
_NUMBERED = text(f"{WHOSE} WHERE s.id = ANY(CAST(:ids AS bigint[]))")
_TOLD = ("subscription_id", "strategy_id", "strategy", "slug")


def whose(session: TenantSession, subscription_ids: Collection[int]) -> dict[int, Mapping[str, Any]]:
    """Return the rows of `WHOSE` by the numbers of their subscriptions."""
    if not subscription_ids:
        return {}
    found = session.execute(_NUMBERED, {"ids": number_array(sorted(subscription_ids))}).mappings()
    return {row["subscription_id"]: dict(row) for row in found}


def facts_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row of `WHOSE` says that a notice repeats."""
    return {name: row[name] for name in _TOLD}
