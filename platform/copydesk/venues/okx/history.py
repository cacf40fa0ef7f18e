"""The executions of an OKX account or order, page by page: three days from one list, three months from another.

And its funding payments, which are bills.

Source: OKX API guide v5, Transaction details (at most 100 a page; `after` a bill's id tells older ones).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from copydesk.trading import Credentials, Fill, Instrument
from copydesk.venues.client.core import VenueClient
from copydesk.venues.client.patience import ask_patiently
from copydesk.venues.client.wire import EVERY_QTY, number, reading
from copydesk.venues.model import FundingPayment, LeaderTrade
from copydesk.venues.okx.orders import INST_TYPE, fills_of, leader_trade
from copydesk.venues.symbols import SymbolMap

_PAGE_LEN = 100
_FUNDING_FEE = "8"
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
    client: VenueClient,
    credentials: Credentials,
    instrument: Instrument,
    order_id: str,
    *,
    since_ms: int,
    cum_qty: Decimal = EVERY_QTY,
) -> tuple[Fill, ...]:
    """Return an order's fills that make up `cum_qty`, oldest first. The order was placed at `since_ms` or later."""
    endpoint = "fills" if _recent(client, since_ms) else "fills_old"
    rows = await _rows(client, endpoint, credentials, _named(instrument) | {"ordId": order_id})
    with reading(client.wire.name):
        return fills_of(rows, instrument, cum_qty)


async def funding_since(
    client: VenueClient, credentials: Credentials, symbols: SymbolMap, since_ms: int
) -> list[FundingPayment]:
    """Return the account's funding payments, oldest first: bills of type 8 (Get bills details, last 3 months)."""
    params = {"instType": INST_TYPE[True], "type": _FUNDING_FEE, "begin": since_ms - 1, "limit": _PAGE_LEN}
    rows = await _rows(client, "funding", credentials, params)
    with reading(client.wire.name):
        known = ((symbols.of_venue(row["instId"], perpetual=True), row) for row in rows)
        found = {
            row["billId"]: FundingPayment(
                row["billId"], instrument.symbol, number(row["balChg"]), row["ccy"], int(row["ts"])
            )
            for instrument, row in known
            if instrument is not None and int(row["ts"]) >= since_ms
        }
    return sorted(found.values(), key=lambda payment: (payment.at_ms, int(payment.payment_id)))


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
