"""The outbox of notices: what goes by which channel and when, stored before anything is sent; and what came of it.

Nothing is sent that is not stored first. A delivery is taken by one sender, under a lease; who dies over it leaves it
to the next. So it may go twice after an unlucky end, and never not at all: a notice that is missing misleads, one that
comes twice does not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert

from copydesk.db import TenantSession, number_array
from copydesk.notices.choose import Habits, choose
from copydesk.notices.model import Channel, DeliveryState, Notice, NoticeKind, Reason
from copydesk.notices.preferences import tastes_of
from copydesk.notices.tables import NoticeDelivery, NoticeRow

# What is found later than this stands in the centre, and nobody is woken for it.
LATE_AFTER = timedelta(hours=12)
LEASE = timedelta(minutes=2)
# The waits after each failed attempt; what failed once more is given up.
WAITS = tuple(timedelta(seconds=s) for s in (5, 30, 300, 1_800))
TRIES_MAX = len(WAITS) + 1
PLANNED_AT_ONCE = 500
_BLIND = {"synchronize_session": False}

_REACHED = text(
    """
    SELECT u.id AS user_id, 'mail' AS channel FROM user_account u
    WHERE u.id = ANY(CAST(:ids AS bigint[])) AND u.status = 'active' AND u.email_verified_at IS NOT NULL
      AND u.email LIKE '%_@_%'
    UNION
    SELECT d.user_id, 'push' FROM push_device d WHERE d.user_id = ANY(CAST(:ids AS bigint[])) AND d.gone_at IS NULL
    UNION
    SELECT n.user_id, n.channel FROM notice_address n
    WHERE n.user_id = ANY(CAST(:ids AS bigint[])) AND n.confirmed_at IS NOT NULL
    """
)
_CLOSED = text("SELECT id FROM user_account WHERE id = ANY(CAST(:ids AS bigint[])) AND status IN ('closed', 'blocked')")


@dataclass(frozen=True, slots=True)
class Custom:
    """What a brand's settings say about telling: its time zone, where a person has none, and its digest's hour."""

    zone: ZoneInfo
    digest_hour: int


class Planned(NamedTuple):
    """Whom new notices concern, and whether anything is to be sent now."""

    user_ids: tuple[int, ...]
    due: bool
    more: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """A delivery that this sender may try now; `tries` counts from 1."""

    id: int
    notice_id: int
    user_id: int
    channel: Channel
    made_at: datetime
    tries: int


@dataclass(frozen=True, slots=True)
class Step:
    """How a delivery goes on."""

    state: DeliveryState
    reason: Reason | None = None
    due_at: datetime | None = None
    answer: int | None = None


def plan_new(session: TenantSession, custom: Custom, now: datetime) -> Planned:
    """Decide how notices go that nobody has decided about, and store their deliveries: each is decided once."""
    untold = select(NoticeRow.id).where(NoticeRow.told_at.is_(None)).order_by(NoticeRow.id).limit(PLANNED_AT_ONCE)
    taking = update(NoticeRow).where(NoticeRow.id.in_(untold.with_for_update(skip_locked=True)))
    columns = (NoticeRow.id, NoticeRow.kind, NoticeRow.user_id, NoticeRow.at)
    rows = session.execute(taking.values(told_at=now).returning(*columns), execution_options=_BLIND).all()
    notices = [Notice(row.id, NoticeKind(row.kind), row.user_id, row.at, {}) for row in rows]
    deliveries = _deliveries(session, [one for one in notices if one.at > now - LATE_AFTER], custom, now)
    if deliveries:
        session.execute(insert(NoticeDelivery).on_conflict_do_nothing(), deliveries)
    people = tuple(sorted({one.user_id for one in notices}))
    return Planned(people, any(one["due_at"] == now for one in deliveries), len(rows) == PLANNED_AT_ONCE)


def _deliveries(
    session: TenantSession, notices: Sequence[Notice], custom: Custom, now: datetime
) -> list[dict[str, object]]:
    ids = sorted({notice.user_id for notice in notices})
    reached, tastes = reached_by(session, ids), tastes_of(session, ids)
    habits = {
        one: Habits(taste.wishes, taste.habit, zone_of(taste.habit.zone, custom.zone), custom.digest_hour)
        for one, taste in tastes.items()
    }
    deliveries: list[dict[str, object]] = []
    for notice in sorted(notices, key=lambda one: one.id):
        person = {"tenant_id": session.tenant_id, "notice_id": notice.id, "user_id": notice.user_id, "made_at": now}
        deliveries += [
            person | {"channel": str(way.channel), "due_at": way.due_at, "reason": way.reason, "state": "waiting"}
            for way in choose(notice.kind, reached[notice.user_id], habits[notice.user_id], now)
        ]
    return deliveries


def zone_of(name: str, brand: ZoneInfo) -> ZoneInfo:
    """Return somebody's own time zone, or the brand's where they have none that is known here."""
    try:
        return ZoneInfo(name) if name else brand
    except (ValueError, LookupError, OSError):
        return brand


def reached_by(session: TenantSession, user_ids: Collection[int]) -> Mapping[int, frozenset[Channel]]:
    """Return the channels by which people can be reached; nobody is whose account is blocked or closed."""
    ids = {"ids": number_array(sorted(user_ids))}
    gone = set(session.execute(_CLOSED, ids).scalars()) if user_ids else set()
    found: defaultdict[int, set[Channel]] = defaultdict(set)
    for row in session.execute(_REACHED, ids) if user_ids else ():
        found[row.user_id].add(Channel(row.channel))
    return {one: frozenset() if one in gone else frozenset(found[one]) for one in user_ids}


def take_due(session: TenantSession, channels: Collection[Channel], *, now: datetime, limit: int) -> list[Taken]:
    """Take up to `limit` due deliveries of some channels, oldest first; no other sender gets them for a while."""
    due = (
        select(NoticeDelivery.id)
        .where(NoticeDelivery.state == DeliveryState.WAITING, NoticeDelivery.due_at <= now)
        .where(NoticeDelivery.channel.in_([str(channel) for channel in channels]))
        .order_by(NoticeDelivery.due_at, NoticeDelivery.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    taking = update(NoticeDelivery).where(NoticeDelivery.id == due.c.id)
    taking = taking.values(tries=NoticeDelivery.tries + 1, due_at=now + LEASE)
    rows = session.scalars(taking.returning(NoticeDelivery), execution_options=_BLIND)
    taken = [
        Taken(row.id, row.notice_id, row.user_id, Channel(row.channel), row.made_at, row.tries) for row in rows.all()
    ]
    return sorted(taken, key=lambda one: one.id)


def settle(session: TenantSession, steps: Mapping[int, Step], *, now: datetime) -> None:
    """Note what became of deliveries; those that became the same in one statement."""
    alike: defaultdict[Step, list[int]] = defaultdict(list)
    for delivery_id, step in steps.items():
        alike[step].append(delivery_id)
    for step, ids in alike.items():
        values: dict[str, object] = {"state": str(step.state), "reason": step.reason, "answer": step.answer}
        if step.due_at is not None:
            values["due_at"] = step.due_at
        if step.state is DeliveryState.SENT:
            values["sent_at"] = now
        settling = update(NoticeDelivery).where(NoticeDelivery.id.in_(ids)).values(values)
        session.execute(settling, execution_options=_BLIND)


def next_step(tries: int, now: datetime, reason: Reason, *, wait: timedelta | None, answer: int | None) -> Step:
    """Decide what becomes of a delivery that was not taken now; tries count from 1. Pure.

    `wait` is how long the other side asked for: never less than our own wait, and an hour at most.
    """
    if tries >= TRIES_MAX:
        return Step(DeliveryState.FAILED, Reason.GIVEN_UP, None, answer)
    asked = min(wait or timedelta(0), timedelta(hours=1))
    return Step(DeliveryState.WAITING, reason, now + max(WAITS[tries - 1], asked), answer)
