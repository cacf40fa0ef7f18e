"""Values that the planner reads and writes. Quantities are in base units, money in quote currency.

A position is signed: above zero long, below zero short. Spot positions are never below zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.risk.order_rules import OrderBounds, OrderState
from copydesk.trading import Bracket, Denial, OrderType, PositionSide, Side, SizePolicy, SizingMode, SubscriptionState

OPEN = "open"
CLOSE = "close"

# No exchange lets anyone trade at more.
LEVERAGE_HIGHEST = 125

# What holds where a brand says nothing else (`settings`).
ROUND_UP_MAX_PLAIN = Decimal(2)
CARRY_S_MAX_PLAIN = 3_600
MARK_BPS_MAX_PLAIN = 1_000

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


class Bound(StrEnum):
    """What made an order another quantity than was wanted; a denial has its own reason instead.

    `step` rounded it down; `allocation`, `qty_max` and `balance` cut it; `minimum_rounded_up` raised it to the smallest
    order; `risk_limit` cut it to what a limit allows, which the copy's facts name. `carried`: earlier increases that
    were too small are in it, or it was itself carried on.
    """

    NONE = "none"
    STEP = "step"
    ALLOCATION = "allocation"
    QTY_MAX = "qty_max"
    BALANCE = "balance"
    MINIMUM_ROUNDED_UP = "minimum_rounded_up"
    CARRIED = "carried"
    RISK_LIMIT = "risk_limit"


@dataclass(frozen=True, slots=True)
class SignalFact:
    """A stored signal as the planner sees it: the leader went from one position to another.

    `position_side` names the leader's book: the one of one-way mode, or one of hedge mode's two.
    `first_of_order` tells whether this is the first fill of the leader's order; `leverage` is the leader's on this
    perpetual, None where it is not known. `orders` counts the leader's orders in it: several where a burst is joined.
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
    orders: int = 1

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
    quote value of what is held, at entry. `carried_qty` is what the leader's increases since `carried_at` ask for and
    no order could be made of: it is not in the target (signed as the position that it is meant for; the other way
    round where an order was raised to the smallest one and took more than was asked for).
    """

    qty: Decimal = ZERO
    target_qty: Decimal = ZERO
    buying: Decimal = ZERO
    selling: Decimal = ZERO
    last_signal_id: int = 0
    cost: Decimal = ZERO
    buying_back: Decimal = ZERO
    selling_off: Decimal = ZERO
    carried_qty: Decimal = ZERO
    carried_at: datetime | None = None


class RiskView(NamedTuple):
    """What limits say about a follower's opening orders, and the sums that such an order is held against."""

    bounds: OrderBounds
    state: OrderState


class Follower(NamedTuple):
    """One subscription with what its next order depends on.

    `spent` is the cost of all its books plus what its opening orders in flight may still pay at their limits.
    `refusal` says why its account cannot open this perpetual at all, or None. `leverage_max` is the highest leverage
    that the follower wants for its account, None for no bound of its own. `risk` is None where no limit is about its
    opening orders.
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
    size_policy: SizePolicy = SizePolicy.SKIP
    leverage_max: int | None = None
    risk: RiskView | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds on one copy: the brand's, and whether the strategy takes new positions at present.

    `round_up_max` is how many times what was wanted an order may be that is raised to the smallest one;
    `carry_s_max` how long increases that were too small are carried. `mark_px` is what the market says of the price,
    None where that is not known; a signal further from it than `mark_bps_max`, or a position worth more than
    `exposure_max` times the leader's equity, is not believed. `unrest` is why nothing is opened of the instrument for
    now. `brackets` are what the exchange allows by size, empty where that is not known.
    """

    slippage_bps_max: int
    signal_age_ms_max: int
    market_allowed: bool = True
    strategy_live: bool = True
    leverage_max: int = LEVERAGE_HIGHEST
    round_up_max: Decimal = ROUND_UP_MAX_PLAIN
    carry_s_max: int = CARRY_S_MAX_PLAIN
    mark_px: Decimal | None = None
    mark_bps_max: int = MARK_BPS_MAX_PLAIN
    exposure_max: int = LEVERAGE_HIGHEST
    strategy_suspended: bool = False
    unrest: No | None = None
    brackets: tuple[Bracket, ...] = ()


class Planned(NamedTuple):
    """One row for the copy table: an order to send, or a denial with its reason.

    `target_qty`, `carried_qty` and `carried_at` are the book's new ones, stored with the copy. An open that `waits` is
    sent once the position on the other side is closed and that is known; it assumes `leverage` on its account.

    The rest is why the order is as large as it is: what the leader's move asked for before any limit (without a sign),
    the allocation, what the book held before, and which limit bit.
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
    carried_qty: Decimal = ZERO
    carried_at: datetime | None = None
    leverage: int = 1
    wanted_qty: Decimal = ZERO
    allocation: Decimal = ZERO
    book_qty: Decimal = ZERO
    bound: Bound = Bound.NONE

    @property
    def remainder(self) -> Decimal:
        """Return what the order leaves to the next one, where nothing else of its book is on its way."""
        signed = self.qty if self.side is Side.BUY else -self.qty
        return self.target_qty + self.carried_qty - self.book_qty - signed
