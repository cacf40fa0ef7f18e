"""One order of a unified account at a time: query, cancel, list. Instruments come already looked up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copydesk.kernel import VenueRefused
from copydesk.trading import Credentials, Instrument, OrderView
from copydesk.venues.bitget import errors
from copydesk.venues.bitget.changes import cancel_open
from copydesk.venues.bitget.order_facts import unified_fact
from copydesk.venues.bitget.unified_orders import SPOT, category_of, fills_of, order_view
from copydesk.venues.client.core import VenueClient
from copydesk.venues.client.patience import ask_patiently
from copydesk.venues.client.wire import reading
from copydesk.venues.model import OrderFact
from copydesk.venues.symbols import SymbolMap

_PAGE_LEN = 100

Row = Mapping[str, Any]


class UnifiedCalls:
    """Ask and change single plain orders over one client."""

    def __init__(self, client: VenueClient, symbols: SymbolMap) -> None:
        self._client = client
        self._symbols = symbols

    def instrument_of(self, row: Row) -> Instrument | None:
        """Return what an order or execution trades, or None where we do not know it."""
        return self._symbols.of_venue(row["symbol"], perpetual=row["category"].upper() != SPOT)

    async def query(
        self, credentials: Credentials, instrument: Instrument, known_by: Mapping[str, str]
    ) -> OrderView | None:
        """Return the order with its fills; None says that the exchange knows of none."""
        try:
            view = await self._client.ask("query", credentials, known_by, lambda a: order_view(a["data"], instrument))
        except VenueRefused as refusal:
            if refusal.venue_code in errors.NO_SUCH_ORDER:
                return None
            raise
        if view.cum_qty == 0:
            return view
        rows = await self.executions(credentials, instrument, view.venue_order_id)
        with reading(self._client.wire.name):
            return view._replace(fills=fills_of(rows, view.cum_qty))

    async def executions(
        self, credentials: Credentials, instrument: Instrument, order_id: str, span: Mapping[str, int] | None = None
    ) -> list[Row]:
        """Read the executions of one order; `span` bounds their time."""
        params = {"category": category_of(instrument), "orderId": order_id, **(span or {})}
        return await self.pages("fills", credentials, params)

    async def cancel(self, credentials: Credentials, instrument: Instrument, client_order_id: str) -> OrderView | None:
        """Cancel an open order and read what became of it: the answer acknowledges the request alone."""
        known_by = {"clientOid": client_order_id}
        if not await cancel_open(self._client, "cancel", credentials, known_by | {"category": category_of(instrument)}):
            return None
        return await self.query(credentials, instrument, known_by)

    async def cancel_all(self, credentials: Credentials, instrument: Instrument) -> None:
        """Cancel every plain order of one instrument; that there is none is success."""
        params = {"category": category_of(instrument), "symbol": instrument.venue_symbol}
        await cancel_open(self._client, "cancel_all", credentials, params)

    async def open_orders(
        self, credentials: Credentials, instrument: Instrument | None, *, category: str
    ) -> list[OrderView]:
        """List one market; orders of instruments that we do not know are left out."""
        params: dict[str, Any] = {"category": category}
        if instrument is not None:
            params["symbol"] = instrument.venue_symbol
        rows = await self.pages("open_orders", credentials, params)
        named = ((self.instrument_of(row), row) for row in rows)
        with reading(self._client.wire.name):
            return [order_view(row, known) for known, row in named if known is not None]

    async def resting(self, credentials: Credentials, instrument: Instrument) -> list[OrderFact]:
        """List one instrument's open orders with their terms."""
        params = {"category": category_of(instrument), "symbol": instrument.venue_symbol}
        rows = await self.pages("open_orders", credentials, params)
        with reading(self._client.wire.name):
            return [fact for row in rows if (fact := unified_fact(row, instrument)) is not None]

    async def pages(self, endpoint: str, credentials: Credentials, params: Mapping[str, Any]) -> list[Row]:
        """Read a list page by page, newest first; a full page that names no next one is the last."""
        asked = {**params, "limit": _PAGE_LEN}
        rows: list[Row] = []
        while True:
            page, cursor = await ask_patiently(self._client, endpoint, credentials, asked, _page_of)
            rows += page
            if len(page) < _PAGE_LEN or not cursor:
                return rows
            asked["cursor"] = cursor


def _page_of(answer: Mapping[str, Any]) -> tuple[list[Row], str]:
    data = answer["data"]
    return rows_of(answer), str(data.get("cursor") or "") if isinstance(data, dict) else ""


def rows_of(answer: Mapping[str, Any]) -> list[Row]:
    """Return the rows of a list, bare or wrapped; an empty one may be null."""
    data = answer["data"]
    if isinstance(data, dict):
        data = data["list"]
    return list(data or ())
