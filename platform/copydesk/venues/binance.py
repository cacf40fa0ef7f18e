"""Binance spot: every private call on our own keep-alive client; ccxt.pro only carries the leader stream.

One instance serves every account of one environment: keys come with each call and are kept nowhere.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any

from orjson import loads

from copydesk.kernel import CopydeskError, OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import Credentials, Instrument, OrderRequest, OrderView
from copydesk.venues.binance_account import balances_of, instruments_of, key_scope_of, prices_of
from copydesk.venues.binance_calls import MISREAD, Fanout, OrderCall, PlainCall
from copydesk.venues.binance_errors import CANCEL_REJECTED, NO_SUCH_ORDER, UNKNOWN_ORDER
from copydesk.venues.binance_orders import check_credentials, fills_of, leader_trade, order_view
from copydesk.venues.budget import RateBudget
from copydesk.venues.http_pool import HttpPool, PoolLimits
from copydesk.venues.model import Balance, KeyScope, LeaderTrade, Outcome
from copydesk.venues.port import Venue, always
from copydesk.venues.traits import BINANCE_SPOT
from copydesk.venues.urls import VenueUrls

SEND_BURST = 50  # Orders written before the loop may read answers again.
TRADES_PAGE = 1000


class BinanceSpot(Venue):
    """Speak to one Binance environment (see `port.Venue`). Lives on one event loop; close with `aclose`."""

    traits = BINANCE_SPOT

    def __init__(
        self,
        urls: VenueUrls,
        *,
        limits: PoolLimits | None = None,
        ssl_context: ssl.SSLContext | None = None,
        budget: RateBudget | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.now = now
        self.budget = budget or RateBudget(self.traits.rate_limits)
        allowed = self.traits.endpoints.values()
        self._pool = HttpPool(urls.rest, allowed, limits=limits, ssl_context=ssl_context, now=now)
        self._ahead_s = 0.0
        self._synced_at = 0.0
        self._syncing: asyncio.Task[None] | None = None
        self._symbols: dict[str, str] = {}

    async def warm(self, connections: int) -> int:
        """Open connections and learn the exchange's clock.

        Call it again every minute: it costs one request of weight 1, and dials only what the exchange has closed.
        """
        opened = await self._pool.warm(connections)
        await self.sync_clock()
        return opened

    async def sync_clock(self) -> float:
        """Learn by how many seconds the exchange's clock is ahead of ours, and return it."""
        call = PlainCall(self, self.traits.endpoints["time"], None, {})
        answer = await self._answer(call)
        assert call.sent_at is not None and call.acked_at is not None, "an answered call was sent"
        with _reading():
            self._ahead_s = answer["serverTime"] / 1000 - (call.sent_at + call.acked_at) / 2
        self._synced_at = self.now()
        return self._ahead_s

    def doubt_clock(self, sent_at: float) -> None:
        """Ask for the exchange's time because a request was refused for its own; once for all sent before the answer.

        If nobody answers, the next refusal asks again.
        """
        if self._syncing is None and sent_at >= self._synced_at:
            self._syncing = asyncio.get_running_loop().create_task(self._try_sync())

    def timestamp_ms(self) -> int:
        return int((self.now() + self._ahead_s) * 1000)

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

        Answers are read once the last has come, so that reading one never delays another on its way. If
        cancelled, orders already queued are still sent.
        """
        if not orders:
            return []
        fanout = Fanout(len(orders), may_send)
        calls = [OrderCall(self, credentials, order, fanout=fanout) for credentials, order in orders]
        urgent_first = sorted(calls, key=lambda call: not call.urgent)
        for count, call in enumerate(urgent_first, start=1):
            self._pool.start(call)
            if count % SEND_BURST == 0:
                await asyncio.sleep(0)
        await fanout.done
        return [call.outcome() for call in calls]

    async def query(self, credentials: Credentials, venue_symbol: str, client_order_id: str) -> OrderView | None:
        """Return the order with its fills; None is the exchange's word that it does not exist.

        The fills' sum is smaller than `cum_qty` while the exchange's trade list lags behind: ask again then.
        """
        parameters: dict[str, str | int] = {"symbol": venue_symbol, "origClientOrderId": client_order_id}
        try:
            answer = await self._read("query", credentials, parameters)
        except VenueRefused as refusal:
            if refusal.venue_code == NO_SUCH_ORDER:
                return None
            raise
        with _reading():
            view = order_view(answer, fills=())
        if view.cum_qty == 0:
            return view
        trades = await self._read("fills", credentials, {"symbol": venue_symbol, "orderId": view.venue_order_id})
        with _reading():
            return order_view(answer, fills=fills_of(trades, view.cum_qty))

    async def cancel(self, credentials: Credentials, venue_symbol: str, client_order_id: str) -> OrderView | None:
        """Cancel an open order; None says that no such order is open. Raises `OutcomeUnknown` when in doubt."""
        parameters: dict[str, str | int] = {"symbol": venue_symbol, "origClientOrderId": client_order_id}
        try:
            answer = await self._read("cancel", credentials, parameters)
        except VenueRefused as refusal:
            if refusal.venue_code == CANCEL_REJECTED and UNKNOWN_ORDER in str(refusal):
                return None
            raise
        with _reading(mutates=True):
            return order_view(answer)

    async def open_orders(self, credentials: Credentials, venue_symbol: str | None = None) -> list[OrderView]:
        """Return the resting orders of one pair, or of all (80 weight)."""
        answer = await self._read("open_orders", credentials, {"symbol": venue_symbol} if venue_symbol else {})
        with _reading():
            return [order_view(order) for order in answer]

    async def balances(self, credentials: Credentials) -> dict[str, Balance]:
        answer = await self._read("balances", credentials, {"omitZeroBalances": "true"})
        with _reading():
            return balances_of(answer)

    async def instruments(self) -> Mapping[str, Instrument]:
        """Return every spot pair by ccxt symbol, read anew."""
        answer = await self._read("instruments", None, {})
        with _reading():
            instruments = instruments_of(answer, self.traits.venue)
        self._symbols = {i.venue_symbol: i.symbol for i in instruments.values()}
        return instruments

    async def prices(self) -> dict[str, Decimal]:
        """Return the last price of every pair by ccxt symbol."""
        if not self._symbols:
            await self.instruments()
        answer = await self._read("prices", None, {})
        with _reading():
            return prices_of(answer, self._symbols)

    async def trades_since(self, credentials: Credentials, venue_symbol: str, since_ms: int) -> list[LeaderTrade]:
        """Return the account's executions of one pair since that time, oldest first, over as many pages as it takes."""
        found: list[LeaderTrade] = []
        bound: dict[str, str | int] = {"startTime": since_ms}
        while True:
            parameters: dict[str, str | int] = {"symbol": venue_symbol, "limit": TRADES_PAGE, **bound}
            answer = await self._read("trades", credentials, parameters)
            with _reading():
                page = sorted((leader_trade(trade) for trade in answer), key=lambda t: int(t.trade_id))
            found += page
            if len(page) < TRADES_PAGE:
                return found
            bound = {"fromId": int(page[-1].trade_id) + 1}

    async def key_scope(self, credentials: Credentials) -> KeyScope:
        """Ask what a key may do. A failing call raises: such a key has not been shown to be safe."""
        answer = await self._read("key_scope", credentials, {})
        with _reading():
            return key_scope_of(answer)

    async def aclose(self) -> None:
        await self._pool.aclose()
        if self._syncing is not None:
            await self._syncing

    async def _try_sync(self) -> None:
        try:
            with suppress(CopydeskError):
                await self.sync_clock()
        finally:
            self._syncing = None

    async def _read(self, endpoint: str, credentials: Credentials | None, parameters: dict[str, str | int]) -> Any:
        if credentials is not None:
            check_credentials(credentials)
        return await self._answer(PlainCall(self, self.traits.endpoints[endpoint], credentials, parameters))

    async def _answer(self, call: PlainCall) -> Any:
        self._pool.start(call)
        body = await call.future
        with _reading(mutates=call.endpoint.mutates):
            return loads(body)


@contextmanager
def _reading(*, mutates: bool = False) -> Iterator[None]:
    """Translate an answer that does not have the documented form: for a cancel it proves nothing."""
    try:
        yield
    except MISREAD as error:
        said = f"Binance's answer cannot be read: {error!r}"
        raise (OutcomeUnknown(said) if mutates else Unavailable(said)) from error
