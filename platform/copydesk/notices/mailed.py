"""Mail that is a notice besides: what touched somebody's sign-in or keys was mailed by those who did it.

The letters are theirs; here it comes to stand in the centre and goes to the quicker channels. Facts that only the
mail's reader may know are sealed in it, and not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text

from copydesk.db import TenantSession, word_array
from copydesk.notices.model import KIND_FACTS, Event, NoticeKind
from copydesk.notices.source import Row, Source
from copydesk.notifications import Kind

_SECURITY = frozenset(
    {
        Kind.PASSWORD_CHANGED,
        Kind.NEW_LOCATION,
        Kind.FACTOR_ADDED,
        Kind.FACTOR_REMOVED,
        Kind.RECOVERY_USED,
        Kind.KEY_CONNECTED,
    }
)
_KEYS = frozenset({Kind.KEY_REFUSED, Kind.KEY_DISARMED, Kind.KEY_EXPIRES})
_KINDS = word_array(sorted(_SECURITY | _KEYS))

_NEWEST = text("SELECT max(id) FROM mail")
# Owners hear of their staff's sign-ins by mail; `who` says that the mail is about somebody else.
_ROWS = text(
    """
    SELECT m.id, m.queued_at AS stored_at, m.kind, m.facts, m.queued_at AS at, u.id AS user_id
    FROM mail m LEFT JOIN user_account u ON u.tenant_id = m.tenant_id AND u.email = m.recipient
         AND m.kind = ANY(CAST(:kinds AS text[])) AND NOT m.facts ? 'who'
    WHERE m.id > :position ORDER BY m.id LIMIT :most
    """
).bindparams(kinds=_KINDS)


def tell_mailed(_session: TenantSession, rows: Sequence[Row], _now: datetime) -> list[Event]:
    """Return what mails tell besides."""
    return [_event(row) for row in rows if row.user_id is not None]


def _event(row: Row) -> Event:
    kind = NoticeKind.KEY_PROBLEM if row.kind in _KEYS else NoticeKind.SECURITY
    facts = {name: value for name, value in row.facts.items() if name in KIND_FACTS[kind]} | {"what": row.kind}
    return Event(kind, row.user_id, row.at, facts, f"mail:{row.id}")


MAILED = Source("mailed", _NEWEST, _ROWS, tell_mailed)
