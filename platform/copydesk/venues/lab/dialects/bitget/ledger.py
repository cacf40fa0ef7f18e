"""What moved an account's money on futures, as far as the lab keeps it: funding, in classic and in unified words.

Source: the reference's "Get Account Bills" (futures; business type contract_settle_fee) and "UTA / Get Financial
Records" (types CONTRACT_MAIN_SETTLE_FEE_USER_IN and _OUT): newest first, 90 days back, 30 days at most between start
and end. Balances after an entry are not kept and stay empty.
"""

from __future__ import annotations

from typing import Any

import orjson

from copydesk.venues.lab.dialects.bitget import errors
from copydesk.venues.lab.dialects.bitget.params import Call, integer_of, limit_of, text_of, within
from copydesk.venues.lab.dialects.bitget.routes import MANAGE_READ, ORDER_READ, Routes, private
from copydesk.venues.lab.dialects.bitget.words import MARGIN_COIN, USDT_FUTURES, number
from copydesk.venues.lab.income import FundingPaid

SETTLE_FEE = "contract_settle_fee"
PAID_IN, PAID_OUT = "CONTRACT_MAIN_SETTLE_FEE_USER_IN", "CONTRACT_MAIN_SETTLE_FEE_USER_OUT"
SPAN_MS_MAX = 30 * 86_400_000


def _paid(call: Call, after: str) -> list[FundingPaid]:
    """Return the payments asked for, newest first; those older than the one named `after` are the next page."""
    start, end = integer_of(call.params, "startTime"), integer_of(call.params, "endTime")
    if start is not None and end is not None and end - start > SPAN_MS_MAX:
        raise errors.ApiError("40020", "Parameter endTime error")
    older_than = int(after) if after.isdecimal() else None
    chosen = [
        paid
        for paid in reversed(call.exchange.funding_paid.of(call.account))
        if within(call.params, paid.at_ms) and (older_than is None or paid.number < older_than)
    ]
    return chosen[: limit_of(call.params, 20, 100)]


def _bills(call: Call) -> bytes:
    wanted = text_of(call.params, "businessType") in ("", SETTLE_FEE)
    rows = _paid(call, text_of(call.params, "idLessThan")) if wanted else []
    bills: list[dict[str, Any]] = [
        {
            "billId": str(paid.number),
            "symbol": paid.symbol,
            "amount": number(paid.amount),
            "fee": "0",
            "feeByCoupon": "",
            "businessType": SETTLE_FEE,
            "coin": MARGIN_COIN,
            "balance": "",
            "cTime": str(paid.at_ms),
        }
        for paid in rows
    ]
    return orjson.dumps({"bills": bills, "endId": bills[-1]["billId"] if bills else None})


def _records(call: Call) -> bytes:
    wanted = text_of(call.params, "category") == USDT_FUTURES
    rows = _paid(call, text_of(call.params, "cursor")) if wanted else []
    kind = text_of(call.params, "type")
    records: list[dict[str, Any]] = [
        {
            "category": USDT_FUTURES,
            "id": str(paid.number),
            "symbol": paid.symbol,
            "coin": MARGIN_COIN,
            "type": PAID_IN if paid.amount > 0 else PAID_OUT,
            "amount": number(paid.amount),
            "fee": "0",
            "balance": "",
            "ts": str(paid.at_ms),
        }
        for paid in rows
        if kind in ("", PAID_IN if paid.amount > 0 else PAID_OUT)
    ]
    return orjson.dumps({"list": records or None, "cursor": records[-1]["id"] if records else None})


CLASSIC_ROUTES: Routes = {("GET", "/api/v2/mix/account/bill"): private(_bills, ORDER_READ)}
UNIFIED_ROUTES: Routes = {("GET", "/api/v3/account/financial-records"): private(_records, MANAGE_READ)}
