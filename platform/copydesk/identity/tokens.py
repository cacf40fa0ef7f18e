"""Secrets that a browser or a mail carries: drawn here, stored only as their hash, worth something once.

A token has 256 random bits, so that a plain SHA-256 keeps it (OWASP ASVS 5.0 V11.4: no password hash is needed above
128 bits of entropy).
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from copydesk.db import TenantSession
from copydesk.identity.tables import UserToken

TOKEN_BYTES = 32
_TEXT_MAX = 128


class TokenKind(StrEnum):
    """What a link in a mail is for."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - a purpose
    KEEP_GUEST = "keep_guest"


LIFETIMES = {
    TokenKind.VERIFY_EMAIL: timedelta(hours=24),
    TokenKind.RESET_PASSWORD: timedelta(hours=1),
    TokenKind.KEEP_GUEST: timedelta(hours=24),
}


def draw_token() -> str:
    """Return a new secret, fit for an address and a cookie."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> bytes:
    """Return what is stored of a token; anything may come from outside, so that only its beginning is looked at."""
    return hashlib.sha256(token[:_TEXT_MAX].encode("utf-8", "surrogatepass")).digest()


def issue_token(session: TenantSession, user_id: int, kind: TokenKind, *, at: datetime) -> str:
    """Store a link of one kind for a user and return its secret; earlier ones of the kind end."""
    end_tokens(session, user_id, kind, at=at)
    token = draw_token()
    session.add(
        UserToken(
            tenant_id=session.tenant_id,
            user_id=user_id,
            kind=str(kind),
            token_hash=token_hash(token),
            created_at=at,
            expires_at=at + LIFETIMES[kind],
        )
    )
    session.flush()
    return token


def token_owner(session: Session, kind: TokenKind, token: str, *, at: datetime) -> int | None:
    """Return whose link this is, None where it is used up, too old or nobody's; it stays as good as it was."""
    return session.scalar(select(UserToken.user_id).where(*_good(kind, token, at)))


def use_token(session: Session, kind: TokenKind, token: str, *, at: datetime) -> int | None:
    """Use a link up and return whose it was; of any number of uses at once exactly one gets the user."""
    used = update(UserToken).where(*_good(kind, token, at)).values(used_at=at)
    return session.scalar(used.returning(UserToken.user_id))


def end_tokens(session: Session, user_id: int, kind: TokenKind | None = None, *, at: datetime) -> None:
    """End a user's links that were not used, of one kind or of every kind."""
    ended = update(UserToken).where(UserToken.user_id == user_id, UserToken.used_at.is_(None))
    if kind is not None:
        ended = ended.where(UserToken.kind == kind)
    session.execute(ended.values(used_at=at))


def _good(kind: TokenKind, token: str, at: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        UserToken.token_hash == token_hash(token),
        UserToken.kind == kind,
        UserToken.used_at.is_(None),
        UserToken.expires_at > at,
    )
