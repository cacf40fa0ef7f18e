"""Looks for news in what others have stored, and stores a notice for everybody whom it concerns.

Safe to run at any time, twice, and by several processes: one at a time looks at a brand, and each notice is stored
once. What happened before the first look of all is history, and not told.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import text

from copydesk.db import Database, TenantSession
from copydesk.notices.acts import ACTS, MARGIN
from copydesk.notices.copies import COPIES, tell_ended
from copydesk.notices.cursor import Cursor, Seen, move_cursor, read_cursor, settled
from copydesk.notices.mailed import MAILED
from copydesk.notices.model import Event
from copydesk.notices.source import ROWS_AT_ONCE, Source
from copydesk.notices.states import tell_states
from copydesk.notices.store import note
from copydesk.notices.watchers import ANNOUNCEMENTS, TRADES

SOURCES = (ACTS, COPIES, MARGIN, MAILED, TRADES, ANNOUNCEMENTS)
_TURN = text("SELECT pg_try_advisory_xact_lock(170018, CAST(:tenant_id AS int))")


class Collector:
    """Collects the news of brands; knows which of the newest rows it has told already."""

    def __init__(self, database: Database, sources: Iterable[Source] = SOURCES) -> None:
        self._db = database
        self._sources = tuple(sources)
        self._seen = Seen()

    def look(self, tenant_id: int, now: datetime) -> int:
        """Store what is new of a brand, and return how many notices that are. Raises the driver's errors."""
        stored = sum(self._look(tenant_id, source, now) for source in self._sources)
        with self._db.tenant(tenant_id) as session:
            if _has_turn(session):
                stored += len(note(session, [*tell_ended(session), *tell_states(session, now)]))
        return stored

    def _look(self, tenant_id: int, source: Source, now: datetime) -> int:
        """Read a source to its end, some rows in each transaction."""
        stored, after = 0, None
        while True:
            with self._db.tenant(tenant_id) as session:
                if not _has_turn(session):
                    return stored
                cursor = read_cursor(session, source.name)
                if cursor is None:
                    _begin(session, source)
                    return stored
                seen = self._seen.of(tenant_id, source.name)
                begin = cursor.position if after is None else after
                rows = session.execute(source.rows, {"position": begin, "most": ROWS_AT_ONCE}).all()
                new = [row for row in rows if row.id not in seen]
                events: list[Event] = source.tell(session, new, now) if new else []
                stored += len(note(session, events))
                # Past rows that are too young to be left behind, it only reads on.
                position = settled(rows, begin, now) if begin == cursor.position else cursor.position
                if position > cursor.position:
                    move_cursor(session, source.name, Cursor(position))
            self._seen.add(tenant_id, source.name, (row.id for row in new), position=position)
            if len(rows) < ROWS_AT_ONCE:
                return stored
            after = rows[-1].id


def _has_turn(session: TenantSession) -> bool:
    """Tell whether nobody else looks at this brand just now; the turn ends with the transaction."""
    return bool(session.execute(_TURN, {"tenant_id": session.tenant_id}).scalar())


def _begin(session: TenantSession, source: Source) -> None:
    move_cursor(session, source.name, Cursor(session.execute(source.newest).scalar() or 0))
