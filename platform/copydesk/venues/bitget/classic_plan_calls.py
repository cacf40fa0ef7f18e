"""A classic account's conditional orders: find, cancel, list. Instruments come already looked up.

Spot plans are found by listing an instrument's, futures ones by our id in the two lists that Bitget keeps; a plan
that has triggered leads to the order that it placed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copydesk.kernel import Unavailable
from copydesk.trading import Credentials, Instrument, OrderStatus, OrderView
from copydesk.venues.bitget.changes import cancel_open
from copydesk.venues.bitget.classic_calls import ClassicCalls, rows_of
from copydesk.venues.bitget.classic_plans import PERPETUAL_LISTS, TRIGGERED, plan_status, plan_view
from copydesk.venues.bitget.order_facts import classic_plan_fact
from copydesk.venues.bitget.words import USDT_FUTURES
from copydesk.venues.client.core import VenueClient
from copydesk.venues.client.wire import reading
from copydesk.venues.model import OrderFact
from copydesk.venues.symbols import SymbolMap

_PAGE_LEN = 100
_DAYS_90_MS = 90 * 86_400_000 - 60_000

Row = Mapping[str, Any]
Question = tuple[str, dict[str, Any]]


class ClassicPlanCalls:
    """Ask and change single conditional orders over one client."""

    def __init__(self, client: VenueClient, symbols: SymbolMap, orders: ClassicCalls) -> None:
        self._client = client
        self._symbols = symbols
        self._orders = orders

    async def query(self, credentials: Credentials, instrument: Instrument, client_order_id: str) -> OrderView | None:
        """Return the plan, or the order that it placed, under our id; None says that no list has it."""
        row = await self._find(credentials, instrument, client_order_id)
        if row is None:
            return None
        if plan_status(row) not in TRIGGERED:
            return plan_view(row, instrument)
        placed = row.get("executeOrderId") or await self._placed(credentials, instrument, row)
        view = await self._orders.query(credentials, instrument, {"orderId": placed}) if placed else None
        if view is None:
            raise Unavailable("Bitget: the order that a triggered plan placed is not told yet")
        return view._replace(client_order_id=client_order_id)

    async def cancel(self, credentials: Credentials, instrument: Instrument, client_order_id: str) -> OrderView | None:
        """Cancel a plan that waits; one that triggers before is not canceled, so nothing of it was traded."""
        row = await self._find(credentials, instrument, client_order_id, waiting=True)
        if row is None or not await self._cancel(credentials, instrument, row):
            return None
        return plan_view(row, instrument)._replace(status=OrderStatus.CANCELED)

    async def cancel_all(self, credentials: Credentials, instrument: Instrument) -> None:
        """Cancel every plan of one instrument."""
        if not instrument.perpetual:
            params = {"symbolList": [instrument.venue_symbol]}
            await cancel_open(self._client, "cancel_all_spot_plans", credentials, params)
            return
        for row in await self._waiting(credentials, instrument, perpetual=True):
            await self._cancel(credentials, instrument, row)

    async def open_orders(
        self, credentials: Credentials, instrument: Instrument | None, *, perpetual: bool
    ) -> list[OrderView]:
        """List the plans of one market that wait; those of instruments that we do not know are left out."""
        rows = await self._waiting(credentials, instrument, perpetual=perpetual)
        named = ((self._symbols.of_venue(row["symbol"].upper(), perpetual=perpetual), row) for row in rows)
        views = (plan_view(row, known) for known, row in named if known is not None)
        return [view for view in views if view.status is OrderStatus.ACCEPTED]

    async def resting(self, credentials: Credentials, instrument: Instrument) -> list[OrderFact]:
        """List one instrument's plans that wait to close something, with their terms."""
        rows = await self._waiting(credentials, instrument, perpetual=instrument.perpetual)
        with reading(self._client.wire.name):
            return [fact for row in rows if (fact := classic_plan_fact(row, instrument)) is not None]

    async def _cancel(self, credentials: Credentials, instrument: Instrument, row: Row) -> bool:
        if not instrument.perpetual:
            return await cancel_open(self._client, "cancel_spot_plan", credentials, {"orderId": row["orderId"]})
        params = {
            "orderIdList": [{"orderId": row["orderId"]}],
            "symbol": instrument.venue_symbol,
            "productType": USDT_FUTURES,
            "planType": row["planType"],
        }
        return await cancel_open(self._client, "cancel_perpetual_plans", credentials, params)

    async def _find(
        self, credentials: Credentials, instrument: Instrument, client_order_id: str, *, waiting: bool = False
    ) -> Row | None:
        """Return a plan from what waits, or from the history of what does not any more; list by list."""
        known_by = {"clientOid": client_order_id} if instrument.perpetual else {}
        for old in (False,) if waiting else (False, True):
            for endpoint, params in self._lists(instrument, perpetual=instrument.perpetual, old=old):
                rows = await self._pages(credentials, endpoint, params | known_by)
                found = next((row for row in rows if row["clientOid"] == client_order_id), None)
                if found is not None:
                    return found
        return None

    async def _waiting(self, credentials: Credentials, instrument: Instrument | None, *, perpetual: bool) -> list[Row]:
        rows: list[Row] = []
        for endpoint, params in self._lists(instrument, perpetual=perpetual):
            rows += await self._pages(credentials, endpoint, params)
        return rows

    def _lists(self, instrument: Instrument | None, *, perpetual: bool, old: bool = False) -> list[Question]:
        """Name the lists that hold one market's plans, those of the last 90 days where they are `old`."""
        params: dict[str, Any] = {"limit": _PAGE_LEN}
        if instrument is not None:
            params["symbol"] = instrument.venue_symbol
        if old:
            now_ms = self._client.timestamp_ms()
            params |= {"startTime": now_ms - _DAYS_90_MS, "endTime": now_ms}
        suffix = "_old" if old else ""
        if not perpetual:
            return [(f"spot_plans{suffix}", params)]
        params["productType"] = USDT_FUTURES
        return [(f"perpetual_plans{suffix}", params | {"planType": kind}) for kind in PERPETUAL_LISTS]

    async def _pages(self, credentials: Credentials, endpoint: str, params: dict[str, Any]) -> list[Row]:
        rows: list[Row] = []
        while True:
            page = await self._client.ask(endpoint, credentials, params, rows_of)
            rows += page
            if len(page) < _PAGE_LEN:
                return rows
            params["idLessThan"] = page[-1]["orderId"]

    async def _placed(self, credentials: Credentials, instrument: Instrument, row: Row) -> str:
        """Return the id of the order that a spot plan placed, or nothing."""
        if instrument.perpetual:
            return ""
        params = {"planOrderId": row["orderId"]}
        placed = await self._client.ask("spot_plan_placed", credentials, params, rows_of)
        return str(placed[0]["orderId"]) if placed else ""
