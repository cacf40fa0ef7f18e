"""Values that only the venue seam speaks of: balances, key rights, leader trades, stream events, outcomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import (
    Denial,
    MarginMode,
    OrderRequest,
    OrderStatus,
    OrderType,
    OrderView,
    PositionSide,
    Side,
    TimeInForce,
)


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account owns of one currency; `locked` is tied up in open orders."""

    free: Decimal
    locked: Decimal


class Wallet(StrEnum):
    """Where an exchange keeps an account's money. Unified accounts have one purse for SPOT and FUTURES."""

    SPOT = "spot"
    FUTURES = "futures"
    FUNDING = "funding"


class Position(NamedTuple):
    """One open perpetual position by ccxt symbol. `qty` is signed, in base units; prices in quote units.

    `margin` is the money behind an isolated position without its unrealized profit; None where it has none of its own,
    or the exchange does not tell.
    """

    symbol: str
    side: PositionSide
    qty: Decimal
    entry_px: Decimal
    mark_px: Decimal
    leverage: int | None
    margin_mode: MarginMode | None
    unrealized: Decimal
    liquidation_px: Decimal | None
    margin: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Amendment:
    """What to change of an open limit order: its whole quantity in base units, its price, or both."""

    client_order_id: str
    symbol: str
    side: Side
    qty: Decimal
    px: Decimal
    reduces: bool = False
    position_side: PositionSide = PositionSide.NET

    def order(self) -> OrderRequest:
        """Return the order as it is to be from now on."""
        terms = (self.client_order_id, self.symbol, self.side, OrderType.LIMIT, self.qty, self.px)
        return OrderRequest(*terms, reduces=self.reduces, position_side=self.position_side)


@dataclass(frozen=True, slots=True)
class KeyScope:
    """What an API key may do. A right that the exchange does not mention counts as granted where it is dangerous.

    `unknown` are rights that no list of ours names: they make a key unsafe. `named` are the rights because of which a
    key is refused, as the exchange's own page calls them. `expires_at` is when the exchange ends the key by itself,
    None where it does not, or does not say. `uid` is the exchange's own number of the account, where it is told here.
    """

    can_read: bool
    can_trade: bool
    can_withdraw: bool
    can_transfer: bool
    ip_bound: bool
    can_trade_perpetuals: bool = False
    unknown: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    expires_at: datetime | None = field(default=None, compare=False)
    uid: str = field(default="", compare=False)

    def denial(self) -> Denial | None:
        """Return why this key is not accepted for copying, or None."""
        for wrong, denial in (
            (self.can_withdraw, Denial.KEY_CAN_WITHDRAW),
            (self.can_transfer, Denial.KEY_CAN_TRANSFER),
            (bool(self.unknown), Denial.KEY_RIGHTS_UNKNOWN),
            (not (self.can_read and (self.can_trade or self.can_trade_perpetuals)), Denial.KEY_READ_ONLY),
        ):
            if wrong:
                return denial
        return None


@dataclass(frozen=True, slots=True)
class LeaderTrade:
    """One execution of a leader account by ccxt symbol, in base units.

    `client_order_id` and `order_type` may be known from the stream only.
    """

    trade_id: str
    venue_order_id: str
    client_order_id: str
    symbol: str
    side: Side
    order_type: OrderType | None
    qty: Decimal
    px: Decimal
    fee: Decimal
    fee_currency: str
    at_ms: int
    position_side: PositionSide = PositionSide.NET


class FundingPayment(NamedTuple):
    """What an account paid (below zero) or received for holding a perpetual over a funding time, by ccxt symbol.

    One of each position, so in hedge mode there may be two of a symbol at one time. `payment_id` is unique by account.
    """

    payment_id: str
    symbol: str
    amount: Decimal
    currency: str
    at_ms: int


class FundingRate(NamedTuple):
    """What longs pay shorts of a perpetual next, as a ratio of the notional (below zero the other way), and when."""

    rate: Decimal
    next_at_ms: int


# Stands in `OrderFact.placed_by` where the exchange does not say which conditional order placed this one.
UNNAMED = "?"


class OrderFact(NamedTuple):
    """The newest state of one order of a leader account, with its terms, by ccxt symbol and in base units.

    Cumulative, so a newer fact replaces older ones. What a triggered conditional order places has an order id of its
    own on most exchanges: its fact names that one in `placed_by`, or the conditional's fact names it in `placed_id`.
    Exits attached to an opening order become orders of their own with its fill, and are told then. `closes_all` marks
    an order for whatever the position is when it triggers; its quantity is zero.
    """

    venue_order_id: str
    symbol: str
    side: Side
    type: OrderType
    qty: Decimal
    cum_qty: Decimal
    status: OrderStatus
    at_ms: int
    px: Decimal | None = None
    trigger_px: Decimal | None = None
    reduces: bool = False
    position_side: PositionSide = PositionSide.NET
    time_in_force: TimeInForce = TimeInForce.GTC
    closes_all: bool = False
    placed_by: str = ""
    placed_id: str = ""


class StreamState(StrEnum):
    """What a leader stream has to say.

    `connected`: subscription confirmed, so take a REST snapshot now. `trades`: executions, or changes of orders.
    `probe`: nothing for a while, so compare by REST. `lost`: reconnecting, trades may be missed until `connected`.
    """

    CONNECTED = "connected"
    TRADES = "trades"
    PROBE = "probe"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class StreamEvent:
    state: StreamState
    trades: tuple[LeaderTrade, ...] = ()
    reason: str = ""
    orders: tuple[OrderFact, ...] = ()


class FeedState(StrEnum):
    """What a price stream has to say: subscribed everywhere, prices, or reconnecting a part of it."""

    CONNECTED = "connected"
    PRICES = "prices"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Price:
    """The newest prices of one instrument by ccxt symbol, in quote units: the last trade's, and a perpetual's mark.

    Each with the exchange's time in epoch milliseconds; None has not been told yet.
    """

    symbol: str
    px: Decimal | None = None
    at_ms: int = 0
    mark: Decimal | None = None
    mark_at_ms: int = 0


class Liquidity(NamedTuple):
    """What the market of one instrument bears, in quote currency.

    `bids` and `asks` are offered within 1 % of the price, `volume` was traded in 24 hours.
    """

    bids: Decimal
    asks: Decimal
    volume: Decimal


class Depth(NamedTuple):
    """The best levels of one instrument's order book, price and base units, the best first."""

    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]


@dataclass(frozen=True, slots=True)
class PriceEvent:
    state: FeedState
    prices: tuple[Price, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class StreamTiming:
    """The clockwork of a stream, in seconds.

    `probe_after_s`: silence after which the caller should compare by REST, or a price stream counts as mute;
    `backoff_*`: pauses before connecting again; `confirm_max_s`: patience for connection and subscription; `alive_s`:
    a connection that answers no ping for so long is dead; `rotate_after_s`: age at which it is replaced, before the
    exchange cuts it.
    """

    probe_after_s: float = 10.0
    backoff_min_s: float = 0.25
    backoff_max_s: float = 15.0
    confirm_max_s: float = 10.0
    alive_s: float = 15.0
    rotate_after_s: float = 23 * 3600.0


SubmitResult = OrderView | VenueRefused | Unavailable | OutcomeUnknown


class Outcome(NamedTuple):
    """What came of one order: accepted, refused with proof, never sent, or unknown.

    `sent_at` and `acked_at` are epoch seconds of this machine; `sent_at` is None when no byte was written.
    """

    result: SubmitResult
    sent_at: float | None
    acked_at: float | None

    def view(self) -> OrderView:
        """Return the accepted order, or raise what stopped it."""
        if isinstance(self.result, OrderView):
            return self.result
        raise self.result
