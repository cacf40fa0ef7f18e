"""What a trader says to everybody who copies or watches a strategy: plain text, to be taken back within an hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from copydesk.audit import SYSTEM, Actor, record
from copydesk.db import TenantSession
from copydesk.kernel import InvalidInput, NotFound, Refused
from copydesk.studio.tables import AnnouncementRow

BODY_MAX = 1_000
DELETE_WITHIN = timedelta(hours=1)
_ONE_AFTER_THE_OTHER = text("SELECT 1 FROM strategy WHERE id = :id FOR NO KEY UPDATE")


@dataclass(frozen=True, slots=True)
class Announcement:
    """One announcement of a strategy."""

    id: int
    strategy_id: int
    at: datetime
    body: str

    def deletable(self, at: datetime) -> bool:
        """Tell whether its trader may still take it back."""
        return at < self.at + DELETE_WITHIN


def announce(
    session: TenantSession, strategy_id: int, body: str, *, at: datetime, actor: Actor = SYSTEM
) -> Announcement:
    """Publish an announcement; who copies or watches is told of it by whoever tells people things.

    The same words again while they can still be taken back are the same announcement: a form may come twice. Raises
    `InvalidInput` for one that is empty or longer than `BODY_MAX`.
    """
    said = body.strip()
    if not said or len(said) > BODY_MAX:
        raise InvalidInput(f"announcement: expected 1 to {BODY_MAX} characters, found {len(said)}", code="body")
    session.execute(_ONE_AFTER_THE_OTHER, {"id": strategy_id})
    newest = next(iter(announcements_of(session, strategy_id, most=1)), None)
    if newest is not None and newest.body == said and newest.deletable(at):
        return newest
    row = AnnouncementRow(tenant_id=session.tenant_id, strategy_id=strategy_id, at=at, body=said)
    session.add(row)
    session.flush()
    record(session, session.tenant_id, actor, "announcement.published", f"announcement:{row.id}", at=at)
    return _told(row)


def announcements_of(session: Session, strategy_id: int, *, most: int = 20) -> list[Announcement]:
    """Return a strategy's announcements, the newest first."""
    return announcements_of_any(session, [strategy_id], most=most)


def announcements_of_any(session: Session, strategy_ids: Sequence[int], *, most: int = 20) -> list[Announcement]:
    """Return the newest announcements of several strategies, the newest first."""
    query = select(AnnouncementRow).where(AnnouncementRow.strategy_id.in_(strategy_ids))
    return [_told(row) for row in session.scalars(query.order_by(AnnouncementRow.id.desc()).limit(most))]


def take_back(
    session: TenantSession, strategy_id: int, announcement_id: int, *, at: datetime, actor: Actor = SYSTEM
) -> None:
    """Delete an announcement; raises `NotFound`, and `Refused` once `DELETE_WITHIN` is over."""
    row = session.get(AnnouncementRow, (session.tenant_id, announcement_id))
    if row is None or row.strategy_id != strategy_id:
        raise NotFound("There is no such announcement.")
    if not _told(row).deletable(at):
        raise Refused("An announcement can be deleted within an hour; this one is older.", code="announcement_stands")
    session.execute(delete(AnnouncementRow).where(AnnouncementRow.id == announcement_id))
    record(session, session.tenant_id, actor, "announcement.deleted", f"announcement:{announcement_id}", at=at)


def _told(row: AnnouncementRow) -> Announcement:
    return Announcement(row.id, row.strategy_id, row.at, row.body)
