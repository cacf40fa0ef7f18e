"""Reads of strategies for their traders and for who reviews them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.kernel import NotFound
from copydesk.replication.counted import counted
from copydesk.studio.model import OwnStrategy, Status

_SELECT = """
SELECT s.id, s.trader_id, u.display_name AS trader_name, s.slug, s.name, s.summary, s.status, s.account_id, a.venue,
       a.environment, a.label, s.created_at, t.submitted_at, t.decided_at, t.live_at, coalesce(t.reason, '') AS reason,
       (SELECT count(*) FROM subscription f WHERE f.tenant_id = s.tenant_id AND f.strategy_id = s.id
          AND f.state <> 'ended' AND {counted}) AS followers
FROM strategy s
JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
JOIN user_account u ON u.tenant_id = s.tenant_id AND u.id = s.trader_id
LEFT JOIN strategy_terms t ON t.tenant_id = s.tenant_id AND t.strategy_id = s.id
WHERE {condition}
"""
_COUNTED = counted("f")
_OWN = text(_SELECT.format(condition="s.trader_id = :trader_id", counted=_COUNTED) + " ORDER BY s.id DESC")
_OWN_ONE = text(_SELECT.format(condition="s.trader_id = :trader_id AND s.slug = :slug", counted=_COUNTED))
_BY_SLUG = text(_SELECT.format(condition="s.slug = :slug", counted=_COUNTED))
_ALL = text(
    _SELECT.format(condition="s.status <> 'closed'", counted=_COUNTED)
    + """
    ORDER BY CASE s.status WHEN 'pending' THEN 0 WHEN 'probation' THEN 1 WHEN 'suspended' THEN 2 WHEN 'declined' THEN 4
             ELSE 3 END, coalesce(t.submitted_at, s.created_at), s.id LIMIT :most
    """
)
_LISTED_MAX = 500


def own_strategies(session: Session, trader_id: int) -> list[OwnStrategy]:
    """List a trader's strategies, the newest first, closed ones too."""
    return [_own(row) for row in session.execute(_OWN, {"trader_id": trader_id}).mappings()]


def own_strategy(session: Session, trader_id: int, slug: str) -> OwnStrategy:
    """Return one of them; raises `NotFound` for another trader's as for none."""
    return _one(session, _OWN_ONE, {"trader_id": trader_id, "slug": slug})


def strategy_named(session: Session, slug: str) -> OwnStrategy:
    """Return any strategy of the brand, for who reviews it; raises `NotFound`."""
    return _one(session, _BY_SLUG, {"slug": slug})


def reviewed_strategies(session: Session) -> list[OwnStrategy]:
    """List a brand's strategies as they want attention: applications first, the oldest first; closed ones not."""
    return [_own(row) for row in session.execute(_ALL, {"most": _LISTED_MAX}).mappings()]


def _one(session: Session, query: Any, bound: dict[str, Any]) -> OwnStrategy:
    # PostgreSQL holds no NUL; what has one is nobody's.
    row = None if "\0" in bound["slug"] else session.execute(query, bound).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such strategy.")
    return _own(row)


def _own(row: Any) -> OwnStrategy:
    return OwnStrategy(**{**row, "status": Status(row["status"])})
