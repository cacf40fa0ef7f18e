"""Binance spot as one market of the venue: everything but the sending of orders."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

from copydesk.kernel import VenueRefused, decimal_text
from copydesk.trading import Credentials, Fill, Instrument, OrderView
from copydesk.venues.binance.errors import ARCHIVED_ORDER, CANCEL_REJECTED, NO_SUCH_ORDER, UNKNOWN_ORDER
from copydesk.venues.binance.order_facts import spot_fact
from copydesk.venues.binance.spot_account import (
    balances_of,
    funding_balances_of,
    instruments_of,
    key_scope_of,
)
from copydesk.venues.binance.spot_orders import fill_of, fills_of, leader_trade, order_view
from copydesk.venues.binance.traits import TRANSFERS
from copydesk.venues.client.core import NOTHING, VenueClient
from copydesk.venues.client.slices import off_loop
from copydesk.venues.client.wire import EVERY_QTY, reading
from copydesk.venues.model import Balance, KeyScope, LeaderTrade, OrderFact, Wallet
from copydesk.venues.symbols import SymbolMap

TRADES_PAGE = 1000


class SpotMarket:
    """Ask and change one account's spot side. Instruments come already looked up."""

    key = "spot"

    def __init__(self, client: VenueClient, symbols: SymbolMap) -> None:
        self.client = client
        self._symbols = symbols

    async def learn_instruments(self) -> None:
        """Read every pair anew. `permissionSets`, the larger half of the answer, is left out."""
        body = await self.client.fetch("instruments", None, {"showPermissionSets": "false"})
        with reading(self.client.wire.name):
            self._symbols.learn(self.key, await off_loop(instruments_of, body, "symbols"))

    async def prices(self) -> dict[str, Decimal]:
        return await self.client.ask(
            "prices", None, NOTHING, partial(prices_of, symbols=self._symbols, perpetual=False)
        )

    async def query(self, credentials: Credentials, instrument: Instrument, client_order_id: str) -> OrderView | None:
        """Return the order with its fills: their sum is smaller than `cum_qty` while the trade list lags behind."""
        params = {"symbol": instrument.venue_symbol, "origClientOrderId": client_order_id}
        try:
            view = await self.client.ask("query", credentials, params, lambda a: order_view(a, instrument.symbol, ()))
        except VenueRefused as refusal:
            if refusal.venue_code in (NO_SUCH_ORDER, ARCHIVED_ORDER):
                return None
            raise
        if view.cum_qty == 0:
            return view
        params = {"symbol": instrument.venue_symbol, "orderId": view.venue_order_id}
        fills = await self.client.ask("fills", credentials, params, partial(fills_of, cum_qty=view.cum_qty))
        return view._replace(fills=fills)

    async def fills(
        self, credentials: Credentials, instrument: Instrument, order_id: str, *, since_ms: int
    ) -> tuple[Fill, ...]:
        """Return all executions of an order that was placed at `since_ms` or later."""
        told = await asked_fills(self.client, credentials, instrument, order_id)
        if told is None:
            trades = await self.trades_since(credentials, instrument, since_ms)
            return tuple(fill_of(trade) for trade in trades if trade.venue_order_id == order_id)
        return told

    async def cancel(self, credentials: Credentials, instrument: Instrument, client_order_id: str) -> OrderView | None:
        params = {"symbol": instrument.venue_symbol, "origClientOrderId": client_order_id}
        try:
            return await self.client.ask("cancel", credentials, params, lambda a: order_view(a, instrument.symbol))
        except VenueRefused as refusal:
            if none_open(refusal):
                return None
            raise

    async def cancel_all(self, credentials: Credentials, instrument: Instrument) -> None:
        try:
            await self.client.ask("cancel_all", credentials, {"symbol": instrument.venue_symbol}, list)
        except VenueRefused as refusal:
            if not none_open(refusal):
                raise

    async def open_orders(self, credentials: Credentials, instrument: Instrument | None) -> list[OrderView]:
        def read(answer: Any) -> list[OrderView]:
            return [order_view(row, symbol_of(self._symbols, row["symbol"], perpetual=False)) for row in answer]

        if instrument is None:
            return await self.client.ask("open_orders_all", credentials, NOTHING, read)
        return await self.client.ask("open_orders", credentials, {"symbol": instrument.venue_symbol}, read)

    async def resting(self, credentials: Credentials, instrument: Instrument) -> list[OrderFact]:
        def read(answer: Any) -> list[OrderFact]:
            return [fact for row in answer if (fact := spot_fact(row, instrument.symbol)) is not None]

        return await self.client.ask("open_orders", credentials, {"symbol": instrument.venue_symbol}, read)

    async def balances(self, credentials: Credentials) -> dict[str, Balance]:
        return await self.client.ask("balances", credentials, {"omitZeroBalances": "true"}, balances_of)

    async def funding_balances(self, credentials: Credentials) -> dict[str, Balance]:
        return await self.client.ask("funding_balances", credentials, NOTHING, funding_balances_of)

    async def trades_since(self, credentials: Credentials, instrument: Instrument, since_ms: int) -> list[LeaderTrade]:
        """Return the account's executions of one pair, oldest first, over as many pages as it takes."""

        def read(answer: Any) -> list[LeaderTrade]:
            return sorted((leader_trade(row, instrument.symbol) for row in answer), key=lambda t: int(t.trade_id))

        found: list[LeaderTrade] = []
        bound: dict[str, int] = {"startTime": since_ms}
        while True:
            params = {"symbol": instrument.venue_symbol, "limit": TRADES_PAGE, **bound}
            page = await self.client.ask("trades", credentials, params, read)
            found += page
            if len(page) < TRADES_PAGE:
                return found
            bound = {"fromId": int(page[-1].trade_id) + 1}

    async def key_scope(self, credentials: Credentials) -> KeyScope:
        return await self.client.ask("key_scope", credentials, NOTHING, key_scope_of)

    async def transfer(
        self, credentials: Credentials, currency: str, amount: Decimal, source: Wallet, target: Wallet
    ) -> None:
        assert source is not target and amount > 0, "a transfer moves something somewhere else"
        params = {"type": TRANSFERS[source, target], "asset": currency, "amount": decimal_text(amount)}
        await self.client.ask("transfer", credentials, params, lambda answer: answer["tranId"])


async def asked_fills(
    client: VenueClient, credentials: Credentials, instrument: Instrument, order_id: str
) -> tuple[Fill, ...] | None:
    """Ask either market for the executions of one order; None when there are more than one answer holds."""

    def read(answer: Any) -> tuple[Fill, ...] | None:
        return fills_of(answer, EVERY_QTY) if len(answer) < TRADES_PAGE else None

    params = {"symbol": instrument.venue_symbol, "orderId": order_id, "limit": TRADES_PAGE}
    return await client.ask("fills", credentials, params, read)


def prices_of(answer: Any, symbols: SymbolMap, *, perpetual: bool) -> dict[str, Decimal]:
    """Read `ticker/price` of either market; what we do not list is left out."""
    found = ((symbols.of_venue(row["symbol"], perpetual=perpetual), row["price"]) for row in answer)
    return {instrument.symbol: Decimal(price) for instrument, price in found if instrument is not None}


def symbol_of(symbols: SymbolMap, venue_symbol: str, *, perpetual: bool) -> str:
    """Return ccxt's symbol, or the exchange's own for an instrument that we do not list."""
    instrument = symbols.of_venue(venue_symbol, perpetual=perpetual)
    return instrument.symbol if instrument is not None else venue_symbol


def none_open(refusal: VenueRefused) -> bool:
    """Tell whether a refused cancel says that no such order is open."""
    return refusal.venue_code == CANCEL_REJECTED and UNKNOWN_ORDER in str(refusal)
