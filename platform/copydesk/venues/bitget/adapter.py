"""Bitget behind the port: classic and unified accounts side by side, each spoken to in the words of its kind.

One instance serves every account of one environment: keys come with each call, and nothing of them is kept but the
kind of account that they belong to.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from copydesk.kernel import VenueRefused
from copydesk.trading import Bracket, Credentials, Fill, Instrument, MarginMode, OrderRequest, OrderView
from copydesk.venues.bearing import depth_of, liquidity_of
from copydesk.venues.bitget import errors, instruments
from copydesk.venues.bitget.classic import Classic
from copydesk.venues.bitget.classic_orders import ClassicWords
from copydesk.venues.bitget.endpoints import CLASSIC, UNIFIED
from copydesk.venues.bitget.kinds import Kind, Kinds, changed
from copydesk.venues.bitget.traits import BITGET
from copydesk.venues.bitget.unified import Unified
from copydesk.venues.bitget.unified_orders import UnifiedWords
from copydesk.venues.bitget.wire import BitgetWire
from copydesk.venues.bitget.words import USDT_FUTURES, unsupported
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
from copydesk.venues.traits import Feature
from copydesk.venues.trial import fresh_id
from copydesk.venues.urls import VenueUrls

SPOT, PERPETUAL = "spot", "perpetual"
_Read = Callable[[Iterable[Mapping[str, Any]]], dict[str, Instrument]]
_MARKETS: tuple[tuple[str, dict[str, str], _Read], ...] = (
    (SPOT, {}, instruments.spot_instruments),
    (PERPETUAL, {"productType": USDT_FUTURES}, instruments.perpetual_instruments),
)
_PAIR_BARS = {Interval.M1: "1min", Interval.M5: "5min", Interval.M15: "15min", Interval.H1: "1h", Interval.D1: "1Dutc"}
_CONTRACT_BARS = {one: one.value for one in Interval} | {Interval.H1: "1H", Interval.D1: "1Dutc"}
T = TypeVar("T")


class Bitget(Venue):
    """Speak to one Bitget environment (see `port.Venue`). Lives on one event loop; close with `aclose`."""

    traits = BITGET

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
        # One budget: both kinds are counted at the same address, and no limit is named by both but that one.
        budget = budget or RateBudget(BITGET.rate_limits)
        make = partial(VenueClient, limits=limits, ssl_context=self.ssl_context, budget=budget, policy=policy, now=now)
        self.public = make(urls.rest["classic"], BitgetWire(ClassicWords(), broker_id), CLASSIC)
        unified = make(urls.rest["unified"], BitgetWire(UnifiedWords(), broker_id), UNIFIED)
        self.kinds = Kinds(Classic(self.public, self.symbols), Unified(unified, self.symbols))

    async def warm(self, connections: int) -> int:
        """Open connections for both kinds and learn the exchange's clock; return how many are open."""
        clients = (self.public, self.kinds.unified.client)
        return sum(await asyncio.gather(*(client.warm(connections) for client in clients)))

    async def instruments(self) -> Mapping[str, Instrument]:
        """Return every pair and every perpetual that USDT margins by ccxt symbol, read anew."""
        for market, params, read in _MARKETS:
            body = await self.public.fetch(f"{market}_instruments", None, params)
            with reading(self.public.wire.name):
                self.symbols.learn(market, await off_loop(read, body, "data"))
        return self.symbols.trusted()

    async def prices(self) -> dict[str, Decimal]:
        """Return the last price of every instrument by ccxt symbol."""
        if not self.symbols.knows(SPOT):
            await self.instruments()
        found: dict[str, Decimal] = {}
        for market, params, _ in _MARKETS:
            read = partial(instruments.prices_of, symbols=self.symbols, perpetual=market == PERPETUAL)
            found |= await self.public.ask(f"{market}_prices", None, params, read)
        return found

    async def liquidity(self, symbol: str) -> Liquidity:
        """Return what is offered near the price and traded in a day; spot tells 150 levels, perpetuals all."""
        instrument = self.symbols.named(symbol)
        asked, depth, day, levels = {"symbol": instrument.venue_symbol}, "spot_depth", "spot_prices", "150"
        if instrument.perpetual:
            asked, depth, day, levels = asked | {"productType": USDT_FUTURES}, "perpetual_depth", "perpetual_day", "max"
        book = await self.public.ask(depth, None, asked | {"limit": levels}, instruments.book_of)
        return liquidity_of(*book, await self.public.ask(day, None, asked, instruments.volume_of))

    async def depth(self, symbol: str) -> Depth:
        """Return the best levels of an order book."""
        instrument = self.symbols.named(symbol)
        asked = {"symbol": instrument.venue_symbol}
        if instrument.perpetual:
            asked |= {"productType": USDT_FUTURES, "limit": "max"}
            return depth_of(*await self.public.ask("perpetual_depth", None, asked, instruments.book_of))
        return depth_of(*await self.public.ask("spot_depth", None, asked | {"limit": "150"}, instruments.book_of))

    async def candles(self, symbol: str, interval: Interval) -> Mapping[int, Candle]:
        """Return the newest candles; spot and futures name their lengths differently."""
        instrument = self.symbols.named(symbol)
        asked = {"symbol": instrument.venue_symbol, "limit": str(CANDLES_ASKED)}
        if instrument.perpetual:
            asked |= {"productType": USDT_FUTURES, "granularity": _CONTRACT_BARS[interval]}
        else:
            asked["granularity"] = _PAIR_BARS[interval]
        endpoint = "perpetual_candles" if instrument.perpetual else "spot_candles"
        return await self.public.ask(endpoint, None, asked, lambda a: candles_of(a["data"]))

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
        """Send closes first, else in the given order; return every outcome, in the given order.

        Keys that were never seen are asked for their kind of account before anything is sent.
        """
        failed = await self.kinds.learn(credentials for credentials, _ in orders)

        def route(credentials: Credentials, order: OrderRequest) -> tuple[VenueClient, Instrument]:
            kind = self.kinds.known(credentials)
            if kind is None:
                raise failed.get(credentials.api_key) or changed()
            return kind.client, self.symbols.fresh(order.symbol)

        outcomes = await send_orders(orders, route, may_send)
        return [self._judged(credentials, outcome) for (credentials, _), outcome in zip(orders, outcomes, strict=True)]

    async def amend(self, credentials: Credentials, change: Amendment) -> OrderView | None:
        """Refuse: Bitget makes another order of one that is changed."""
        perpetual = self.symbols.fresh(change.symbol).perpetual
        raise unsupported(Feature.PERPETUAL_AMEND if perpetual else Feature.SPOT_AMEND)

    async def query(
        self, credentials: Credentials, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderView | None:
        """Return the order with its fills; None is the exchange's word that it does not exist."""
        instrument = self.symbols.named(symbol)
        return await self._ask(
            credentials, lambda kind: kind.query(credentials, instrument, client_order_id, conditional=conditional)
        )

    async def fills(
        self, credentials: Credentials, symbol: str, venue_order_id: str, *, since_ms: int
    ) -> tuple[Fill, ...]:
        """Return all executions of one plain order, oldest first, also of one that the exchange has forgotten."""
        instrument = self.symbols.named(symbol)
        return await self._ask(
            credentials, lambda kind: kind.fills(credentials, instrument, venue_order_id, since_ms=since_ms)
        )

    async def cancel(
        self, credentials: Credentials, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderView | None:
        """Cancel an open order; None says that no such order is open. Raises `OutcomeUnknown` when in doubt."""
        instrument = self.symbols.named(symbol)
        return await self._ask(
            credentials, lambda kind: kind.cancel(credentials, instrument, client_order_id, conditional=conditional)
        )

    async def cancel_all(self, credentials: Credentials, symbol: str) -> None:
        """Cancel every open order of one instrument, conditional ones included."""
        instrument = self.symbols.named(symbol)
        await self._ask(credentials, lambda kind: kind.cancel_all(credentials, instrument))

    async def open_orders(
        self, credentials: Credentials, symbol: str | None = None, *, conditional: bool = False
    ) -> list[OrderView]:
        """Return the open orders of one instrument, or of all."""
        instrument = None if symbol is None else self.symbols.named(symbol)
        markets = (False, True) if instrument is None else (instrument.perpetual,)

        async def read(kind: Kind) -> list[OrderView]:
            found: list[OrderView] = []
            for perpetual in markets:
                found += await kind.open_orders(credentials, instrument, perpetual=perpetual, conditional=conditional)
            return found

        return await self._ask(credentials, read)

    async def resting(self, credentials: Credentials, symbol: str) -> list[OrderFact]:
        """Return an account's open orders of one instrument with their terms, conditional ones among them."""
        instrument = self.symbols.named(symbol)
        return await self._ask(credentials, lambda kind: kind.resting(credentials, instrument))

    async def balances(self, credentials: Credentials, wallet: Wallet = Wallet.SPOT) -> dict[str, Balance]:
        """Return one wallet's currencies; a unified account has its purse in SPOT, and nothing in FUTURES."""
        return await self._ask(credentials, lambda kind: kind.balances(credentials, wallet))

    async def positions(self, credentials: Credentials, symbol: str | None = None) -> list[Position]:
        """Return the open perpetual positions; flat ones are left out."""
        instrument = None if symbol is None else self.symbols.contract(symbol)
        return await self._ask(credentials, lambda kind: kind.positions(credentials, instrument))

    async def brackets(self, credentials: Credentials, symbol: str) -> tuple[Bracket, ...]:
        """Return how much leverage a contract's position may have by its size; each kind of account has its tiers."""
        instrument = self.symbols.contract(symbol)
        return await self._ask(credentials, lambda kind: kind.brackets(instrument))

    async def set_leverage(
        self, credentials: Credentials, symbol: str, leverage: int, margin_mode: MarginMode = MarginMode.CROSS
    ) -> None:
        """Set both sides' leverage; a classic contract has one for the margin mode that it is in."""
        instrument = self.symbols.contract(symbol)
        await self._ask(credentials, lambda kind: kind.set_leverage(credentials, instrument, leverage, margin_mode))

    async def set_margin_mode(
        self, credentials: Credentials, symbol: str, margin_mode: MarginMode, leverage: int
    ) -> None:
        """Set the margin mode of one instrument, and its leverage in that mode."""
        instrument = self.symbols.contract(symbol)
        await self._ask(credentials, lambda kind: kind.set_margin_mode(credentials, instrument, margin_mode, leverage))

    async def set_position_mode(self, credentials: Credentials, symbol: str, *, hedge: bool) -> None:
        """Set one-way or hedge mode of all perpetuals that USDT margins, or of the whole unified account."""
        self.symbols.contract(symbol)
        await self._ask(credentials, lambda kind: kind.set_position_mode(credentials, hedge=hedge))

    async def transfer(
        self, credentials: Credentials, currency: str, amount: Decimal, source: Wallet, target: Wallet
    ) -> None:
        """Move money between two wallets of the same account."""
        await self._ask(credentials, lambda kind: kind.transfer(credentials, currency, amount, source, target))

    async def funding_rate(self, symbol: str) -> FundingRate:
        """Return what a contract's positions pay or receive next; public, and the same for both kinds."""
        params = {"symbol": self.symbols.contract(symbol).venue_symbol, "productType": USDT_FUTURES}
        return await self.public.ask("funding_rate", None, params, instruments.funding_rate_of)

    async def trades_since(self, credentials: Credentials, symbol: str, since_ms: int) -> list[LeaderTrade]:
        """Return the account's executions of one instrument since that time, oldest first."""
        instrument = self.symbols.named(symbol)
        return await self._ask(credentials, lambda kind: kind.trades_since(credentials, instrument, since_ms))

    async def funding(self, credentials: Credentials, since_ms: int) -> list[FundingPayment]:
        """Return what the account paid and received for perpetuals since that time, oldest first."""
        return await self._ask(credentials, lambda kind: kind.funding(credentials, since_ms))

    async def account_uid(self, credentials: Credentials) -> str:
        """Return the number of the account, the same in the words of both kinds."""
        return await self._ask(credentials, lambda kind: kind.account_uid(credentials))

    async def key_scope(self, credentials: Credentials) -> KeyScope:
        """Ask what a key may do. A failing call raises: such a key has not been shown to be safe."""
        return await self._ask(credentials, lambda kind: kind.key_scope(credentials))

    async def test_order(self, credentials: Credentials, symbol: str) -> None:
        """Cancel an order that never was: Bitget offers no test order, and this needs the right to trade."""
        await self.cancel(credentials, symbol, fresh_id())

    async def aclose(self) -> None:
        await self.public.aclose()
        await self.kinds.unified.client.aclose()

    async def _ask(self, credentials: Credentials, act: Callable[[Kind], Awaitable[T]]) -> T:
        """Ask in the words of the account's kind; raises `Unavailable` once when it has become of the other."""
        kind = await self.kinds.of(credentials)
        try:
            return await act(kind)
        except VenueRefused as refusal:
            if refusal.venue_code not in errors.OTHER_KIND:
                raise
            self.kinds.forget(credentials)
            raise changed() from refusal

    def _judged(self, credentials: Credentials, outcome: Outcome) -> Outcome:
        result = outcome.result
        if not isinstance(result, VenueRefused) or result.venue_code not in errors.OTHER_KIND:
            return outcome
        self.kinds.forget(credentials)
        return outcome._replace(result=changed())
