"""A follower's money on paper: what copies would have cost and brought. Pure arithmetic, nothing rounded but costs.

Equity is the allocation, what came in and went out, and what is held at its marks: exactly as a subscription's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.risk.equity import exact_equity
from copydesk.risk.futures import funding_payment
from copydesk.trading import PositionSide

_PLACES = Decimal("1E-18")


class Slot(NamedTuple):
    """One book: hedge mode has two of a symbol."""

    symbol: str
    position_side: PositionSide = PositionSide.NET


class Position(NamedTuple):
    """What is held, signed, and what it was entered at, with the same sign."""

    qty: Decimal
    cost: Decimal


class PaperFill(NamedTuple):
    """One execution on paper: signed quantity, price with slippage, and the fee."""

    at: datetime
    slot: Slot
    qty: Decimal
    px: Decimal
    fee: Decimal


@dataclass(slots=True)
class Paper:
    """One follower's books, cash and marks. `realized` is what closed parts brought, fees and funding apart."""

    allocation: Decimal
    fee_ratio: Decimal
    cash: Decimal = ZERO
    realized: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    held: dict[Slot, Position] = field(default_factory=dict)
    marks: dict[str, Decimal] = field(default_factory=dict)
    fills: list[PaperFill] = field(default_factory=list)

    def trade(self, at: datetime, slot: Slot, qty: Decimal, px: Decimal) -> None:
        """Count an execution of a signed quantity that opens, adds or reduces; one never turns a position round."""
        if not qty:
            return
        had = self.held.get(slot, Position(ZERO, ZERO))
        left, fee = had.qty + qty, abs(qty * px) * self.fee_ratio
        cost = had.cost + qty * px
        if had.qty * qty < 0:
            assert left * had.qty >= 0, "a position is not turned round in one step"
            cost = (had.cost * left / had.qty).quantize(_PLACES, ROUND_HALF_UP)
            self.realized += cost - had.cost - qty * px
        self.held[slot] = Position(left, cost)
        if not left:
            del self.held[slot]
        self.cash -= qty * px + fee
        self.fees += fee
        self.fills.append(PaperFill(at, slot, qty, px, fee))

    def fund(self, symbol: str, rate: Decimal) -> None:
        """Pay or receive funding for all that is held of a symbol."""
        for slot, position in self.held.items():
            if slot.symbol == symbol:
                received = funding_payment(position.qty, self.marks[symbol], rate)
                self.cash += received
                self.funding += received

    def equity(self) -> Decimal:
        """Return the equity now."""
        worth = ((position.qty, self.marks[slot.symbol]) for slot, position in self.held.items())
        return exact_equity(self.allocation, self.cash, worth)

    def balance(self) -> Decimal:
        """Return what would be there if the positions were worth what they cost."""
        return self.allocation + self.realized - self.fees + self.funding

    def spent(self) -> Decimal:
        """Return what of the allocation is in positions, at cost."""
        return sum((abs(position.cost) for position in self.held.values()), ZERO)

    def notional(self, symbol: str | None = None) -> Decimal:
        """Return what is held at the marks, long and short added; of one symbol, or of all."""
        return sum(
            (
                abs(position.qty) * self.marks[slot.symbol]
                for slot, position in self.held.items()
                if symbol in (None, slot.symbol)
            ),
            ZERO,
        )
