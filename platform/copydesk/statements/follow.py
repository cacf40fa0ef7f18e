"""Follows one book through a period: where it stood at either end, what it closed in between, line by line. Pure.

A position begins with what opens it and ends with what brings it back to nothing; what goes through nothing ends one
and begins the next. On spot a rest of one percent, left by fees in base and by quantity steps, is no position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.replication.profit import EXACT, Earnings, Traded, WrittenOff, after_fill, after_write_off
from copydesk.statements.model import ClosedPosition, Movement, MovementKind
from copydesk.statements.period import Period
from copydesk.statements.raw import BookEvents, Event
from copydesk.trading import Side, quote_currency

_REST_RATIO = Decimal("0.01")


class BookPart(NamedTuple):
    """A book in a period."""

    symbol: str
    position_side: str
    before: Earnings
    after: Earnings
    closed: tuple[ClosedPosition, ...]
    movements: tuple[Movement, ...]

    @property
    def quote(self) -> str:
        return quote_currency(self.symbol)

    @property
    def realized(self) -> Decimal:
        return EXACT.subtract(self.after.realized, self.before.realized)

    def fees(self) -> Iterator[tuple[str, Decimal]]:
        """Give the fees of the period by currency, but for those in base of spot, which are in the cost."""
        for currency, paid in self.after.fees.items():
            since = EXACT.subtract(paid, self.before.fees.get(currency, ZERO))
            if since and not in_cost(self.symbol, currency):
                yield currency, since


@dataclass
class _Trip:
    """A position while it is open: what it was entered and left at, weighted by quantity."""

    long: bool
    opened_at: datetime
    largest: Decimal = ZERO
    entered: Decimal = ZERO
    entered_for: Decimal = ZERO
    left: Decimal = ZERO
    left_for: Decimal = ZERO
    priced: bool = True
    realized: Decimal = ZERO
    fees: dict[str, Decimal] = field(default_factory=dict)

    def closed(self, book: BookEvents, at: datetime) -> ClosedPosition:
        quote = quote_currency(book.symbol)
        apart = {name: paid for name, paid in self.fees.items() if name != quote and not in_cost(book.symbol, name)}
        return ClosedPosition(
            symbol=book.symbol,
            position_side=book.position_side,
            long=self.long,
            opened_at=self.opened_at,
            closed_at=at,
            qty=self.largest,
            entry_px=self.entered_for / self.entered if self.entered else ZERO,
            exit_px=self.left_for / self.left if self.left and self.priced else None,
            realized=self.realized,
            fees=self.fees.get(quote, ZERO),
            fees_apart=apart,
        )


Wanted = Callable[[str, Earnings, Event], Event | None]


def as_it_came(_symbol: str, _before: Earnings, event: Event) -> Event | None:
    """Take each event as it is stored."""
    return event


def follow(book: BookEvents, period: Period, ours: Wanted = as_it_came) -> BookPart:
    """Follow a book until the period's end. `ours` may cut an event down to what of it is the book's, or drop it."""
    now = before = book.start
    trip = _begun(book) if book.start.qty else None
    closed: list[ClosedPosition] = []
    movements: list[Movement] = []
    for stored in book.events:
        if stored.at >= period.until:
            break
        event = ours(book.symbol, now, stored)
        if event is None:
            continue
        after = _after(book.symbol, now, event)
        ended, trip = _traced(book, trip, now, after, event)
        if event.at < period.since:
            before = after
        else:
            closed += ended
            movements.append(_movement(book, now, after, event))
        now = after
    return BookPart(book.symbol, book.position_side, before, now, tuple(closed), tuple(movements))


def in_cost(symbol: str, currency: str) -> bool:
    """Tell whether a fee in this currency made the position smaller, and is in its cost already."""
    return ":" not in symbol and currency == symbol.partition("/")[0]


def never_short(symbol: str, before: Earnings, event: Event) -> Event | None:
    """Cut a leader's sale on spot down to what the book holds: what was bought before it is not the record's."""
    move = event.move
    if ":" in symbol or isinstance(move, WrittenOff) or move.side is Side.BUY or move.qty <= before.qty:
        return event
    if before.qty <= 0:
        return None
    part = move._replace(qty=before.qty, fee=move.fee * before.qty / move.qty)
    return event._replace(move=part)


def _after(symbol: str, before: Earnings, event: Event) -> Earnings:
    move = event.move
    return after_fill(symbol, before, move) if isinstance(move, Traded) else after_write_off(before, move)


def _begun(book: BookEvents) -> _Trip:
    start, at = book.start, book.events[0].at
    return _Trip(start.qty > 0, at, abs(start.qty), abs(start.qty), abs(start.cost))


def _traced(
    book: BookEvents, trip: _Trip | None, before: Earnings, after: Earnings, event: Event
) -> tuple[list[ClosedPosition], _Trip | None]:
    """Carry the open position through one event; return what it closed, and what is open then."""
    fees = _fees(event.move)
    px = event.move.px
    grows = before.qty * after.qty >= 0 and abs(after.qty) > abs(before.qty)
    if grows:
        trip = trip or _Trip(after.qty > 0, event.at)
        _entered(trip, abs(after.qty - before.qty), px or ZERO, abs(after.qty), fees)
        return [], trip
    if trip is None:
        return [], None
    through = before.qty * after.qty < 0
    share = abs(before.qty) / abs(after.qty - before.qty) if through else Decimal(1)
    _left(trip, abs(before.qty) if through else abs(before.qty - after.qty), px)
    trip.realized = EXACT.add(trip.realized, EXACT.subtract(after.realized, before.realized))
    _add(trip.fees, {name: paid * share for name, paid in fees.items()})
    if not through:
        rest = ":" not in book.symbol and abs(after.qty) <= trip.largest * _REST_RATIO
        return ([trip.closed(book, event.at)], None) if rest or not after.qty else ([], trip)
    new = _Trip(after.qty > 0, event.at)
    _entered(new, abs(after.qty), px or ZERO, abs(after.qty), {name: paid * (1 - share) for name, paid in fees.items()})
    return [trip.closed(book, event.at)], new


def _entered(trip: _Trip, qty: Decimal, px: Decimal, held: Decimal, fees: Mapping[str, Decimal]) -> None:
    trip.entered += qty
    trip.entered_for += qty * px
    trip.largest = max(trip.largest, held)
    _add(trip.fees, fees)


def _left(trip: _Trip, qty: Decimal, px: Decimal | None) -> None:
    trip.left += qty
    trip.left_for += qty * (px or ZERO)
    trip.priced = trip.priced and px is not None


def _fees(move: Traded | WrittenOff) -> dict[str, Decimal]:
    return {move.fee_currency: move.fee} if isinstance(move, Traded) and move.fee else {}


def _add(total: dict[str, Decimal], more: Mapping[str, Decimal]) -> None:
    for name, paid in more.items():
        total[name] = total.get(name, ZERO) + paid


def _movement(book: BookEvents, before: Earnings, after: Earnings, event: Event) -> Movement:
    move, realized = event.move, EXACT.subtract(after.realized, before.realized)
    line = Movement(
        MovementKind.FILL,
        event.at,
        quote_currency(book.symbol),
        symbol=book.symbol,
        position_side=book.position_side,
        px=move.px,
        realized=realized,
    )
    if isinstance(move, Traded):
        line = replace(line, side=str(move.side), qty=move.qty, reference=event.reference)
        return replace(line, fee=move.fee, fee_currency=move.fee_currency)
    side = Side.SELL if move.qty < 0 else Side.BUY
    kind, reason = MovementKind.WRITTEN_OFF, event.reference
    return replace(line, kind=kind, side=str(side), qty=abs(move.qty), reason=reason)
