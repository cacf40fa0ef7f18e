"""Binance: spot and USDⓈ-M perpetuals behind one port, told apart by the symbol.

One instance serves every account of one environment: keys come with each call and are kept nowhere. Two origins
with connections, budgets and clocks of their own, so that trouble with one leaves the other usable.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from copydesk.kernel import CopydeskError, VenueRefused
from copydesk.trading import Bracket, Credentials, Denial, Fill, Instrument, MarginMode, OrderRequest, OrderView
from copydesk.venues.bearing import LEVELS_SHOWN, Levels, depth_of, liquidity_of
from copydesk.venues.binance.perpetual import PerpetualMarket
from copydesk.venues.binance.spot import SpotMarket
from copydesk.venues.binance.traits import BINANCE
from copydesk.venues.binance.wire import NAME, PerpetualWire, SpotWire
from copydesk.venues.candles import CANDLES_ASKED, Candle, Interval, candles_of
from copydesk.venues.client.budget import RateBudget
from copydesk.venues.client.core import VenueClient
from copydesk.venues.client.fanout import send_orders
from copydesk.venues.client.http_pool import PoolLimits
from copydesk.venues.client.wire import Wire
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
from copydesk.venues.traits import Feature
from copydesk.venues.trial import smallest_order, try_order
from copydesk.venues.urls import VenueUrls

T = TypeVar("T")

log = logging.getLogger(__name__)

_NO_SUCH_RIGHT = "-2015"


class Binance(Venue):
    """Speak to one Binance environment (see `port.Venue`). Lives on one event loop; close with `aclose`."""

    traits = BINANCE

    def __init__(
        self,
        urls: VenueUrls,
        *,
        limits: PoolLimits | None = None,
        ssl_context: ssl.SSLContext | None = None,
        symbols: SymbolMap | None = None,
        budgets: Mapping[str, RateBudget] | None = None,
        policy: OrderPolicy = ANY_ORDER,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.urls = urls
        self.ssl_context = ssl_context or (ssl.create_default_context() if urls.secure else None)
        self.egress = limits.egress if limits else ""
        self.symbols = symbols or SymbolMap(now=now)

        def client(origin: str, wire: Wire) -> VenueClient:
            rules = BINANCE.origins[origin]
            budget = (budgets or {}).get(origin)
            make = partial(VenueClient, limits=limits, ssl_context=self.ssl_context, policy=policy, now=now)
            return make(urls.rest[origin], wire, rules, budget=budget)

        self.spot = SpotMarket(client("spot", SpotWire()), self.symbols)
        self.perpetual = PerpetualMarket(client("perpetual", PerpetualWire()), self.symbols)
        self._markets = (self.spot, self.perpetual)

    async def warm(self, connections: int) -> int:
        """Open that many connections to each origin and learn its clock; return how many are open in all."""
        return sum((await _working({market.key: market.client.warm(connections) for market in self._markets})).values())

    async def instruments(self) -> Mapping[str, Instrument]:
        """Return every pair and perpetual by ccxt symbol, read anew.

        While one market cannot be read, its instruments are those of the last time, until they are too old.
        """
        await _working({market.key: market.learn_instruments() for market in self._markets})
        return self.symbols.trusted()

    async def prices(self) -> dict[str, Decimal]:
        """Return last prices of every market whose instruments were ever read; raises if one of them is silent."""
        if not any(self.symbols.knows(market.key) for market in self._markets):
            await self.instruments()
        asked = [market.prices() for market in self._markets if self.symbols.knows(market.key)]
        return {symbol: px for prices in await asyncio.gather(*asked) for symbol, px in prices.items()}

    async def liquidity(self, symbol: str) -> Liquidity:
        """Return what is offered near the price and traded in a day; spot and futures tell both in the same words."""
        instrument = self.symbols.named(symbol)
        client = (self.perpetual if instrument.perpetual else self.spot).client
        asked = {"symbol": instrument.venue_symbol}
        book = await client.ask("depth", None, asked | {"limit": "500"}, _book_of)
        volume = await client.ask("day", None, asked, lambda told: Decimal(told["quoteVolume"]))
        return liquidity_of(*book, volume)

    async def depth(self, symbol: str) -> Depth:
        """Return the best levels of an order book."""
        instrument = self.symbols.named(symbol)
        client = (self.perpetual if instrument.perpetual else self.spot).client
        asked = {"symbol": instrument.venue_symbol, "limit": str(LEVELS_SHOWN)}
        return depth_of(*await client.ask("top", None, asked, _book_of))

    async def candles(self, symbol: str, interval: Interval) -> Mapping[int, Candle]:
        """Return the newest candles; spot and futures name their lengths as we do."""
        instrument = self.symbols.named(symbol)
        client = (self.perpetual if instrument.perpetual else self.spot).client
        asked = {"symbol": instrument.venue_symbol, "interval": interval.value, "limit": str(CANDLES_ASKED)}
        return await client.ask("candles", None, asked, candles_of)

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
        return await send_orders(orders, self._route, may_send)

    async def amend(self, credentials: Credentials, change: Amendment) -> OrderView | None:
        """Change an open futures order; spot has no such thing (see `traits.unsupported`)."""
        instrument = self.symbols.fresh(change.symbol)
        if not instrument.perpetual:
            raise VenueRefused(f"{NAME}: {BINANCE.unsupported[Feature.SPOT_AMEND]}", code=Denial.VENUE_REFUSED.value)
        self.perpetual.client.require_signable(credentials, change.order())
        return await self.perpetual.amend(credentials, change, instrument)

    async def query(
        self, credentials: Credentials, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderView | None:
        """Return the order with its fills; None is the exchange's word that it does not exist.

        The fills' sum is smaller than `cum_qty` while the exchange's trade list lags behind: ask again then.
        """
        instrument = self.symbols.named(symbol)
        if instrument.perpetual:
            return await self.perpetual.query(credentials, instrument, client_order_id, conditional=conditional)
        return await self.spot.query(credentials, instrument, client_order_id)

    async def fills(
        self, credentials: Credentials, symbol: str, venue_order_id: str, *, since_ms: int
    ) -> tuple[Fill, ...]:
        """Return all executions of one plain order, oldest first, also of one that the exchange has forgotten."""
        instrument = self.symbols.named(symbol)
        market = self.perpetual if instrument.perpetual else self.spot
        return await market.fills(credentials, instrument, venue_order_id, since_ms=since_ms)

    async def cancel(
        self, credentials: Credentials, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderView | None:
        """Cancel an open order; None says that no such order is open. Raises `OutcomeUnknown` when in doubt."""
        instrument = self.symbols.named(symbol)
        if instrument.perpetual:
            return await self.perpetual.cancel(credentials, instrument, client_order_id, conditional=conditional)
        return await self.spot.cancel(credentials, instrument, client_order_id)

    async def cancel_all(self, credentials: Credentials, symbol: str) -> None:
        """Cancel every open order of one instrument, conditional ones included."""
        instrument = self.symbols.named(symbol)
        await (self.perpetual if instrument.perpetual else self.spot).cancel_all(credentials, instrument)

    async def open_orders(
        self, credentials: Credentials, symbol: str | None = None, *, conditional: bool = False
    ) -> list[OrderView]:
        """Return the open orders of one instrument, or of all; spot lists conditional ones with the others."""
        if symbol is None:
            return await self._all_open_orders(credentials, conditional=conditional)
        instrument = self.symbols.named(symbol)
        if instrument.perpetual:
            return await self.perpetual.open_orders(credentials, instrument, conditional=conditional)
        return await self.spot.open_orders(credentials, instrument)

    async def resting(self, credentials: Credentials, symbol: str) -> list[OrderFact]:
        """Return an account's open orders of one instrument with their terms, conditional ones among them."""
        instrument = self.symbols.named(symbol)
        market = self.perpetual if instrument.perpetual else self.spot
        return await market.resting(credentials, instrument)

    async def balances(self, credentials: Credentials, wallet: Wallet = Wallet.SPOT) -> dict[str, Balance]:
        """Return one wallet's currencies, without those of which nothing is owned."""
        if wallet is Wallet.FUTURES:
            return await self.perpetual.balances(credentials)
        spot = self.spot
        return await (spot.balances if wallet is Wallet.SPOT else spot.funding_balances)(credentials)

    async def positions(self, credentials: Credentials, symbol: str | None = None) -> list[Position]:
        """Return the open perpetual positions; flat ones are left out."""
        return await self.perpetual.positions(credentials, None if symbol is None else self.symbols.contract(symbol))

    async def brackets(self, credentials: Credentials, symbol: str) -> tuple[Bracket, ...]:
        """Return how much leverage a contract's position may have by its size."""
        return await self.perpetual.brackets(credentials, self.symbols.contract(symbol))

    async def set_leverage(
        self, credentials: Credentials, symbol: str, leverage: int, margin_mode: MarginMode = MarginMode.CROSS
    ) -> None:
        """Set a contract's leverage, which on Binance is the same in both margin modes."""
        await self.perpetual.set_leverage(credentials, self.symbols.contract(symbol), leverage)

    async def set_margin_mode(
        self, credentials: Credentials, symbol: str, margin_mode: MarginMode, leverage: int
    ) -> None:
        """Set a contract's margin mode; its leverage stays what it is."""
        await self.perpetual.set_margin_mode(credentials, self.symbols.contract(symbol), margin_mode)

    async def set_position_mode(self, credentials: Credentials, symbol: str, *, hedge: bool) -> None:
        """Set one-way or hedge mode of the whole account."""
        self.symbols.contract(symbol)
        await self.perpetual.set_position_mode(credentials, hedge=hedge)

    async def transfer(
        self, credentials: Credentials, currency: str, amount: Decimal, source: Wallet, target: Wallet
    ) -> None:
        """Move money between two wallets. Needs the right to universal transfers, which copying keys may not have."""
        await self.spot.transfer(credentials, currency, amount, source, target)

    async def funding_rate(self, symbol: str) -> FundingRate:
        """Return what a contract's positions pay or receive next."""
        return await self.perpetual.funding_rate(self.symbols.contract(symbol))

    async def trades_since(self, credentials: Credentials, symbol: str, since_ms: int) -> list[LeaderTrade]:
        """Return the account's executions of one instrument since that time, oldest first."""
        instrument = self.symbols.named(symbol)
        market = self.perpetual if instrument.perpetual else self.spot
        return await market.trades_since(credentials, instrument, since_ms)

    async def funding(self, credentials: Credentials, since_ms: int) -> list[FundingPayment]:
        """Return what the account paid and received for perpetuals since that time, oldest first."""
        return await self.perpetual.funding(credentials, since_ms)

    async def account_uid(self, credentials: Credentials) -> str:
        """Return the number of the account, which its spot side tells."""
        return await self.spot.client.ask("balances", credentials, {}, lambda answer: str(answer["uid"]))

    async def key_scope(self, credentials: Credentials) -> KeyScope:
        """Ask what a key may do. A failing call raises: such a key has not been shown to be safe."""
        return await self.spot.key_scope(credentials)

    async def test_order(self, credentials: Credentials, symbol: str) -> None:
        """Send Binance's own test order, which is checked like any other and goes no further."""
        instrument = self.symbols.named(symbol)
        market = self.perpetual if instrument.perpetual else self.spot
        order = smallest_order(instrument, (await market.prices()).get(symbol))
        client = market.client
        form = client.wire.order_params(order, instrument)
        await try_order(client.ask("test_order", credentials, form, lambda answer: answer, symbol=symbol))

    async def aclose(self) -> None:
        await asyncio.gather(*(market.client.aclose() for market in self._markets))

    def _route(self, _: Credentials, order: OrderRequest) -> tuple[VenueClient, Instrument]:
        instrument = self.symbols.fresh(order.symbol)
        return (self.perpetual if instrument.perpetual else self.spot).client, instrument

    async def _all_open_orders(self, credentials: Credentials, *, conditional: bool) -> list[OrderView]:
        """List both markets; a key that may use spot but not futures has no orders there of ours."""
        found = await self.spot.open_orders(credentials, None)
        if not self.symbols.knows(self.perpetual.key):
            return found
        try:
            return found + await self.perpetual.open_orders(credentials, None, conditional=conditional)
        except VenueRefused as refusal:
            if refusal.venue_code != _NO_SUCH_RIGHT:
                raise
            return found


def _book_of(told: Mapping[str, Any]) -> tuple[Levels, Levels]:
    """Read `depth`: bids and asks, the best first."""
    return told["bids"], told["asks"]


async def _working(parts: Mapping[str, Awaitable[T]]) -> dict[str, T]:
    """Await every market's part and return those that worked; raise the first failure when none did."""
    results = dict(zip(parts, await asyncio.gather(*parts.values(), return_exceptions=True), strict=True))
    failures = [(name, result) for name, result in results.items() if isinstance(result, BaseException)]
    for name, failure in failures:
        if len(failures) == len(parts) or not isinstance(failure, CopydeskError):
            raise failure
        log.warning("%s %s cannot be reached: %s", NAME, name, failure)
    return {name: result for name, result in results.items() if not isinstance(result, BaseException)}
