"""In which markets followers of a brand hold copied positions, by exchange: nobody closes what is not watched."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.replication.shards import whereabouts_of

_HELD = text(
    """
    SELECT DISTINCT a.shard, b.symbol FROM book b
    JOIN subscription s ON s.tenant_id = b.tenant_id AND s.id = b.subscription_id
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE b.qty <> 0
    """
)


def held_markets(session: Session) -> frozenset[tuple[str, str]]:
    """Return each exchange ("okx-lab") and market in which somebody holds a position that was copied."""
    return frozenset((whereabouts_of(shard).exchange, symbol) for shard, symbol in session.execute(_HELD))
