"""One order of a Bybit account at a time: amend, query, cancel, list. Instruments come already looked up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from copydesk.kernel import VenueRefused
from copydesk.trading import Credentials, Fill, Instrument, OrderView
from copydesk.venues.bybit import errors
from copydesk.venues.bybit.order_facts import order_fact
from copydesk.venues.bybit.orders import UNTRIGGERED, amend_params, category_of, fills_of, order_view
from copydesk.venues.client.core import VenueClient
from copydesk.venues.client.wire import EVERY_QTY, reading
from copydesk.venues.model import Amendment, OrderFact
from copydesk.venues.symbols import SymbolMap

_PAGE_LEN = 50
# Contracts are settled in one of these; a list is asked for by symbol or by such a coin.
SETTLE_COINS = ("USDT", "USDC")
_FILLS_PAGE_LEN = 100
_SPAN_MS = 7 * 86_400_000  # Without a time the last week's fills are told; from one on, those of a week.
_SPOT_FILTERS = ("Order", "StopOrder", "tpslOrder", "OcoOrder", "BidirectionalTpslOrder")
_UNCHANGED = ("order not modified", "remains unchanged")  # Under 10001: nothing to amend.


class OrderCalls:
    """Ask and change single orders over one client."""

    def __init__(self, client: VenueClient, symbols: SymbolMap) -> None:
        self._client = client
        self._symbols = symbols

    async def amend(self, credentials: Credentials, change: Amendment, instrument: Instrument) -> OrderView | None:
        try:
            await self._client.ask(_of("amend", instrument), credentials, amend_params(change, instrument), _done)
        except VenueRefused as refusal:
            if refusal.venue_code in errors.NONE_OPEN:
                return None
            if not any(text in str(refusal) for text in _UNCHANGED):
                raise
        return await self.query(credentials, instrument, change.client_order_id)

    async def query(self, credentials: Credentials, instrument: Instrument, client_order_id: str) -> OrderView | None:
        """Return the order with its fills, from the recent list or else from the history.

        In neither, it never was, or it ended without a fill more than a day ago.
        """
        params = _named(instrument, client_order_id)
        for endpoint in ("query", "query_old"):
            view = await self._client.ask(endpoint, credentials, params, partial(_newest, instrument=instrument))
            if view is not None:
                if view.cum_qty == 0:
                    return view
                rows = await self._executions(credentials, instrument, view.venue_order_id)
                return view._replace(fills=self._fills(rows, instrument, view.cum_qty))
        return None

    async def fills(
        self, credentials: Credentials, instrument: Instrument, order_id: str, *, since_ms: int
    ) -> tuple[Fill, ...]:
        """Return all executions of an order that was placed at `since_ms` or later, asked for week by week."""
        found: dict[str, dict[str, Any]] = {}
        for start_ms in range(since_ms, self._client.timestamp_ms() + 1, _SPAN_MS):
            rows = await self._executions(credentials, instrument, order_id, {"startTime": start_ms})
            found |= {row["execId"]: row for row in rows}
        return self._fills(found.values(), instrument, EVERY_QTY)

    async def cancel(
        self, credentials: Credentials, instrument: Instrument, client_order_id: str, *, conditional: bool
    ) -> OrderView | None:
        """Cancel an open order and read what became of it: the answer acknowledges the request alone."""
        params = _named(instrument, client_order_id)
        if conditional and not instrument.perpetual:
            params["orderFilter"] = "StopOrder"
        try:
            await self._client.ask(_of("cancel", instrument), credentials, params, _done)
        except VenueRefused as refusal:
            if refusal.venue_code in errors.NONE_OPEN:
                return None
            raise
        return await self.query(credentials, instrument, client_order_id)

    async def cancel_all(self, credentials: Credentials, instrument: Instrument) -> None:
        """Cancel every kind of order: on spot each is asked for by name."""
        params = {"category": category_of(instrument), "symbol": instrument.venue_symbol}
        kinds = [{}] if instrument.perpetual else [{"orderFilter": kind} for kind in _SPOT_FILTERS]
        for kind in kinds:
            await self._client.ask(_of("cancel_all", instrument), credentials, params | kind, _done)

    async def open_orders(
        self, credentials: Credentials, category: str, instrument: Instrument | None, *, conditional: bool
    ) -> list[OrderView]:
        """List one category; orders of instruments that we do not know are left out."""
        found: list[OrderView] = []
        for of in _concerned(category, instrument):
            found += await self._listed(credentials, category, of, conditional=conditional)
        return found

    async def resting(self, credentials: Credentials, instrument: Instrument) -> list[OrderFact]:
        """List one instrument's open orders with their terms, page by page."""

        def read(answer: Any) -> tuple[list[OrderFact], str]:
            rows = answer["result"]["list"]
            facts = [fact for row in rows if (fact := order_fact(row, instrument)) is not None]
            return facts, (answer["result"].get("nextPageCursor") or "") if len(rows) == _PAGE_LEN else ""

        params: dict[str, Any] = {
            "category": category_of(instrument),
            "symbol": instrument.venue_symbol,
            "limit": _PAGE_LEN,
        }
        found: list[OrderFact] = []
        while True:
            facts, cursor = await self._client.ask("open_orders", credentials, params, read)
            found += facts
            if not cursor:
                return found
            params["cursor"] = cursor

    async def _listed(
        self, credentials: Credentials, category: str, of: dict[str, str], *, conditional: bool
    ) -> list[OrderView]:
        """Read one list page by page."""
        params: dict[str, Any] = {"category": category, "limit": _PAGE_LEN, **of}
        found: list[OrderView] = []
        read = partial(self._page, category, conditional)
        while True:
            views, cursor = await self._client.ask("open_orders", credentials, params, read)
            found += views
            if not cursor:
                return found
            params["cursor"] = cursor

    def _page(self, category: str, conditional: bool, answer: Mapping[str, Any]) -> tuple[list[OrderView], str]:
        result = answer["result"]
        rows = [row for row in result["list"] if (row["orderStatus"] == UNTRIGGERED) is conditional]
        named = ((self._symbols.of_venue(row["symbol"], perpetual=category == "linear"), row) for row in rows)
        views = [order_view(row, instrument) for instrument, row in named if instrument is not None]
        whole = len(result["list"]) == _PAGE_LEN
        return views, (result.get("nextPageCursor") or "") if whole else ""

    async def _executions(
        self, credentials: Credentials, instrument: Instrument, order_id: str, span: Mapping[str, int] | None = None
    ) -> list[dict[str, Any]]:
        params: dict[str, Any] = {
            "category": category_of(instrument),
            "symbol": instrument.venue_symbol,
            "orderId": order_id,
            "limit": _FILLS_PAGE_LEN,
            **(span or {}),
        }
        rows: list[dict[str, Any]] = []
        while True:
            page, cursor = await self._client.ask("fills", credentials, params, _rows)
            rows += page
            if len(page) < _FILLS_PAGE_LEN or not cursor:
                return rows
            params["cursor"] = cursor

    def _fills(self, rows: Iterable[Mapping[str, Any]], instrument: Instrument, cum_qty: Decimal) -> tuple[Fill, ...]:
        with reading(self._client.wire.name):
            return fills_of(rows, instrument, cum_qty)


def _concerned(category: str, instrument: Instrument | None) -> list[dict[str, str]]:
    """Name what is to be listed: one instrument, or all of them, contracts coin by coin."""
    if instrument is not None:
        return [{"symbol": instrument.venue_symbol}]
    return [{"settleCoin": coin} for coin in SETTLE_COINS] if category == "linear" else [{}]


def _rows(answer: Mapping[str, Any]) -> tuple[list[dict[str, Any]], str]:
    return answer["result"]["list"], answer["result"].get("nextPageCursor") or ""


def _named(instrument: Instrument, client_order_id: str) -> dict[str, str]:
    return {
        "category": category_of(instrument),
        "symbol": instrument.venue_symbol,
        "orderLinkId": client_order_id,
    }


def _of(endpoint: str, instrument: Instrument) -> str:
    return f"{endpoint}_{'perpetual' if instrument.perpetual else 'spot'}"


def _newest(answer: Mapping[str, Any], instrument: Instrument) -> OrderView | None:
    rows = answer["result"]["list"]
    return order_view(rows[0], instrument) if rows else None


def _done(answer: Mapping[str, Any]) -> None:
    """Take an acknowledgment: the code said success, and there is nothing else in it to be read."""
    if not isinstance(answer["result"], dict):
        raise TypeError("no result")
