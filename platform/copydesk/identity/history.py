"""Who tried to sign in, when, from where, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from copydesk.db import TenantSession
from copydesk.identity.model import Origin, SignInOutcome
from copydesk.identity.sessions import AGENT_CHARS_MAX
from copydesk.identity.tables import SignIn, UserSession, UserToken

PAGE_ROWS = 50
_AT_ONCE = 500
# Tries at addresses that nobody has are many and tell little.
UNKNOWN_KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class SignInLine:
    """One try, as the account's owner sees it."""

    id: int
    at: datetime
    ip: str
    agent: str
    outcome: SignInOutcome
    factor: str
    session_id: int | None


def note_try(
    session: TenantSession,
    user_id: int | None,
    origin: Origin,
    outcome: SignInOutcome,
    *,
    at: datetime,
    session_id: int | None = None,
) -> None:
    """Write one try down; without a user where nobody has the address that was typed."""
    session.add(
        SignIn(
            tenant_id=session.tenant_id,
            user_id=user_id,
            at=at,
            ip=origin.ip,
            agent=origin.agent[:AGENT_CHARS_MAX],
            outcome=str(outcome),
            session_id=session_id,
        )
    )
    session.flush()


def sign_in_history(session: Session, user_id: int, *, before_id: int | None = None) -> list[SignInLine]:
    """Return a page of somebody's own tries, the latest first; `before_id` continues it."""
    query = select(SignIn).where(SignIn.user_id == user_id)
    if before_id is not None:
        query = query.where(SignIn.id < before_id)
    rows = session.scalars(query.order_by(SignIn.id.desc()).limit(PAGE_ROWS))
    return [
        SignInLine(row.id, row.at, row.ip, row.agent, SignInOutcome(row.outcome), row.factor, row.session_id)
        for row in rows
    ]


def forget_own(session: Session, user_id: int, *, at: datetime, kept: timedelta) -> None:
    """Drop somebody's sessions and links that are long over: they say from where people came."""
    for table in (UserSession, UserToken):
        session.execute(delete(table).where(table.user_id == user_id, table.expires_at < at - kept))


def forget_tries(session: Session, *, at: datetime, kept: timedelta) -> None:
    """Drop tries that are older than a brand keeps them; those at nobody's account are kept for a week."""
    nobodys = SignIn.user_id.is_(None) & (SignIn.at < at - UNKNOWN_KEPT)
    old = select(SignIn.id).where(or_(SignIn.at < at - kept, nobodys)).limit(_AT_ONCE)
    session.execute(delete(SignIn).where(SignIn.id.in_(old.with_for_update(skip_locked=True))))
