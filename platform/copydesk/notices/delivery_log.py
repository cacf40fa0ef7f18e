"""What became of somebody's deliveries, as they see it: what, where, when, how it went and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select

from copydesk.db import TenantSession
from copydesk.notices.model import Channel, DeliveryState, NoticeKind, Reason
from copydesk.notices.tables import NoticeDelivery, NoticeRow

PAGE_ROWS = 50


@dataclass(frozen=True, slots=True)
class LogLine:
    """One delivery. `kind` is None for a test message, and for a notice that is no longer kept.

    `reason` says why it waits or failed; `answer` is the other side's HTTP status, where it gave one.
    """

    id: int
    notice_id: int
    kind: NoticeKind | None
    channel: Channel
    state: DeliveryState
    reason: Reason | None
    answer: int | None
    made_at: datetime
    due_at: datetime
    tries: int
    sent_at: datetime | None


def log_of(
    session: TenantSession, user_id: int, *, before_id: int | None = None, most: int = PAGE_ROWS
) -> list[LogLine]:
    """Return a page of somebody's deliveries, the latest first; `before_id` continues it."""
    same = and_(NoticeRow.tenant_id == NoticeDelivery.tenant_id, NoticeRow.id == NoticeDelivery.notice_id)
    query = select(NoticeDelivery, NoticeRow.kind).outerjoin(NoticeRow, same).where(NoticeDelivery.user_id == user_id)
    if before_id is not None:
        query = query.where(NoticeDelivery.id < before_id)
    return [_line(row, kind) for row, kind in session.execute(query.order_by(NoticeDelivery.id.desc()).limit(most))]


def _line(row: NoticeDelivery, kind: str | None) -> LogLine:
    return LogLine(
        row.id,
        row.notice_id,
        None if kind is None else NoticeKind(kind),
        Channel(row.channel),
        DeliveryState(row.state),
        None if row.reason is None else Reason(row.reason),
        row.answer,
        row.made_at,
        row.due_at,
        row.tries,
        row.sent_at,
    )
