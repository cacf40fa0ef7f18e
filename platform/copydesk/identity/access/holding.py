"""Puts acts on hold, lifts holds, and tells what rests for whom. The rules are in `holds`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from copydesk.identity.access.holds import RULES, Hold, HoldReason
from copydesk.identity.access.tables import AccessHold
from copydesk.identity.tables import User


def place_hold(
    session: Session, tenant_id: int, user_id: int, reason: HoldReason, *, at: datetime, place_id: int | None = None
) -> datetime:
    """Let a person's sensitive acts rest for a reason, and return until when; what rests already goes on resting."""
    until = at + RULES[reason].lasts
    session.add(
        AccessHold(tenant_id=tenant_id, user_id=user_id, reason=str(reason), place_id=place_id, since=at, until=until)
    )
    session.flush()
    _tell_user(session, user_id, at)
    return until


def lift_holds(session: Session, user_id: int, reason: HoldReason, *, at: datetime, place_id: int | None = None) -> int:
    """End a person's holds of one reason, or only that of one place; return how many those were."""
    ending = update(AccessHold).where(
        AccessHold.user_id == user_id,
        AccessHold.reason == str(reason),
        AccessHold.lifted_at.is_(None),
        AccessHold.until > at,
    )
    if place_id is not None:
        ending = ending.where(AccessHold.place_id == place_id)
    ended = session.execute(ending.values(lifted_at=at).returning(AccessHold.id)).all()
    _tell_user(session, user_id, at)
    return len(ended)


def holds_of(session: Session, user_id: int, *, now: datetime | None = None) -> list[Hold]:
    """Return what rests for a person and why, the longest first; those that are over only without `now`."""
    query = select(AccessHold.reason, AccessHold.until).where(
        AccessHold.user_id == user_id, AccessHold.lifted_at.is_(None)
    )
    if now is not None:
        query = query.where(AccessHold.until > now)
    return [
        Hold(HoldReason(reason), until) for reason, until in session.execute(query.order_by(AccessHold.until.desc()))
    ]


def _tell_user(session: Session, user_id: int, at: datetime) -> None:
    """Keep beside the user what every request reads anyway: until when anything rests."""
    longest = (
        select(AccessHold.until, AccessHold.reason)
        .where(AccessHold.user_id == user_id, AccessHold.lifted_at.is_(None), AccessHold.until > at)
        .order_by(AccessHold.until.desc())
        .limit(1)
    )
    until, reason = session.execute(longest).one_or_none() or (None, None)
    session.execute(update(User).where(User.id == user_id).values(held_until=until, hold_reason=reason))
