"""Values and lifecycles that every package shares. Words are those of FIX and ccxt.

Values made once per copy are named tuples: a frozen dataclass costs three times as much to make.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"


class TimeInForce(StrEnum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class Environment(StrEnum):
    """Where an account lives: the real exchange or the simulated one (demo)."""

    LIVE = "live"
    LAB = "lab"


class SizingMode(StrEnum):
    """How a follower's quantity follows from the trader's (platform/docs/algorithms/sizing.md)."""

    EQUITY_RATIO = "equity_ratio"
    FIXED_RATIO = "fixed_ratio"
    FIXED_NOTIONAL = "fixed_notional"


class SubscriptionState(StrEnum):
    SYNCED = "synced"
    CATCHING_UP = "catching_up"
    OUT_OF_SYNC = "out_of_sync"
    PAUSED = "paused"
    DISARMED = "disarmed"


class OrderStatus(StrEnum):
    """Life of a copy. `denied`: we refused; `rejected`: the exchange refused, with proof."""

    PLANNED = "planned"
    DENIED = "denied"
    IN_FLIGHT = "in_flight"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"


_S = OrderStatus
NEXT: dict[OrderStatus, frozenset[OrderStatus]] = {
    _S.PLANNED: frozenset(
        {_S.IN_FLIGHT, _S.ACCEPTED, _S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELED, _S.REJECTED, _S.EXPIRED}
    ),
    _S.IN_FLIGHT: frozenset({_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELED, _S.REJECTED, _S.EXPIRED}),
    _S.ACCEPTED: frozenset({_S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELED, _S.EXPIRED}),
    _S.PARTIALLY_FILLED: frozenset({_S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELED, _S.EXPIRED}),
    _S.CANCELED: frozenset({_S.PARTIALLY_FILLED, _S.FILLED}),  # A fill can overtake our cancel.
    _S.FILLED: frozenset(),
    _S.DENIED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.EXPIRED: frozenset(),
}
TERMINAL = frozenset({_S.DENIED, _S.FILLED, _S.CANCELED, _S.REJECTED, _S.EXPIRED})


def can_follow(current: OrderStatus, following: OrderStatus) -> bool:
    """Tell whether the order life table allows this step."""
    return following in NEXT[current]


class Denial(StrEnum):
    """Every named "no". The follower reads each in plain words (web translations, one per value)."""

    BELOW_QTY_MIN = "below_qty_min"
    BELOW_NOTIONAL_MIN = "below_notional_min"
    ABOVE_QTY_MAX = "above_qty_max"
    ALLOCATION_SPENT = "allocation_spent"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    SIGNAL_TOO_OLD = "signal_too_old"
    PRICE_MOVED = "price_moved"
    NO_LIQUIDITY = "no_liquidity"
    NOTHING_TO_REDUCE = "nothing_to_reduce"
    ORDER_ALREADY_COPIED = "order_already_copied"
    BELOW_ONE_STEP = "below_one_step"
    INSTRUMENT_UNMAPPED = "instrument_unmapped"
    INSTRUMENT_HALTED = "instrument_halted"
    MARKET_NOT_ALLOWED = "market_not_allowed"
    STRATEGY_PAUSED = "strategy_paused"
    SUBSCRIPTION_PAUSED = "subscription_paused"
    SUBSCRIPTION_DISARMED = "subscription_disarmed"
    ACCOUNT_UNUSABLE = "account_unusable"
    KEY_REJECTED = "key_rejected"
    RATE_LIMITED = "rate_limited"
    VENUE_UNAVAILABLE = "venue_unavailable"
    VENUE_REFUSED = "venue_refused"
    NEVER_ARRIVED = "never_arrived"


@dataclass(frozen=True)
class Instrument:
    """A tradable pair on one venue. `symbol` is ccxt's ("BTC/USDT"), `venue_symbol` the exchange's ("BTCUSDT").

    Steps and minima are in base units (`qty_*`) or quote units (`px_tick`, `notional_min`).
    """

    venue: str
    symbol: str
    venue_symbol: str
    base: str
    quote: str
    px_tick: Decimal
    qty_step: Decimal
    qty_min: Decimal
    qty_max: Decimal
    notional_min: Decimal
    trading: bool = True


class OrderRequest(NamedTuple):
    """One order to send. `qty` in base units; `px` is None for market orders.

    `reduces` marks a close: it is never limited by price, and draws on the reserved rate budget.
    """

    client_order_id: str
    venue_symbol: str
    side: Side
    type: OrderType
    qty: Decimal
    px: Decimal | None = None
    time_in_force: TimeInForce | None = None
    reduces: bool = False


class Fill(NamedTuple):
    """One execution. `fee` is in `fee_currency` units; `at` is the exchange's time."""

    trade_id: str
    qty: Decimal
    px: Decimal
    fee: Decimal
    fee_currency: str
    at: datetime


class OrderView(NamedTuple):
    """What the exchange says of an order: cumulative, so the newest view replaces older ones."""

    client_order_id: str
    venue_order_id: str
    venue_symbol: str
    side: Side
    status: OrderStatus
    qty: Decimal
    cum_qty: Decimal
    avg_px: Decimal | None
    fills: tuple[Fill, ...] = ()
    at: datetime | None = None


@dataclass(frozen=True)
class Credentials:
    """An opened exchange key. Lives only in listener, replicator and risk; never printed."""

    account_id: int
    api_key: str = field(repr=False)
    secret: str = field(repr=False)
    password: str = field(default="", repr=False)
