"""Asks in one statement whether there is anything to do for a brand: nearly always there is not.

Numbers alone would not show a row that is committed after one with a higher number: whoever saw a change looks again
until that can no longer be (`cursor.SETTLED_AFTER`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.notices.cursor import SETTLED_AFTER

_PROBE = text(
    """
    SELECT ARRAY[
        (SELECT max(id) FROM copy), (SELECT max(id) FROM signal), (SELECT max(id) FROM risk_act),
        (SELECT max(id) FROM strategy_news), (SELECT max(id) FROM mail), (SELECT max(id) FROM announcement),
        (SELECT sum(hashint8(id)) FROM subscription WHERE state = 'out_of_sync'),
        (SELECT sum(hashtext(id || status)) FROM strategy WHERE status IN ('paused', 'suspended', 'closed'))
    ] AS marks,
    EXISTS (SELECT FROM notice_open_copy) AS open,
    EXISTS (SELECT FROM notice WHERE told_at IS NULL) AS untold,
    EXISTS (SELECT FROM notice_delivery WHERE state = 'waiting' AND due_at <= :now) AS due,
    EXISTS (SELECT FROM notice_address WHERE code_hash IS NOT NULL AND code_until >= :now) AS awaited
    """
)


class Pending(NamedTuple):
    """What there is to do: something may be new, undecided or due; somebody may open the brand's bot."""

    new: bool
    untold: bool
    due: bool
    awaited: bool


class Probe:
    """Remembers what brands looked like, and until when to look again all the same."""

    def __init__(self) -> None:
        self._marks: dict[int, tuple[Any, datetime]] = {}

    def look(self, session: TenantSession, now: datetime) -> Pending:
        """Ask about the session's brand."""
        row = session.execute(_PROBE, {"now": now}).one()
        known, settled_at = self._marks.get(session.tenant_id, (None, now))
        if known != row.marks:
            settled_at = now + SETTLED_AFTER
            self._marks[session.tenant_id] = (row.marks, settled_at)
        return Pending(row.open or now <= settled_at, row.untold, row.due, row.awaited)

    def forget(self, tenant_id: int) -> None:
        """Look again the next time: what was found could not be stored."""
        self._marks.pop(tenant_id, None)
