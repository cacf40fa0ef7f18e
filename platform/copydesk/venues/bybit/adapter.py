"""Bybit behind the port: one origin, one purse for spot and perpetuals.

One instance serves every account of one environment: keys come with each call and are kept nowhere.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

from copydesk.kernel import VenueRefused
from copydesk.trading import Bracket, Credentials, Fill, Instrument, MarginMode, OrderRequest, OrderView
from copydesk.venues.bearing import LEVELS_SHOWN, depth_of, liquidity_of
from copydesk.venues.bybit import account, errors
from copydesk.venues.bybit.history import funding_since, trades_since
from copydesk.venues.bybit.order_calls import SETTLE_COINS, OrderCalls
from copydesk.venues.bybit.orders import category_of
from copydesk.venues.bybit.traits import BYBIT, REST
from copydesk.venues.bybit.wire import BybitWire
from copydesk.venues.candles import CANDLES_ASKED, Candle, Interval, candles_of
from copydesk.venues.client.budget import RateBudget
from copydesk.venues.client.core import VenueClient
from copydesk.venues.client.fanout import send_orders
from copydesk.venues.client.http_pool import PoolLimits
from copydesk.venues.client.slices import off_loop
from copydesk.venues.client.wire import reading
from copydesk.venues.model import (
    Amendment,
    Balance,
    Depth,
    FundingPayment,
    FundingRate,
    KeyScope,
    LeaderTrade,
    Liquidity,
    OrderFact,
    Outcome,
    Position,
    Wallet,
)
from copydesk.venues.port import Venue, always
from copydesk.venues.signer import ANY_ORDER, OrderPolicy
from copydesk.venues.symbols import SymbolMap
from copydesk.venues.trial import fresh_id, smallest_order, try_order
from copydesk.venues.urls import VenueUrls

SPOT, PERPETUAL = "spot", "perpetual"
_MARKETS = ((SPOT, "spot", account.spot_instruments), (PERPETUAL, "linear", account.perpetual_instruments))
_INSTRUMENTS_PAGE_LEN = 1000
_POSITIONS_PAGE_LEN = 200
_CURSOR = re.compile(rb'"nextPageCursor"\s*:\s*"([^"]*)"')
_PURSE = {Wallet.SPOT: "UNIFIED", Wallet.FUTURES: "UNIFIED", Wallet.FUNDING: "FUND"}
_MARGIN_MODE = {MarginMode.CROSS: "REGULAR_MARGIN", MarginMode.ISOLATED: "ISOLATED_MARGIN"}
_ONE_WAY, _HEDGE = 0, 3
_HEDGEABLE = frozenset({"USDT"})
_BARS = {one: str(one.seconds // 60) for one in Interval} | {Interval.D1: "D"}


class Bybit(Venue):
    """Speak to one Bybit environment (see `port.Venue`). Lives on one event loop; close with `aclose`."""

    traits = BYBIT

    def __init__(
        self,
        urls: VenueUrls,
        *,
        limits: PoolLimits | None = None,
        ssl_context: ssl.SSLContext | None = None,
        symbols: SymbolMap | None = None,
        broker_id: str = "",
        budget: RateBudget | None = None,
        policy: OrderPolicy = ANY_ORDER,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.urls = urls
        self.ssl_context = ssl_context or (ssl.create_default_context() if urls.secure else None)
        self.egress = limits.egress if limits else ""
        self.symbols = symbols or SymbolMap(now=now)
        self.client = VenueClient(
            urls.rest["rest"],
            BybitWire(broker_id),
            REST,
            limits=limits,
            ssl_context=self.ssl_context,
            budget=budget,
            policy=policy,
            now=now,
        )
        self._orders = OrderCalls(self.client, self.symbols)

    async def warm(self, connections: int) -> int:
        """Open connections and learn the exchange's clock; return how many are open."""
        return await self.client.warm(connections)

    async def instruments(self) -> Mapping[str, Instrument]:
        """Return every pair and linear perpetual by ccxt symbol, read anew."""
        for market, category, read in _MARKETS:
            found: dict[str, Instrument] = {}
            params: dict[str, Any] = {"category": category, "limit": _INSTRUMENTS_PAGE_LEN}
            while True:
                body = await self.client.fetch("instruments", None, params)
                with reading(self.client.wire.name):
                    found |= await off_loop(read, body, "list")
                cursor = _CURSOR.search(body)
                if cursor is None or not cursor[1]:
                    break
                params["cursor"] = cursor[1].decode("ascii", "replace")
            self.symbols.learn(market, found)
        return self.symbols.trusted()

    async def prices(self) -> dict[str, Decimal]:
        """Return the last price of every instrument by ccxt symbol."""
        if not self.symbols.knows(SPOT):
            await self.instruments()
        found: dict[str, Decimal] = {}
        for market, category, _ in _MARKETS:
            read = partial(account.prices_of, symbols=self.symbols, perpetual=market == PERPETUAL)
            found |= await self.client.ask("prices", None, {"category": category}, read)
        return found

    async def liquidity(self, symbol: str) -> Liquidity:
        """Return what is offered near the price and traded in a day; spot tells 200 levels, perpetuals 500."""
        instrument = self.symbols.named(symbol)
        category, levels = ("linear", "500") if instrument.perpetual else ("spot", "200")
        asked = {"category": category, "symbol": instrument.venue_symbol}
        book = await self.client.ask("depth", None, asked | {"limit": levels}, account.book_of)
        return liquidity_of(*book, await self.client.ask("prices", None, asked, account.volume_of))

    async def depth(self, symbol: str) -> Depth:
        """Return the best levels of an order book."""
        instrument = self.symbols.named(symbol)
        asked = {"category": category_of(instrument), "symbol": instrument.venue_symbol, "limit": str(LEVELS_SHOWN)}
        return depth_of(*await self.client.ask("depth", None, asked, account.book_of))

    async def candles(self, symbol: str, interval: Interval) -> Mapping[int, Candle]:
        """Return the newest candles."""
        instrument = self.symbols.named(symbol)
        asked = {"category": category_of(instrument), "symbol": instrument.venue_symbol, "limit": str(CANDLES_ASKED)}
        asked["interval"] = _BARS[interval]
        return await self.client.ask("candles", None, asked, lambda a: candles_of(a["result"]["list"]))

    async def submit(self, credentials: Credentials, order: OrderRequest) -> OrderView:
        """Send one order; raise `VenueRefused`, `Unavailable` or `OutcomeUnknown` (never resend) otherwise."""
        (outcome,) = await self.submit_many([(credentials, order)])
        return outcome.view()

    async def submit_many(
        self,
        orders: Sequence[tuple[Credentials, OrderRequest]],
        *,
        may_send: Callable[[], bool] = always,
    ) -> list[Outcome]:
        """Send closes first, else in the given order; return every outcome, in the given order."""
        return await send_orders(orders, lambda _, order: (self.client, self.symbols.fresh(order.symbol)), may_send)

    async def amend(self, credentials: Credentials, change: Amendment) -> OrderView | None:
        """Change an open order, and read it again: the answer acknowledges the request alone."""
        instrument = self.symbols.fresh(change.symbol)
        self.client.require_signable(credentials, change.order())
        return await self._orders.amend(credentials, change, instrument)

    async def query(
        self, credentials: Credentials, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderView | None:
        """Return the order with its fills; None says that neither the recent nor the old list has it."""
        return await self._orders.query(credentials, self.symbols.named(symbol), client_order_id)

    async def fills(
        self, credentials: Credentials, symbol: str, venue_order_id: str, *, since_ms: int
    ) -> tuple[Fill, ...]:
        """Return all executions of one plain order, oldest first, also of one that the exchange has forgotten."""
        return await self._orders.fills(credentials, self.symbols.named(symbol), venue_order_id, since_ms=since_ms)

    async def cancel(
        self, credentials: Credentials, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderView | None:
        """Cancel an open order; None says that no such order is open. Raises `OutcomeUnknown` when in doubt."""
        return await self._orders.cancel(
            credentials, self.symbols.named(symbol), client_order_id, conditional=conditional
        )

    async def cancel_all(self, credentials: Credentials, symbol: str) -> None:
        """Cancel every open order of one instrument, conditional ones included."""
        await self._orders.cancel_all(credentials, self.symbols.named(symbol))

    async def open_orders(
        self, credentials: Credentials, symbol: str | None = None, *, conditional: bool = False
    ) -> list[OrderView]:
        """Return the open orders of one instrument, or of all."""
        if symbol is not None:
            named = self.symbols.named(symbol)
            return await self._orders.open_orders(credentials, category_of(named), named, conditional=conditional)
        found: list[OrderView] = []
        for _, category, _ in _MARKETS:
            found += await self._orders.open_orders(credentials, category, None, conditional=conditional)
        return found

    async def resting(self, credentials: Credentials, symbol: str) -> list[OrderFact]:
        """Return an account's open orders of one instrument with their terms, conditional ones among them."""
        return await self._orders.resting(credentials, self.symbols.named(symbol))

    async def balances(self, credentials: Credentials, wallet: Wallet = Wallet.SPOT) -> dict[str, Balance]:
        """Return one wallet's currencies; the unified account is both SPOT and FUTURES."""
        if wallet is Wallet.FUNDING:
            params = {"accountType": "FUND"}
            return await self.client.ask(
                "funding_balances", credentials, params, lambda a: account.funding_of(a["result"])
            )
        params = {"accountType": "UNIFIED"}
        return await self.client.ask("balances", credentials, params, lambda a: account.balances_of(a["result"]))

    async def positions(self, credentials: Credentials, symbol: str | None = None) -> list[Position]:
        """Return the open perpetual positions; flat ones are left out."""
        if symbol is not None:
            return await self._positions(credentials, {"symbol": self.symbols.contract(symbol).venue_symbol})
        found: list[Position] = []
        for coin in SETTLE_COINS:
            found += await self._positions(credentials, {"settleCoin": coin})
        return found

    async def _positions(self, credentials: Credentials, of: dict[str, str]) -> list[Position]:
        """Read one list page by page; a page that is not full is the last, whatever it names."""

        def read(answer: Any) -> tuple[list[Position], str]:
            result = answer["result"]
            more = result.get("nextPageCursor") if len(result["list"]) == _POSITIONS_PAGE_LEN else ""
            return account.positions_of(result, self.symbols), more or ""

        params: dict[str, Any] = {"category": "linear", "limit": _POSITIONS_PAGE_LEN, **of}
        found: list[Position] = []
        while True:
            page, cursor = await self.client.ask("positions", credentials, params, read)
            found += page
            if not cursor:
                return found
            params["cursor"] = cursor

    async def brackets(self, credentials: Credentials, symbol: str) -> tuple[Bracket, ...]:
        """Return how much leverage a contract's position may have by its size."""
        params = {"category": "linear", "symbol": self.symbols.contract(symbol).venue_symbol}
        return await self.client.ask("brackets", None, params, lambda a: account.brackets_of(a["result"]))

    async def set_leverage(
        self, credentials: Credentials, symbol: str, leverage: int, margin_mode: MarginMode = MarginMode.CROSS
    ) -> None:
        """Set both sides' leverage of one contract; it is the same in every margin mode."""
        params = {
            "category": "linear",
            "symbol": self.symbols.contract(symbol).venue_symbol,
            "buyLeverage": str(leverage),
            "sellLeverage": str(leverage),
        }
        await self._set("leverage", credentials, params, set_already=errors.LEVERAGE_SET)

    async def set_margin_mode(
        self, credentials: Credentials, symbol: str, margin_mode: MarginMode, leverage: int
    ) -> None:
        """Set the margin mode of the whole account, and the leverage of one contract."""
        self.symbols.contract(symbol)
        params = {"setMarginMode": _MARGIN_MODE[margin_mode]}
        await self._set("margin_mode", credentials, params, set_already=errors.MARGIN_MODE_SET)
        await self.set_leverage(credentials, symbol, leverage, margin_mode)

    async def set_position_mode(self, credentials: Credentials, symbol: str, *, hedge: bool) -> None:
        """Set one-way or hedge mode of one contract; those settled in USDC know one-way mode alone."""
        contract = self.symbols.contract(symbol)
        if not hedge and contract.settle not in _HEDGEABLE:
            return
        params = {"category": "linear", "symbol": contract.venue_symbol, "mode": _HEDGE if hedge else _ONE_WAY}
        await self._set("position_mode", credentials, params, set_already=errors.POSITION_MODE_SET)

    async def transfer(
        self, credentials: Credentials, currency: str, amount: Decimal, source: Wallet, target: Wallet
    ) -> None:
        """Move money between the unified and the funding account; the unified account is one purse."""
        if _PURSE[source] == _PURSE[target]:
            return
        params = {
            "transferId": str(uuid4()),
            "coin": currency,
            "amount": f"{amount:f}",
            "fromAccountType": _PURSE[source],
            "toAccountType": _PURSE[target],
        }
        await self.client.ask("transfer", credentials, params, lambda answer: account.transferred(answer["result"]))

    async def funding_rate(self, symbol: str) -> FundingRate:
        """Return what a contract's positions pay or receive next."""
        params = {"category": "linear", "symbol": self.symbols.contract(symbol).venue_symbol}
        return await self.client.ask("prices", None, params, account.funding_rate_of)

    async def trades_since(self, credentials: Credentials, symbol: str, since_ms: int) -> list[LeaderTrade]:
        """Return the account's executions of one instrument since that time, oldest first."""
        return await trades_since(self.client, credentials, self.symbols.named(symbol), since_ms)

    async def funding(self, credentials: Credentials, since_ms: int) -> list[FundingPayment]:
        """Return what the account paid and received for perpetuals since that time, oldest first."""
        return await funding_since(self.client, credentials, self.symbols, since_ms)

    async def account_uid(self, credentials: Credentials) -> str:
        """Return the number of the account; a sub-account has its own."""
        return await self.client.ask("key_scope", credentials, {}, lambda a: str(a["result"]["userID"]))

    async def key_scope(self, credentials: Credentials) -> KeyScope:
        """Ask what a key may do. A failing call raises: such a key has not been shown to be safe."""
        return await self.client.ask("key_scope", credentials, {}, lambda a: account.key_scope_of(a["result"]))

    async def test_order(self, credentials: Credentials, symbol: str) -> None:
        """Have an order prechecked, which Bybit does for contracts outside isolated margin alone.

        Elsewhere an order that never was is canceled: that needs the right to trade, and finds nothing.
        """
        instrument = self.symbols.fresh(symbol)
        if not instrument.perpetual:
            await self.cancel(credentials, symbol, fresh_id())
            return
        order = smallest_order(instrument, (await self.prices()).get(symbol))
        params = self.client.wire.order_params(order, instrument)
        await try_order(
            self.client.ask("test_order", credentials, params, lambda answer: answer["result"]["orderId"]),
            lambda: self.cancel(credentials, symbol, fresh_id()),
        )

    async def aclose(self) -> None:
        await self.client.aclose()

    async def _set(
        self, endpoint: str, credentials: Credentials, params: dict[str, Any], *, set_already: str = ""
    ) -> None:
        try:
            await self.client.ask(endpoint, credentials, params, lambda answer: answer["retCode"])
        except VenueRefused as refusal:
            if refusal.venue_code != set_already:
                raise
