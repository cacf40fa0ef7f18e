"""Notices as rows: stored once each, read page by page, and marked as read by their owner alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from copydesk.db import TenantSession
from copydesk.kernel import NotFound
from copydesk.notices.model import KIND_FACTS, Event, Notice, NoticeKind
from copydesk.notices.tables import NoticeDelivery, NoticeRow

PAGE_ROWS = 30
_AT_ONCE = 1_000
_BLIND = {"synchronize_session": False}


def note(session: TenantSession, events: Iterable[Event]) -> list[Notice]:
    """Store a notice for each event that its user was not told of yet, and return those that are new.

    In the caller's transaction; publishes nothing. Role `worker` sends them within moments of the commit.
    """
    told: list[Notice] = []
    waiting = iter(events)
    while part := list(islice(waiting, _AT_ONCE)):
        told += _stored(session, part)
    return told


def _stored(session: TenantSession, events: Sequence[Event]) -> list[Notice]:
    rows = [_row(session.tenant_id, event) for event in {(one.user_id, one.key): one for one in events}.values()]
    storing = insert(NoticeRow).values(rows).on_conflict_do_nothing(index_elements=("tenant_id", "user_id", "key"))
    returned = session.execute(storing.returning(*_COLUMNS), execution_options=_BLIND)
    return sorted((_notice(row) for row in returned), key=lambda notice: notice.id)


def _row(tenant_id: int, event: Event) -> dict[str, object]:
    unknown = sorted(event.facts.keys() - KIND_FACTS[event.kind])
    assert not unknown or event.kind is NoticeKind.COPY_SKIPPED, f"{event.kind} has no words for {', '.join(unknown)}"
    facts = {name: value for name, value in event.facts.items() if value is not None}
    row = {"tenant_id": tenant_id, "user_id": event.user_id, "kind": str(event.kind), "at": event.at}
    return row | {"facts": facts, "key": event.key}


def unread(session: TenantSession, user_id: int) -> int:
    """Count somebody's notices that they have not read."""
    query = select(func.count()).where(NoticeRow.user_id == user_id, NoticeRow.read_at.is_(None))
    return session.scalar(query) or 0


def notices_of(
    session: TenantSession,
    user_id: int,
    *,
    kinds: Collection[NoticeKind] = (),
    before_id: int | None = None,
    most: int = PAGE_ROWS,
) -> list[Notice]:
    """Return a page of somebody's notices, the latest first; `before_id` continues it, `kinds` leaves others out."""
    query = select(*_COLUMNS).where(NoticeRow.user_id == user_id)
    if kinds:
        query = query.where(NoticeRow.kind.in_([str(kind) for kind in kinds]))
    if before_id is not None:
        query = query.where(NoticeRow.id < before_id)
    return [_notice(row) for row in session.execute(query.order_by(NoticeRow.id.desc()).limit(most))]


def notice_of(session: TenantSession, user_id: int, notice_id: int) -> Notice:
    """Return one of somebody's own notices; raises `NotFound`, also for another's."""
    query = select(*_COLUMNS).where(NoticeRow.user_id == user_id, NoticeRow.id == notice_id)
    row = session.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"there is no notice {notice_id}")
    return _notice(row)


def mark_read(
    session: TenantSession, user_id: int, *, at: datetime, until_id: int | None = None, only_id: int | None = None
) -> int:
    """Mark somebody's notices as read, and return how many were not: up to `until_id`, or `only_id`, or all."""
    marking = update(NoticeRow).where(NoticeRow.user_id == user_id, NoticeRow.read_at.is_(None))
    if until_id is not None:
        marking = marking.where(NoticeRow.id <= until_id)
    if only_id is not None:
        marking = marking.where(NoticeRow.id == only_id)
    marked = session.scalars(marking.values(read_at=at).returning(NoticeRow.id), execution_options=_BLIND)
    return len(marked.all())


def notices_by_id(session: TenantSession, notice_ids: Collection[int]) -> dict[int, Notice]:
    """Return notices by their ids, whoever's they are: for the sender."""
    query = select(*_COLUMNS).where(NoticeRow.id.in_(notice_ids))
    return {row.id: _notice(row) for row in session.execute(query)}


def forget_old(session: TenantSession, *, now: datetime, kept: timedelta) -> int:
    """Delete notices, and what became of them, that are older than a brand keeps them; return how many notices."""
    session.execute(delete(NoticeDelivery).where(NoticeDelivery.made_at < now - kept), execution_options=_BLIND)
    gone = delete(NoticeRow).where(NoticeRow.at < now - kept).returning(NoticeRow.id)
    return len(session.scalars(gone, execution_options=_BLIND).all())


_COLUMNS = (NoticeRow.id, NoticeRow.kind, NoticeRow.user_id, NoticeRow.at, NoticeRow.facts, NoticeRow.read_at)


def _notice(row: Row[tuple[int, str, int, datetime, dict[str, object], datetime | None]]) -> Notice:
    return Notice(row.id, NoticeKind(row.kind), row.user_id, row.at, row.facts, row.read_at)
