"""Puts aside accounts whose key an exchange refuses in the middle of work, but not for the key that they had before.

Who renews a key deletes the old one at the exchange, often while somebody here still holds it: what is refused then
says nothing of the new one. Apart from the rest of the package, as `versions` is.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.vault import quarantine

# No role holds an opened key for longer once it was replaced (see `workers.key_news`), nor waits so long for an order.
_LOCK = text("SELECT id FROM account WHERE id = :id AND status = 'active' FOR NO KEY UPDATE")
_CHANGED_AT = text("SELECT changed_at FROM account_key WHERE account_id = :id")
# An account's first key, which is noted with the account or soon after, has none before it that could be meant.
_FRESH = text(
    """
    SELECT EXISTS (SELECT 1 FROM account_key k JOIN account a ON a.tenant_id = k.tenant_id AND a.id = k.account_id
        WHERE a.id = :id AND k.changed_at > a.created_at + interval '5 seconds'
        AND k.changed_at > clock_timestamp() - interval '1 minute'
        AND k.changed_at < clock_timestamp() + interval '1 minute')
    """
)


def key_changed_at(session: TenantSession, account_id: int) -> datetime | None:
    """Return when an account's sealed key was stored or replaced last; None before any desk has seen it."""
    found: datetime | None = session.execute(_CHANGED_AT, {"id": account_id}).scalar()
    return found


def put_aside(session: TenantSession, account_id: int, reason: str, *, changed_at: datetime | None) -> bool:
    """Mark an account unusable whose key is refused; False where it has another key than at `changed_at`."""
    if not _locked(session, account_id) or key_changed_at(session, account_id) != changed_at:
        return False
    quarantine(session, account_id, reason)
    return True


def put_aside_unless_fresh(session: TenantSession, account_id: int, reason: str) -> bool:
    """Do so for who does not know which key was refused: one that was renewed a minute ago may not be the one."""
    if not _locked(session, account_id) or session.execute(_FRESH, {"id": account_id}).scalar_one():
        return False
    quarantine(session, account_id, reason)
    return True


def _locked(session: TenantSession, account_id: int) -> bool:
    # What is read next must be what stands once the row is ours: no statement of its own sees both.
    return session.execute(_LOCK, {"id": account_id}).scalar() is not None
