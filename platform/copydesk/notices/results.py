"""What a close has earned: exact, from all fills and adjustments of its book, or not told at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession, number_array
from copydesk.kernel import ZERO
from copydesk.replication.profit import EXACT, Earnings, Traded, WrittenOff, after_fill, after_write_off
from copydesk.trading import Side, quote_currency

# A result is told for so many closes at once, of books with so many fills: more would keep everybody's news waiting.
CLOSES_MAX = 200
FILLS_MAX = 400

_MOVES = text(
    """
    SELECT w.subscription_id, w.symbol, w.position_side, m.copy_id, m.side, m.qty, m.px, m.fee, m.fee_currency, m.at
    FROM (SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:symbols AS text[]), CAST(:sides AS text[]))
          AS w (subscription_id, symbol, position_side)) w
    CROSS JOIN LATERAL (
        SELECT copy_id, side, qty, px, fee, fee_currency, at, seq FROM copy_fill f
        WHERE f.subscription_id = w.subscription_id AND f.symbol = w.symbol AND f.position_side = w.position_side
        ORDER BY f.seq LIMIT :most
    ) m
    UNION ALL
    SELECT a.subscription_id, a.symbol, a.position_side, NULL, NULL, a.qty, a.px, NULL, NULL, a.at
    FROM book_adjustment a WHERE a.subscription_id = ANY(CAST(:ids AS bigint[]))
    ORDER BY subscription_id, symbol, position_side, at, copy_id
    """
)


class _Book(NamedTuple):
    subscription_id: int
    symbol: str
    position_side: str


def results_of(session: TenantSession, closes: Sequence[Mapping[str, Any]]) -> dict[int, Decimal]:
    """Return the realized result of each close in quote currency, fees in it taken off, by its number.

    Left out are closes of books with a longer history than is read here, and all where there are too many at once.
    """
    if not closes or len(closes) > CLOSES_MAX:
        return {}
    books = sorted({_Book(one["subscription_id"], one["symbol"], one["position_side"]) for one in closes})
    values = {
        "ids": number_array([book.subscription_id for book in books]),
        "symbols": [book.symbol for book in books],
        "sides": [book.position_side for book in books],
        "most": FILLS_MAX + 1,
    }
    moves: defaultdict[_Book, list[Any]] = defaultdict(list)
    for row in session.execute(_MOVES, values):
        moves[_Book(row.subscription_id, row.symbol, row.position_side)].append(row)
    wanted = {one["id"] for one in closes}
    return {
        copy_id: result
        for book, rows in moves.items()
        if len(rows) <= FILLS_MAX
        for copy_id, result in _results(book.symbol, rows, wanted).items()
    }


def _results(symbol: str, rows: Sequence[Any], wanted: Collection[int]) -> dict[int, Decimal]:
    """Follow a book through its history, and add up what the fills of each wanted close have realized."""
    so_far, results = Earnings(), dict[int, Decimal]()
    for row in rows:
        if row.side is None:
            so_far = after_write_off(so_far, WrittenOff(row.qty, row.px))
            continue
        fill = Traded(Side(row.side), row.qty, row.px, row.fee, row.fee_currency)
        after = after_fill(symbol, so_far, fill)
        if row.copy_id in wanted:
            earned = EXACT.subtract(_net(symbol, after), _net(symbol, so_far))
            results[row.copy_id] = EXACT.add(results.get(row.copy_id, ZERO), earned)
        so_far = after
    return results


def _net(symbol: str, book: Earnings) -> Decimal:
    return EXACT.subtract(book.realized, book.fees.get(quote_currency(symbol), ZERO))
