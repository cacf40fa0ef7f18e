"""Read what subscriptions have earned: their fills, adjustments and funding, followed book by book (`profit`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Row, text

from copydesk.db import TenantSession, number_array
from copydesk.kernel import ZERO
from copydesk.replication.profit import EXACT, Earnings, Traded, WrittenOff, earned
from copydesk.trading import PositionSide, Side

# Copies are found by the signals of their strategy: nothing else is in an index, so that copies stay cheap to store.
_MOVES = text(
    """
    SELECT f.subscription_id, f.symbol, f.position_side, f.side, f.qty, f.px, f.fee, f.fee_currency, f.at,
           f.copy_id AS place, f.trade_id
    FROM subscription s JOIN signal g ON g.tenant_id = s.tenant_id AND g.strategy_id = s.strategy_id
    JOIN copy c ON c.tenant_id = g.tenant_id AND c.signal_id = g.id AND c.subscription_id = s.id
    JOIN copy_fill f ON f.tenant_id = c.tenant_id AND f.copy_id = c.id
    WHERE s.id = ANY(CAST(:ids AS bigint[]))
    UNION ALL
    SELECT a.subscription_id, a.symbol, a.position_side, NULL, a.qty, a.px, NULL, NULL, a.at, a.id, NULL
    FROM book_adjustment a WHERE a.subscription_id = ANY(CAST(:ids AS bigint[]))
    ORDER BY subscription_id, symbol, position_side, at, place, trade_id
    """
)
_FUNDING = text(
    "SELECT subscription_id, symbol, currency, sum(amount) FROM funding_payment "
    "WHERE subscription_id = ANY(CAST(:ids AS bigint[])) GROUP BY 1, 2, 3"
)


class BookEarnings(NamedTuple):
    """What one book has earned, before funding: that is paid for an instrument, both sides of hedge mode together."""

    symbol: str
    position_side: PositionSide
    earnings: Earnings


class SubscriptionEarnings(NamedTuple):
    """What a subscription has earned: by book, and the funding by instrument and currency (below zero was paid)."""

    books: tuple[BookEarnings, ...] = ()
    funding: Mapping[tuple[str, str], Decimal] = {}

    def net(self, marks: Mapping[str, Decimal]) -> dict[str, Decimal]:
        """Return the whole result by currency: realized and unrealized, less fees, and funding.

        `marks` are prices by symbol; a position without one counts at cost. Fees that spot took in base are in the
        cost of what was bought.
        """
        total: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
        for currency, amount in self._parts(marks):
            total[currency] = EXACT.add(total[currency], amount)
        return dict(total)

    def _parts(self, marks: Mapping[str, Decimal]) -> Iterator[tuple[str, Decimal]]:
        for symbol, _, book in self.books:
            base, _, quote = symbol.partition(":")[0].partition("/")
            yield quote, book.realized
            if book.qty and symbol in marks:
                yield quote, book.unrealized(marks[symbol])
            for currency, fee in book.fees.items():
                if ":" in symbol or currency != base:
                    yield currency, -fee
        for (_, currency), amount in self.funding.items():
            yield currency, amount


def read_earnings(session: TenantSession, subscription_ids: Collection[int]) -> dict[int, SubscriptionEarnings]:
    """Return what each subscription has earned since it began; one without a fill has earned nothing."""
    ids = {"ids": number_array(sorted(subscription_ids))}
    books: defaultdict[int, list[BookEarnings]] = defaultdict(list)
    for (owner, symbol, side), rows in groupby(session.execute(_MOVES, ids), key=_book_of):
        books[owner].append(BookEarnings(symbol, PositionSide(side), earned(symbol, _events(rows))))
    funding: defaultdict[int, dict[tuple[str, str], Decimal]] = defaultdict(dict)
    for owner, symbol, currency, amount in session.execute(_FUNDING, ids):
        funding[owner][symbol, currency] = amount
    return {one: SubscriptionEarnings(tuple(books[one]), funding[one]) for one in subscription_ids}


def _book_of(row: Row[Any]) -> tuple[int, str, str]:
    return row.subscription_id, row.symbol, row.position_side


def _events(rows: Iterable[Row[Any]]) -> Iterator[Traded | WrittenOff]:
    for row in rows:
        if row.side is None:
            yield WrittenOff(row.qty, row.px)
        else:
            yield Traded(Side(row.side), row.qty, row.px, row.fee, row.fee_currency)
