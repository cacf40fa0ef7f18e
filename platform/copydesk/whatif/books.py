"""A follower's books and money on paper; fills are booked by the rule of `replication.profit`, as real ones. Pure."""

from __future__ import annotations

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
_NOTHING = Earnings()


class Held(NamedTuple):
    """One book: what it has earned so far, what it aims at, and the leverage that it was opened with."""

    earnings: Earnings = _NOTHING
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
        told = self.earnings
        return Book(
            told.qty,
            self.target_qty,
            last_signal_id=self.last_signal_id,
            cost=abs(told.cost),
            carried_qty=self.carried_qty,
            carried_at=self.carried_at,
        )


_EMPTY = Held()


class Books:
    """All books of one follower. `fees` and `slippage` are what copying cost so far, in quote currency."""

    def __init__(self, terms: CopyTerms) -> None:
        self._terms = terms
        self._books: dict[Slot, Held] = {}
        self.cash = ZERO
        self.fees = ZERO
        self.slippage = ZERO

    def of(self, slot: Slot) -> Held:
        """Return a book; one that nothing was ever bought for is empty."""
        return self._books.get(slot, _EMPTY)

    def open_slots(self) -> list[Slot]:
        """Return where anything is held, dust too."""
        return [slot for slot, held in self._books.items() if held.earnings.qty]

    def spent(self) -> Decimal:
        """Return what of the allocation is in positions, at cost."""
        return sum((abs(held.earnings.cost) for held in self._books.values()), ZERO)

    def rows(self) -> list[HeldRow]:
        """Return every book as limits are judged by it."""
        return [
            HeldRow(ME, slot.symbol, str(slot.position_side), told.qty, abs(told.cost), held.cash)
            for slot, held in self._books.items()
            for told in (held.earnings,)
        ]

    def aim(self, signal: SignalFact, planned: Planned, *, got: Decimal, base_fee: Decimal) -> None:
        """Set what a book aims at after a signal, with what its order got and what the exchange took of it.

        What an open did not get is not chased: the target falls to what is held.
        """
        slot = Slot(signal.symbol, signal.position_side)
        held, target = self.of(slot), planned.target_qty
        if base_fee:
            target = max(target - base_fee, ZERO)
        if got < planned.qty and not planned.reduces:
            sign = 1 if planned.side is Side.BUY else -1
            target = sign * min(sign * target, max(sign * held.earnings.qty, ZERO))
        self._books[slot] = held._replace(
            target_qty=_stored(target),
            carried_qty=_stored(planned.carried_qty),
            carried_at=planned.carried_at,
            last_signal_id=signal.id,
            leverage=held.leverage if planned.reduces else planned.leverage,
        )

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
        self._books[slot] = held._replace(earnings=told, paid=held.paid + paid)
        return fee if in_base else ZERO

    def forget(self) -> None:
        """Lose everything: what is held, and all money."""
        self._books.clear()
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

    def balance(self) -> Decimal:
        """Return what there would be if all positions were worth what they cost."""
        return self._terms.allocation + self.cash + sum((held.earnings.cost for held in self._books.values()), ZERO)

    def worth(self, prices: Prices, first: int, end: int) -> Floats:
        """Return the equity at the moments of the grid from `first` to before `end`."""
        equity = np.full(end - first, float(self._terms.allocation + self.cash))
        for slot, held in self._books.items():
            if held.earnings.qty:
                equity += float(held.earnings.qty) * prices.line(slot.symbol)[first:end]
        return equity

    def equity(self, prices: Prices) -> Decimal:
        """Return the equity at the last prices that are known."""
        worth = (
            held.earnings.qty * prices.last(slot.symbol) for slot, held in self._books.items() if held.earnings.qty
        )
        return sum(worth, self._terms.allocation + self.cash)


def _stored(qty: Decimal) -> Decimal:
    return qty.quantize(_PLACES, ROUND_HALF_UP)
