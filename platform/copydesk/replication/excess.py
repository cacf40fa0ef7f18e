"""A book that holds more than its target asks for, and how much of that can be closed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from copydesk.kernel import ZERO, floor_to_step
from copydesk.replication.minima import close_denial
from copydesk.trading import Instrument, PositionSide, Side


@dataclass(frozen=True, slots=True)
class Excess:
    """A book above its target; `fixes` counts corrections already tried for its newest signal."""

    subscription_id: int
    account_id: int
    symbol: str
    position_side: PositionSide
    qty: Decimal
    target_qty: Decimal
    signal_id: int
    px: Decimal
    fixes: int
    allocation: Decimal = ZERO

    @property
    def side(self) -> Side:
        """Return the side of the order that closes."""
        return Side.SELL if self.qty > 0 else Side.BUY

    @property
    def place(self) -> tuple[int, str, PositionSide]:
        """Name the book."""
        return self.subscription_id, self.symbol, self.position_side

    @property
    def too_much(self) -> Decimal:
        """Return how much more is held than wanted, without a sign."""
        wanted = max(self.target_qty if self.qty > 0 else -self.target_qty, ZERO)
        return max(abs(self.qty) - wanted, ZERO)

    def closable_qty(self, instrument: Instrument) -> Decimal:
        """Return what the exchange would let us close of the excess; zero when it is only dust."""
        qty = min(floor_to_step(self.too_much, instrument.qty_step), instrument.qty_max)
        denial = close_denial(held=abs(self.qty), qty=qty, px=self.px, instrument=instrument)
        return ZERO if denial else qty
