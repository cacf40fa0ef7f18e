"""News of strategies: what happened to one besides trading, kept once for all who follow it.

A leader's margin or leverage was changed, a guard suspended the strategy, a person let it go on. Whoever causes such a
thing stores it here in the same transaction, and announces the id to live pages afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import text

from copydesk.db import TenantSession

_TELL = text(
    """
    INSERT INTO strategy_news (tenant_id, strategy_id, kind, symbol, facts, at)
    VALUES (:tenant_id, :strategy_id, :kind, :symbol, :facts, :at) RETURNING id
    """
)
_OF_STRATEGY = text(
    """
    SELECT id, strategy_id, kind, symbol, facts, at FROM strategy_news WHERE strategy_id = :strategy_id
    ORDER BY id DESC LIMIT :most
    """
)


class NewsKind(StrEnum):
    """What happened: the leader changed leverage or margin of a position, or the strategy was stopped or let go on."""

    LEVERAGE = "leverage"
    MARGIN = "margin"
    SUSPENDED = "suspended"
    RESUMED = "resumed"


@dataclass(frozen=True, slots=True)
class News:
    """One piece of news; `symbol` is None where it concerns all of the strategy. `facts` are JSON, numbers as text."""

    id: int
    strategy_id: int
    kind: NewsKind
    symbol: str | None
    facts: Mapping[str, Any]
    at: datetime


def tell_news(
    session: TenantSession,
    strategy_id: int,
    kind: NewsKind,
    symbol: str | None,
    facts: Mapping[str, Any],
    at: datetime,
) -> int:
    """Store a piece of news and return its id; the caller sees to it that nothing is told twice."""
    params = {
        "tenant_id": session.tenant_id,
        "strategy_id": strategy_id,
        "kind": str(kind),
        "symbol": symbol,
        "facts": Jsonb(dict(facts)),
        "at": at,
    }
    return int(session.execute(_TELL, params).scalar_one())


def news_of_strategy(session: TenantSession, strategy_id: int, *, most: int = 20) -> list[News]:
    """Return the newest news of a strategy first."""
    rows = session.execute(_OF_STRATEGY, {"strategy_id": strategy_id, "most": most}).mappings()
    return [News(**{**row, "kind": NewsKind(row["kind"])}) for row in rows]
