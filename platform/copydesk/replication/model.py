"""Values that the planner reads and writes. Quantities are in base units, money in quote currency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.trading import Denial, OrderType, Side, SizingMode, SubscriptionState


@dataclass(frozen=True, slots=True)
class SignalFact:
    """A stored signal as the planner sees it: the leader went from one position to another.

    `first_of_order` tells whether this is the first fill of the leader's order.
    """

    id: int
    symbol: str
    px: Decimal
    position_before: Decimal
    position_after: Decimal
    leader_equity: Decimal
    venue_at: datetime
    first_of_order: bool = True

    @property
    def opens(self) -> bool:
        """Tell whether the leader holds more after this signal than before."""
        return self.position_after > self.position_before


class Book(NamedTuple):
    """A subscription's position in one instrument; `buying` and `selling` are quantities in flight."""

    qty: Decimal = ZERO
    target_qty: Decimal = ZERO
    buying: Decimal = ZERO
    selling: Decimal = ZERO
    last_signal_id: int = 0


class Follower(NamedTuple):
    """One subscription with what its next order depends on.

    `spent` is the cost of all its books plus what its opening orders in flight may still pay at their limits.
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


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds on one copy: the brand's, and whether the strategy takes new positions at present."""

    slippage_bps_max: int
    signal_age_ms_max: int
    market_allowed: bool = True
    strategy_live: bool = True


class Planned(NamedTuple):
    """One row for the copy table: an order to send, or a denial with its reason.

    `target_qty` is the book's new target, stored with the copy in one transaction.
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
