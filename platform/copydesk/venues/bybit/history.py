"""The executions of a Bybit account, week by week and page by page, with the position that each order belonged to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from copydesk.trading import Credentials, Instrument, PositionSide
from copydesk.venues.bybit.orders import POSITION_SIDE, category_of, hedged_side, in_order, leader_trade
from copydesk.venues.client.core import VenueClient
from copydesk.venues.client.patience import ask_patiently
from copydesk.venues.client.wire import number, reading
from copydesk.venues.model import FundingPayment, LeaderTrade
from copydesk.venues.symbols import SymbolMap

_PAGE_LEN = 100
_ORDERS_PAGE_LEN = 50
_SPAN_MS = 7 * 86_400_000  # The longest time between start and end.


async def trades_since(
    client: VenueClient, credentials: Credentials, instrument: Instrument, since_ms: int
) -> list[LeaderTrade]:
    """Return the executions of one instrument since that time, oldest first.

    An execution does not name its position; for perpetuals the orders of the same weeks are read for it. Those that
    were placed earlier, and liquidations and settlements, which have no order, are placed by the position mode.
    """
    rows: dict[str, dict[str, Any]] = {}
    sides: dict[str, PositionSide] = {}
    start_ms, now_ms = since_ms, client.timestamp_ms()
    while start_ms <= now_ms:
        week = {"startTime": start_ms, "endTime": start_ms + _SPAN_MS - 1}
        found = await _executions(client, credentials, instrument, week)
        if found and instrument.perpetual:
            sides |= await _position_sides(client, credentials, instrument, week)
        rows |= found
        start_ms += _SPAN_MS
    with reading(client.wire.name):
        read = [(row, leader_trade(row, instrument)) for row in in_order(rows.values())]
        orphans = [row for row, trade in read if trade is not None and trade.venue_order_id not in sides]
    if orphans and instrument.perpetual and await _hedged(client, credentials, instrument):
        sides |= {row["orderId"]: hedged_side(row) for row in orphans}
    trades = [trade for _, trade in read if trade is not None]
    return [replace(t, position_side=sides.get(t.venue_order_id, PositionSide.NET)) for t in trades]


async def funding_since(
    client: VenueClient, credentials: Credentials, symbols: SymbolMap, since_ms: int
) -> list[FundingPayment]:
    """Return the account's funding payments, oldest first, week by week: entries of type SETTLEMENT.

    `change` is `cashFlow` + `funding` - `fee` (Get Transaction Log), so `funding` above zero was received.
    """

    def read(answer: Any) -> tuple[list[FundingPayment], str]:
        rows = answer["result"]["list"]
        known = ((symbols.of_venue(row["symbol"], perpetual=True), row) for row in rows)
        paid = [
            FundingPayment(
                row["id"], instrument.symbol, number(row["funding"]), row["currency"], int(row["transactionTime"])
            )
            for instrument, row in known
            if instrument is not None and row["funding"]
        ]
        return paid, answer["result"]["nextPageCursor"] if len(rows) == _ORDERS_PAGE_LEN else ""

    found: dict[str, FundingPayment] = {}
    for start_ms in range(since_ms, client.timestamp_ms() + 1, _SPAN_MS):
        params: dict[str, Any] = {"accountType": "UNIFIED", "category": "linear", "type": "SETTLEMENT"}
        params |= {"startTime": start_ms, "endTime": start_ms + _SPAN_MS - 1, "limit": _ORDERS_PAGE_LEN}
        cursor = "first"
        while cursor:
            paid, cursor = await ask_patiently(client, "funding", credentials, params, read)
            found |= {payment.payment_id: payment for payment in paid}
            params["cursor"] = cursor
    return sorted(found.values(), key=lambda payment: payment.at_ms)


async def _executions(
    client: VenueClient, credentials: Credentials, instrument: Instrument, week: dict[str, int]
) -> dict[str, dict[str, Any]]:
    def read(answer: Any) -> tuple[list[dict[str, Any]], str]:
        rows = answer["result"]["list"]
        return rows, answer["result"]["nextPageCursor"] if len(rows) == _PAGE_LEN else ""

    params = _asked(instrument, week, _PAGE_LEN)
    found: dict[str, dict[str, Any]] = {}
    while True:
        rows, cursor = await ask_patiently(client, "trades", credentials, params, read)
        found |= {row["execId"]: row for row in rows}
        if not cursor:
            return found
        params["cursor"] = cursor


async def _hedged(client: VenueClient, credentials: Credentials, instrument: Instrument) -> bool:
    """Tell whether a contract is in hedge mode: asked for by name, its positions are listed even if they are flat."""
    params = {"category": category_of(instrument), "symbol": instrument.venue_symbol}
    return await client.ask(
        "positions", credentials, params, lambda a: any(int(row["positionIdx"]) for row in a["result"]["list"])
    )


async def _position_sides(
    client: VenueClient, credentials: Credentials, instrument: Instrument, week: dict[str, int]
) -> dict[str, PositionSide]:
    """Return the position of every order that was touched in these days: history first, what is open over it."""

    def read(answer: Any) -> tuple[dict[str, PositionSide], str]:
        rows = answer["result"]["list"]
        sides = {row["orderId"]: POSITION_SIDE[int(row["positionIdx"])] for row in rows}
        return sides, answer["result"]["nextPageCursor"] if len(rows) == _ORDERS_PAGE_LEN else ""

    found: dict[str, PositionSide] = {}
    for endpoint, span in (("orders_old", week), ("open_orders", {})):
        params = _asked(instrument, span, _ORDERS_PAGE_LEN)
        cursor = "first"
        while cursor:
            sides, cursor = await ask_patiently(client, endpoint, credentials, params, read)
            found |= sides
            params["cursor"] = cursor
    return found


def _asked(instrument: Instrument, span: dict[str, int], limit: int) -> dict[str, Any]:
    return {"category": category_of(instrument), "symbol": instrument.venue_symbol, "limit": limit, **span}
