"""Reads the rows that books are followed through, and what instruments were worth at a moment."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from sqlalchemy import Row, text

from copydesk.db import TenantSession
from copydesk.kernel import ZERO
from copydesk.replication.profit import EXACT, Earnings, Traded, WrittenOff
from copydesk.statements.raw import BookEvents, Event
from copydesk.trading import Side

_OWN = text(
    """
    SELECT symbol, position_side, side, qty, px, fee, fee_currency, at, copy_id AS place, trade_id AS reference
    FROM copy_fill WHERE subscription_id = :id
    UNION ALL
    SELECT symbol, position_side, NULL, qty, px, NULL, NULL, at, id, reason
    FROM book_adjustment WHERE subscription_id = :id
    ORDER BY symbol, position_side, at, place, reference
    """
)
_LEADERS = text(
    """
    SELECT e.symbol, e.position_side, e.side, e.qty, e.px, e.fee, e.fee_currency, e.at, e.trade_id AS reference,
           coalesce(b.base_qty, 0) AS base_qty
    FROM execution e
    LEFT JOIN leader_book b ON b.tenant_id = e.tenant_id AND b.strategy_id = :id AND b.symbol = e.symbol
              AND b.position_side = e.position_side
    WHERE e.account_id = :account_id ORDER BY e.symbol, e.position_side, e.at, length(e.trade_id), e.trade_id
    """
)
_PRICES = text(
    """
    SELECT wanted.symbol, mark.at, mark.px FROM unnest(CAST(:symbols AS text[])) AS wanted (symbol)
    CROSS JOIN LATERAL (SELECT at, px FROM mark_minute WHERE place = :place AND mark_minute.symbol = wanted.symbol
                        AND at <= :moment ORDER BY at DESC LIMIT 1) AS mark
    """
)


def own_books(session: TenantSession, subscription_id: int) -> tuple[BookEvents, ...]:
    """Return all that moved a subscription's books since it began, in the order in which `read_earnings` has it."""
    rows = session.execute(_OWN, {"id": subscription_id})
    return tuple(BookEvents(*key, tuple(map(_event, found))) for key, found in groupby(rows, key=_book_of))


def leader_books(session: TenantSession, strategy_id: int, account_id: int) -> tuple[BookEvents, ...]:
    """Return all executions of a leader's account, book by book.

    What the account held before the first of them is valued at that one's price: it has earned nothing yet.
    """
    rows = session.execute(_LEADERS, {"id": strategy_id, "account_id": account_id})
    books = []
    for key, found in groupby(rows, key=_book_of):
        lines = list(found)
        worth = EXACT.multiply(lines[0].base_qty, lines[0].px)
        start = Earnings(lines[0].base_qty, worth, -worth) if lines[0].base_qty and ":" in key[0] else Earnings()
        books.append(BookEvents(*key, tuple(map(_event, lines)), start))
    return tuple(books)


def prices_at(
    session: TenantSession, place: str, books: Collection[BookEvents], moment: datetime
) -> dict[str, Decimal]:
    """Return what instruments were worth: by the newest minute's price, or that of a fill where none is newer."""
    known = {book.symbol: seen for book in books if (seen := _last_fill(book.events, moment))}
    asked = {"place": place, "symbols": sorted(known), "moment": moment}
    for symbol, at, px in session.execute(_PRICES, asked) if known else ():
        if at >= known[symbol][0]:
            known[symbol] = at, px
    return {symbol: px for symbol, (_, px) in known.items()}


def _last_fill(events: Iterable[Event], moment: datetime) -> tuple[datetime, Decimal] | None:
    seen = [(event.at, event.move.px) for event in events if event.at < moment and event.move.px is not None]
    return max(seen, default=None)


def _book_of(row: Row[Any]) -> tuple[str, str]:
    return row.symbol, row.position_side


def _event(row: Row[Any]) -> Event:
    if row.side is None:
        return Event(row.at, WrittenOff(row.qty, row.px), row.reference)
    return Event(row.at, Traded(Side(row.side), row.qty, row.px, row.fee or ZERO, row.fee_currency), row.reference)
