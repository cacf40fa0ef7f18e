"""Scripted partial fills: what the book holds against the next order.

The maker's quotes opposite an order are replaced, until the next order or tick, by what the script says, so that the
engine itself matches, books and tells. Resting orders of other accounts stay and are taken in their turn.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING

from copydesk.venues.lab.book import BookSide
from copydesk.venues.lab.faults import Fault
from copydesk.venues.lab.model import BUY, NewOrder

if TYPE_CHECKING:
    from copydesk.venues.lab.exchange import Exchange


class FillScript:
    """The patterns in force on one exchange, and the books that are thin because of them."""

    def __init__(self) -> None:
        self.patterns: list[Fault] = []
        self._thin: set[tuple[str, str]] = set()

    @property
    def active(self) -> bool:
        """Tell whether orders have to pass `shape`."""
        return bool(self.patterns or self._thin)

    def shape(self, exchange: Exchange, new: NewOrder, now_ms: int) -> bool:
        """Make the book ready for this order if it takes and a pattern hits it; tell whether that was done.

        An order whose quantity is not known beforehand (by quote quantity) meets the usual book.
        """
        self.restore(exchange, now_ms)
        engine = exchange.engine(new.market)
        instrument = engine.instruments.get(new.symbol)
        if instrument is None or new.qty is None:
            return False
        book = engine.books[new.symbol]
        side = book.opposite(new.side)
        room = _ticks_within(side, new.px)
        fault = room and next((f for f in self.patterns if f.account in ("", new.account) and f.strikes()), None)
        if not fault:
            return False
        first, step = side.keys[0] * side.sign, side.sign
        sizes = _sizes(new.qty, Decimal(str(fault.ratio)), min(fault.parts, room), instrument.qty_step)
        thin = [(first + step * place, size) for place, size in enumerate(sizes)]
        own = book.side(new.side)
        kept = [(key * own.sign, quote.leaves) for key, quote in sorted(own.quotes.items())]
        for quotes in ([], thin):
            bids, asks = (kept, quotes) if new.side == BUY else (quotes, kept)
            exchange.publish(engine.place_quotes(new.symbol, bids, asks, now_ms), now_ms)
        self._thin.add((new.market, new.symbol))
        return True

    def restore(self, exchange: Exchange, now_ms: int) -> None:
        """Give every thinned book its usual quotes again; resting rests that they cross are filled."""
        for market, symbol in self._thin:
            exchange.publish(exchange.makers[market].renew(exchange.engine(market), symbol, now_ms), now_ms)
        self._thin.clear()


def _ticks_within(side: BookSide, px: Decimal | None) -> int:
    """Count the prices from the best one to the order's limit; 0 when it takes nothing."""
    if not side.keys:
        return 0
    return 50 if px is None else max(0, side.key(px) - side.keys[0] + 1)


def _sizes(qty: Decimal, ratio: Decimal, parts: int, step: Decimal) -> list[Decimal]:
    """Split a share of a quantity into nearly equal whole steps, the rest in the first; no size is 0."""
    each, more = divmod((qty * ratio / step).to_integral_value(ROUND_DOWN), parts)
    sizes = [each * step] * parts
    sizes[0] += more * step
    return [size for size in sizes if size]
