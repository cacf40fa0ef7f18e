"""A unified account's conditional orders: find, cancel, list. Instruments come already looked up.

v3 has no question for one strategy: what waits is one list, what does not any more is another, newest first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copydesk.kernel import Unavailable
from copydesk.trading import Credentials, Instrument, OrderView
from copydesk.venues.bitget.changes import cancel_open
from copydesk.venues.bitget.order_facts import strategy_facts
from copydesk.venues.bitget.unified_calls import UnifiedCalls, rows_of
from copydesk.venues.bitget.unified_orders import category_of
from copydesk.venues.bitget.unified_strategies import TRIGGERED, strategy_view
from copydesk.venues.bitget.words import HEDGE
from copydesk.venues.client.core import VenueClient
from copydesk.venues.client.wire import reading
from copydesk.venues.model import OrderFact
from copydesk.venues.symbols import SymbolMap

_PAGE_LEN = 100
_HISTORY_PAGES_MAX = 20

Row = Mapping[str, Any]


class UnifiedStrategyCalls:
    """Ask and change single conditional orders over one client."""

    def __init__(self, client: VenueClient, symbols: SymbolMap, orders: UnifiedCalls) -> None:
        self._client = client
        self._symbols = symbols
        self._orders = orders

    async def query(self, credentials: Credentials, instrument: Instrument, client_order_id: str) -> OrderView | None:
        """Return the strategy, or the order that it placed, under our id; None says that no list has it."""
        row = await self._find(credentials, instrument, client_order_id)
        if row is None:
            return None
        if row.get("status") != TRIGGERED:
            return strategy_view(row, instrument, hedge=await self._hedges(credentials))
        params = {"orderId": row["orderId"]}
        placed = await self._client.ask("strategy_placed", credentials, params, rows_of)
        known_by = {"orderId": placed[0]["subOrderId"]} if placed else {"clientOid": client_order_id}
        view = await self._orders.query(credentials, instrument, known_by)
        if view is None:
            raise Unavailable("Bitget: the order that a triggered strategy placed is not told yet")
        return view._replace(client_order_id=client_order_id)

    async def cancel(self, credentials: Credentials, instrument: Instrument, client_order_id: str) -> OrderView | None:
        """Cancel a strategy that waits, and read what became of it."""
        if not await cancel_open(self._client, "cancel_strategy", credentials, {"clientOid": client_order_id}):
            return None
        return await self.query(credentials, instrument, client_order_id)

    async def cancel_all(self, credentials: Credentials, instrument: Instrument) -> None:
        """Cancel the strategies of one instrument that are listed."""
        for row in await self._waiting(credentials, category_of(instrument)):
            if row["symbol"] == instrument.venue_symbol:
                await cancel_open(self._client, "cancel_strategy", credentials, {"orderId": row["orderId"]})

    async def open_orders(
        self, credentials: Credentials, instrument: Instrument | None, *, category: str
    ) -> list[OrderView]:
        """List the strategies of one market that wait; those of instruments that we do not know are left out."""
        rows = await self._waiting(credentials, category)
        if instrument is not None:
            rows = [row for row in rows if row["symbol"] == instrument.venue_symbol]
        hedge = bool(rows) and await self._hedges(credentials)
        named = ((self._orders.instrument_of(row), row) for row in rows)
        return [strategy_view(row, known, hedge=hedge) for known, row in named if known is not None]

    async def resting(self, credentials: Credentials, instrument: Instrument) -> list[OrderFact]:
        """List one instrument's strategies that wait to close something, with their terms."""
        waiting = await self._waiting(credentials, category_of(instrument))
        rows = [row for row in waiting if row["symbol"] == instrument.venue_symbol]
        hedge = bool(rows) and await self._hedges(credentials)
        with reading(self._client.wire.name):
            return [fact for row in rows for fact in strategy_facts(row, instrument, hedge=hedge)]

    async def _find(self, credentials: Credentials, instrument: Instrument, client_order_id: str) -> Row | None:
        waiting = await self._waiting(credentials, category_of(instrument))
        found = _called(waiting, client_order_id)
        params: dict[str, Any] = {"category": category_of(instrument), "limit": _PAGE_LEN}
        for _ in range(_HISTORY_PAGES_MAX):
            if found is not None:
                return found
            answer = await self._client.ask("strategies_old", credentials, params, lambda a: a)
            page = rows_of(answer)
            found = _called(page, client_order_id)
            if len(page) < _PAGE_LEN:
                return found
            params["cursor"] = answer["data"]["cursor"]
        if found is None:
            raise Unavailable("Bitget: the history of conditional orders is too long to be read")
        return found

    async def _waiting(self, credentials: Credentials, category: str) -> list[Row]:
        return await self._client.ask("strategies", credentials, {"category": category}, rows_of)

    async def _hedges(self, credentials: Credentials) -> bool:
        return await self._client.ask("settings", credentials, {}, lambda a: a["data"]["holdMode"] == HEDGE)


def _called(rows: list[Row], client_order_id: str) -> Row | None:
    return next((row for row in rows if row["clientOid"] == client_order_id), None)
