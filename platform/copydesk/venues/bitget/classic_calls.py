"""One order of a classic account at a time: query, cancel, list. Instruments come already looked up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from copydesk.kernel import VenueRefused
from copydesk.trading import Credentials, Instrument, OrderView
from copydesk.venues.bitget import errors
from copydesk.venues.bitget.changes import cancel_open
from copydesk.venues.bitget.classic_orders import fills_of, order_view
from copydesk.venues.bitget.order_facts import classic_fact
from copydesk.venues.bitget.words import USDT_FUTURES
from copydesk.venues.client.core import VenueClient
from copydesk.venues.client.patience import ask_patiently
from copydesk.venues.client.wire import reading
from copydesk.venues.model import OrderFact
from copydesk.venues.symbols import SymbolMap

_PAGE_LEN = 100


class ClassicCalls:
    """Ask and change single plain orders over one client."""

    def __init__(self, client: VenueClient, symbols: SymbolMap) -> None:
        self._client = client
        self._symbols = symbols

    async def query(
        self, credentials: Credentials, instrument: Instrument, known_by: dict[str, str]
    ) -> OrderView | None:
        """Return the order with its fills; None says that the exchange knows of none."""
        params = market_params(instrument) | known_by
        read = partial(_single, instrument=instrument)
        try:
            view = await self._client.ask(market_name("query", instrument), credentials, params, read)
        except VenueRefused as refusal:
            if refusal.venue_code in errors.NO_SUCH_ORDER:
                return None
            raise
        return None if view is None else await self._with_fills(credentials, instrument, view)

    async def cancel(self, credentials: Credentials, instrument: Instrument, client_order_id: str) -> OrderView | None:
        """Cancel an open order and read what became of it: the answer acknowledges the request alone."""
        params = market_params(instrument) | {"clientOid": client_order_id}
        if not await cancel_open(self._client, market_name("cancel", instrument), credentials, params):
            return None
        return await self.query(credentials, instrument, {"clientOid": client_order_id})

    async def cancel_all(self, credentials: Credentials, instrument: Instrument) -> None:
        """Cancel every plain order of one instrument; that there is none is success."""
        await cancel_open(self._client, market_name("cancel_all", instrument), credentials, market_params(instrument))

    async def open_orders(
        self, credentials: Credentials, instrument: Instrument | None, *, perpetual: bool
    ) -> list[OrderView]:
        """List one market page by page; orders of instruments that we do not know are left out."""
        endpoint = "open_perpetual" if perpetual else "open_spot"
        params: dict[str, Any] = {"productType": USDT_FUTURES} if perpetual else {}
        if instrument is not None:
            params["symbol"] = instrument.venue_symbol
        rows = await self.pages(endpoint, credentials, params, name="orderId")
        named = ((self._symbols.of_venue(row["symbol"].upper(), perpetual=perpetual), row) for row in rows)
        with reading(self._client.wire.name):
            return [order_view(row, known) for known, row in named if known is not None]

    async def resting(self, credentials: Credentials, instrument: Instrument) -> list[OrderFact]:
        """List one instrument's open orders with their terms."""
        endpoint = "open_perpetual" if instrument.perpetual else "open_spot"
        rows = await self.pages(endpoint, credentials, market_params(instrument), name="orderId")
        with reading(self._client.wire.name):
            return [fact for row in rows if (fact := classic_fact(row, instrument)) is not None]

    async def executions(
        self, credentials: Credentials, instrument: Instrument, order_id: str, span: Mapping[str, int] | None = None
    ) -> list[Mapping[str, Any]]:
        """Read the executions of one order; `span` bounds their time."""
        params = market_params(instrument) | {"orderId": order_id, **(span or {})}
        endpoint = "perpetual_fills" if instrument.perpetual else "spot_fills"
        return await self.pages(endpoint, credentials, params, name="tradeId")

    async def _with_fills(self, credentials: Credentials, instrument: Instrument, view: OrderView) -> OrderView:
        if view.cum_qty == 0:
            return view
        rows = await self.executions(credentials, instrument, view.venue_order_id)
        with reading(self._client.wire.name):
            return view._replace(fills=fills_of(rows, view.cum_qty))

    async def pages(
        self, endpoint: str, credentials: Credentials, params: Mapping[str, Any], *, name: str
    ) -> list[Mapping[str, Any]]:
        """Read a list page by page, newest first; `name` is what the next page is older than."""
        asked = {**params, "limit": _PAGE_LEN}
        found: list[Mapping[str, Any]] = []
        while True:
            rows = await ask_patiently(self._client, endpoint, credentials, asked, rows_of)
            found += rows
            if len(rows) < _PAGE_LEN:
                return found
            asked["idLessThan"] = rows[-1][name]


def market_params(instrument: Instrument) -> dict[str, Any]:
    """Name an instrument; futures need their product as well."""
    params = {"symbol": instrument.venue_symbol}
    return params | {"productType": USDT_FUTURES} if instrument.perpetual else params


def market_name(endpoint: str, instrument: Instrument) -> str:
    return f"{endpoint}_{'perpetual' if instrument.perpetual else 'spot'}"


def rows_of(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the rows of a list, which futures and plans wrap; an empty list may be null."""
    data = answer["data"]
    if isinstance(data, dict):
        data = next(data[name] for name in ("entrustedList", "fillList", "orderList", "bills") if name in data)
    return list(data or ())


def _single(answer: Mapping[str, Any], instrument: Instrument) -> OrderView | None:
    """Read one order, which spot tells in a list; that list is empty for an unknown one."""
    data = answer["data"]
    rows = data if isinstance(data, list) else [data]
    return order_view(rows[0], instrument) if rows else None
