"""What subscriptions and strategies have become: compared with what they were when last looked at.

Their rows say how they are, not since when; what was known is kept beside the cursor.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.notices.cursor import Cursor, move_cursor, read_cursor
from copydesk.notices.model import Event, NoticeKind
from copydesk.notices.whose import WHOSE, facts_of

_SOURCE = "states"
_HALTED = frozenset({"paused", "suspended", "closed"})
_OUT_OF_SYNC = text(f"{WHOSE} WHERE s.state = 'out_of_sync' ORDER BY s.id")
_STRATEGIES = text("SELECT id, status FROM strategy WHERE status IN ('paused', 'suspended', 'closed') ORDER BY id")
_FOLLOWERS = text(f"{WHOSE} WHERE s.strategy_id = :strategy_id AND s.state <> 'ended' ORDER BY s.id")


def tell_states(session: TenantSession, now: datetime) -> list[Event]:
    """Return what has changed since the last look; the first look of all tells nothing."""
    before = read_cursor(session, _SOURCE)
    doubted = {str(row["subscription_id"]): dict(row) for row in session.execute(_OUT_OF_SYNC).mappings()}
    halted = {str(row.id): row.status for row in session.execute(_STRATEGIES)}
    known = {"out_of_sync": sorted(doubted, key=int), "halted": halted}
    if before is not None and known == before.known:
        return []
    looks = 1 if before is None else before.position + 1
    move_cursor(session, _SOURCE, Cursor(looks, known))
    if before is None:
        return []
    new_doubts = [doubted[one] for one in known["out_of_sync"] if one not in before.known["out_of_sync"]]
    new_halts = {one: status for one, status in halted.items() if before.known["halted"].get(one) != status}
    events = [_doubt(row, now, looks) for row in new_doubts]
    for strategy_id, status in new_halts.items():
        found = session.execute(_FOLLOWERS, {"strategy_id": int(strategy_id)}).mappings()
        events += [_halt(dict(row), status, now, looks) for row in found]
    return events


def _doubt(row: Mapping[str, Any], now: datetime, look: int) -> Event:
    facts = facts_of(row) | {"reason": row["state_reason"]}
    return Event(NoticeKind.OUT_OF_SYNC, row["user_id"], now, facts, f"out_of_sync:{row['subscription_id']}:{look}")


def _halt(row: Mapping[str, Any], status: str, now: datetime, look: int) -> Event:
    assert status in _HALTED, "others are not asked for"
    facts = facts_of(row) | {"status": status}
    return Event(NoticeKind.STRATEGY_PAUSED, row["user_id"], now, facts, f"{status}:{row['subscription_id']}:{look}")
