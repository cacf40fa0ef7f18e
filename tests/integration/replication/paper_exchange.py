"""An exchange in memory that fills as told and keeps a record of every order that arrived."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from copydesk.kernel import ZERO, CopydeskError, OutcomeUnknown, Unavailable, VenueRefused, floor_to_step, utc_now
from copydesk.trading import (
    Bracket,
    Credentials,
    Denial,
    Fill,
    Instrument,
    MarginMode,
    OrderRequest,
    OrderStatus,
    OrderView,
    PositionSide,
    Side,
)
from copydesk.venues import (
    BINANCE,
    Balance,
    FundingPayment,
    LeaderTrade,
    Outcome,
    Position,
    SubmitResult,
    VenueTraits,
    Wallet,
)

D = Decimal
PX = Decimal(50_000)


def instrument(symbol: str) -> Instrument:
    base, _, quote = symbol.partition("/")
    quote, _, settle = quote.partition(":")
    step = D("0.001") if settle else D("0.00001")
    spot = Instrument("binance", symbol, base + quote, base, quote, D("0.01"), step, step, D(9000), D(5))
    return replace(spot, settle=settle, leverage_max=20) if settle else spot


PERPETUAL = "BTC/USDT:USDT"
INSTRUMENTS = {symbol: instrument(symbol) for symbol in ("BTC/USDT", "ETH/USDT", PERPETUAL)}


@dataclass
class PaperExchange:
    """Fill every order at its limit unless told otherwise, and remember each one that arrived.

    `mood` by account: "fill", "half" (the rest expires), "miss" (expires unfilled), "rest" (accepted, no fill yet),
    "lost" (never arrives, answer unknown), "silent" (arrives and fills, answer unknown), "busy" (provably not sent),
    "key" (the key is rejected), "mode" (the account is in another position mode), "strict" (takes no order that
    the account's `cash` cannot pay, and none that is to reduce more than is there). `margin` is the futures purse where
    it is another. Orders that are `forgotten` are
    told by their executions alone.
    """

    mood: dict[int, str] = field(default_factory=dict)
    cash: dict[int, Decimal] = field(default_factory=dict)
    margin: dict[int, Decimal] | None = None
    read: list[int] = field(default_factory=list)
    arrived: list[tuple[int, OrderRequest]] = field(default_factory=list)
    orders: dict[str, OrderView] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    answers: dict[str, CopydeskError] = field(default_factory=dict)
    on_submit: Callable[[], None] = lambda: None
    sold_by_hand: dict[int, Decimal] = field(default_factory=dict)
    px: dict[str, Decimal] = field(default_factory=dict)
    traded_by_hand: dict[int, list[LeaderTrade]] = field(default_factory=dict)
    liquidation_px: Decimal | None = None
    paid: dict[int, list[FundingPayment]] = field(default_factory=dict)
    setups: list[tuple[int, str, object]] = field(default_factory=list)
    setup_refused: dict[str, CopydeskError] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    listed: Mapping[str, Instrument] = field(default_factory=lambda: INSTRUMENTS)
    traits: VenueTraits = BINANCE
    allowed: dict[str, tuple[Bracket, ...]] = field(default_factory=dict)

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        return self.listed

    @property
    def venue(self) -> Any:
        return self

    async def submit_many(
        self,
        orders: Sequence[tuple[Credentials, OrderRequest]],
        *,
        may_send: Callable[[], bool] = lambda: True,
    ) -> list[Outcome]:
        self.on_submit()
        return [Outcome(self._take(key.account_id, order), time.time(), time.time()) for key, order in orders]

    async def query(self, credentials: Credentials, symbol: str, client_order_id: str) -> OrderView | None:
        self.asked.append(client_order_id)
        if client_order_id in self.answers:
            raise self.answers[client_order_id]
        return None if client_order_id in self.forgotten else self.orders.get(client_order_id)

    async def fills(
        self, credentials: Credentials, symbol: str, venue_order_id: str, *, since_ms: int
    ) -> tuple[Fill, ...]:
        if venue_order_id in self.answers:
            raise self.answers[venue_order_id]
        told = (self.orders[cid] for cid in self.forgotten)
        fills = (fill for view in told if view.venue_order_id == venue_order_id for fill in view.fills)
        return tuple(fill for fill in fills if fill.at.timestamp() * 1000 >= since_ms)

    async def balances(self, credentials: Credentials, wallet: Wallet = Wallet.SPOT) -> dict[str, Balance]:
        owned = {base: self.owned(credentials.account_id, base) for base in ("BTC", "ETH")}
        if wallet is Wallet.FUTURES and self.margin is not None:
            return {"USDT": Balance(self.margin.get(credentials.account_id, ZERO), ZERO)}
        owned["USDT"] = self.cash.get(credentials.account_id, ZERO)
        self.read.append(credentials.account_id)
        return {currency: Balance(qty, ZERO) for currency, qty in owned.items()}

    async def positions(self, credentials: Credentials, symbol: str | None = None) -> list[Position]:
        """Return what orders on the perpetual have made, as a one-way account shows it, less what was sold by hand."""
        qty = self.position(credentials.account_id)
        held = Position(PERPETUAL, PositionSide.NET, qty, PX, PX, 3, MarginMode.CROSS, ZERO, self.liquidation_px)
        return [held] if qty else []

    async def prices(self) -> dict[str, Decimal]:
        """Return what was set, and `PX` for everything else."""
        return dict.fromkeys(self.instruments, PX) | self.px

    async def trades_since(self, credentials: Credentials, symbol: str, since_ms: int) -> list[LeaderTrade]:
        """Return what an account's owner, or the exchange, traded on it."""
        return self.traded_by_hand.get(credentials.account_id, [])

    async def funding(self, credentials: Credentials, since_ms: int) -> list[FundingPayment]:
        """Return the payments that were set for an account."""
        return [paid for paid in self.paid.get(credentials.account_id, []) if paid.at_ms >= since_ms]

    def position(self, account_id: int) -> Decimal:
        qty = -self.sold_by_hand.get(account_id, ZERO)
        for order in self.orders_of(account_id):
            if order.symbol == PERPETUAL:
                cum_qty = self.orders[order.client_order_id].cum_qty
                qty += cum_qty if order.side is Side.BUY else -cum_qty
        return qty

    async def brackets(self, credentials: Credentials, symbol: str) -> tuple[Bracket, ...]:
        """Return what was set; without it any size may have as much leverage as the instrument."""
        return self.allowed.get(symbol, (Bracket(D("1E15"), self.instruments[symbol].leverage_max, ZERO),))

    async def set_position_mode(self, credentials: Credentials, symbol: str, *, hedge: bool) -> None:
        self._set(credentials, "position_mode", hedge)

    async def set_margin_mode(
        self, credentials: Credentials, symbol: str, margin_mode: MarginMode, leverage: int
    ) -> None:
        self._set(credentials, "margin_mode", margin_mode)

    async def set_leverage(
        self, credentials: Credentials, symbol: str, leverage: int, margin_mode: MarginMode = MarginMode.CROSS
    ) -> None:
        self._set(credentials, "leverage", leverage)

    def _set(self, credentials: Credentials, what: str, value: object) -> None:
        if what in self.setup_refused:
            raise self.setup_refused[what]
        self.setups.append((credentials.account_id, what, value))

    def owned(self, account_id: int, base: str = "BTC") -> Decimal:
        """Return what an account holds: all that filled, less fees in base and what its owner sold elsewhere."""
        qty = -self.sold_by_hand.get(account_id, ZERO)
        for order in self.orders_of(account_id):
            for fill in self.orders[order.client_order_id].fills if order.symbol == f"{base}/USDT" else ():
                qty += fill.qty if order.side is Side.BUY else -fill.qty
                qty -= fill.fee if fill.fee_currency == base else ZERO
        return qty

    def _take(self, account_id: int, order: OrderRequest) -> SubmitResult:
        mood = self.mood.get(account_id, "fill")
        match mood:
            case "lost":
                return OutcomeUnknown("no answer")
            case "busy":
                return Unavailable("busy", retry_after_s=0)
            case "key":
                return VenueRefused("Invalid API-key", code=Denial.KEY_REJECTED, venue_code="-2015")
            case "mode":
                return VenueRefused("position side", code=Denial.POSITION_MODE_WRONG, venue_code="-4061")
            case "strict" if (refusal := self._lacks(account_id, order)) is not None:
                return VenueRefused("refused", code=refusal)
        self.arrived.append((account_id, order))
        view = view_of(order, {"half": D("0.5"), "miss": ZERO, "rest": ZERO}.get(mood, D(1)), resting=mood == "rest")
        self.orders[order.client_order_id] = view
        return OutcomeUnknown("no answer") if mood == "silent" else view

    def _lacks(self, account_id: int, order: OrderRequest) -> Denial | None:
        """Name what an account has too little of for an order."""
        spot = ":" not in order.symbol
        if order.reduces and spot:
            held = self.owned(account_id, order.symbol.partition("/")[0])
            return Denial.INSUFFICIENT_BALANCE if held < order.qty else None
        if order.reduces:
            held = self.position(account_id) * (1 if order.side is Side.SELL else -1)
            return Denial.NOTHING_TO_REDUCE if order.reduce_only and held < order.qty else None
        return Denial.INSUFFICIENT_BALANCE if self.cash.get(account_id, ZERO) < order.qty * (order.px or PX) else None

    def match(self) -> None:
        """Fill whatever rests."""
        for _, order in self.arrived:
            if self.orders[order.client_order_id].status is OrderStatus.ACCEPTED:
                self.orders[order.client_order_id] = view_of(order, D(1))

    def orders_of(self, account_id: int) -> list[OrderRequest]:
        return [order for account, order in self.arrived if account == account_id]

    @property
    def duplicates(self) -> int:
        return len(self.arrived) - len({order.client_order_id for _, order in self.arrived})


def view_of(order: OrderRequest, share: Decimal, *, resting: bool = False) -> OrderView:
    """Return the exchange's word on an order that filled by `share`; a buy on spot pays its fee in base."""
    cum_qty = floor_to_step(order.qty * share, INSTRUMENTS[order.symbol].qty_step)
    px = order.px or PX
    base = order.symbol.partition("/")[0]
    in_base = order.side is Side.BUY and ":" not in order.symbol
    fee, currency = (cum_qty * D("0.001"), base) if in_base else (cum_qty * px * D("0.001"), "USDT")
    fills = (Fill(f"{order.client_order_id}-1", cum_qty, px, fee, currency, utc_now()),) if cum_qty else ()
    ended = OrderStatus.FILLED if cum_qty == order.qty else OrderStatus.EXPIRED
    status = OrderStatus.ACCEPTED if resting else ended
    return OrderView(
        order.client_order_id, "1", order.symbol, order.side, status, order.qty, cum_qty, px, fills, utc_now()
    )
