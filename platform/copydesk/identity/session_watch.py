"""Which sessions still stand: for what goes on beside pages and has to end with them. Read-only."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.db import number_array

# As `sessions.find_session` has it. Whether a second factor was passed is not asked: who was let in once has passed it.
_STANDING = text(
    """
    SELECT s.id FROM user_session s JOIN user_account u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
    WHERE s.id = ANY(CAST(:ids AS bigint[])) AND s.ended_at IS NULL AND s.expires_at > :at AND u.status = 'active'
      AND CASE WHEN u.guest_until IS NULL THEN s.seen_at > :used_since ELSE u.guest_until > :at END
    """
)


def standing(session: Session, ids: Collection[int], *, idle: timedelta, at: datetime) -> frozenset[int]:
    """Return those sessions that a page would still be shown to: not ended, not left alone, their user active."""
    if not ids:
        return frozenset()
    values = {"ids": number_array([*ids]), "at": at, "used_since": at - idle}
    return frozenset(session.execute(_STANDING, values).scalars())
