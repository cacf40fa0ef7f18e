"""Binance Spot OCO pairs as asked for: their parameters, which types fit which leg, and how their prices must lie.

Sources: binance-spot-api-docs `rest-api.md`, "New Order list - OCO" and "New OCO - Deprecated"; `errors.md`, -1158 to
-1199 and "Messages for -2010". A leg that may not be an iceberg is refused with the text for such symbols.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from copydesk.venues.lab.conditional import NewConditional
from copydesk.venues.lab.dialects.binance import conditions, errors
from copydesk.venues.lab.dialects.binance.params import Call, client_id_of, decimal_of, required
from copydesk.venues.lab.dialects.binance.routes import instrument_of
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import BUY, FOK, GTC, IOC, LIMIT_MAKER, NewOrder
from copydesk.venues.lab.order_lists import NewOrderList

LISTS_MAX = 20
_SIDES = {"BUY": "buy", "SELL": "sell"}
_TYPES = frozenset({"MARKET", "LIMIT", "LIMIT_MAKER", *conditions.TYPES})
_STOPS = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT"})
_PROFITS = frozenset({"TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
_PRICED = frozenset({"STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
# What must not stand in that place: leg and side, types, error.
_MISPLACED: tuple[tuple[str, str, frozenset[str], int, str], ...] = (
    ("above", "BUY", frozenset({"LIMIT_MAKER"}), -1165, "A limit order in a buy OCO must be below."),
    ("below", "SELL", frozenset({"LIMIT_MAKER"}), -1166, "A limit order in a sell OCO must be above."),
    ("below", "BUY", _STOPS, -1196, "A stop loss order in a buy OCO must be above."),
    ("above", "SELL", _STOPS, -1197, "A stop loss order in a sell OCO must be below."),
    ("above", "BUY", _PROFITS, -1198, "A take profit order in a buy OCO must be below."),
    ("below", "SELL", _PROFITS, -1199, "A take profit order in a sell OCO must be above."),
)


class Names(NamedTuple):
    """How one leg's parameters are called; "" is one that it cannot have."""

    client_id: str
    px: str
    stop_px: str
    delta: str
    tif: str
    iceberg: str


def _names_of(leg: str) -> Names:
    return Names(
        f"{leg}ClientOrderId",
        f"{leg}Price",
        f"{leg}StopPrice",
        f"{leg}TrailingDelta",
        f"{leg}TimeInForce",
        f"{leg}IcebergQty",
    )


_LIMIT_NAMES = Names("limitClientOrderId", "price", "", "", "", "limitIcebergQty")
_STOP_NAMES = Names(
    "stopClientOrderId", "stopLimitPrice", "stopPrice", "trailingDelta", "stopLimitTimeInForce", "stopIcebergQty"
)
_SHARED = "symbol side quantity listClientOrderId newOrderRespType selfTradePreventionMode"
PARAMS = " ".join(
    [
        _SHARED,
        *(f"{leg}Type {' '.join(_names_of(leg))} {leg}StrategyId {leg}StrategyType" for leg in ("above", "below")),
    ]
)
OLD_PARAMS = " ".join(
    [
        _SHARED,
        *(name for names in (_LIMIT_NAMES, _STOP_NAMES) for name in names if name),
        "limitStrategyId limitStrategyType stopStrategyId stopStrategyType",
    ]
)


class Asked(NamedTuple):
    """The legs as the engine takes them, the stop first: the exchange numbers them so."""

    order_list: NewOrderList
    stop: NewConditional
    profit: NewOrder | NewConditional


def read_oco(exchange: Exchange, call: Call) -> Asked:
    """Read `orderList/oco`: a leg above the price and one below it."""
    params = call.params
    frame = _frame(exchange, call)
    kinds = {leg: _type_of(params, f"{leg}Type") for leg in ("above", "below")}
    _refuse_types(kinds, required(params, "side"))
    stop_leg, profit_leg = ("above", "below") if frame.side == BUY else ("below", "above")
    stop = _leg(exchange, call, frame, kinds[stop_leg], _names_of(stop_leg))
    return _pair(exchange, call, stop, _leg(exchange, call, frame, kinds[profit_leg], _names_of(profit_leg)))


def read_old_oco(exchange: Exchange, call: Call) -> Asked:
    """Read `order/oco`: a post-only limit order and a stop, with a limit price or without."""
    params, frame = call.params, _frame(exchange, call)
    required(params, "price")
    required(params, "stopPrice")
    kind = "STOP_LOSS_LIMIT" if "stopLimitPrice" in params else "STOP_LOSS"
    stop = _leg(exchange, call, frame, kind, _STOP_NAMES)
    return _pair(exchange, call, stop, _leg(exchange, call, frame, "LIMIT_MAKER", _LIMIT_NAMES))


def _frame(exchange: Exchange, call: Call) -> NewOrder:
    """Read what both legs share."""
    symbol = instrument_of(exchange, call).venue_symbol
    side = _SIDES.get(required(call.params, "side"))
    if side is None:
        raise errors.ApiError(-1117, "Invalid side.")
    required(call.params, "quantity")
    qty = decimal_of(call.params, "quantity")
    if not qty:
        raise errors.ApiError(-1013, "Invalid quantity.")
    return NewOrder(call.account, "", symbol, side, LIMIT_MAKER, qty)


def _type_of(params: Mapping[str, str], name: str) -> str:
    kind = required(params, name)
    if kind not in _TYPES:
        raise errors.ApiError(-1116, "Invalid orderType.")
    if kind in ("MARKET", "LIMIT"):
        raise errors.ApiError(-1158, "Order type not supported in OCO.")
    return kind


def _refuse_types(kinds: Mapping[str, str], side: str) -> None:
    if set(kinds.values()) == {"LIMIT_MAKER"}:
        raise errors.ApiError(-1168, "At least one OCO order must be contingent.")
    for leg, of_side, types, code, text in _MISPLACED:
        if side == of_side and kinds[leg] in types:
            raise errors.ApiError(code, text)


def _leg(exchange: Exchange, call: Call, frame: NewOrder, kind: str, names: Names) -> NewOrder | NewConditional:
    params = call.params
    if names.iceberg in params:
        raise errors.ApiError(-2010, "Iceberg orders are not supported for this symbol.")
    for name, wanted in _wanted(kind, names):
        if wanted:
            required(params, name)
        elif name in params:
            raise errors.not_required(name)
    tif, px = params.get(names.tif, GTC), decimal_of(params, names.px)
    if tif not in (GTC, IOC, FOK):
        raise errors.ApiError(-1115, "Invalid timeInForce.")
    if px == 0:
        raise errors.ApiError(-1013, "Invalid price.")
    placed = LIMIT_MAKER if kind == "LIMIT_MAKER" else conditions.TYPES[kind][0]
    new = frame._replace(type=placed, px=px, tif=tif, client_order_id=client_id_of(params, names.client_id) or "")
    if kind == "LIMIT_MAKER":
        return new
    if names.stop_px not in params and names.delta not in params:
        text = f"Param '{names.stop_px}' or '{names.delta}' must be sent, but both were empty/null!"
        raise errors.ApiError(-1102, text)
    words = {"stopPrice": names.stop_px, "trailingDelta": names.delta}
    told = {word: params[name] for word, name in words.items() if name in params}
    return conditions.read(exchange, told, kind, new)


def _wanted(kind: str, names: Names) -> list[tuple[str, bool]]:
    """Say of the leg's price, time in force and trigger which must be there, and which must not."""
    if kind == "LIMIT_MAKER":
        return [(names.px, True), *((name, False) for name in (names.tif, names.stop_px, names.delta) if name)]
    return [(names.px, kind in _PRICED), (names.tif, kind in _PRICED)]


def _pair(exchange: Exchange, call: Call, stop: NewOrder | NewConditional, profit: NewOrder | NewConditional) -> Asked:
    assert isinstance(stop, NewConditional), "the types were checked"
    list_id = client_id_of(call.params, "listClientOrderId") or ""
    asked = NewOrderList(call.account, stop.new.symbol, list_id, (stop, profit))
    last = exchange.spot.ticker(asked.symbol).last_px
    far, near = _goal(profit), stop.trigger_px or stop.activation_px
    if stop.new.side == BUY:
        far, near = near, far
    # Now the upper price of the two is `far`; a leg that only trails has none.
    if (far is not None and far <= last) or (near is not None and near >= last):
        raise errors.ApiError(-2010, "The relationship of the prices for the orders is not correct.")
    return Asked(asked, stop, profit)


def _goal(profit: NewOrder | NewConditional) -> Decimal | None:
    """Return the price that must lie on the winning side of the last one."""
    if isinstance(profit, NewOrder):
        return profit.px
    return profit.new.px if profit.new.px is not None else profit.trigger_px or profit.activation_px
