"""Binance Spot order lists (OCO, OTO, OTOCO): the lab's pairs do not support them, and say so as such pairs do.

`exchangeInfo` tells `ocoAllowed` and `otoAllowed` false. The text of the refusal is from memory.
Source: binance-spot-api-docs `rest-api.md`, "Order lists".
"""

from __future__ import annotations

from copydesk.venues.lab.dialects.binance.errors import ApiError
from copydesk.venues.lab.dialects.binance.params import Call, required
from copydesk.venues.lab.dialects.binance.routes import Routes, instrument_of, route
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.keys import READ, TRADE

_LEG = "Type ClientOrderId IcebergQty Price StopPrice TrailingDelta TimeInForce StrategyId StrategyType Side Quantity"
_LEGS = ("above", "below", "working", "pending", "pendingAbove", "pendingBelow")
_PARAMS = " ".join(
    [
        "symbol listClientOrderId side quantity newOrderRespType selfTradePreventionMode",
        *(f"{leg}{name}" for leg in _LEGS for name in _LEG.split()),
    ]
)


def _refused(exchange: Exchange, call: Call) -> bytes:
    instrument_of(exchange, call)
    raise ApiError(-2010, "OCO orders are not supported for this symbol.")


def _none(_exchange: Exchange, _call: Call) -> bytes:
    return b"[]"


def _unknown(_exchange: Exchange, call: Call) -> bytes:
    if "origClientOrderId" not in call.params:
        required(call.params, "orderListId")
    raise ApiError(-2018, "Order list does not exist.")


ROUTES: Routes = {
    **{
        ("POST", f"/api/v3/orderList/{kind}"): route(_refused, _PARAMS, needs=TRADE, places_orders=True)
        for kind in ("oco", "oto", "otoco")
    },
    ("GET", "/api/v3/orderList"): route(_unknown, "orderListId origClientOrderId", weight=4, needs=READ),
    ("GET", "/api/v3/openOrderList"): route(_none, weight=6, needs=READ),
    ("GET", "/api/v3/allOrderList"): route(_none, "fromId startTime endTime limit", weight=20, needs=READ),
}
