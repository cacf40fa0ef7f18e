"""OKX endpoints that read algo orders, and how an algo order looks on the wire.

Source: okx.com/docs-v5, "Algo Trading", "GET / Algo order list", "GET / Algo order history", "WS / Algo orders
channel".
"""

from __future__ import annotations

from typing import Any

from copydesk.kernel import decimal_text
from copydesk.venues.lab.conditional import PLAN, STOP, TAKE_PROFIT, TRAILING, Conditional
from copydesk.venues.lab.dialects.okx import errors
from copydesk.venues.lab.dialects.okx.algo_note import ALGO_TYPES, Algo, algo_note_of, algos_of
from copydesk.venues.lab.dialects.okx.algos import named_algo
from copydesk.venues.lab.dialects.okx.catalog import Listed, algo_text, order_text
from copydesk.venues.lab.dialects.okx.desk import Desk
from copydesk.venues.lab.dialects.okx.order_lists import page_of
from copydesk.venues.lab.dialects.okx.params import Call, required, text_of
from copydesk.venues.lab.dialects.okx.routes import Routes, private
from copydesk.venues.lab.dialects.okx.shapes import leverage_text
from copydesk.venues.lab.dialects.okx.terms import AT_MARKET
from copydesk.venues.lab.model import PERP, TRIGGERED

_NEVER_SET = (
    "amendPxOnTriggerType",
    "ccy",
    "chaseType",
    "chaseVal",
    "maxChaseType",
    "maxChaseVal",
    "pxLimit",
    "pxSpread",
    "pxVar",
    "quickMgnType",
    "szLimit",
    "timeInterval",
    "tradeQuoteCcy",
)
_TRIGGERS = {TAKE_PROFIT: "tp", STOP: "sl"}


def _ord_px(one: Conditional) -> str:
    return AT_MARKET if one.new.px is None else decimal_text(one.new.px)


def _prices(algo: Algo) -> dict[str, str]:
    """Write trigger prices and prices under the names that the kind of algo order has for them."""
    names = [f"{leg}{part}" for leg in ("tp", "sl") for part in ("TriggerPx", "TriggerPxType", "OrdPx")]
    found = dict.fromkeys((*names, "triggerPx", "triggerPxType", "ordPx", "activePx", "callbackRatio"), "")
    found |= {"callbackSpread": "", "moveTriggerPx": ""}
    for one in algo.legs:
        leg, px = _TRIGGERS.get(one.kind), decimal_text(one.trigger_px)
        if leg is not None:
            found |= {f"{leg}TriggerPx": px, f"{leg}TriggerPxType": one.watch, f"{leg}OrdPx": _ord_px(one)}
        elif one.kind == PLAN:
            found |= {"triggerPx": px, "triggerPxType": one.watch, "ordPx": _ord_px(one)}
        elif one.kind == TRAILING:
            found |= _trail(one)
    return found


def _trail(one: Conditional) -> dict[str, str]:
    return {
        "activePx": "" if one.activation_px is None else decimal_text(one.activation_px),
        "callbackRatio": "" if one.callback_ratio is None else decimal_text(one.callback_ratio),
        "callbackSpread": "" if one.callback_px is None else decimal_text(one.callback_px),
        "moveTriggerPx": "" if one.extreme_px is None else decimal_text(one.trigger_px),
    }


def _size(algo: Algo, listed: Listed) -> str:
    new = algo.first.new
    if new.quote_qty is not None:
        return decimal_text(new.quote_qty)
    return "" if new.qty is None else listed.contracts(new.qty)


def algo_view(desk: Desk, algo: Algo) -> dict[str, Any]:
    """Write one algo order."""
    first, fired = algo.first, algo.fired
    listed, note, new = desk.catalog.by_id[first.symbol], algo_note_of(first.tag), first.new
    perp, engine = first.market == PERP, desk.exchange.engine(first.market)
    order = (
        None if fired is None or fired.order_id is None else engine.order(first.account, first.symbol, fired.order_id)
    )
    order_id = "" if order is None else order_text(order.order_id, order.market)
    refused = fired is not None and fired.reason is not None
    return {
        **dict.fromkeys(_NEVER_SET, ""),
        **_prices(algo),
        "actualPx": "" if order is None or not order.fills else decimal_text(order.fills[-1].px),
        "actualSide": "" if fired is None or fired.status != TRIGGERED else _TRIGGERS.get(fired.kind, ""),
        "actualSz": "0" if order is None else listed.contracts(order.qty),
        "algoClOrdId": algo.client_id,
        "algoId": algo_text(first.conditional_id, first.market),
        "attachAlgoOrds": [],
        "cTime": str(first.created_ms),
        "clOrdId": note.client_order_id,
        "closeFraction": note.close_fraction,
        "failCode": errors.plainly_rejected(fired.reason).code if refused and fired and fired.reason else "",
        "instId": first.symbol,
        "instType": listed.inst_type,
        "isTradeBorrowMode": "",
        "last": decimal_text(desk.catalog.last_px(listed)),
        "lever": leverage_text(desk, listed, first.account),
        "linkedOrd": {"ordId": ""},
        "ordId": order_id,
        "ordIdList": [order_id] if order_id else [],
        "ordType": algo.order_type,
        "posSide": new.position_side if perp else "",
        "reduceOnly": "true" if new.reduce_only else "false",
        "side": new.side,
        "state": algo.state,
        "sz": _size(algo, listed),
        "tag": note.tag,
        "tdMode": note.mode,
        "tgtCcy": note.target,
        "triggerTime": "" if fired is None else str(fired.updated_ms),
        "uTime": str(max(leg.updated_ms for leg in algo.legs)),
        "uly": listed.family if perp else "",
    }


def _algo(desk: Desk, call: Call) -> list[dict[str, Any]]:
    algo = named_algo(desk, call.account, call.params)
    if algo is None:
        raise errors.no_such_order()
    return [algo_view(desk, algo)]


def _kinds(call: Call) -> set[str]:
    kinds = set(required(call.params, "ordType").split(","))
    if kinds - {*ALGO_TYPES, "iceberg", "twap", "chase", "smart_iceberg"}:
        raise errors.bad_parameter("ordType")
    return kinds


def _pending(desk: Desk, call: Call) -> list[dict[str, Any]]:
    kinds = _kinds(call)
    return _rows(desk, call, [a for a in algos_of(desk, call.account, open_only=True) if a.order_type in kinds])


def _history(desk: Desk, call: Call) -> list[dict[str, Any]]:
    kinds, state, algo_id = _kinds(call), text_of(call.params, "state"), text_of(call.params, "algoId")
    if not state and not algo_id:
        raise errors.ApiError("51602", "Either order status or order ID is required")
    chosen = [
        algo
        for algo in algos_of(desk, call.account, open_only=False)
        if algo.order_type in kinds
        and algo.state != "live"
        and state in ("", algo.state)
        and algo_id in ("", algo_text(algo.first.conditional_id, algo.first.market))
    ]
    return _rows(desk, call, chosen)


def _rows(desk: Desk, call: Call, algos: list[Algo]) -> list[dict[str, Any]]:
    names = {one.inst_id for one in desk.catalog.chosen(call.params, past=True)}
    chosen = [algo for algo in algos if algo.first.symbol in names]
    chosen.sort(key=lambda algo: (algo.first.created_ms, algo.first.conditional_id), reverse=True)
    rows = [(algo_text(algo.first.conditional_id, algo.first.market), algo) for algo in chosen]
    return [algo_view(desk, algo) for algo in page_of(call.params, rows)]


ROUTES: Routes = {
    ("GET", "/trade/order-algo"): private(_algo, 20),
    ("GET", "/trade/orders-algo-pending"): private(_pending, 20),
    ("GET", "/trade/orders-algo-history"): private(_history, 20),
}
