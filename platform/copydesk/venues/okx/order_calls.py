"""One order of an OKX account at a time: amend, query, cancel, list. Instruments come already looked up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from copydesk.kernel import VenueRefused
from copydesk.trading import Credentials, Instrument, OrderView
from copydesk.venues.client.core import VenueClient
from copydesk.venues.client.wire import reading
from copydesk.venues.model import Amendment, OrderFact
from copydesk.venues.okx import errors
from copydesk.venues.okx.history import fills_of_order
from copydesk.venues.okx.order_facts import algo_facts, order_fact
from copydesk.venues.okx.orders import PERPETUAL_OF, amend_params, conditional_view, order_view, placed_order
from copydesk.venues.symbols import SymbolMap

_BATCH_LEN = 20
_ALGO_BATCH_LEN = 10
_DONE = errors.NONE_OPEN | {errors.CANCELING}
_SO_ALREADY = frozenset({errors.NOT_MODIFIED, errors.CANCELING})
_PAGE_LEN = 100
# Only the first two may be asked for together. Iceberg, TWAP and chase orders work at once and are bots, not triggers.
_CONDITIONAL_KINDS = ("conditional,oco", "trigger", "move_order_stop")


def prechecked(answer: Mapping[str, Any]) -> None:
    """Read an order's precheck, which may judge the order by a code of its own."""
    errors.judge_items(row for row in answer["data"] if "sCode" in row)


class OrderCalls:
    """Ask and change single orders over one client."""

    def __init__(self, client: VenueClient, symbols: SymbolMap) -> None:
        self._client = client
        self._symbols = symbols

    async def amend(self, credentials: Credentials, change: Amendment, instrument: Instrument) -> OrderView | None:
        params = amend_params(change, instrument)
        if not await self._change("amend", credentials, params, instrument):
            return None
        return await self.query(credentials, instrument, change.client_order_id, conditional=False)

    async def query(
        self, credentials: Credentials, instrument: Instrument, client_order_id: str, *, conditional: bool
    ) -> OrderView | None:
        """Return the order with its fills; a triggered conditional order is told by the order that it placed."""
        try:
            if conditional:
                return await self._query_conditional(credentials, instrument, client_order_id)
            return await self._query(credentials, instrument, {"clOrdId": client_order_id})
        except VenueRefused as refusal:
            if refusal.venue_code in errors.NO_SUCH_ORDER:
                return None
            raise

    async def cancel(
        self, credentials: Credentials, instrument: Instrument, client_order_id: str, *, conditional: bool
    ) -> OrderView | None:
        """Cancel an open order and read what became of it: the answer acknowledges the request alone."""
        if conditional:
            params: Any = [{"instId": instrument.venue_symbol, "algoClOrdId": client_order_id}]
            done = await self._change("cancel_conditional", credentials, params, instrument)
        else:
            params = {"instId": instrument.venue_symbol, "clOrdId": client_order_id}
            done = await self._change("cancel", credentials, params, instrument)
        if not done:
            return None
        return await self.query(credentials, instrument, client_order_id, conditional=conditional)

    async def cancel_all(self, credentials: Credentials, instrument: Instrument) -> None:
        """Cancel what is listed, conditional orders included; what is done meanwhile is none of its business."""
        for conditional, endpoint, name, most in (
            (False, "cancel_batch", "ordId", _BATCH_LEN),
            (True, "cancel_conditional", "algoId", _ALGO_BATCH_LEN),
        ):
            listed = await self.open_orders(credentials, instrument, conditional=conditional)
            wanted = [{"instId": instrument.venue_symbol, name: view.venue_order_id} for view in listed]
            for start in range(0, len(wanted), most):
                await self._cancel_batch(endpoint, credentials, wanted[start : start + most], instrument)

    async def open_orders(
        self, credentials: Credentials, instrument: Instrument | None, *, conditional: bool
    ) -> list[OrderView]:
        """List open orders, conditional ones kind by kind; those of instruments that we do not know are left out."""
        named = {} if instrument is None else {"instId": instrument.venue_symbol}
        if not conditional:
            return await self._listed("open_orders", credentials, named)
        found: list[OrderView] = []
        for kind in _CONDITIONAL_KINDS:
            found += await self._listed("open_conditional", credentials, {"ordType": kind} | named)
        return found

    async def resting(self, credentials: Credentials, instrument: Instrument) -> list[OrderFact]:
        """List one instrument's open orders with their terms, plain ones and algo orders, page by page."""
        named = {"instId": instrument.venue_symbol}
        rows = await self._rows("open_orders", credentials, named, "ordId")
        algos = [
            row
            for kind in _CONDITIONAL_KINDS
            for row in await self._rows("open_conditional", credentials, {"ordType": kind} | named, "algoId")
        ]
        with reading(self._client.wire.name):
            plain = [fact for row in rows if (fact := order_fact(row, instrument)) is not None]
            return plain + [fact for row in algos for fact in algo_facts(row, instrument)]

    async def _rows(
        self, endpoint: str, credentials: Credentials, params: dict[str, str], name: str
    ) -> list[Mapping[str, Any]]:
        """Read one list page by page, newest first; `name` is what the next page is older than."""
        found: list[Mapping[str, Any]] = []
        while True:
            page = await self._client.ask(endpoint, credentials, params, lambda answer: list(answer["data"]))
            found += page
            if len(page) < _PAGE_LEN:
                return found
            params = params | {"after": page[-1][name]}

    async def _listed(self, endpoint: str, credentials: Credentials, params: dict[str, str]) -> list[OrderView]:
        """Read one list page by page, newest first."""
        read = partial(self._page, endpoint == "open_conditional")
        found: list[OrderView] = []
        while True:
            views, count, last = await self._client.ask(endpoint, credentials, params, read)
            found += views
            if count < _PAGE_LEN:
                return found
            params = params | {"after": last}

    def _page(self, conditional: bool, answer: Mapping[str, Any]) -> tuple[list[OrderView], int, str]:
        """Read one page: the orders of instruments that we know, how many there were in all, and the last one's id.

        Margin orders of a pair are not the pair's: what they trade is borrowed.
        """
        view, name = (conditional_view, "algoId") if conditional else (order_view, "ordId")
        rows = answer["data"]
        ours = [row for row in rows if row["instType"] in PERPETUAL_OF]
        named = ((self._symbols.of_venue(row["instId"], perpetual=PERPETUAL_OF[row["instType"]]), row) for row in ours)
        views = [view(row, instrument) for instrument, row in named if instrument is not None]
        return views, len(rows), rows[-1][name] if rows else ""

    async def _change(self, endpoint: str, credentials: Credentials, params: Any, instrument: Instrument) -> bool:
        """Send a change of one order; False when no such order is open. That it was so already is success."""
        try:
            await self._client.ask(endpoint, credentials, params, _single, symbol=instrument.symbol)
        except VenueRefused as refusal:
            if refusal.venue_code in errors.NONE_OPEN:
                return False
            if refusal.venue_code not in _SO_ALREADY:
                raise
        return True

    async def _cancel_batch(
        self, endpoint: str, credentials: Credentials, wanted: list[dict[str, str]], instrument: Instrument
    ) -> None:
        """Cancel some orders: what one of them is told says nothing of the others, so each is judged."""
        try:
            await self._client.ask(
                endpoint,
                credentials,
                wanted,
                lambda answer: errors.judge_items(answer["data"], passing=_DONE),
                symbol=instrument.symbol,
            )
        except VenueRefused as refusal:
            if refusal.venue_code not in _DONE:
                raise

    async def _query(self, credentials: Credentials, instrument: Instrument, known_by: dict[str, str]) -> OrderView:
        params = {"instId": instrument.venue_symbol, **known_by}

        def read(answer: Any) -> tuple[OrderView, int]:
            row = answer["data"][0]
            return order_view(row, instrument), int(row["cTime"])

        view, created_ms = await self._client.ask("query", credentials, params, read, symbol=instrument.symbol)
        if view.cum_qty == 0:
            return view
        fills = await fills_of_order(
            self._client,
            credentials,
            instrument,
            view.venue_order_id,
            since_ms=created_ms,
            cum_qty=view.cum_qty,
        )
        return view._replace(fills=fills)

    async def _query_conditional(
        self, credentials: Credentials, instrument: Instrument, client_order_id: str
    ) -> OrderView:
        def read(answer: Any) -> tuple[OrderView, str]:
            row = answer["data"][0]
            return conditional_view(row, instrument), placed_order(row)

        view, placed = await self._client.ask("query_conditional", credentials, {"algoClOrdId": client_order_id}, read)
        if placed:
            view = await self._query(credentials, instrument, {"ordId": placed})
        return view._replace(client_order_id=client_order_id)


def _single(answer: Any) -> None:
    """Take the answer to a change of one order; a change of which OKX says neither yes nor no is unreadable."""
    (item,) = answer["data"]
    errors.judge_items([item])
