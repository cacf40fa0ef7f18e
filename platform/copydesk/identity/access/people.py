"""The people of a brand as its staff see them: lists, one person, and what staff may do to an account.

Whoever reads personal data is written into the record, like who changes anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, exists, func, or_, select, true, update
from sqlalchemy.orm import Session

from copydesk.audit import Act, record, record_all
from copydesk.identity.access.holding import place_hold
from copydesk.identity.access.holds import RULES, HoldReason
from copydesk.identity.access.tables import KnownPlace
from copydesk.identity.access.team import Giver, is_last_owner, reaches, take_invites_back
from copydesk.identity.factors import Factors, erase_factors
from copydesk.identity.model import NEXT, EndReason, UserStatus
from copydesk.identity.sessions import end_sessions
from copydesk.identity.tables import User, UserSession
from copydesk.kernel import InvalidInput, NotFound, NotPermitted
from copydesk.notifications import Seal, queue_mail

PAGE = 50


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    """Whom a list shows: `search` is a part of an address or a name; empty fields show everybody.

    `unproved` shows who signed in from a new place within a day and has not confirmed it. `before_id` continues a list:
    newer accounts stand first.
    """

    search: str = ""
    role: str = ""
    status: str = ""
    unproved: bool = False
    before_id: int | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """One person of the brand; `sessions` counts the open ones, `seen_at` is the last request of any."""

    id: int
    email: str
    display_name: str
    role: str
    status: str
    created_at: datetime
    verified_at: datetime | None
    held_until: datetime | None
    seen_at: datetime | None
    sessions: int


def list_people(session: Session, tenant_id: int, giver: Giver, wanted: PeopleFilter, *, at: datetime) -> list[Person]:
    """Return one page of a brand's people, the newest first, and record that they were looked at."""
    query = _people()
    if wanted.search:
        like = f"%{_escaped(wanted.search.strip().lower())}%"
        query = query.where(
            or_(User.email.like(like, escape="\\"), func.lower(User.display_name).like(like, escape="\\"))
        )
    if wanted.role:
        query = query.where(User.role == wanted.role)
    if wanted.status:
        query = query.where(User.status == wanted.status)
    if wanted.unproved:
        query = query.where(_unproved(at))
    if wanted.before_id is not None:
        query = query.where(User.id < wanted.before_id)
    found = [_person(row) for row in session.execute(query.order_by(User.id.desc()).limit(PAGE))]
    told = {"role": wanted.role, "status": wanted.status, "searched": bool(wanted.search), "shown": len(found)}
    record(session, tenant_id, giver.actor, "users.listed", "users", at=at, after=told)
    return found


def count_unproved(session: Session, *, at: datetime) -> int:
    """Count who signed in from a new place within a day and has not confirmed it: what staff are told first."""
    return session.scalar(select(func.count(User.id)).where(_unproved(at))) or 0


def view_person(session: Session, tenant_id: int, giver: Giver, user_id: int, *, at: datetime) -> Person:
    """Return one person, and record that they were looked at; raises `NotFound`."""
    person = _require_person(session, user_id)
    record(session, tenant_id, giver.actor, "user.viewed", f"user:{user_id}", at=at)
    return person


def require_may_change(session: Session, giver: Giver, user_id: int) -> Person:
    """Return a person whom the giver may act on; raises `NotFound` and `NotPermitted`."""
    person = _require_person(session, user_id)
    if user_id == giver.actor.user_id:
        raise NotPermitted("This is your own account: use its own pages.", code="own_account")
    if not reaches(session, giver.permissions, user_id):
        raise NotPermitted("Nobody acts on a member of staff who may do more than themselves.", code="beyond_reach")
    return person


def block(session: Session, tenant_id: int, giver: Giver, user_id: int, *, at: datetime) -> Person:
    """Keep a person from signing in, end their sessions and the invitations that they sent.

    What runs on the exchange goes on.

    Raises `InvalidInput` for the last owner, and for an account that is closed or blocked already.
    """
    require_may_change(session, giver, user_id)
    if is_last_owner(session, user_id):
        raise InvalidInput("This is the brand's last owner: make somebody else an owner first.", code="last_owner")
    return _move(session, tenant_id, giver, user_id, UserStatus.BLOCKED, "user.blocked", at)


def unblock(session: Session, tenant_id: int, giver: Giver, user_id: int, *, at: datetime) -> Person:
    """Let a blocked person sign in again; raises as `block` does."""
    require_may_change(session, giver, user_id)
    return _move(session, tenant_id, giver, user_id, UserStatus.ACTIVE, "user.unblocked", at)


def end_sessions_of(session: Session, tenant_id: int, giver: Giver, user_id: int, *, at: datetime) -> int:
    """Sign a person out everywhere; return from how many browsers."""
    require_may_change(session, giver, user_id)
    ended = end_sessions(session, user_id, reason=EndReason.REVOKED, at=at)
    subject = f"user:{user_id}"
    record(session, tenant_id, giver.actor, "sessions.ended", subject, at=at, after={"sessions": ended})
    return ended


def take_factors_away(
    session: Session, tenant_id: int, seal: Seal, giver: Giver, user_id: int, *, at: datetime
) -> Factors:
    """Let a person who lost every second factor set up new ones; return what they had. For the command line only.

    Their sessions end, sensitive acts rest for a day, and a mail tells them.
    """
    person = _require_person(session, user_id)
    end_sessions(session, user_id, reason=EndReason.REVOKED, at=at)
    until = place_hold(session, tenant_id, user_id, HoldReason.FACTORS_ERASED, at=at)
    queue_mail(
        *(session, tenant_id, seal),
        to=person.email,
        kind="factor_removed",
        locale=session.scalars(select(User.locale).where(User.id == user_id)).one(),
        facts={"at": at.isoformat(), "held_until": until.isoformat(), "link": "/account/factors"},
        at=at,
    )
    return erase_factors(session, user_id, giver.actor, at)


def find_person(session: Session, email: str) -> Person:
    """Return whoever has an address on the brand; raises `NotFound`. For the command line only."""
    row = session.execute(_people().where(User.email == email.strip().lower())).one_or_none()
    if row is None:
        raise NotFound(f"there is nobody with the address {email}")
    return _person(row)


def _move(
    session: Session, tenant_id: int, giver: Giver, user_id: int, to: UserStatus, act: str, at: datetime
) -> Person:
    was = UserStatus(session.execute(select(User.status).where(User.id == user_id).with_for_update()).scalar_one())
    if UserStatus.PENDING in {was, to} or to not in NEXT[was]:
        raise InvalidInput(f"This account is {was} and cannot become {to}.", code="wrong_state")
    taken_back: list[Act] = []
    if to is UserStatus.BLOCKED:
        end_sessions(session, user_id, reason=EndReason.BLOCKED, at=at)
        taken_back = take_invites_back(session, user_id, at=at)
    session.execute(update(User).where(User.id == user_id).values(status=str(to)))
    moved = Act(act, f"user:{user_id}", {"status": was}, {"status": to})
    record_all(session, tenant_id, giver.actor, [moved, *taken_back], at=at)
    return _require_person(session, user_id)


def _unproved(at: datetime) -> ColumnElement[bool]:
    fresh = KnownPlace.confirmed_at.is_(None) & (KnownPlace.first_at > at - RULES[HoldReason.NEW_LOCATION].lasts)
    return exists().where(KnownPlace.tenant_id == User.tenant_id, KnownPlace.user_id == User.id, fresh)


def _people() -> Select[Any]:
    open_ones = (
        select(func.count(UserSession.id).label("sessions"), func.max(UserSession.seen_at).label("seen_at"))
        .where(UserSession.user_id == User.id, UserSession.ended_at.is_(None))
        .lateral()
    )
    return select(User, open_ones.c.sessions, open_ones.c.seen_at).join(open_ones, true())


def _require_person(session: Session, user_id: int) -> Person:
    row = session.execute(_people().where(User.id == user_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such person.")
    return _person(row)


def _person(row: Row[Any]) -> Person:
    user: User = row.User
    return Person(
        id=user.id,
        email=user.email,
        display_name=user.display_name,
        role=user.role,
        status=user.status,
        created_at=user.created_at,
        verified_at=user.email_verified_at,
        held_until=user.held_until,
        seen_at=row.seen_at,
        sessions=row.sessions,
    )


def _escaped(text: str) -> str:
    """Take the wildcards out of a search: a person types what they look for, not a pattern."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
