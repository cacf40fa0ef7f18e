"""OKX behind the port: one origin, one purse for spot and perpetuals.

One instance serves every account of one environment: keys come with each call and are kept nowhere.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from copydesk.kernel import VenueRefused
from copydesk.trading import Bracket, Credentials, Fill, Instrument, MarginMode, OrderRequest, OrderView
from copydesk.venues.bearing import LEVELS_SHOWN, depth_of, liquidity_of
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
from copydesk.venues.okx import account
from copydesk.venues.okx.errors import MODE_IN_USE, PARAMETER_ERROR
from copydesk.venues.okx.history import fills_of_order, funding_since, trades_since
from copydesk.venues.okx.order_calls import OrderCalls, prechecked
from copydesk.venues.okx.traits import OKX, REST
from copydesk.venues.okx.wire import OkxWire
from copydesk.venues.port import Venue, always
from copydesk.venues.signer import ANY_ORDER, OrderPolicy
from copydesk.venues.symbols import SymbolMap
from copydesk.venues.trial import fresh_id, smallest_order, try_order
from copydesk.venues.urls import VenueUrls

SPOT, PERPETUAL = "spot", "perpetual"
_MARKETS = ((SPOT, "SPOT", account.spot_instruments), (PERPETUAL, "SWAP", account.perpetual_instruments))
_PURSE = {Wallet.SPOT: "18", Wallet.FUTURES: "18", Wallet.FUNDING: "6"}
_WITHIN_THE_ACCOUNT = "0"
_BARS = {one: one.value for one in Interval} | {Interval.H1: "1H", Interval.D1: "1Dutc"}


class Okx(Venue):
    """Speak to one OKX environment (see `port.Venue`). Lives on one event loop; close with `aclose`."""

    traits = OKX

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
            OkxWire(broker_id),
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
        """Return every pair and linear swap by ccxt symbol, read anew."""
        for market, kind, read in _MARKETS:
            body = await self.client.fetch("instruments", None, {"instType": kind})
            with reading(self.client.wire.name):
                self.symbols.learn(market, await off_loop(read, body, "data"))
        return self.symbols.trusted()

    async def prices(self) -> dict[str, Decimal]:
        """Return the last price of every instrument by ccxt symbol."""
        if not self.symbols.knows(SPOT):
            await self.instruments()
        found: dict[str, Decimal] = {}
        for market, kind, _ in _MARKETS:
            read = partial(account.prices_of, symbols=self.symbols, perpetual=market == PERPETUAL)
            found |= await self.client.ask("prices", None, {"instType": kind}, read)
        return found

    async def liquidity(self, symbol: str) -> Liquidity:
        """Return what is offered near the price and traded in a day; books of swaps count contracts."""
        instrument = self.symbols.named(symbol)
        asked = {"instId": instrument.venue_symbol}
        book = await self.client.ask("depth", None, asked | {"sz": "400"}, account.book_of)
        volume = await self.client.ask("day", None, asked, partial(account.volume_of, perpetual=instrument.perpetual))
        return liquidity_of(*book, volume, unit=instrument.contract_size)

    async def depth(self, symbol: str) -> Depth:
        """Return the best levels of an order book; books of swaps count contracts."""
        instrument = self.symbols.named(symbol)
        asked = {"instId": instrument.venue_symbol, "sz": str(LEVELS_SHOWN)}
        return depth_of(*await self.client.ask("depth", None, asked, account.book_of), unit=instrument.contract_size)

    async def candles(self, symbol: str, interval: Interval) -> Mapping[int, Candle]:
        """Return the newest candles; a day that is no "utc" one begins in Hong Kong."""
        asked = {"instId": self.symbols.named(symbol).venue_symbol, "bar": _BARS[interval], "limit": str(CANDLES_ASKED)}
        return await self.client.ask("candles", None, asked, lambda a: candles_of(a["data"]))

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
        """Return the order with its fills; None is the exchange's word that it does not exist.

        OKX forgets orders that were canceled without a fill after two hours.
        """
        return await self._orders.query(
            credentials, self.symbols.named(symbol), client_order_id, conditional=conditional
        )

    async def fills(
        self, credentials: Credentials, symbol: str, venue_order_id: str, *, since_ms: int
    ) -> tuple[Fill, ...]:
        """Return all executions of one plain order, oldest first, also of one that the exchange has forgotten."""
        instrument = self.symbols.named(symbol)
        return await fills_of_order(self.client, credentials, instrument, venue_order_id, since_ms=since_ms)

    async def cancel(
        self, credentials: Credentials, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderView | None:
        """Cancel an open order; None says that no such order is open. Raises `OutcomeUnknown` when in doubt."""
        return await self._orders.cancel(
            credentials, self.symbols.named(symbol), client_order_id, conditional=conditional
        )

    async def cancel_all(self, credentials: Credentials, symbol: str) -> None:
        """Cancel every open order of one instrument: OKX has no such request, so those listed are canceled."""
        await self._orders.cancel_all(credentials, self.symbols.named(symbol))

    async def open_orders(
        self, credentials: Credentials, symbol: str | None = None, *, conditional: bool = False
    ) -> list[OrderView]:
        """Return the open orders of one instrument, or of all."""
        instrument = None if symbol is None else self.symbols.named(symbol)
        return await self._orders.open_orders(credentials, instrument, conditional=conditional)

    async def resting(self, credentials: Credentials, symbol: str) -> list[OrderFact]:
        """Return an account's open orders of one instrument with their terms, conditional ones among them."""
        return await self._orders.resting(credentials, self.symbols.named(symbol))

    async def balances(self, credentials: Credentials, wallet: Wallet = Wallet.SPOT) -> dict[str, Balance]:
        """Return one wallet's currencies; the trading account is both SPOT and FUTURES."""
        if wallet is Wallet.FUNDING:
            return await self.client.ask("funding_balances", credentials, {}, lambda a: account.funding_of(a["data"]))
        return await self.client.ask("balances", credentials, {}, lambda a: account.balances_of(a["data"]))

    async def positions(self, credentials: Credentials, symbol: str | None = None) -> list[Position]:
        """Return the open swap positions; flat ones are left out."""
        params = {"instType": "SWAP"}
        if symbol is not None:
            params["instId"] = self.symbols.contract(symbol).venue_symbol
        return await self.client.ask(
            "positions", credentials, params, lambda a: account.positions_of(a["data"], self.symbols)
        )

    async def brackets(self, credentials: Credentials, symbol: str) -> tuple[Bracket, ...]:
        """Return how much leverage a swap's position may have by its size, at the last price: OKX counts contracts."""
        swap = self.symbols.contract(symbol)
        px = await self.client.ask("day", None, {"instId": swap.venue_symbol}, account.last_of)
        params = {"instType": "SWAP", "tdMode": "cross", "instFamily": f"{swap.base}-{swap.quote}"}
        return await self.client.ask("brackets", None, params, lambda a: account.brackets_of(a["data"], swap, px))

    async def set_leverage(
        self, credentials: Credentials, symbol: str, leverage: int, margin_mode: MarginMode = MarginMode.CROSS
    ) -> None:
        """Set the leverage of one instrument and margin mode; isolated margin in hedge mode has one for each side."""
        params = {
            "instId": self.symbols.contract(symbol).venue_symbol,
            "lever": str(leverage),
            "mgnMode": margin_mode.value,
        }
        try:
            await self._set("leverage", credentials, params)
        except VenueRefused as refusal:
            if refusal.venue_code != PARAMETER_ERROR or margin_mode is MarginMode.CROSS:
                raise
            for side in ("long", "short"):
                await self._set("leverage", credentials, params | {"posSide": side})

    async def set_margin_mode(
        self, credentials: Credentials, symbol: str, margin_mode: MarginMode, leverage: int
    ) -> None:
        """Set the leverage of that mode: the mode itself is named by each order."""
        await self.set_leverage(credentials, symbol, leverage, margin_mode)

    async def set_position_mode(self, credentials: Credentials, symbol: str, *, hedge: bool) -> None:
        """Set one-way or hedge mode of the whole account; a refusal while positions are open may find it so already."""
        self.symbols.contract(symbol)
        mode = "long_short_mode" if hedge else "net_mode"
        try:
            await self._set("position_mode", credentials, {"posMode": mode})
        except VenueRefused as refusal:
            if refusal.venue_code != MODE_IN_USE:
                raise
            found = await self.client.ask("key_scope", credentials, {}, lambda a: a["data"][0]["posMode"])
            if found != mode:
                raise

    async def transfer(
        self, credentials: Credentials, currency: str, amount: Decimal, source: Wallet, target: Wallet
    ) -> None:
        """Move money between the trading and the funding account; the trading account is one purse."""
        if _PURSE[source] == _PURSE[target]:
            return
        params = {
            "ccy": currency,
            "amt": f"{amount:f}",
            "from": _PURSE[source],
            "to": _PURSE[target],
            "type": _WITHIN_THE_ACCOUNT,
        }
        await self._set("transfer", credentials, params)

    async def funding_rate(self, symbol: str) -> FundingRate:
        """Return what a swap's positions pay or receive next."""
        params = {"instId": self.symbols.contract(symbol).venue_symbol}
        return await self.client.ask("funding_rate", None, params, account.funding_rate_of)

    async def trades_since(self, credentials: Credentials, symbol: str, since_ms: int) -> list[LeaderTrade]:
        """Return the account's executions of one instrument since that time, oldest first."""
        return await trades_since(self.client, credentials, self.symbols.named(symbol), since_ms)

    async def funding(self, credentials: Credentials, since_ms: int) -> list[FundingPayment]:
        """Return what the account paid and received for perpetuals since that time, oldest first."""
        return await funding_since(self.client, credentials, self.symbols, since_ms)

    async def account_uid(self, credentials: Credentials) -> str:
        """Return the number of the account; a sub-account has its own."""
        return await self.client.ask("key_scope", credentials, {}, lambda a: str(a["data"][0]["uid"]))

    async def key_scope(self, credentials: Credentials) -> KeyScope:
        """Ask what a key may do. A failing call raises: such a key has not been shown to be safe."""
        return await self.client.ask("key_scope", credentials, {}, lambda a: account.key_scope_of(a["data"][0]))

    async def test_order(self, credentials: Credentials, symbol: str) -> None:
        """Have an order prechecked, which OKX does for multi-currency and portfolio margin alone.

        Elsewhere an order that never was is canceled: that needs the right to trade, and finds nothing.
        """
        instrument = self.symbols.fresh(symbol)
        order = smallest_order(instrument, (await self.prices()).get(symbol))
        params = self.client.wire.order_params(order, instrument)
        await try_order(
            self.client.ask("test_order", credentials, params, prechecked),
            lambda: self.cancel(credentials, symbol, fresh_id()),
        )

    async def aclose(self) -> None:
        await self.client.aclose()

    async def _set(self, endpoint: str, credentials: Credentials, params: dict[str, Any]) -> None:
        await self.client.ask(endpoint, credentials, params, lambda answer: answer["data"][0])
