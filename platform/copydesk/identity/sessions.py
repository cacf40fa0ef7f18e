"""Sessions of signed-in browsers: begun, found, worth more after a second factor, and ended.

The cookie holds a random token, the table its hash: who reads the table cannot sign in. The token changes at sign-in,
at the second factor, at each step-up and where all others end, so that one from before is worth nothing afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, bindparam, exists, select, update
from sqlalchemy.orm import Session

from copydesk.db import TenantSession
from copydesk.identity.factors.tables import Passkey, TotpSecret
from copydesk.identity.legal.model import ASKED
from copydesk.identity.legal.tables import LegalVersionRow
from copydesk.identity.model import (
    FRESH_FACTORS,
    OWN_CHOICE,
    EndReason,
    Origin,
    Role,
    SessionLimits,
    SignInOutcome,
    UserStatus,
    Visitor,
)
from copydesk.identity.tables import SignIn, User, UserSession
from copydesk.identity.tokens import draw_token, token_hash
from copydesk.kernel import NotPermitted

SEEN_EVERY = timedelta(minutes=1)
# How long a session whose password was right waits for its second factor.
HALF_LASTS = timedelta(minutes=10)
AGENT_CHARS_MAX = 300


class SessionOver(NotPermitted):
    """Refuse to make more of a session that was ended meanwhile."""

    code = "session_over"


@dataclass(frozen=True, slots=True)
class Started:
    """A session that was just begun, and the secret that its browser keeps."""

    session_id: int
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FoundSession:
    """Whose session a token is; `seen_late` says that `note_seen` is due."""

    visitor: Visitor
    seen_late: bool


@dataclass(frozen=True, slots=True)
class SessionLine:
    """One open session as its owner sees it."""

    id: int
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    ip: str
    agent: str
    factor: str


def start_session(
    session: TenantSession, user_id: int, *, origin: Origin, limits: SessionLimits, at: datetime
) -> Started:
    """Begin a session of somebody whose password was right; the second factor is still to come."""
    token = draw_token()
    row = UserSession(
        tenant_id=session.tenant_id,
        user_id=user_id,
        token_hash=token_hash(token),
        created_at=at,
        seen_at=at,
        expires_at=at + limits.absolute,
        ip=origin.ip,
        agent=origin.agent[:AGENT_CHARS_MAX],
    )
    session.add(row)
    session.flush()
    return Started(row.id, token)


def find_session(session: Session, token: str, *, ip: str, idle: timedelta, at: datetime) -> FoundSession | None:
    """Return whose session a cookie's token is, without permissions; None where it is nobody's any more.

    One query by one index. A session is over when it was idle too long, when its time is up, when it was ended, when
    its second factor did not come, and when its user is no longer active. A guest's lasts as long as they are one:
    it is the only way to their demo account.
    """
    row = session.execute(_LOOKUP, {"token_hash": token_hash(token)}).one_or_none()
    if row is None or row.expires_at <= at or _is_left(row, idle, at):
        return None
    visitor = _visitor(row, ip)
    if not visitor.signed_in and row.created_at + HALF_LASTS <= at:
        return None
    return FoundSession(visitor, seen_late=at - row.seen_at >= SEEN_EVERY)


def former_owner(session: Session, token: str) -> int | None:
    """Return whose session a cookie's token was, also where it is over; None where it is nobody's."""
    row = session.execute(select(UserSession.user_id).where(UserSession.token_hash == token_hash(token)))
    return row.scalar_one_or_none()


def note_seen(session: Session, session_id: int, *, at: datetime) -> None:
    """Write down that a session was used; of requests at once only the first writes."""
    seen = update(UserSession).where(UserSession.id == session_id, UserSession.seen_at <= at - SEEN_EVERY)
    session.execute(seen.values(seen_at=at))


def pass_factor(session: TenantSession, session_id: int, factor: str, *, at: datetime) -> str:
    """Make a session whole with the factor that it just passed, and return its new token.

    Also for the first factor that somebody sets up: they proved it in this very session. One-time codes and passkeys
    count as a step-up besides; text messages and recovery codes do not.
    """
    values: dict[str, Any] = {"factor": factor}
    if factor in FRESH_FACTORS:
        values["stepped_up_at"] = at
    token, row = _renew(session, session_id, values)
    session.add(
        SignIn(
            tenant_id=session.tenant_id,
            user_id=row.user_id,
            at=at,
            ip=row.ip,
            agent=row.agent,
            outcome=SignInOutcome.SIGNED_IN,
            factor=factor,
            session_id=session_id,
        )
    )
    session.flush()
    return token


def step_up(session: Session, session_id: int, *, at: datetime) -> str:
    """Note that a session's factor was given just now, and return its new token."""
    return _renew(session, session_id, {"stepped_up_at": at})[0]


def renew_session(session: Session, session_id: int) -> str:
    """Give an open session a new token and return it: copies of the one from before open nothing any more."""
    return _renew(session, session_id, {})[0]


def end_session(
    session: Session, user_id: int, session_id: int, *, reason: EndReason = EndReason.REVOKED, at: datetime
) -> bool:
    """End one session of this user; tell whether it was open."""
    ended = update(UserSession).where(
        UserSession.user_id == user_id, UserSession.id == session_id, UserSession.ended_at.is_(None)
    )
    found = session.scalar(ended.values(ended_at=at, end_reason=str(reason)).returning(UserSession.id))
    return found is not None


def end_sessions(session: Session, user_id: int, *, reason: EndReason, at: datetime, keep: int | None = None) -> int:
    """End every open session of a user but `keep`, and return how many those were."""
    ended = update(UserSession).where(UserSession.user_id == user_id, UserSession.ended_at.is_(None))
    if keep is not None:
        ended = ended.where(UserSession.id != keep)
    return len(session.scalars(ended.values(ended_at=at, end_reason=str(reason)).returning(UserSession.id)).all())


def open_sessions(session: Session, user_id: int, *, idle: timedelta, at: datetime) -> list[SessionLine]:
    """List a user's sessions that still work, the last used first."""
    kept = (
        *(UserSession.id, UserSession.created_at, UserSession.seen_at, UserSession.expires_at),
        *(UserSession.ip, UserSession.agent, UserSession.factor),
    )
    query = select(*kept).where(
        UserSession.user_id == user_id,
        UserSession.ended_at.is_(None),
        UserSession.expires_at > at,
        UserSession.seen_at > at - idle,
    )
    return [SessionLine(*row) for row in session.execute(query.order_by(UserSession.seen_at.desc(), UserSession.id))]


def _renew(session: Session, session_id: int, values: dict[str, Any]) -> tuple[str, Row[int, str, str]]:
    """Change an open session under a new token; the one from before opens nothing any more. Raises `SessionOver`."""
    token = draw_token()
    renewed = update(UserSession).where(UserSession.id == session_id, UserSession.ended_at.is_(None))
    renewed = renewed.values(token_hash=token_hash(token), **values)
    row = session.execute(renewed.returning(UserSession.user_id, UserSession.ip, UserSession.agent)).one_or_none()
    if row is None:
        raise SessionOver("This session is over: sign in again.")
    return token, row


def _lookup() -> Select[Any]:
    has_totp = exists().where(
        TotpSecret.tenant_id == User.tenant_id, TotpSecret.user_id == User.id, TotpSecret.confirmed
    )
    has_passkey = exists().where(Passkey.tenant_id == User.tenant_id, Passkey.user_id == User.id)
    # The imprint asks nobody; beside it the newest material text has to be known to whoever goes on.
    legal_due = exists().where(
        LegalVersionRow.tenant_id == User.tenant_id,
        LegalVersionRow.material,
        LegalVersionRow.kind.in_([str(kind) for kind in ASKED]),
        LegalVersionRow.id > User.legal_accepted_id,
    )
    columns: tuple[Any, ...] = (
        *(UserSession.id.label("session_id"), UserSession.created_at, UserSession.seen_at, UserSession.expires_at),
        *(UserSession.factor, UserSession.stepped_up_at),
        *(User.id.label("user_id"), User.email, User.display_name, User.role, User.held_until),
        *(User.scheme, User.time_zone, User.currency, User.guest_until),
        *(has_totp.label("has_totp"), has_passkey.label("has_passkey"), legal_due.label("legal_due")),
    )
    owner = (User.tenant_id == UserSession.tenant_id) & (User.id == UserSession.user_id)
    return (
        select(*columns)
        .join_from(UserSession, User, owner)
        .where(
            UserSession.token_hash == bindparam("token_hash"),
            UserSession.ended_at.is_(None),
            User.status == UserStatus.ACTIVE,
        )
    )


_LOOKUP = _lookup()


def _visitor(row: Row[Any], ip: str) -> Visitor:
    role = Role(row.role)
    return Visitor(
        user_id=row.user_id,
        role=role,
        session_id=row.session_id,
        email="" if row.guest_until else row.email,
        display_name=row.display_name,
        ip=ip,
        enrolled=_enrolled(row, role),
        factor=row.factor,
        stepped_up_at=row.stepped_up_at,
        held_until=row.held_until,
        permissions=frozenset(),
        legal_due=row.legal_due and role in OWN_CHOICE,
        scheme=row.scheme,
        time_zone=row.time_zone,
        currency=row.currency,
        guest_until=row.guest_until,
    )


def _is_left(row: Row[Any], idle: timedelta, at: datetime) -> bool:
    """Tell whether a session was left alone for too long."""
    if row.guest_until is not None:
        return bool(row.guest_until <= at)
    return bool(row.seen_at + idle <= at)


def _enrolled(row: Row[Any], role: Role) -> bool:
    """Whatever there is must be passed first; after that an operator without a passkey still has to set one up."""
    if role is Role.OPERATOR and row.factor:
        return bool(row.has_passkey)
    return bool(row.has_totp or row.has_passkey)
