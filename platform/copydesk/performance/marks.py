"""Prices by the minute: recorded while somebody holds an instrument, read into arrays. Public, the installation's.

A price counts from the next whole minute on, and is never changed: what was folded before stays as it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, Protocol

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.analytics import Marks
from copydesk.analytics.record import Floats, Whole
from copydesk.db import Database, array_literal
from copydesk.marks import place_name
from copydesk.performance.ledger import symbol_of
from copydesk.performance.wire import read_array
from copydesk.trading import Environment

_MINUTE = timedelta(minutes=1)
# A year of one instrument takes 8 MB.
_CACHED_MAX = 48

_RECORD = text(
    """
    INSERT INTO mark_minute (place, symbol, at, px)
    SELECT :place, told.symbol, :at, told.px
    FROM unnest(CAST(:symbols AS text[]), CAST(:pxs AS numeric[])) AS told (symbol, px)
    WHERE told.px > 0 ON CONFLICT DO NOTHING RETURNING 1
    """
)
_ROOM = text("SELECT performance_room('mark_minute', :at, :at)")
# A fee in a third coin is worth what that coin is worth: its price is wanted while the account trades.
_HELD = text(
    """
    SELECT a.venue, a.environment, b.symbol FROM leader_book b
    JOIN strategy s ON s.tenant_id = b.tenant_id AND s.id = b.strategy_id
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id WHERE b.qty <> 0
    UNION
    SELECT a.venue, a.environment, b.symbol FROM book b
    JOIN subscription s ON s.tenant_id = b.tenant_id AND s.id = b.subscription_id
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id WHERE b.qty <> 0
    UNION
    SELECT a.venue, a.environment, fee.currency || '/' || quote.currency
    FROM strategy s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    CROSS JOIN LATERAL (SELECT e.symbol, e.fee_currency AS currency FROM execution e
                        WHERE e.tenant_id = s.tenant_id AND e.account_id = s.account_id AND e.fee <> 0
                        ORDER BY e.seq DESC LIMIT 20) AS fee
    CROSS JOIN LATERAL (SELECT split_part(split_part(fee.symbol, ':', 1), '/', 2) AS currency) AS quote
    WHERE s.status IN ('probation', 'live', 'paused', 'suspended') AND fee.currency <> quote.currency
      AND fee.currency <> split_part(fee.symbol, '/', 1) AND fee.currency <> ''
    """
)
_MARKS = """
    SELECT wanted.which, extract(epoch FROM m.at) AS at_s, m.px
    FROM unnest(CAST(%(symbols)s AS text[])) WITH ORDINALITY AS wanted (symbol, which)
    CROSS JOIN LATERAL (
        SELECT coalesce(max(b.at), %(since)s) AS at FROM mark_minute b WHERE b.place = %(place)s
        AND b.symbol = wanted.symbol AND b.at <= %(since)s AND b.at >= CAST(%(since)s AS timestamptz) - interval '1 day'
    ) AS first
    JOIN mark_minute m ON m.place = %(place)s AND m.symbol = wanted.symbol AND m.at >= first.at AND m.at <= %(until)s
        AND m.at >= CAST(%(since)s AS timestamptz) - interval '1 day'
    ORDER BY wanted.which, m.at
"""


class MarkLine(NamedTuple):
    """An instrument's prices, oldest first: seconds since 1970 and the price, one length."""

    at_s: Whole
    px: Floats


class MarkReader(Protocol):
    """How prices are had: as `marks_of` reads them."""

    def __call__(
        self, session: Session, place: str, symbols: Collection[str], *, since: datetime, until: datetime
    ) -> Mapping[str, MarkLine]: ...


class MarkCache:
    """Read each instrument's prices once for many records, all of them from one moment on."""

    def __init__(self, since: datetime, until: datetime) -> None:
        self._since = since
        self._until = until
        self._known: dict[tuple[str, str], MarkLine | None] = {}

    def __call__(
        self, session: Session, place: str, symbols: Collection[str], *, since: datetime, until: datetime
    ) -> Mapping[str, MarkLine]:
        """Return the prices of instruments from the last one before `since` on; see `marks_of`."""
        missing = [symbol for symbol in symbols if (place, symbol) not in self._known]
        if len(self._known) + len(missing) > _CACHED_MAX:
            self._known.clear()
            missing = list(symbols)
        found = marks_of(session, place, missing, since=self._since, until=self._until)
        self._known |= {(place, symbol): found.get(symbol) for symbol in missing}
        lines = {symbol: line for symbol in symbols if (line := self._known[place, symbol]) is not None}
        bounds = (int(since.timestamp()), int(until.timestamp()))
        return {symbol: cut for symbol, line in lines.items() if len((cut := _between(line, *bounds)).at_s)}


def _between(line: MarkLine, since_s: int, until_s: int) -> MarkLine:
    first = max(int(np.searchsorted(line.at_s, since_s, "right")) - 1, 0)
    last = int(np.searchsorted(line.at_s, until_s, "right"))
    return MarkLine(line.at_s[first:last], line.px[first:last])


def marks_by_place(names: Sequence[str], lines: Mapping[str, MarkLine]) -> dict[int, Marks]:
    """Return the prices of instruments by their places."""
    return {
        place: Marks(line.at_s, line.px)
        for place, name in enumerate(names)
        if (line := lines.get(symbol_of(name))) is not None
    }


def record_marks(db: Database, place: str, prices: Mapping[str, Decimal], at: datetime) -> int:
    """Store what instruments are worth at `at`, for the minute that begins next; returns how many were new.

    `place` is `copydesk.marks.place_name`. A minute that has a price keeps it, so that doing it twice changes nothing.
    """
    if not prices:
        return 0
    minute = at.replace(second=0, microsecond=0)
    minute += _MINUTE if minute < at else timedelta(0)
    told = {"place": place, "at": minute, "symbols": list(prices), "pxs": array_literal(list(prices.values()))}
    with db.installation() as session:
        session.execute(_ROOM, {"at": minute})
        return len(session.execute(_RECORD, told).all())


def held_symbols(db: Database, tenant_ids: Collection[int]) -> dict[str, set[str]]:
    """Return, by place, the instruments that any strategy or subscription of these brands holds now."""
    held: defaultdict[str, set[str]] = defaultdict(set)
    for tenant_id in tenant_ids:
        with db.tenant(tenant_id) as session:
            for venue, environment, symbol in session.execute(_HELD):
                held[place_name(venue, Environment(environment))].add(symbol)
    return dict(held)


def marks_of(
    session: Session, place: str, symbols: Collection[str], *, since: datetime, until: datetime
) -> dict[str, MarkLine]:
    """Return the prices of instruments from the last one at or before `since` until `until`, at most a day before.

    Instruments without a price are left out.
    """
    if not symbols:
        return {}
    names = sorted(symbols)
    bounds = {"place": place, "symbols": names, "since": since, "until": until}
    rows = read_array(session, _MARKS, bounds, {"which": "int4", "at_s": "int8", "px": "float8"})
    edges = np.searchsorted(rows["which"], np.arange(1, len(names) + 2))
    lines = {name: rows[edges[which] : edges[which + 1]] for which, name in enumerate(names)}
    return {
        name: MarkLine(part["at_s"].astype(np.int64), part["px"].astype(np.float64))
        for name, part in lines.items()
        if len(part)
    }
