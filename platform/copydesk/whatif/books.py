"""A follower's books and money on paper; fills are booked by the rule of `replication.profit`, as real ones. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

import numpy as np

from copydesk.kernel import ZERO
from copydesk.replication.model import Book, Planned, SignalFact
from copydesk.replication.order_states import HeldRow
from copydesk.replication.profit import Earnings, Traded, after_fill
from copydesk.risk.paper import Slot
from copydesk.trading import Instrument, Side
from copydesk.whatif.model import CopyTerms, Floats
from copydesk.whatif.prices import Prices

# The one subscription that there is.
ME = 1
# As fine as a book is stored; a step may hang on the last digit.
_PLACES = Decimal("1E-18")


class Held(NamedTuple):
    """One book: what it has earned and aims at, the leverage that it was opened with, and fees paid in quote."""

    earnings: Earnings = Earnings()
    target_qty: Decimal = ZERO
    carried_qty: Decimal = ZERO
    carried_at: datetime | None = None
    last_signal_id: int = 0
    leverage: int = 1
    paid: Decimal = ZERO

    @property
    def cash(self) -> Decimal:
        """Return all money received less all money paid, fees in quote currency among it."""
        return self.earnings.cash - self.paid

    @property
    def planned(self) -> Book:
        """Return the book as the planner sees it: nothing is ever in flight."""
        (qty, cost, _, _), target_qty, carried_qty, carried_at, last_signal_id, _, _ = self
        return Book(qty, target_qty, ZERO, ZERO, last_signal_id, abs(cost), ZERO, ZERO, carried_qty, carried_at)


_EMPTY = Held()


class Stock(NamedTuple):
    """What all books come to from one trade to the next: quantities that are held, and the money beside them.

    `spent` is what of the allocation is in positions, at cost; `balance` what there would be if all of them were worth
    what they cost.
    """

    money: float
    lots: tuple[tuple[Slot, float], ...]
    spent: Decimal
    balance: Decimal

    def bounds(self, prices: Prices, first: int, end: int) -> tuple[float, float]:
        """Return between which equities all moments from `first` to before `end` are.

        Of one lot, or none, they are the lowest and the highest; several lots may never be lowest at once.
        """
        low = high = self.money
        for slot, qty in self.lots:
            least, most = prices.span(slot.symbol, first, end)
            low += qty * (least if qty > 0 else most)
            high += qty * (most if qty > 0 else least)
        return low, high

    def at(self, prices: Prices, moment: int) -> float:
        """Return the equity at a moment."""
        equity = self.money
        for slot, qty in self.lots:
            equity += qty * float(prices.line(slot.symbol)[moment])
        return equity

    def line(self, prices: Prices, first: int, end: int) -> Floats:
        """Return the equity at the moments from `first` to before `end`."""
        equity = np.full(end - first, self.money)
        for slot, qty in self.lots:
            equity += qty * prices.line(slot.symbol)[first:end]
        return equity


class Books:
    """All books of one follower. `fees` and `slippage` are what copying cost so far, in quote currency."""

    def __init__(self, terms: CopyTerms) -> None:
        self._terms = terms
        self._books: dict[Slot, Held] = {}
        self._stock: Stock | None = None
        self.cash = ZERO
        self.fees = ZERO
        self.slippage = ZERO

    @property
    def slots(self) -> Sequence[Slot]:
        """Return every book that a signal was about, the first one first."""
        return tuple(self._books)

    @property
    def stock(self) -> Stock:
        """Return what all books come to now."""
        if self._stock is None:
            self._stock = self._counted()
        return self._stock

    def of(self, slot: Slot) -> Held:
        """Return a book; one that nothing was ever bought for is empty."""
        return self._books.get(slot, _EMPTY)

    def open_slots(self) -> list[Slot]:
        """Return where anything is held, dust too."""
        return [slot for slot, _ in self.stock.lots]

    def rows(self) -> list[HeldRow]:
        """Return every book as limits are judged by it."""
        return [
            HeldRow(ME, slot.symbol, str(slot.position_side), told.qty, abs(told.cost), held.cash)
            for slot, held in self._books.items()
            for told in (held.earnings,)
        ]

    def aim(self, signal: SignalFact, slot: Slot, planned: Planned, *, got: Decimal, base_fee: Decimal) -> None:
        """Set what a book aims at after a signal, with what its order got and what the exchange took of it.

        What an open did not get is not chased: the target falls to what is held.
        """
        held, target = self.of(slot), planned.target_qty
        told = held.earnings
        if base_fee:
            target = max(target - base_fee, ZERO)
        if got < planned.qty and not planned.reduces:
            sign = 1 if planned.side is Side.BUY else -1
            target = sign * min(sign * target, max(sign * told.qty, ZERO))
        carried_qty, leverage = _stored(planned.carried_qty), held.leverage if planned.reduces else planned.leverage
        self._books[slot] = Held(told, _stored(target), carried_qty, planned.carried_at, signal.id, leverage, held.paid)

    def trade(
        self, slot: Slot, instrument: Instrument, side: Side, qty: Decimal, px: Decimal, *, plain: Decimal
    ) -> Decimal:
        """Book an execution and return what of it was taken as a fee: exchanges take a spot purchase's in base.

        `plain` is the price without slippage.
        """
        terms, held = self._terms, self.of(slot)
        ratio = terms.fees.perpetual if instrument.perpetual else terms.fees.spot
        in_base = not instrument.perpetual and side is Side.BUY
        fee, currency = (qty * ratio, instrument.base) if in_base else (qty * px * ratio, instrument.quote)
        told = after_fill(slot.symbol, held.earnings, Traded(side, qty, px, fee, currency))
        paid = ZERO if in_base else fee
        self.cash += told.cash - held.earnings.cash - paid
        self.fees += fee * px if in_base else fee
        self.slippage += qty * abs(px - plain)
        self._books[slot] = Held(told, *held[1:-1], held.paid + paid)
        self._stock = None
        return fee if in_base else ZERO

    def forget(self) -> None:
        """Lose everything: what is held, and all money."""
        self._books = dict.fromkeys(self._books, _EMPTY)
        self._stock = None
        self.cash = -self._terms.allocation

    def empty_targets(self) -> None:
        """Aim at nothing any more, as after a stop."""
        for slot, held in self._books.items():
            self._books[slot] = held._replace(target_qty=ZERO, carried_qty=ZERO, carried_at=None)

    def free(self, prices: dict[str, Decimal]) -> Decimal:
        """Return what an order could be paid with: of perpetuals the margin is bound, and what they lose counts."""
        free = self._terms.allocation + self._terms.reserve + self.cash
        for slot, held in self._books.items():
            told = held.earnings
            if told.qty and ":" in slot.symbol:
                gain = told.unrealized(prices[slot.symbol]) if slot.symbol in prices else ZERO
                free += told.cost + gain - abs(told.cost) / held.leverage
        return free

    def equity(self, prices: Prices) -> Decimal:
        """Return the equity at the last prices that are known."""
        worth = (
            held.earnings.qty * prices.last(slot.symbol) for slot, held in self._books.items() if held.earnings.qty
        )
        return sum(worth, self._terms.allocation + self.cash)

    def _counted(self) -> Stock:
        money, spent, costs = self._terms.allocation + self.cash, ZERO, ZERO
        lots = []
        for slot, held in self._books.items():
            qty, cost, _, _ = held.earnings
            spent += abs(cost)
            costs += cost
            if qty:
                lots.append((slot, float(qty)))
        return Stock(float(money), tuple(lots), spent, money + costs)


def _stored(qty: Decimal) -> Decimal:
    return qty.quantize(_PLACES, ROUND_HALF_UP) if qty else ZERO
