"""Closing an account: what is personal is erased, what must stay keeps only a number.

Stays: the row itself without name and address, because copies, fees and the brand's record point at it; what was
traded, because the other side of it is somebody else's; the record of who did what, which nobody may edit.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from copydesk.audit import SYSTEM, Act, Actor, ActorKind, record_all
from copydesk.db import TenantSession
from copydesk.identity.access.tables import AccessHold, IpAllow, KnownPlace, StaffGrant
from copydesk.identity.access.team import is_last_owner, take_invites_back
from copydesk.identity.factors import erase_factors
from copydesk.identity.legal.tables import LegalAcceptanceRow
from copydesk.identity.model import EndReason, UserStatus
from copydesk.identity.recovery import require_password
from copydesk.identity.sessions import end_sessions
from copydesk.identity.tables import Invite, SignIn, User, UserSession, UserToken
from copydesk.identity.visit import Visit
from copydesk.kernel import Refused
from copydesk.notifications.tables import Mail

# Shown wherever a name stood; no words, because it is read in every language.
NO_NAME = "–"

# Destroys what a person keeps elsewhere, in the transaction that closes the account.
Farewell = Callable[[TenantSession], None]


class LastOwner(Refused):
    """Refuse to leave a brand without an owner."""

    code = "last_owner"
    http_status = 409


def close_account(visit: Visit, user_id: int, password: str, farewell: Farewell) -> None:
    """Close the account of somebody who typed their password: keys, factors and sessions end, personal data goes.

    Raises `PasswordWrong`, `TooManyTries`, and `LastOwner` for the only owner of a brand.
    """
    require_password(visit, user_id, password)
    with visit.transaction() as session:
        if is_last_owner(session, user_id):
            raise LastOwner("A brand needs an owner: make somebody else an owner first.")
        actor = Actor(ActorKind.USER, user_id, visit.actor.session_id, visit.origin.ip)
        user = _locked(session, user_id)
        taken_back = _end(session, user_id, farewell, actor, visit.at)
        act = _closed(user)
        _forget_mail(session, user.email)
        visit.write(session, user, "account_closed", at=visit.at.isoformat())
        _forget(session, user, visit.at)
        record_all(session, visit.tenant_id, actor, [act, *taken_back], at=visit.at)


def close_unasked(session: TenantSession, user_id: int, farewell: Farewell, *, at: datetime) -> None:
    """Close the account of somebody who is gone and has no password to close it with: a guest whose time is up.

    Erases what `close_account` does, and writes to nobody.
    """
    user = _locked(session, user_id)
    taken_back = _end(session, user_id, farewell, SYSTEM, at)
    act = _closed(user)
    _forget_mail(session, user.email)
    _forget(session, user, at)
    record_all(session, session.tenant_id, SYSTEM, [act, *taken_back], at=at)


def _locked(session: Session, user_id: int) -> User:
    return session.scalars(select(User).where(User.id == user_id).with_for_update()).one()


def _end(session: TenantSession, user_id: int, farewell: Farewell, actor: Actor, at: datetime) -> list[Act]:
    """End all that works for somebody; return what their leaving took back from others."""
    end_sessions(session, user_id, reason=EndReason.CLOSED, at=at)
    taken_back = take_invites_back(session, user_id, at=at)
    farewell(session)
    erase_factors(session, user_id, actor, at)
    return taken_back


def _closed(user: User) -> Act:
    return Act("account.closed", f"user:{user.id}", {"status": user.status}, {"status": UserStatus.CLOSED.value})


def _forget(session: Session, user: User, at: datetime) -> None:
    user_id = user.id
    _forget_ways_in(session, user_id, user.email, at)
    _forget_person(session, user_id, at)


def _forget_mail(session: Session, email: str) -> None:
    session.execute(delete(Mail).where(Mail.recipient == email))


def _forget_ways_in(session: Session, user_id: int, email: str, at: datetime) -> None:
    """Erase from where and how somebody came; sessions stay as numbers, which the record points at."""
    for table in (UserToken, SignIn, AccessHold, KnownPlace, IpAllow, StaffGrant):
        session.execute(delete(table).where(table.user_id == user_id))
    session.execute(update(UserSession).where(UserSession.user_id == user_id).values(ip="", agent=""))
    # That somebody agreed stays, as what was traded does; from where does not.
    session.execute(update(LegalAcceptanceRow).where(LegalAcceptanceRow.user_id == user_id).values(ip=""))
    to_them = update(Invite).where(Invite.email == email)
    session.execute(to_them.where(Invite.used_at.is_(None), Invite.revoked_at.is_(None)).values(revoked_at=at))
    session.execute(to_them.values(email=""))


def _forget_person(session: Session, user_id: int, at: datetime) -> None:
    """Leave a row that nobody can sign in to; the address is free for a new account."""
    erased = {
        "email": f"closed-{user_id}@closed.invalid",
        "display_name": NO_NAME,
        "password_hash": None,
        "password_at": None,
        "email_verified_at": None,
        "locale": "",
        "scheme": "",
        "time_zone": "",
        "currency": "",
        "status": UserStatus.CLOSED.value,
        "held_until": None,
        "hold_reason": None,
        "closed_at": at,
        "guest_until": None,
    }
    session.execute(update(User).where(User.id == user_id).values(erased))
