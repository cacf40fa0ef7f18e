"""Values that the planner reads and writes. Quantities are in base units, money in quote currency.

A position is signed: above zero long, below zero short. Spot positions are never below zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.trading import Denial, OrderType, PositionSide, Side, SizingMode, SubscriptionState

# A named "no" with the numbers that its sentence needs.
No = tuple[Denial, dict[str, str]]

# What an exchange says of a key that asking again would not change: the account waits for its owner.
DEAD_KEY = frozenset(
    {
        Denial.KEY_REJECTED,
        Denial.KEY_READ_ONLY,
        Denial.KEY_EXPIRED,
        Denial.KEY_SECRET_WRONG,
        Denial.KEY_PASSPHRASE_WRONG,
        Denial.KEY_ADDRESS_REFUSED,
        Denial.KEY_ACCOUNT_TYPE_WRONG,
    }
)

# What an exchange says when an account is not set up for a perpetual as its orders assume.
UNSET = frozenset({Denial.POSITION_MODE_WRONG, Denial.MARGIN_MODE_WRONG, Denial.LEVERAGE_REFUSED})


@dataclass(frozen=True, slots=True)
class SignalFact:
    """A stored signal as the planner sees it: the leader went from one position to another.

    `position_side` names the leader's book: the one of one-way mode, or one of hedge mode's two.
    `first_of_order` tells whether this is the first fill of the leader's order; `leverage` is the leader's on this
    perpetual, None where it is not known.
    """

    id: int
    symbol: str
    px: Decimal
    position_before: Decimal
    position_after: Decimal
    leader_equity: Decimal
    venue_at: datetime
    first_of_order: bool = True
    position_side: PositionSide = PositionSide.NET
    leverage: int | None = None

    @property
    def perpetual(self) -> bool:
        """Tell a perpetual by its ccxt symbol, which names the settlement currency ("BTC/USDT:USDT")."""
        return ":" in self.symbol

    @property
    def short(self) -> bool:
        """Tell whether this is about a short position: the one it leads to, else the one that it ends."""
        moved = self.position_after or self.position_before
        return moved < 0 or (moved == 0 and self.position_side is PositionSide.SHORT)

    def mirrored(self) -> SignalFact:
        """Return the signal with long and short exchanged."""
        return replace(self, position_before=-self.position_before, position_after=-self.position_after)

    @property
    def opens(self) -> bool:
        """Tell whether the leader holds more on the side of `short` after this signal: also when turning round."""
        if self.short:
            return self.position_after < self.position_before
        return self.position_after > self.position_before


class Book(NamedTuple):
    """A subscription's position in one book; `buying` and `selling` are quantities in flight.

    `buying_back` and `selling_off` are how much of those reduces. `cost` is what of the allocation this book takes: the
    quote value of what is held, at entry.
    """

    qty: Decimal = ZERO
    target_qty: Decimal = ZERO
    buying: Decimal = ZERO
    selling: Decimal = ZERO
    last_signal_id: int = 0
    cost: Decimal = ZERO
    buying_back: Decimal = ZERO
    selling_off: Decimal = ZERO

    def mirrored(self) -> Book:
        """Return the book with long and short exchanged."""
        return self._replace(
            qty=-self.qty,
            target_qty=-self.target_qty,
            buying=self.selling,
            selling=self.buying,
            buying_back=self.selling_off,
            selling_off=self.buying_back,
        )


class Follower(NamedTuple):
    """One subscription with what its next order depends on.

    `spent` is the cost of all its books plus what its opening orders in flight may still pay at their limits.
    `refusal` says why its account cannot open this perpetual at all, or None.
    """

    subscription_id: int
    account_id: int
    state: SubscriptionState
    usable: bool
    sizing_mode: SizingMode
    sizing_value: Decimal | None
    allocation: Decimal
    spent: Decimal
    book: Book
    refusal: No | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds on one copy: the brand's, and whether the strategy takes new positions at present."""

    slippage_bps_max: int
    signal_age_ms_max: int
    market_allowed: bool = True
    strategy_live: bool = True


class Planned(NamedTuple):
    """One row for the copy table: an order to send, or a denial with its reason.

    `target_qty` is the book's new target, stored with the copy in one transaction. An open that `waits` is sent once
    the position on the other side is closed and that is known.
    """

    subscription_id: int
    account_id: int
    leg: str
    side: Side
    type: OrderType
    qty: Decimal
    px: Decimal | None
    reduces: bool
    target_qty: Decimal
    denial: Denial | None = None
    facts: dict[str, str] | None = None
    waits: bool = False
