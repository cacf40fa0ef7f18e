"""The executions of an OKX account or order, page by page: three days from one list, three months from another.

Source: OKX API guide v5, Transaction details (at most 100 a page; `after` a bill's id tells older ones).
"""

from __future__ import annotations

from typing import Any

from copydesk.trading import Credentials, Fill, Instrument, OrderView
from copydesk.venues.client.core import VenueClient
from copydesk.venues.client.patience import ask_patiently
from copydesk.venues.client.wire import reading
from copydesk.venues.model import LeaderTrade
from copydesk.venues.okx.orders import INST_TYPE, fills_of, leader_trade

_PAGE_LEN = 100
_RECENT_MS = 3 * 86_400_000 - 60_000


async def trades_since(
    client: VenueClient, credentials: Credentials, instrument: Instrument, since_ms: int
) -> list[LeaderTrade]:
    """Return the executions of one instrument since that time, oldest first; the exchange lists the newest first.

    Whether OKX counts `begin` itself is not documented, so it is asked from a millisecond earlier.
    """
    endpoint = "trades" if _recent(client, since_ms) else "trades_old"
    rows = await _rows(client, endpoint, credentials, _named(instrument) | {"begin": since_ms - 1})
    with reading(client.wire.name):
        found = {trade.trade_id: trade for trade in (leader_trade(row, instrument) for row in rows)}
    told = (trade for trade in found.values() if trade.at_ms >= since_ms)
    return sorted(told, key=lambda trade: (trade.at_ms, int(trade.trade_id)))


async def fills_of_order(
    client: VenueClient, credentials: Credentials, instrument: Instrument, view: OrderView, *, since_ms: int
) -> tuple[Fill, ...]:
    """Return the fills that make up an order's quantity, oldest first. The order was placed at `since_ms`."""
    endpoint = "fills" if _recent(client, since_ms) else "fills_old"
    rows = await _rows(client, endpoint, credentials, _named(instrument) | {"ordId": view.venue_order_id})
    with reading(client.wire.name):
        return fills_of(rows, instrument, view.cum_qty)


def _recent(client: VenueClient, since_ms: int) -> bool:
    return client.timestamp_ms() - since_ms < _RECENT_MS


def _named(instrument: Instrument) -> dict[str, Any]:
    return {"instType": INST_TYPE[instrument.perpetual], "instId": instrument.venue_symbol, "limit": _PAGE_LEN}


async def _rows(
    client: VenueClient, endpoint: str, credentials: Credentials, params: dict[str, Any]
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = await ask_patiently(client, endpoint, credentials, params, lambda answer: list(answer["data"]))
        found += page
        if len(page) < _PAGE_LEN:
            return found
        params = params | {"after": page[-1]["billId"]}
