"""In which language somebody reads the site and gets mails: kept with their account."""

from __future__ import annotations

from sqlalchemy import update

from copydesk.db import TenantSession
from copydesk.identity.tables import User


def keep_language(session: TenantSession, user_id: int, locale: str) -> None:
    """Store the language that somebody chose; mails follow it, and so does the next browser they sign in with."""
    session.execute(update(User).where(User.id == user_id, User.locale != locale).values(locale=locale))
