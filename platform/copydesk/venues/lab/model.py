"""Values of the simulated exchange: instruments, orders, executions, named refusals and events.

`symbol` is always the exchange's own name ("BTCUSDT"); times are epoch milliseconds.
Values made on the hot path are named tuples: a frozen dataclass costs four times as much to build.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from copydesk.kernel import ZERO

MAKER_ACCOUNT = "lab:maker"
FEES_ACCOUNT = "lab:fees"
HOUSE_ACCOUNTS = frozenset({MAKER_ACCOUNT, FEES_ACCOUNT})

BUY = "buy"
SELL = "sell"
MARKET = "market"
LIMIT = "limit"
LIMIT_MAKER = "limit_maker"
GTC = "GTC"
IOC = "IOC"
FOK = "FOK"

NEW = "NEW"
PARTIALLY_FILLED = "PARTIALLY_FILLED"
FILLED = "FILLED"
CANCELED = "CANCELED"
REJECTED = "REJECTED"
EXPIRED = "EXPIRED"
TRADE = "TRADE"
OPEN_STATUSES = frozenset({NEW, PARTIALLY_FILLED})


class Reject(StrEnum):
    """Every named "no" of the engine. A dialect maps each to its exchange's code and HTTP status."""

    UNKNOWN_SYMBOL = "UNKNOWN_SYMBOL"
    UNKNOWN_ACCOUNT = "UNKNOWN_ACCOUNT"
    UNKNOWN_ORDER = "UNKNOWN_ORDER"
    MARKET_HALTED = "MARKET_HALTED"
    INVALID_PARAMETERS = "INVALID_PARAMETERS"
    PRICE_FILTER = "PRICE_FILTER"
    PERCENT_PRICE = "PERCENT_PRICE"
    LOT_SIZE = "LOT_SIZE"
    MARKET_LOT_SIZE = "MARKET_LOT_SIZE"
    MIN_NOTIONAL = "MIN_NOTIONAL"
    INSUFFICIENT_BALANCE = "INSUFFICIENT_BALANCE"
    DUPLICATE_CLIENT_ORDER_ID = "DUPLICATE_CLIENT_ORDER_ID"
    WOULD_TAKE = "WOULD_TAKE"
    NO_LIQUIDITY = "NO_LIQUIDITY"
    NO_LIQUIDITY_FOK = "NO_LIQUIDITY_FOK"


@dataclass(frozen=True, slots=True)
class LabInstrument:
    """A spot pair of the lab with its filters. Steps and minima as in `copydesk.trading.Instrument`."""

    symbol: str
    venue_symbol: str
    base: str
    quote: str
    px_tick: Decimal
    qty_step: Decimal
    qty_min: Decimal
    qty_max: Decimal
    notional_min: Decimal


class NewOrder(NamedTuple):
    """An order as asked for. Exactly one of `qty` (base) and `quote_qty` (market orders only) is set.

    An empty `client_order_id` gets the name "lab-<order id>".
    """

    account: str
    client_order_id: str
    symbol: str
    side: str
    type: str
    qty: Decimal | None = None
    quote_qty: Decimal | None = None
    px: Decimal | None = None
    tif: str = GTC


class Execution(NamedTuple):
    """One half of a trade, as the account on that half sees it. Both halves share `trade_id`."""

    trade_id: int
    order_id: int
    account: str
    symbol: str
    side: str
    px: Decimal
    qty: Decimal
    fee: Decimal
    fee_currency: str
    maker: bool
    at_ms: int


@dataclass(slots=True, eq=False)
class Order:
    """An accepted order and its life so far; the only mutable record.

    `qty` of a market order by quote quantity is what the book gave. `reason` says why it expired.
    `leaves` is `qty - cum_qty` while open and stays at the unfilled rest afterwards.
    """

    order_id: int
    account: str
    client_order_id: str
    symbol: str
    side: str
    type: str
    qty: Decimal
    quote_qty: Decimal | None
    px: Decimal | None
    tif: str
    created_ms: int
    updated_ms: int
    leaves: Decimal
    status: str = NEW
    cum_qty: Decimal = ZERO
    cum_quote: Decimal = ZERO
    reason: Reject | None = None
    fills: list[Execution] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    def fill(self, qty: Decimal, cost: Decimal, at_ms: int) -> None:
        """Count an execution of `qty` base units for `cost` quote units."""
        self.cum_qty += qty
        self.cum_quote += cost
        self.leaves -= qty
        self.updated_ms = at_ms
        self.status = PARTIALLY_FILLED if self.leaves else FILLED


class OrderUpdate(NamedTuple):
    """Something happened to an order. `change` is NEW, TRADE, CANCELED or EXPIRED.

    `status`, `cum_qty` and `cum_quote` are frozen at this event; `order` moves on.
    """

    account: str
    order: Order
    change: str
    status: str
    cum_qty: Decimal
    cum_quote: Decimal
    execution: Execution | None
    at_ms: int


class BalanceUpdate(NamedTuple):
    """New balances of an account: `(asset, free, locked)` for every asset that may have changed.

    `change` is TRADE (or an order's life) and DEPOSIT for money from outside; `delta` is the deposit.
    """

    account: str
    balances: tuple[tuple[str, Decimal, Decimal], ...]
    at_ms: int
    change: str = TRADE
    delta: Decimal = ZERO


class PublicTrade(NamedTuple):
    """A trade on the tape. `buyer_is_maker` as in Binance's `m`.

    Order ids are 0 for the maker, and both 0 for the tape prints that follow the replayed market (no money moves).
    """

    symbol: str
    trade_id: int
    px: Decimal
    qty: Decimal
    buyer_is_maker: bool
    buyer_order_id: int
    seller_order_id: int
    at_ms: int


class BookChange(NamedTuple):
    """The book of `symbol` changed; `Engine.drain_changes` tells which levels, so changes can be bundled."""

    symbol: str
    update_id: int
    at_ms: int


Event = OrderUpdate | BalanceUpdate | PublicTrade | BookChange


class Result(NamedTuple):
    """Answer to submit or cancel. `order` is None exactly when `reject` is set.

    `executions` are the taker's own halves; `events` hold everything for every account touched, in order.
    """

    order: Order | None
    executions: tuple[Execution, ...]
    reject: Reject | None
    events: list[Event]


class Depth(NamedTuple):
    """Best levels, `(px, qty)`, best first."""

    update_id: int
    bids: list[tuple[Decimal, Decimal]]
    asks: list[tuple[Decimal, Decimal]]


class DepthDiff(NamedTuple):
    """Levels changed since the last drain, quantity 0 = level gone. Ids as in Binance's `U` and `u`."""

    first_update_id: int
    last_update_id: int
    bids: list[tuple[Decimal, Decimal]]
    asks: list[tuple[Decimal, Decimal]]


class Ticker(NamedTuple):
    """Top of book and last trade; a side without orders has px and qty 0."""

    symbol: str
    bid_px: Decimal
    bid_qty: Decimal
    ask_px: Decimal
    ask_qty: Decimal
    last_px: Decimal
    last_qty: Decimal
    last_trade_id: int
