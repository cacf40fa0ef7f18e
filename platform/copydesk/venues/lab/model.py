"""Values of the simulated exchange: instruments, orders, executions, positions, named refusals and events.

`symbol` is always the exchange's own name ("BTCUSDT"); times are epoch milliseconds.
Values made on the hot path are named tuples: a frozen dataclass costs four times as much to build.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from copydesk.kernel import ZERO
from copydesk.venues.lab.reject import Reject as Reject

if TYPE_CHECKING:
    from copydesk.venues.lab.conditional import Conditional
    from copydesk.venues.lab.order_lists import OrderList

ONE = Decimal(1)

MAKER_ACCOUNT = "lab:maker"
FEES_ACCOUNT = "lab:fees"
INSURANCE_ACCOUNT = "lab:insurance"
HOUSE_ACCOUNTS = frozenset({MAKER_ACCOUNT, FEES_ACCOUNT, INSURANCE_ACCOUNT})

SPOT = "spot"
PERP = "perp"
NET = "net"
LONG = "long"
SHORT = "short"
CROSS = "cross"
ISOLATED = "isolated"
LAST = "last"
MARK = "mark"
INDEX = "index"

BUY = "buy"
SELL = "sell"
MARKET = "market"
LIMIT = "limit"
LIMIT_MAKER = "limit_maker"
GTC = "GTC"
IOC = "IOC"
FOK = "FOK"
GTD = "GTD"

NEW = "NEW"
PARTIALLY_FILLED = "PARTIALLY_FILLED"
FILLED = "FILLED"
CANCELED = "CANCELED"
REJECTED = "REJECTED"
EXPIRED = "EXPIRED"
TRIGGERED = "TRIGGERED"
TRADE = "TRADE"
AMENDED = "AMENDED"
UPDATED = "UPDATED"
FUNDING_FEE = "FUNDING_FEE"
TRANSFER = "TRANSFER"
LIQUIDATION = "LIQUIDATION"
OPEN_STATUSES = frozenset({NEW, PARTIALLY_FILLED})


class Bracket(NamedTuple):
    """Up to `notional_cap` (quote units) a position may use `leverage_max`.

    Maintenance margin is `notional * maint_ratio - maint_deduction`.
    """

    notional_floor: Decimal
    notional_cap: Decimal
    leverage_max: int
    maint_ratio: Decimal
    maint_deduction: Decimal


@dataclass(frozen=True, slots=True)
class LabInstrument:
    """A spot pair or a linear perpetual with its filters. Steps and minima as in `copydesk.trading.Instrument`.

    The engines count base units throughout; `contract_size` is for dialects of exchanges that count contracts.
    """

    symbol: str
    venue_symbol: str
    base: str
    quote: str
    px_tick: Decimal
    qty_step: Decimal
    qty_min: Decimal
    qty_max: Decimal
    notional_min: Decimal
    contract_size: Decimal = ONE
    settle: str = ""
    brackets: tuple[Bracket, ...] = ()

    @property
    def perpetual(self) -> bool:
        return self.settle != ""

    @property
    def price_symbol(self) -> str:
        """Name the replayed price path."""
        return f"{self.base}{self.quote}"


class Attached(NamedTuple):
    """A take-profit or stop-loss given with an order; `px` None closes at market. `watch` is LAST, MARK or INDEX."""

    trigger_px: Decimal
    px: Decimal | None
    watch: str


class NewOrder(NamedTuple):
    """An order as asked for. Exactly one of `qty` (base) and `quote_qty` (spot market orders only) is set.

    An empty `client_order_id` gets the name "lab-<order id>". From `position_side` on, fields are for perpetuals:
    `margin_mode` "" takes the account's setting for the symbol; `close_position` takes the position's quantity;
    `expire_ms` belongs to GTD. `tag` is opaque text that stays with the order. `order_list_id` is set by the list.
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
    market: str = SPOT
    position_side: str = NET
    reduce_only: bool = False
    expire_ms: int | None = None
    margin_mode: str = ""
    close_position: bool = False
    take_profit: Attached | None = None
    stop_loss: Attached | None = None
    tag: str = ""
    order_list_id: int | None = None


class Execution(NamedTuple):
    """One half of a trade, as the account on that half sees it. Both halves share `trade_id`.

    `realized` is the profit that a perpetual's closing half makes before its fee.
    """

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
    realized: Decimal = ZERO
    position_side: str = NET


@dataclass(slots=True, eq=False)
class Order:
    """An accepted order and its life so far; the only mutable record.

    `qty` of a market order by quote quantity is what the book gave. `reason` says why it expired or was canceled.
    `leaves` is `qty - cum_qty` while open and stays at the unfilled rest afterwards.
    `conditional_id` names the conditional order that placed it, `order_list_id` its list, if any.
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
    market: str = SPOT
    position_side: str = NET
    reduce_only: bool = False
    expire_ms: int | None = None
    margin_mode: str = ""
    tag: str = ""
    realized: Decimal = ZERO
    conditional_id: int | None = None
    order_list_id: int | None = None

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
    """Something happened to an order. `change` is NEW, TRADE, AMENDED, CANCELED or EXPIRED.

    FILLED is NEW and the one TRADE together, of an order that nobody listens to (see light.py).
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

    `change` is TRADE (or an order's life), DEPOSIT for money from outside, TRANSFER for money from another wallet,
    FUNDING_FEE, or LIQUIDATION for what the insurance paid; `delta` is that amount. Funding names its position.
    """

    account: str
    balances: tuple[tuple[str, Decimal, Decimal], ...]
    at_ms: int
    change: str = TRADE
    delta: Decimal = ZERO
    market: str = SPOT
    symbol: str = ""
    position_side: str = NET


class PositionView(NamedTuple):
    """One position, flat or not. `qty` is signed base units, all money is in the settle currency.

    `initial_margin` is at the mark price; `isolated_margin` is 0 in cross mode. `realized` counts since the position
    was opened, without fees and funding. `liquidation_px` is 0 where no price of this contract would liquidate.
    """

    account: str
    symbol: str
    position_side: str
    qty: Decimal
    entry_px: Decimal
    mark_px: Decimal
    leverage: int
    margin_mode: str
    isolated_margin: Decimal
    initial_margin: Decimal
    maint_margin: Decimal
    unrealized: Decimal
    realized: Decimal
    liquidation_px: Decimal
    bankruptcy_px: Decimal
    notional: Decimal
    updated_ms: int
    created_ms: int


class PositionUpdate(NamedTuple):
    """A position changed. `reason` is ORDER, FUNDING_FEE, LIQUIDATION, MARGIN_TRANSFER, MARGIN_MODE or LEVERAGE."""

    account: str
    position: PositionView
    reason: str
    at_ms: int


class ConditionalUpdate(NamedTuple):
    """A conditional order changed. `change` is NEW, ACTIVE, AMENDED, TRIGGERED, CANCELED, EXPIRED or REJECTED.

    `conditional` is a copy as of this event.
    """

    account: str
    conditional: Conditional
    change: str
    at_ms: int


class OrderListUpdate(NamedTuple):
    """An order list was placed (NEW), a leg of it was renamed or shrunk (AMENDED), or legs have ended (UPDATED).

    `order_list` is a copy as of this event.
    """

    account: str
    order_list: OrderList
    change: str
    at_ms: int


class ConfigUpdate(NamedTuple):
    """The settings of an account for a symbol changed; `symbol` "" means all of them (the position mode)."""

    account: str
    symbol: str
    leverage: int
    at_ms: int
    margin_mode: str = ""
    hedge: bool = False
    position_side: str = NET


class MarginCall(NamedTuple):
    """The account's (or the isolated position's) maintenance margin has reached most of its equity."""

    account: str
    positions: tuple[PositionView, ...]
    at_ms: int


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
    market: str = SPOT


class BookChange(NamedTuple):
    """The book of `symbol` changed; `Engine.drain_changes` tells which levels, so changes can be bundled."""

    symbol: str
    update_id: int
    at_ms: int


AccountEvent = (
    OrderUpdate | BalanceUpdate | PositionUpdate | ConditionalUpdate | OrderListUpdate | ConfigUpdate | MarginCall
)
Event = AccountEvent | PublicTrade | BookChange


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
