"""Binance USDⓈ-M perpetuals as one market of the venue: everything but the sending of orders."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

from copydesk.kernel import VenueRefused
from copydesk.trading import Bracket, Credentials, Fill, Instrument, MarginMode, OrderView
from copydesk.venues.binance.errors import MARGIN_MODE_SET, NO_SUCH_ORDER, NOT_MODIFIED, POSITION_MODE_SET
from copydesk.venues.binance.order_facts import algo_fact, perpetual_fact
from copydesk.venues.binance.perpetual_account import (
    MARGIN_MODE_TEXT,
    balances_of,
    brackets_of,
    funding_of,
    funding_rate_of,
    instruments_of,
    positions_of,
    settings_of,
)
from copydesk.venues.binance.perpetual_orders import (
    amend_params,
    conditional_view,
    leader_trade,
    order_view,
    placed_order,
)
from copydesk.venues.binance.spot import TRADES_PAGE, asked_fills, none_open, prices_of, symbol_of
from copydesk.venues.binance.spot_orders import fill_of, fills_of
from copydesk.venues.client.core import NOTHING, VenueClient
from copydesk.venues.client.patience import ask_patiently
from copydesk.venues.client.slices import off_loop
from copydesk.venues.client.wire import reading
from copydesk.venues.model import Amendment, Balance, FundingPayment, FundingRate, LeaderTrade, OrderFact, Position
from copydesk.venues.symbols import SymbolMap

# Account Trade List: a longer time between start and end is refused, and older trades are not told.
TRADES_SPAN_MS = 7 * 86_400_000
TRADES_AGE_MAX_MS = 180 * 86_400_000
FUNDING_AGE_MAX_MS = 90 * 86_400_000 - 60_000  # Get Income History: the last three months.


class PerpetualMarket:
    """Ask and change one account's futures side. Instruments come already looked up."""

    key = "perpetual"

    def __init__(self, client: VenueClient, symbols: SymbolMap) -> None:
        self.client = client
        self._symbols = symbols

    async def learn_instruments(self) -> None:
        body = await self.client.fetch("instruments", None, NOTHING)
        with reading(self.client.wire.name):
            self._symbols.learn(self.key, await off_loop(instruments_of, body, "symbols"))

    async def prices(self) -> dict[str, Decimal]:
        return await self.client.ask("prices", None, NOTHING, partial(prices_of, symbols=self._symbols, perpetual=True))

    async def amend(self, credentials: Credentials, change: Amendment, instrument: Instrument) -> OrderView | None:
        params = amend_params(change, instrument)
        try:
            return await self.client.ask("amend", credentials, params, lambda a: order_view(a, instrument.symbol))
        except VenueRefused as refusal:
            if refusal.venue_code == NOT_MODIFIED:
                return await self.query(credentials, instrument, change.client_order_id)
            if refusal.venue_code == NO_SUCH_ORDER or none_open(refusal):
                return None
            raise

    async def query(
        self, credentials: Credentials, instrument: Instrument, client_order_id: str, *, conditional: bool = False
    ) -> OrderView | None:
        """Return the order with its fills; a triggered conditional order is told by the order that it placed."""
        try:
            if conditional:
                return await self._query_conditional(credentials, instrument, client_order_id)
            return await self._query(credentials, instrument, {"origClientOrderId": client_order_id})
        except VenueRefused as refusal:
            if refusal.venue_code == NO_SUCH_ORDER:
                return None
            raise

    async def fills(
        self, credentials: Credentials, instrument: Instrument, order_id: str, *, since_ms: int
    ) -> tuple[Fill, ...]:
        """Return all executions of an order that was placed at `since_ms` or later.

        Those of one order are told for the last week alone; of an older one, the contract's executions are read.
        """
        recent = since_ms > self.client.timestamp_ms() - TRADES_SPAN_MS
        told = await asked_fills(self.client, credentials, instrument, order_id) if recent else None
        if told is None:
            trades = await self.trades_since(credentials, instrument, since_ms)
            return tuple(fill_of(trade) for trade in trades if trade.venue_order_id == order_id)
        return told

    async def cancel(
        self, credentials: Credentials, instrument: Instrument, client_order_id: str, *, conditional: bool
    ) -> OrderView | None:
        """Cancel an open order; the answer to a conditional one says nothing of it, so it is read again."""
        try:
            if not conditional:
                params = {"symbol": instrument.venue_symbol, "origClientOrderId": client_order_id}
                return await self.client.ask("cancel", credentials, params, lambda a: order_view(a, instrument.symbol))
            params = {"clientAlgoId": client_order_id}
            await self.client.ask("cancel_conditional", credentials, params, lambda answer: answer["algoId"])
        except VenueRefused as refusal:
            if refusal.venue_code == NO_SUCH_ORDER or none_open(refusal):
                return None
            raise
        return await self.query(credentials, instrument, client_order_id, conditional=True)

    async def cancel_all(self, credentials: Credentials, instrument: Instrument) -> None:
        for endpoint in ("cancel_all", "cancel_all_conditional"):
            params = {"symbol": instrument.venue_symbol}
            await self.client.ask(endpoint, credentials, params, lambda answer: answer["code"])

    async def open_orders(
        self, credentials: Credentials, instrument: Instrument | None, *, conditional: bool
    ) -> list[OrderView]:
        view = conditional_view if conditional else order_view

        def read(answer: Any) -> list[OrderView]:
            return [view(row, self._symbol_of(row["symbol"])) for row in answer]

        endpoint = "open_conditional" if conditional else "open_orders"
        if instrument is None:
            return await self.client.ask(f"{endpoint}_all", credentials, NOTHING, read)
        return await self.client.ask(endpoint, credentials, {"symbol": instrument.venue_symbol}, read)

    async def resting(self, credentials: Credentials, instrument: Instrument) -> list[OrderFact]:
        params, symbol = {"symbol": instrument.venue_symbol}, instrument.symbol
        plain = await self.client.ask(
            "open_orders", credentials, params, lambda answer: [perpetual_fact(row, symbol) for row in answer]
        )
        conditional = await self.client.ask(
            "open_conditional", credentials, params, lambda answer: [algo_fact(row, symbol) for row in answer]
        )
        return [fact for fact in plain + conditional if fact is not None]

    async def balances(self, credentials: Credentials) -> dict[str, Balance]:
        return await self.client.ask("balances", credentials, NOTHING, balances_of)

    async def positions(self, credentials: Credentials, instrument: Instrument | None) -> list[Position]:
        """Return what is open; leverage and margin mode cost a second request, made when anything is."""
        params = NOTHING if instrument is None else {"symbol": instrument.venue_symbol}
        read = partial(positions_of, symbol_of=self._symbol_of)
        found = await self.client.ask("positions", credentials, params, read)
        if not found:
            return []
        raw = await self.client.ask("position_settings", credentials, params, settings_of)
        settings = {self._symbol_of(name): setting for name, setting in raw.items()}
        return [_with_settings(position, settings.get(position.symbol)) for position in found]

    async def brackets(self, credentials: Credentials, instrument: Instrument) -> tuple[Bracket, ...]:
        return await self.client.ask("brackets", credentials, {"symbol": instrument.venue_symbol}, brackets_of)

    async def funding_rate(self, instrument: Instrument) -> FundingRate:
        return await self.client.ask("funding_rate", None, {"symbol": instrument.venue_symbol}, funding_rate_of)

    async def funding(self, credentials: Credentials, since_ms: int) -> list[FundingPayment]:
        """Return the account's funding payments, oldest first, page by page; Binance tells those of three months."""

        def read(answer: Any) -> tuple[int, int, dict[str, FundingPayment]]:
            newest_ms = max((int(row["time"]) for row in answer), default=0)
            return len(answer), newest_ms, funding_of(answer, self._symbols)

        found: dict[str, FundingPayment] = {}
        start_ms = max(since_ms, self.client.timestamp_ms() - FUNDING_AGE_MAX_MS)
        while True:
            params = {"incomeType": "FUNDING_FEE", "startTime": start_ms, "limit": TRADES_PAGE}
            rows, newest_ms, page = await ask_patiently(self.client, "funding", credentials, params, read)
            found |= page
            if rows < TRADES_PAGE or newest_ms <= start_ms:
                return sorted(found.values(), key=lambda payment: payment.at_ms)
            start_ms = newest_ms  # Of one time there may be more than a page holds of it.

    async def set_leverage(self, credentials: Credentials, instrument: Instrument, leverage: int) -> None:
        params = {"symbol": instrument.venue_symbol, "leverage": leverage}
        await self.client.ask("leverage", credentials, params, lambda answer: answer["leverage"])

    async def set_margin_mode(self, credentials: Credentials, instrument: Instrument, mode: MarginMode) -> None:
        params = {"symbol": instrument.venue_symbol, "marginType": MARGIN_MODE_TEXT[mode]}
        await self._set("margin_mode", credentials, params, set_already=MARGIN_MODE_SET)

    async def set_position_mode(self, credentials: Credentials, *, hedge: bool) -> None:
        params = {"dualSidePosition": "true" if hedge else "false"}
        await self._set("position_mode", credentials, params, set_already=POSITION_MODE_SET)

    async def trades_since(self, credentials: Credentials, instrument: Instrument, since_ms: int) -> list[LeaderTrade]:
        """Return the account's executions of one contract, oldest first, week by week and page by page.

        Binance tells those of the last half year.
        """

        def read(answer: Any) -> dict[int, LeaderTrade]:
            return {int(row["id"]): leader_trade(row, instrument.symbol) for row in answer}

        found: dict[int, LeaderTrade] = {}
        now_ms = self.client.timestamp_ms()
        start_ms = max(since_ms, now_ms - TRADES_AGE_MAX_MS)
        while start_ms <= now_ms:
            bound = {"startTime": start_ms, "endTime": start_ms + TRADES_SPAN_MS - 1}
            while True:
                params = {"symbol": instrument.venue_symbol, "limit": TRADES_PAGE, **bound}
                page = await self.client.ask("trades", credentials, params, read)
                found |= page
                if len(page) < TRADES_PAGE:
                    break
                bound = {"fromId": max(page) + 1}
            start_ms += TRADES_SPAN_MS
        return [found[trade_id] for trade_id in sorted(found)]

    async def _set(self, endpoint: str, credentials: Credentials, params: dict[str, str], *, set_already: str) -> None:
        try:
            await self.client.ask(endpoint, credentials, params, lambda answer: answer["code"])
        except VenueRefused as refusal:
            if refusal.venue_code != set_already:
                raise

    async def _query(self, credentials: Credentials, instrument: Instrument, known_by: dict[str, str]) -> OrderView:
        params = {"symbol": instrument.venue_symbol, **known_by}
        view = await self.client.ask("query", credentials, params, lambda a: order_view(a, instrument.symbol))
        if view.cum_qty == 0:
            return view
        params = {"symbol": instrument.venue_symbol, "orderId": view.venue_order_id}
        fills = await self.client.ask("fills", credentials, params, partial(fills_of, cum_qty=view.cum_qty))
        return view._replace(fills=fills)

    async def _query_conditional(
        self, credentials: Credentials, instrument: Instrument, client_order_id: str
    ) -> OrderView:
        def read(answer: Any) -> tuple[OrderView, str]:
            return conditional_view(answer, instrument.symbol), placed_order(answer)

        view, placed = await self.client.ask("query_conditional", credentials, {"clientAlgoId": client_order_id}, read)
        if placed:
            view = await self._query(credentials, instrument, {"orderId": placed})
        return view._replace(client_order_id=client_order_id)

    def _symbol_of(self, venue_symbol: str) -> str:
        return symbol_of(self._symbols, venue_symbol, perpetual=True)


def _with_settings(position: Position, setting: tuple[int, MarginMode] | None) -> Position:
    if setting is None:
        return position
    return position._replace(leverage=setting[0], margin_mode=setting[1])
