"""Bybit's transaction log of the unified account, as far as the lab keeps one: funding of perpetuals.

Source: v5 documentation, "Get Transaction Log": newest first, seven days at most between start and end; `change` is
`cashFlow` + `funding` - `fee`. Balances after an entry (`cashBalance`) are not kept and stay empty.
"""

from __future__ import annotations

from typing import Any

import orjson

from copydesk.kernel import decimal_text
from copydesk.venues.lab.dialects.bybit import errors
from copydesk.venues.lab.dialects.bybit.limits import per_second
from copydesk.venues.lab.dialects.bybit.listing import page_of, span_of
from copydesk.venues.lab.dialects.bybit.params import Call, limit_of, text_of
from copydesk.venues.lab.dialects.bybit.routes import ANY, Route, Routes, instrument_at
from copydesk.venues.lab.dialects.bybit.views import px_text, qty_text
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.income import FundingPaid
from copydesk.venues.lab.model import PERP

SETTLEMENT, LINEAR, COIN = "SETTLEMENT", "linear", "USDT"


def _row(exchange: Exchange, paid: FundingPaid) -> dict[str, Any]:
    instrument = instrument_at(exchange, PERP, paid.symbol)
    return {
        "id": str(paid.number),
        "symbol": paid.symbol,
        "category": LINEAR,
        "side": "Buy" if paid.qty > 0 else "Sell",
        "transactionTime": str(paid.at_ms),
        "type": SETTLEMENT,
        "qty": qty_text(abs(paid.qty), instrument),
        "size": qty_text(paid.qty, instrument),
        "currency": COIN,
        "tradePrice": px_text(paid.px, instrument),
        "funding": decimal_text(paid.amount),
        "fee": "0",
        "cashFlow": "0",
        "change": decimal_text(paid.amount),
        "cashBalance": "",
        "feeRate": "",
        "bonusChange": "",
        "tradeId": str(paid.number),
        "orderId": str(paid.number),
        "orderLinkId": "",
    }


def _transactions(exchange: Exchange, call: Call) -> bytes:
    params, (start, end) = call.params, span_of(call.params, call.now_ms)
    if text_of(params, "accountType") not in ("", "UNIFIED"):
        raise errors.bad_params("accountType only support UNIFIED.")
    wanted = text_of(params, "type") in ("", SETTLEMENT) and text_of(params, "category") in ("", LINEAR)
    coin = text_of(params, "currency")
    rows = [
        _row(exchange, paid)
        for paid in reversed(exchange.funding_paid.of(call.account))
        if wanted and coin in ("", COIN) and start <= paid.at_ms <= end
    ]
    page, cursor = page_of(params, rows, lambda row: str(row["id"]), limit_of(params, 20, 50))
    return orjson.dumps({"list": page, "nextPageCursor": cursor})


ROUTES: Routes = {("GET", "/v5/account/transaction-log"): Route(_transactions, ANY, per_second(50))}
