"""A new password: by a link for who forgot it, or by who knows the old one.

A reset opens nothing by itself: whoever has a second factor is asked for it afterwards as ever, and key changes and
payouts rest for a day, because a mailbox may be in the wrong hands.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from copydesk.audit import Act, Actor, ActorKind, record
from copydesk.db import TenantSession
from copydesk.identity.access.holding import place_hold
from copydesk.identity.access.holds import HoldReason
from copydesk.identity.addresses import plain_email
from copydesk.identity.model import EndReason, UserStatus
from copydesk.identity.passwords import plain_password
from copydesk.identity.registration import LinkOver, confirm_address, count_asking
from copydesk.identity.sessions import end_sessions, renew_session
from copydesk.identity.tables import User
from copydesk.identity.throttle import TooManyTries, by_address, by_user, count_try, take_back
from copydesk.identity.throttle_rules import Scope
from copydesk.identity.tokens import LIFETIMES, TokenKind, end_tokens, issue_token, token_owner, use_token
from copydesk.identity.visit import Visit
from copydesk.kernel import InvalidInput, Refused

_RESETTABLE = (UserStatus.ACTIVE, UserStatus.PENDING)


class PasswordWrong(Refused):
    """Refuse an act that asks for the password once more."""

    code = "password_wrong"
    http_status = 422


def ask_reset(visit: Visit, typed_email: str) -> None:
    """Send a link for a new password to whoever has this address; nobody learns whether anybody does.

    Raises `TooManyTries` for a network that asks all the time, `InvalidInput` for what is no address.
    """
    email = plain_email(typed_email)
    count_asking(visit)
    try:
        with visit.transaction() as session:
            count_try(session, (by_address(email, Scope.MAIL),), at=visit.at)
            _send_reset(visit, session, email)
    except TooManyTries:
        return  # The address had its mails; to say so would tell the asker nothing that they may know.


def reset_owner(session: Session, token: str, *, at: datetime) -> User:
    """Return whose link this is, and use nothing up; raises `LinkOver`."""
    user_id = token_owner(session, TokenKind.RESET_PASSWORD, token, at=at)
    user = session.scalars(select(User).where(User.id == user_id, User.status.in_(_RESETTABLE))).one_or_none()
    if user is None:
        raise LinkOver("This link was used already or is too old.")
    return user


def reset_password(visit: Visit, token: str, password: str) -> None:
    """Set a new password by a link, end every session, and let key changes and payouts rest for a day.

    Raises `LinkOver`; of any number of uses at once exactly one succeeds.
    """
    hashed = visit.hashing.hash(plain_password(password))
    with visit.transaction() as session:
        user_id = use_token(session, TokenKind.RESET_PASSWORD, token, at=visit.at)
        if user_id is None:
            raise LinkOver("This link was used already or is too old.")
        _store_password(visit, session, user_id, hashed)
        confirm_address(visit, session, user_id)
        ended = end_sessions(session, user_id, reason=EndReason.PASSWORD_RESET, at=visit.at)
        end_tokens(session, user_id, at=visit.at)
        until = place_hold(session, visit.tenant_id, user_id, HoldReason.PASSWORD_RESET, at=visit.at)
        after = {"sessions_ended": ended, "held_until": until.isoformat()}
        _tell(visit, session, user_id, Act("password.reset", f"user:{user_id}", after=after), until)


def change_password(visit: Visit, user_id: int, *, old: str, new: str, keep: int) -> str:
    """Set a new password for who knows the old one, and end every other session; `keep` is the one that asks.

    Return the new token of that one: whoever changes a password may do so because somebody has a copy. Raises
    `PasswordWrong`, `InvalidInput` for the same password again, and `TooManyTries`.
    """
    require_password(visit, user_id, old)
    if plain_password(old) == plain_password(new):
        raise InvalidInput("password: expected another one than now")
    hashed = visit.hashing.hash(plain_password(new))
    with visit.transaction() as session:
        _store_password(visit, session, user_id, hashed)
        ended = end_sessions(session, user_id, reason=EndReason.PASSWORD_CHANGED, at=visit.at, keep=keep)
        end_tokens(session, user_id, at=visit.at)
        _tell(visit, session, user_id, Act("password.changed", f"user:{user_id}", after={"sessions_ended": ended}))
        return renew_session(session, keep)


def require_password(visit: Visit, user_id: int, password: str) -> None:
    """Raise `PasswordWrong` unless this is the user's password; tries are counted as at sign-in."""
    counted = (by_user(user_id),)
    with visit.transaction() as session:
        count_try(session, counted, at=visit.at)
        stored = session.scalar(select(User.password_hash).where(User.id == user_id))
    if not visit.hashing.matches(stored, plain_password(password)):
        raise PasswordWrong("This is not your password.")
    with visit.transaction() as session:
        take_back(session, counted, at=visit.at)


def _send_reset(visit: Visit, session: TenantSession, email: str) -> None:
    """Send the link; for an address that nobody has, do all the same and take it back: it must not answer sooner."""
    named = User.status.in_(_RESETTABLE) & (User.email == email)
    query = select(User).where(or_(named, User.id == select(func.min(User.id)).scalar_subquery()))
    user = session.scalars(query.order_by(named.desc()).limit(1)).one_or_none()
    if user is None:
        return  # Nobody at all is here yet.
    with session.begin_nested() as sent:
        _queue_reset(visit, session, user)
        if user.email != email or user.status not in _RESETTABLE:
            sent.rollback()


def _queue_reset(visit: Visit, session: TenantSession, user: User) -> None:
    token = issue_token(session, user.id, TokenKind.RESET_PASSWORD, at=visit.at)
    minutes = str(LIFETIMES[TokenKind.RESET_PASSWORD] // timedelta(minutes=1))
    visit.write(session, user, "reset_password", link=f"/account/reset/{token}", minutes=minutes)
    visit.note(session, Act("password.reset_asked", f"user:{user.id}"))


def _store_password(visit: Visit, session: Session, user_id: int, hashed: str) -> None:
    session.execute(update(User).where(User.id == user_id).values(password_hash=hashed, password_at=visit.at))


def _tell(visit: Visit, session: Session, user_id: int, act: Act, held_until: datetime | None = None) -> None:
    """Write to the account's owner, who may not be the one who did it."""
    user = session.scalars(select(User).where(User.id == user_id)).one()
    facts = {"at": visit.at.isoformat(), "ip": visit.origin.ip}
    if held_until is not None:
        facts["held_until"] = held_until.isoformat()
    visit.write(session, user, "password_changed", link="/account/sessions", **facts)
    actor = Actor(ActorKind.USER, user_id, visit.actor.session_id, visit.origin.ip)
    record(session, visit.tenant_id, actor, act.name, act.subject, at=visit.at, after=act.after)
