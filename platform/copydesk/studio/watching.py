"""Who watches a strategy: people who want to hear of opens, closes and announcements without any money in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.db import TenantSession
from copydesk.kernel import NotFound

_MAY_WATCH = text(
    """
    SELECT s.id FROM strategy s LEFT JOIN strategy_terms t ON t.tenant_id = s.tenant_id AND t.strategy_id = s.id
    WHERE s.id = :strategy_id AND s.status IN ('probation', 'live', 'paused', 'suspended')
      AND (t.private IS NOT TRUE OR s.trader_id = :user_id OR EXISTS (
          SELECT 1 FROM strategy_invite i WHERE i.tenant_id = s.tenant_id AND i.strategy_id = s.id
            AND i.used_by = :user_id AND i.revoked_at IS NULL))
    """
)
_WATCH = text(
    "INSERT INTO watch (tenant_id, user_id, strategy_id, since) VALUES (:tenant_id, :user_id, :strategy_id, :since) "
    "ON CONFLICT DO NOTHING"
)
_UNWATCH = text("DELETE FROM watch WHERE user_id = :user_id AND strategy_id = :strategy_id")
_WATCH_NOTHING = text("DELETE FROM watch WHERE user_id = :user_id")
_IS_WATCHING = text("SELECT EXISTS (SELECT 1 FROM watch WHERE user_id = :user_id AND strategy_id = :strategy_id)")
_WATCHERS = text("SELECT user_id FROM watch WHERE strategy_id = :strategy_id ORDER BY user_id")
_WATCHED = text(
    """
    SELECT s.id AS strategy_id, s.slug, s.name, s.status, w.since FROM watch w
    JOIN strategy s ON s.tenant_id = w.tenant_id AND s.id = w.strategy_id
    WHERE w.user_id = :user_id ORDER BY w.since DESC, s.id DESC
    """
)


@dataclass(frozen=True, slots=True)
class Watched:
    """A strategy that somebody watches, since when."""

    strategy_id: int
    slug: str
    name: str
    status: str
    since: datetime


def watch(session: TenantSession, user_id: int, strategy_id: int, *, at: datetime) -> None:
    """Have a user hear of a strategy; doing it again changes nothing.

    Raises `NotFound` where there is none that they may see: it is closed, not yet approved, or private.
    """
    keys = {"user_id": user_id, "strategy_id": strategy_id}
    if session.execute(_MAY_WATCH, keys).scalar() is None:
        raise NotFound("There is no such strategy.")
    session.execute(_WATCH, {**keys, "tenant_id": session.tenant_id, "since": at})


def unwatch(session: TenantSession, user_id: int, strategy_id: int) -> None:
    """Have a user hear of a strategy no more; changes nothing where they do not watch it."""
    session.execute(_UNWATCH, {"user_id": user_id, "strategy_id": strategy_id})


def watch_nothing(session: TenantSession, user_id: int) -> None:
    """Have a user hear of no strategy more."""
    session.execute(_WATCH_NOTHING, {"user_id": user_id})


def is_watching(session: Session, user_id: int, strategy_id: int) -> bool:
    """Tell whether a user watches a strategy."""
    return bool(session.execute(_IS_WATCHING, {"user_id": user_id, "strategy_id": strategy_id}).scalar_one())


def watched_by(session: Session, user_id: int) -> list[Watched]:
    """List what a user watches, the latest first; a closed strategy stays on it until they let it go."""
    return [Watched(**row) for row in session.execute(_WATCHED, {"user_id": user_id}).mappings()]


def watchers_of(session: Session, strategy_id: int) -> list[int]:
    """Return the users who watch a strategy: for who tells them of it, never for its trader."""
    return list(session.execute(_WATCHERS, {"strategy_id": strategy_id}).scalars())
