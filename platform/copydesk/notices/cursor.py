"""How far each source was read, so that nothing is missed and little is read twice.

Rows get their numbers before they are committed: one with a smaller number may come to be seen after one with a larger.
So a cursor only moves past rows that are older than any transaction lasts; the newest are read again each time, and
whoever reads them knows which they have told already (`Seen`); the keys of notices catch the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from sqlalchemy import text

from copydesk.db import TenantSession

# Longer than any transaction of ours that stores something to tell.
SETTLED_AFTER = timedelta(seconds=30)

_READ = text("SELECT position, known FROM notice_cursor WHERE source = :source")
_MOVE = text(
    """
    INSERT INTO notice_cursor (tenant_id, source, position, known)
    VALUES (:tenant_id, :source, :position, CAST(:known AS jsonb))
    ON CONFLICT (tenant_id, source) DO UPDATE
    SET position = greatest(notice_cursor.position, excluded.position), known = excluded.known
    """
)
_NO_FACTS: Mapping[str, Any] = {}


class Cursor(NamedTuple):
    """Where a source was left: all rows up to `position` are told; `known` is what the present is compared with."""

    position: int
    known: Mapping[str, Any] = _NO_FACTS


class Numbered(Protocol):
    """A row with its number, and when it was stored."""

    @property
    def id(self) -> int: ...

    @property
    def stored_at(self) -> datetime: ...


class Seen:
    """Which of the newest rows were told already by this process; forgotten once the cursor is past them."""

    def __init__(self) -> None:
        self._ids: dict[tuple[int, str], set[int]] = {}

    def of(self, tenant_id: int, source: str) -> frozenset[int]:
        """Return the rows of a source that need not be told again."""
        return frozenset(self._ids.get((tenant_id, source), ()))

    def add(self, tenant_id: int, source: str, ids: Iterable[int], *, position: int) -> None:
        """Note rows as told, once what tells of them is committed."""
        known = self._ids.setdefault((tenant_id, source), set())
        known.update(ids)
        self._ids[tenant_id, source] = {one for one in known if one > position}


def read_cursor(session: TenantSession, source: str) -> Cursor | None:
    """Return where a source was left; None where it was never read."""
    row = session.execute(_READ, {"source": source}).one_or_none()
    return None if row is None else Cursor(row.position, row.known)


def move_cursor(session: TenantSession, source: str, cursor: Cursor) -> None:
    """Keep how far a source was read; it never goes back."""
    values = {"tenant_id": session.tenant_id, "source": source, "position": cursor.position}
    session.execute(_MOVE, values | {"known": json.dumps(dict(cursor.known))})


def settled(rows: Sequence[Numbered], position: int, now: datetime) -> int:
    """Return how far a cursor may move after these rows, which are in the order of their numbers. Pure."""
    for row in rows:
        if row.stored_at > now - SETTLED_AFTER:
            break
        position = row.id
    return position
