"""The way into the operator's console: a link that opens it once, then a session of some hours. Of tokens only digests
are kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from copydesk.estate.tables import OperatorLink, OperatorSession

LINK_LASTS = timedelta(minutes=10)
SESSION_LASTS = timedelta(hours=8)
_TOKEN_BYTES = 32
_TOKEN_CHARS_MAX = 128
# For how long it can be seen who came in.
_KEPT = timedelta(days=90)


def make_link(session: Session, *, at: datetime) -> tuple[str, datetime]:
    """Return what a link into the console carries, and until when it opens it."""
    session.execute(delete(OperatorLink).where(OperatorLink.ends_at < at - _KEPT))
    session.execute(delete(OperatorSession).where(OperatorSession.ends_at < at - _KEPT))
    token, ends_at = secrets.token_urlsafe(_TOKEN_BYTES), at + LINK_LASTS
    session.add(OperatorLink(digest=_digest(token), made_at=at, ends_at=ends_at))
    return token, ends_at


def enter(session: Session, token: str, *, ip: str, at: datetime) -> tuple[str, datetime] | None:
    """Use a link up, and return a session's token and end; None for a link that is unknown, late or used."""
    if not token or len(token) > _TOKEN_CHARS_MAX:
        return None
    unused = OperatorLink.used_at.is_(None), OperatorLink.ends_at > at
    link = update(OperatorLink).where(OperatorLink.digest == _digest(token), *unused).values(used_at=at)
    if session.execute(link.returning(OperatorLink.digest)).first() is None:
        return None
    entered, ends_at = secrets.token_urlsafe(_TOKEN_BYTES), at + SESSION_LASTS
    session.add(OperatorSession(digest=_digest(entered), ip=ip, begun_at=at, ends_at=ends_at))
    return entered, ends_at


def opens(session: Session, token: str | None, *, at: datetime) -> bool:
    """Tell whether a session's token still opens the console."""
    if not token or len(token) > _TOKEN_CHARS_MAX:
        return False
    running = OperatorSession.ended_at.is_(None), OperatorSession.ends_at > at
    found = session.execute(select(OperatorSession.id).where(OperatorSession.digest == _digest(token), *running))
    return found.first() is not None


def leave(session: Session, token: str, *, at: datetime) -> None:
    """End one session."""
    ended = update(OperatorSession).where(OperatorSession.digest == _digest(token), OperatorSession.ended_at.is_(None))
    session.execute(ended.values(ended_at=at))


def end_all(session: Session, *, at: datetime) -> int:
    """End every session and every link that was not used yet; return how many of both."""
    sessions = update(OperatorSession).where(OperatorSession.ended_at.is_(None), OperatorSession.ends_at > at)
    links = update(OperatorLink).where(OperatorLink.used_at.is_(None), OperatorLink.ends_at > at)
    ended = session.execute(sessions.values(ended_at=at).returning(OperatorSession.id)).all()
    void = session.execute(links.values(ends_at=at).returning(OperatorLink.digest)).all()
    return len(ended) + len(void)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
