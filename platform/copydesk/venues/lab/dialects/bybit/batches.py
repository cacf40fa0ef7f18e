"""Bybit's batch endpoints: several orders of one category in one request, each with an outcome of its own.

A batch counts once per order on its own rate limit; what goes over it fails with 10006, what comes before succeeds.
Source: v5 documentation, "Batch Place Order", "Instructions for batch endpoints".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from copydesk.venues.lab.dialects.bybit import errors
from copydesk.venues.lab.dialects.bybit.limits import trading
from copydesk.venues.lab.dialects.bybit.orders import amend, cancel, place
from copydesk.venues.lab.dialects.bybit.params import CATEGORIES, Call, market_of, text_of
from copydesk.venues.lab.dialects.bybit.routes import ORDERS, Handler, Route, Routes
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import PERP, SPOT

LEN_MAX = {SPOT: 10, PERP: 20}
Act = Callable[[Exchange, str, str, Mapping[str, Any], int], tuple[str, str]]


def batch_len(params: Mapping[str, Any]) -> int:
    """Return how many calls a batch counts for; a malformed one counts for one and is refused later."""
    asked = params.get("request")
    return max(1, len(asked)) if isinstance(asked, list) else 1


def _batch(act: Act, *, creates: bool = False) -> Handler:
    def handle(exchange: Exchange, call: Call) -> bytes:
        market, asked = market_of(call.params), call.params.get("request")
        if not isinstance(asked, list) or not asked:
            raise errors.bad_params("request invalid")
        if len(asked) > LEN_MAX[market]:
            raise errors.request_error(f"The number of orders exceeds {LEN_MAX[market]}")
        listed, outcomes = [], []
        for place_in_line, params in enumerate(asked):
            row, outcome = _one(exchange, call, market, act, params if place_in_line < call.granted else None)
            if creates:
                row["createAt"] = str(call.now_ms) if outcome["code"] == 0 else ""
            if isinstance(params, dict):
                row["symbol"] = text_of(params, "symbol")
                row["orderLinkId"] = row["orderLinkId"] or text_of(params, "orderLinkId")
            listed.append(row)
            outcomes.append(outcome)
        call.ext = orjson.dumps({"list": outcomes})
        return orjson.dumps({"list": listed})

    return handle


def _one(
    exchange: Exchange, call: Call, market: str, act: Act, params: Any
) -> tuple[dict[str, str], dict[str, int | str]]:
    """Carry out one element; `params` None means that the rate limit had no room for it."""
    row = {"category": CATEGORIES[market], "symbol": "", "orderId": "", "orderLinkId": ""}
    try:
        if params is None:
            raise errors.too_many_visits()
        if not isinstance(params, dict):
            raise errors.bad_params("request invalid")
        row["orderId"], row["orderLinkId"] = act(exchange, call.account, market, params, call.now_ms)
    except errors.ApiError as error:
        return row, {"code": error.code, "msg": error.msg}
    return row, {"code": 0, "msg": "OK"}


ROUTES: Routes = {
    ("POST", "/v5/order/create-batch"): Route(_batch(place, creates=True), ORDERS, trading(10, 20), batch=True),
    ("POST", "/v5/order/amend-batch"): Route(_batch(amend), ORDERS, trading(10, 20), batch=True),
    ("POST", "/v5/order/cancel-batch"): Route(_batch(cancel), ORDERS, trading(10, 20), batch=True),
}
