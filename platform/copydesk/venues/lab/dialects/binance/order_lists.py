"""Binance Spot order lists: OCO pairs over the present and the older endpoint, and their queries.

OTO, OTOCO, OPO and OPOCO lists are refused as by pairs that do not have them: `exchangeInfo` tells `ocoAllowed` true
and `otoAllowed` false. `errors.md` has the refusal's text for OCO and OPO, for OTO it is made like them. What is not
documented: the default of `newOrderRespType` (RESULT here, as in the examples), the code and text for a list that is
not there (-2018 is from memory; canceling one answers -2011 as for an order), and the list's state while one leg is
partly filled (the other is EXPIRED at the first fill, the list EXECUTING until this one ends).
Source: binance-spot-api-docs `rest-api.md`, "Order lists"; `filters.md`, MAX_NUM_ORDER_LISTS.
"""

from __future__ import annotations

from collections.abc import Callable

import orjson

from copydesk.venues.lab.conditional import NewConditional
from copydesk.venues.lab.dialects.binance import errors
from copydesk.venues.lab.dialects.binance.errors import ApiError
from copydesk.venues.lab.dialects.binance.list_shapes import canceled_view, list_view, placed_view
from copydesk.venues.lab.dialects.binance.list_terms import LISTS_MAX, OLD_PARAMS, PARAMS, Asked, read_oco, read_old_oco
from copydesk.venues.lab.dialects.binance.orders import refuse_too_many, shape_of, unfit, within
from copydesk.venues.lab.dialects.binance.params import Call, client_id_of, integer_of, limit_of
from copydesk.venues.lab.dialects.binance.routes import Handler, Routes, instrument_of, route
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.keys import READ, TRADE
from copydesk.venues.lab.model import Reject
from copydesk.venues.lab.order_lists import OrderList

DAY_MS = 86_400_000
_LEG = "Type ClientOrderId IcebergQty Price StopPrice TrailingDelta TimeInForce StrategyId StrategyType Side Quantity"
_OTHERS = {"oto": "OTO", "otoco": "OTO", "opo": "OPO", "opoco": "OPO"}
_OTHER_PARAMS = " ".join(
    [
        "symbol listClientOrderId newOrderRespType selfTradePreventionMode",
        *(f"{leg}{name}" for leg in ("working", "pending", "pendingAbove", "pendingBelow") for name in _LEG.split()),
    ]
)


def _places(read: Callable[[Exchange, Call], Asked]) -> Handler:
    def place(exchange: Exchange, call: Call) -> bytes:
        shape = shape_of(call.params, "RESULT")
        asked = read(exchange, call)
        refuse_too_many(call, 2)
        one = _accepted(exchange, call, asked)
        return orjson.dumps(placed_view(exchange, one, shape))

    return place


def _accepted(exchange: Exchange, call: Call, asked: Asked) -> OrderList:
    """Place both legs or none."""
    reject = _refusal(exchange, call, asked)
    if reject is not None:
        raise errors.rejected(reject)
    outcome = exchange.spot.place_order_list(asked.order_list, call.now_ms)
    if outcome.order_list is None:
        assert outcome.reject is not None, "one of the two is set"
        raise errors.rejected(outcome.reject)
    exchange.publish(outcome.events, call.now_ms)
    return outcome.order_list


def _refusal(exchange: Exchange, call: Call, asked: Asked) -> Reject | None:
    """Refuse what the engine, which checks orders when they are placed, would find too late."""
    if exchange.cancel_only:
        return Reject.MARKET_HALTED
    symbol = asked.order_list.symbol
    lists = exchange.spot.order_lists.of(call.account, open_only=True)
    if sum(one.symbol == symbol for one in lists) >= LISTS_MAX:
        raise errors.filter_failure("MAX_NUM_ORDER_LISTS")
    waiting = [leg.new for leg in asked.order_list.legs if isinstance(leg, NewConditional)]
    return next((reject for new in waiting if (reject := unfit(exchange, new)) is not None), None)


def _refuses(name: str) -> Handler:
    def refuse(exchange: Exchange, call: Call) -> bytes:
        instrument_of(exchange, call)
        raise ApiError(-2010, f"{name} orders are not supported for this symbol.")

    return refuse


def _cancel(exchange: Exchange, call: Call) -> bytes:
    symbol = instrument_of(exchange, call).venue_symbol
    list_id, client_id = _named(call, "listClientOrderId")
    cancel_id = client_id_of(call.params, "newClientOrderId")
    one = exchange.spot.order_lists.find(call.account, list_id, client_id)
    if one is None or not one.is_open or one.symbol != symbol:
        raise errors.unknown_order()
    exchange.publish(exchange.spot.cancel_order_list(one, call.now_ms), call.now_ms)
    return orjson.dumps(canceled_view(exchange, one, cancel_id or f"cancel-list-{one.list_id}"))


def _query(exchange: Exchange, call: Call) -> bytes:
    list_id, client_id = _named(call, "origClientOrderId")
    one = exchange.spot.order_lists.find(call.account, list_id if client_id is None else None, client_id)
    if one is None:
        raise ApiError(-2018, "Order list does not exist.")
    return orjson.dumps(list_view(one))


def _named(call: Call, client_id_name: str) -> tuple[int | None, str | None]:
    list_id, client_id = integer_of(call.params, "orderListId"), client_id_of(call.params, client_id_name)
    if list_id is None and client_id is None:
        text = f"Param '{client_id_name}' or 'orderListId' must be sent, but both were empty/null!"
        raise ApiError(-1102, text)
    return list_id, client_id


def _open(exchange: Exchange, call: Call) -> bytes:
    lists = exchange.spot.order_lists.of(call.account, open_only=True)
    return orjson.dumps([list_view(one) for one in lists])


def _all(exchange: Exchange, call: Call) -> bytes:
    """List the newest first, as in the example; `fromId` and times are inclusive."""
    params, limit = call.params, limit_of(call.params, 500, 1000)
    first, start, end = (integer_of(params, name) for name in ("fromId", "startTime", "endTime"))
    if first is not None and (start is not None or end is not None):
        raise ApiError(-1128, "Combination of optional parameters invalid.")
    if start is not None and end is not None and end - start > DAY_MS:
        raise ApiError(-1127, "More than 24 hours between startTime and endTime.")
    chosen = [
        one
        for one in exchange.spot.order_lists.of(call.account)
        if (first is None or one.list_id >= first) and within(call, one.created_ms)
    ]
    cut = chosen[-limit:] if first is None and start is None else chosen[:limit]
    return orjson.dumps([list_view(one) for one in reversed(cut)])


ROUTES: Routes = {
    ("POST", "/api/v3/orderList/oco"): route(_places(read_oco), PARAMS, needs=TRADE, places_orders=True),
    ("POST", "/api/v3/order/oco"): route(_places(read_old_oco), OLD_PARAMS, needs=TRADE, places_orders=True),
    **{
        ("POST", f"/api/v3/orderList/{kind}"): route(_refuses(name), _OTHER_PARAMS, needs=TRADE, places_orders=True)
        for kind, name in _OTHERS.items()
    },
    ("DELETE", "/api/v3/orderList"): route(
        _cancel, "symbol orderListId listClientOrderId newClientOrderId", needs=TRADE
    ),
    ("GET", "/api/v3/orderList"): route(_query, "orderListId origClientOrderId", weight=4, needs=READ),
    ("GET", "/api/v3/openOrderList"): route(_open, weight=6, needs=READ),
    ("GET", "/api/v3/allOrderList"): route(_all, "fromId startTime endTime limit", weight=20, needs=READ),
}
