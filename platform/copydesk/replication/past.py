"""What is stored of a strategy's past, as a replay reads it: its signals with their prices, and its equity. Read-only.

Between two signals of an instrument no price of it is stored: what happened there, a replay does not see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.risk.history import Event, Mark, Move
from copydesk.trading import PositionSide

_PAGE = 5_000
_COUNT = text("SELECT count(*) FROM signal WHERE strategy_id = :id AND cum_qty > 0 AND venue_at >= :since")
_SIGNALS = text(
    """
    SELECT s.id, s.venue_at, s.symbol, s.px, s.position_before, s.position_after, s.leader_equity,
           coalesce(s.leader_leverage, 1) AS leverage, s.position_side, a.venue || '-' || a.environment AS place
    FROM signal s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE s.strategy_id = :id AND s.id > :after AND s.cum_qty > 0 AND s.venue_at >= :since ORDER BY s.id LIMIT :most
    """
)
_EQUITY = text("SELECT at, equity FROM equity_point WHERE strategy_id = :id AND at >= :since ORDER BY at")

# Called with how many signals were read of how many there are.
Progress = Callable[[int, int], None]


class LeaderEquity(NamedTuple):
    """What the leader's account was worth, in quote currency; payments in and out are in it."""

    at: datetime
    equity: Decimal


@dataclass(frozen=True)
class Past:
    """A strategy's past. `events` has each signal's price as a mark, then its move; `listings` are (place, symbol)."""

    events: tuple[Event, ...]
    signals: int
    equity: tuple[LeaderEquity, ...]
    listings: frozenset[tuple[str, str]]


def read_past(session: TenantSession, strategy_id: int, *, since: datetime, progress: Progress) -> Past:
    """Return what is stored of a strategy since a moment, in the order of the exchange's time."""
    whole = int(session.execute(_COUNT, {"id": strategy_id, "since": since}).scalar_one())
    events: list[Event] = []
    listings: set[tuple[str, str]] = set()
    for row in _signals(session, strategy_id, since):
        listings.add((row.place, row.symbol))
        events.append(Mark(row.venue_at, row.symbol, row.px))
        events.append(_move(row))
        progress(len(events) // 2, whole)
    equity = session.execute(_EQUITY, {"id": strategy_id, "since": since})
    events.sort(key=lambda event: event.at)
    return Past(tuple(events), len(events) // 2, tuple(LeaderEquity(*point) for point in equity), frozenset(listings))


def _signals(session: TenantSession, strategy_id: int, since: datetime) -> Iterator[Any]:
    after = 0
    while True:
        params = {"id": strategy_id, "after": after, "since": since, "most": _PAGE}
        page = session.execute(_SIGNALS, params).all()
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].id


def _move(row: Any) -> Move:
    return Move(
        row.venue_at,
        row.symbol,
        row.px,
        row.position_before,
        row.position_after,
        row.leader_equity,
        row.leverage,
        PositionSide(row.position_side),
    )
