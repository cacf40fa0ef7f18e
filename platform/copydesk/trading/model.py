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
    """Market and limit orders, and the conditional ones that become one of them at `trigger_px`."""

    MARKET = "market"
    LIMIT = "limit"
    STOP_MARKET = "stop_market"
    STOP_LIMIT = "stop_limit"
    TAKE_PROFIT_MARKET = "take_profit_market"
    TAKE_PROFIT_LIMIT = "take_profit_limit"

    @property
    def conditional(self) -> bool:
        return self not in (OrderType.MARKET, OrderType.LIMIT)


class TimeInForce(StrEnum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class PositionSide(StrEnum):
    """Which position an order belongs to: the one of one-way mode, or one of hedge mode's two."""

    NET = "net"
    LONG = "long"
    SHORT = "short"


class MarginMode(StrEnum):
    CROSS = "cross"
    ISOLATED = "isolated"


class Environment(StrEnum):
    """Where an account lives: the real exchange or the simulated one (demo)."""

    LIVE = "live"
    LAB = "lab"


class SizingMode(StrEnum):
    """How a follower's quantity follows from the trader's (platform/docs/algorithms/sizing.md)."""

    EQUITY_RATIO = "equity_ratio"
    MULTIPLIER = "multiplier"
    FIXED_RATIO = "fixed_ratio"
    FIXED_NOTIONAL = "fixed_notional"
    FIXED_QTY = "fixed_qty"


class SizePolicy(StrEnum):
    """What becomes of an opening copy that is smaller than the exchange takes."""

    SKIP = "skip"
    ROUND_UP = "round_up"
    ACCUMULATE = "accumulate"


class JoinMode(StrEnum):
    """What a new follower does about positions that the trader holds already.

    `better_price` takes one over only where it costs no more than it cost the trader; `wait_until_flat` copies nothing
    of an instrument before the trader has closed it.
    """

    IGNORE = "ignore"
    AT_MARKET = "at_market"
    BETTER_PRICE = "better_price"
    WAIT_UNTIL_FLAT = "wait_until_flat"


class CopyMode(StrEnum):
    """What of a trader's orders is copied: what they fill, or the orders themselves, resting ones as well."""

    FILLS = "fills"
    ORDERS = "orders"


class EndMode(StrEnum):
    """What becomes of copied positions when a follower leaves."""

    CLOSE_NOW = "close_now"
    MANAGE_UNTIL_EXIT = "manage_until_exit"
    HAND_OVER = "hand_over"


class SubscriptionState(StrEnum):
    """Life of a subscription; what may follow what is in `replication.lifecycle`. Only `ended` is copied no more."""

    SYNCED = "synced"
    CATCHING_UP = "catching_up"
    OUT_OF_SYNC = "out_of_sync"
    PAUSED = "paused"
    DISARMED = "disarmed"
    LIQUIDATED = "liquidated"
    ENDING = "ending"
    ENDED = "ended"


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
    CARRIED = "carried"
    PRICE_ABSURD = "price_absurd"
    QTY_ABSURD = "qty_absurd"
    ORDER_ALREADY_COPIED = "order_already_copied"
    ORDER_RESTS = "order_rests"
    ORDER_CANCELED_BY_OWNER = "order_canceled_by_owner"
    ORDER_WOULD_TURN = "order_would_turn"
    ORDERS_RECALLED = "orders_recalled"
    BELOW_ONE_STEP = "below_one_step"
    INSTRUMENT_UNMAPPED = "instrument_unmapped"
    INSTRUMENT_HALTED = "instrument_halted"
    MARKET_NOT_ALLOWED = "market_not_allowed"
    STRATEGY_PAUSED = "strategy_paused"
    STRATEGY_SUSPENDED = "strategy_suspended"
    SUBSCRIPTION_PAUSED = "subscription_paused"
    SUBSCRIPTION_DISARMED = "subscription_disarmed"
    SUBSCRIPTION_LIQUIDATED = "subscription_liquidated"
    SUBSCRIPTION_ENDING = "subscription_ending"
    INSTRUMENT_DETACHED = "instrument_detached"
    WAITING_UNTIL_FLAT = "waiting_until_flat"
    POSITION_IGNORED = "position_ignored"
    JOIN_PRICE_NOT_BETTER = "join_price_not_better"
    LEADER_IS_FLAT = "leader_is_flat"
    SELF_COPY = "self_copy"
    COPY_LOOP = "copy_loop"
    HEDGE_MODE_MISSING = "hedge_mode_missing"
    POSITION_MODE_SHARED = "position_mode_shared"
    PERPETUALS_NOT_ALLOWED = "perpetuals_not_allowed"
    ACCOUNT_UNUSABLE = "account_unusable"
    KEY_REJECTED = "key_rejected"
    KEY_CAN_WITHDRAW = "key_can_withdraw"
    KEY_CAN_TRANSFER = "key_can_transfer"
    KEY_RIGHTS_UNKNOWN = "key_rights_unknown"
    KEY_READ_ONLY = "key_read_only"
    KEY_EXPIRED = "key_expired"
    KEY_SECRET_WRONG = "key_secret_wrong"  # noqa: S105 - a reason, not a secret
    KEY_PASSPHRASE_WRONG = "key_passphrase_wrong"  # noqa: S105 - a reason, not a secret
    KEY_ADDRESS_REFUSED = "key_address_refused"
    KEY_ACCOUNT_TYPE_WRONG = "key_account_type_wrong"
    KEY_UNBOUND = "key_unbound"
    KEY_REMOVED = "key_removed"
    CLOCK_SKEWED = "clock_skewed"
    POSITION_MODE_WRONG = "position_mode_wrong"
    MARGIN_MODE_WRONG = "margin_mode_wrong"
    LEVERAGE_REFUSED = "leverage_refused"
    RATE_LIMITED = "rate_limited"
    VENUE_UNAVAILABLE = "venue_unavailable"
    VENUE_BREAKER_OPEN = "venue_breaker_open"
    SIGNER_UNREADY = "signer_unready"
    SIGNER_NOTIONAL_MAX = "signer_notional_max"
    SIGNER_ORDERS_MAX = "signer_orders_max"
    SIGNER_PRICE_BAND = "signer_price_band"
    SIGNER_PRICE_UNKNOWN = "signer_price_unknown"
    VENUE_REFUSED = "venue_refused"
    NEVER_ARRIVED = "never_arrived"
    ORDER_FORGOTTEN = "order_forgotten"
    CLOSE_UNCONFIRMED = "close_unconfirmed"
    STOPPED_BY_SWITCH = "stopped_by_switch"
    RISK_LOSS_MAX = "risk_loss_max"
    RISK_PROFIT_REACHED = "risk_profit_reached"
    RISK_DRAWDOWN_MAX = "risk_drawdown_max"
    RISK_ALLOCATION_MAX = "risk_allocation_max"
    RISK_ALLOCATION_TOTAL_MAX = "risk_allocation_total_max"
    RISK_ORDER_MAX = "risk_order_max"
    RISK_POSITION_MAX = "risk_position_max"
    RISK_INSTRUMENT_MAX = "risk_instrument_max"
    RISK_EXPOSURE_MAX = "risk_exposure_max"
    RISK_POSITIONS_MAX = "risk_positions_max"
    RISK_LEVERAGE_MAX = "risk_leverage_max"
    RISK_ORDERS_MAX = "risk_orders_max"
    RISK_DEPTH_SHARE_MAX = "risk_depth_share_max"
    RISK_VOLUME_MIN = "risk_volume_min"
    RISK_LIQUIDITY_UNKNOWN = "risk_liquidity_unknown"
    RISK_PURSE_UNKNOWN = "risk_purse_unknown"
    RISK_OVERLAP_MAX = "risk_overlap_max"
    RISK_CORRELATION_MAX = "risk_correlation_max"
    RISK_MARGIN_DISTANCE_MIN = "risk_margin_distance_min"
    RISK_INSTRUMENT_NOT_ALLOWED = "risk_instrument_not_allowed"
    RISK_VOLATILE = "risk_volatile"


@dataclass(frozen=True)
class Instrument:
    """A spot pair or linear perpetual on one venue, by ccxt's symbol ("BTC/USDT", "BTC/USDT:USDT").

    `venue_symbol` is the exchange's name, which spot and perpetual may share. Steps and minima are in base units
    (`qty_*`) or quote units (`px_tick`, `notional_min`) even where the exchange counts contracts: `contract_size`
    is then the base units of one. `settle` is the margin currency of a perpetual, empty for spot.
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
    settle: str = ""
    contract_size: Decimal = Decimal(1)
    leverage_max: int = 1

    @property
    def perpetual(self) -> bool:
        return bool(self.settle)


class Bracket(NamedTuple):
    """Up to `notional_cap`, in quote currency, a perpetual's position may use `leverage_max`.

    Its maintenance margin is `notional * maint_ratio - maint_deduction`. Brackets are listed by their caps, the lowest
    first; above the last cap the last bracket holds.
    """

    notional_cap: Decimal
    leverage_max: int
    maint_ratio: Decimal
    maint_deduction: Decimal = Decimal(0)


class OrderRequest(NamedTuple):
    """One order to send, by ccxt symbol. `qty` in base units; `px` is None for market orders.

    `reduces` marks a close: it is never limited by price, draws on the reserved rate budget, and is sent as
    reduce-only where the position has that. A close that `crosses` is not: other books of its account net it out, so
    that it may take the account's one position through zero. `trigger_px` belongs to conditional types; `stop_loss_px`
    and `take_profit_px` are attached market exits of an opening order. `margin_mode` None leaves the account's own.
    """

    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    qty: Decimal
    px: Decimal | None = None
    time_in_force: TimeInForce | None = None
    reduces: bool = False
    position_side: PositionSide = PositionSide.NET
    post_only: bool = False
    trigger_px: Decimal | None = None
    stop_loss_px: Decimal | None = None
    take_profit_px: Decimal | None = None
    margin_mode: MarginMode | None = None
    crosses: bool = False

    @property
    def reduce_only(self) -> bool:
        """Tell whether the exchange is asked to refuse whatever of this order would not bring the position down."""
        return self.reduces and not self.crosses


class Fill(NamedTuple):
    """One execution. `fee` is in `fee_currency` units; `at` is the exchange's time."""

    trade_id: str
    qty: Decimal
    px: Decimal
    fee: Decimal
    fee_currency: str
    at: datetime


class OrderView(NamedTuple):
    """What the exchange says of an order, in base units: cumulative, so the newest view replaces older ones."""

    client_order_id: str
    venue_order_id: str
    symbol: str
    side: Side
    status: OrderStatus
    qty: Decimal
    cum_qty: Decimal
    avg_px: Decimal | None
    fills: tuple[Fill, ...] = ()
    at: datetime | None = None
    position_side: PositionSide = PositionSide.NET


class KeyKind(StrEnum):
    """How a key signs: with a secret that the exchange shares, or with a private key that never leaves us."""

    HMAC = "hmac"
    ED25519 = "ed25519"
    RSA = "rsa"


@dataclass(frozen=True)
class Credentials:
    """An opened exchange key. Lives only in listener, replicator and risk; never printed.

    `secret` is the shared secret, or the private key as PEM text (PKCS #8) of the other kinds. `tenant_id` is the brand
    whose rules its orders are signed by.
    """

    account_id: int
    api_key: str = field(repr=False)
    secret: str = field(repr=False)
    password: str = field(default="", repr=False)
    kind: KeyKind = field(default=KeyKind.HMAC, repr=False)
    tenant_id: int = field(default=0, repr=False)
