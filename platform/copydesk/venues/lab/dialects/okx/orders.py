"""Placing, amending and canceling orders, one by one; REST and WebSocket share all of it.

Source: okx.com/docs-v5, "Order Book Trading", "Trade". A batch of one counts as a single order ("it will consume
the rate limit of Place order").
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from copydesk.venues.lab.dialects.okx import errors
from copydesk.venues.lab.dialects.okx.catalog import Listed, order_text, read_id
from copydesk.venues.lab.dialects.okx.desk import Desk
from copydesk.venues.lab.dialects.okx.params import Call, client_id_of, decimal_in, flag_of, text_of
from copydesk.venues.lab.dialects.okx.terms import NOTHING_ATTACHED, attached_of, note_of, write_note
from copydesk.venues.lab.model import BUY, MARKET, NET, NewOrder, Order, PositionView, Reject

ItemHandler = Callable[[Desk, Call, dict[str, Any]], dict[str, Any]]
ONE_MAX, BATCH_MAX, BULK_MAX = 60, 300, 20
EVERY_MS = 2000
CLOSE_MAX = 20


def refuse_too_often(desk: Desk, call: Call, verb: str, items: list[dict[str, Any]]) -> None:
    """Count the orders of a request against the limit per user and instrument."""
    if len(items) == 1:
        name = items[0].get("instId") or items[0].get("instIdCode")
        if not desk.meters.take((verb, call.account, str(name)), ONE_MAX, EVERY_MS, call.now_ms):
            raise errors.too_often()
        return
    counts: dict[str, int] = {}
    for item in items:
        name = str(item.get("instId") or item.get("instIdCode"))
        counts[name] = counts.get(name, 0) + 1
    for name, count in counts.items():
        if not desk.meters.take((verb, "batch", call.account, name), BATCH_MAX, EVERY_MS, call.now_ms, count):
            raise errors.too_often()


def place(desk: Desk, call: Call, item: dict[str, Any]) -> dict[str, Any]:
    """Place one order and acknowledge it."""
    client_id = client_id_of(item)
    order = _submitted(desk, call, read_new_order(desk, call.account, client_id, item))
    return accepted(client_id, order, text_of(item, "tag"), call.now_ms)


def accepted(client_id: str, order: Order, tag: str, now_ms: int) -> dict[str, Any]:
    """Acknowledge a new order."""
    return {
        "clOrdId": client_id,
        "ordId": order_text(order.order_id, order.market),
        "sCode": "0",
        "sMsg": "Order placed",
        "subCode": "",
        "tag": tag,
        "ts": str(now_ms),
    }


def read_new_order(desk: Desk, account: str, client_id: str, item: dict[str, Any]) -> NewOrder:
    """Read the terms of a new order."""
    get = item.get
    try:
        terms = desk.terms(
            get("instId"),
            get("instIdCode"),
            get("side"),
            get("ordType"),
            get("sz"),
            get("px"),
            get("tdMode"),
            get("tgtCcy"),
            get("posSide"),
            get("reduceOnly"),
            get("tag"),
        )
    except TypeError:
        if not any(isinstance(value, list | dict) for value in item.values()):
            raise
        # A list or an object where a text belongs cannot be looked up.
        raise errors.bad_json() from None
    listed, side, kind, qty, quote_qty, px, tif, position_side, reduce_only, margin_mode, tag = terms
    if not desk.catalog.trades(listed):
        # The words of an order are remembered for longer than some instruments are listed.
        raise errors.unknown_instrument()
    attached = NOTHING_ATTACHED
    if get("attachAlgoOrds"):
        attached = attached_of(item)
        tag = write_note(note_of(tag)._replace(attached=attached.told))
    return NewOrder(
        account,
        client_id,
        listed.inst_id,
        side,
        kind,
        qty,
        quote_qty,
        px,
        tif,
        listed.market,
        position_side,
        reduce_only,
        None,
        margin_mode,
        False,
        attached.take_profit,
        attached.stop_loss,
        tag,
    )


def _submitted(desk: Desk, call: Call, new: NewOrder) -> Order:
    if not desk.meters.take_order(call.account, call.now_ms):
        raise errors.too_many_orders()
    result = desk.exchange.submit(new, call.now_ms)
    if result.reject is not None:
        raise refusal_of(desk, new, result.reject)
    assert result.order is not None, "a result without refusal has an order"
    return result.order


def refusal_of(desk: Desk, new: NewOrder, reject: Reject) -> errors.ApiError:
    """Put an engine's "no" into the exchange's words."""
    listed = desk.catalog.by_id[new.symbol]
    return errors.rejected(reject, new, listed.instrument, desk.catalog.last_px(listed))


def named_order(desk: Desk, item: dict[str, Any]) -> tuple[Listed, int | None, str | None]:
    """Read which order is meant: by `ordId`, which wins, or `clOrdId`."""
    listed = desk.catalog.ordered(item.get("instId"), item.get("instIdCode"))
    text = text_of(item, "ordId")
    if text:
        found = read_id(text, algo=False, name="ordId")
        # An id of the other market, or none of ours: no order has the number 0.
        return listed, found[0] if found is not None and found[1] == listed.market else 0, None
    client_id = client_id_of(item)
    if not client_id:
        raise errors.either_id("ordId", "clOrdId")
    return listed, None, client_id


def cancel(desk: Desk, call: Call, item: dict[str, Any]) -> dict[str, Any]:
    """Cancel one order and acknowledge it."""
    listed, order_id, client_id = named_order(desk, item)
    exchange, engine = desk.exchange, desk.exchange.engine(listed.market)
    result = engine.cancel(call.account, listed.inst_id, order_id, client_id, now_ms=call.now_ms)
    if result.order is None:
        raise errors.cancel_failed()
    exchange.publish(result.events, call.now_ms)
    order = result.order
    return {
        "clOrdId": client_text(order),
        "ordId": order_text(order.order_id, order.market),
        "sCode": "0",
        "sMsg": "",
        "ts": str(call.now_ms),
    }


def amend(desk: Desk, call: Call, item: dict[str, Any]) -> dict[str, Any]:
    """Change price or whole quantity of one open order; with `cxlOnFail` a refused change cancels it."""
    listed, order_id, client_id = named_order(desk, item)
    qty, px = _changed(item, "newSz"), _changed(item, "newPx")
    if qty is None and px is None:
        raise errors.plainly_rejected(Reject.NOT_MODIFIED)
    if not desk.meters.take_order(call.account, call.now_ms):
        raise errors.too_many_orders()
    exchange, engine = desk.exchange, desk.exchange.engine(listed.market)
    before = engine.order(call.account, listed.inst_id, order_id, client_id)
    if before is None or not before.is_open:
        raise errors.ApiError(
            "51503", "Order modification failed as the order has been filled, canceled or does not exist."
        )
    key, request_id = (listed.market, before.order_id), text_of(item, "reqId")
    new_qty = None if qty is None else qty * listed.size
    result = engine.amend(call.account, listed.inst_id, before.order_id, None, qty=new_qty, px=px, now_ms=call.now_ms)
    if result.reject is not None:
        if flag_of(item, "cxlOnFail"):
            cancel(desk, call, item)
        raise _amend_refusal(desk, before, result.reject, new_qty, px)
    desk.request_ids[key] = request_id
    exchange.publish(result.events, call.now_ms)
    del desk.request_ids[key]
    return {
        "clOrdId": client_text(before),
        "ordId": order_text(before.order_id, before.market),
        "reqId": request_id,
        "sCode": "0",
        "sMsg": "",
        "subCode": "",
        "ts": str(call.now_ms),
    }


def _changed(item: dict[str, Any], name: str) -> Decimal | None:
    text = text_of(item, name)
    return decimal_in(name, text) if text else None


def _amend_refusal(
    desk: Desk, order: Order, reject: Reject, qty: Decimal | None, px: Decimal | None
) -> errors.ApiError:
    if reject in (Reject.INSUFFICIENT_BALANCE, Reject.INSUFFICIENT_MARGIN):
        return errors.ApiError("51502", "Order modification failed for insufficient margin or balance")
    wanted = NewOrder(
        order.account,
        order.client_order_id,
        order.symbol,
        order.side,
        order.type,
        order.qty if qty is None else qty,
        None,
        order.px if px is None else px,
        market=order.market,
    )
    return refusal_of(desk, wanted, reject)


def client_text(order: Order) -> str:
    """Return the client's own id of an order; the engine's substitute has a character that no client may use."""
    return "" if "-" in order.client_order_id else order.client_order_id


def failed(item: dict[str, Any], error: errors.ApiError, now_ms: int) -> dict[str, Any]:
    """Report one order that was refused."""
    return {
        "clOrdId": text_of(item, "clOrdId"),
        "ordId": text_of(item, "ordId"),
        "sCode": error.code,
        "sMsg": error.msg,
        "subCode": "",
        "tag": text_of(item, "tag"),
        "ts": str(now_ms),
    }


def close_position(desk: Desk, call: Call) -> list[dict[str, Any]]:
    """Close a whole position at market ("POST / Close positions")."""
    params = call.params
    listed, perp = desk.catalog.named(params), desk.exchange.perp
    if text_of(params, "mgnMode") not in ("cross", "isolated"):
        raise errors.bad_parameter("mgnMode")
    side = text_of(params, "posSide") or NET
    if (side == NET) == perp.hedge(call.account):
        raise errors.bad_parameter("posSide")
    position = next((p for p in perp.positions(call.account, listed.inst_id) if p.position_side == side), None)
    if position is None or position.margin_mode != text_of(params, "mgnMode"):
        raise errors.no_position()
    _clear_closing_orders(desk, call, position)
    note = write_note(note_of("")._replace(mode=position.margin_mode, tag=text_of(params, "tag")))
    new = NewOrder(
        call.account,
        client_id_of(params),
        listed.inst_id,
        "sell" if position.qty > 0 else BUY,
        MARKET,
        market=listed.market,
        position_side=side,
        reduce_only=True,
        margin_mode=position.margin_mode,
        close_position=True,
        tag=note,
    )
    _submitted(desk, call, new)
    told = {"instId": listed.inst_id, "posSide": side, "clOrdId": client_id_of(params), "tag": text_of(params, "tag")}
    return [told]


def _clear_closing_orders(desk: Desk, call: Call, position: PositionView) -> None:
    """Cancel open orders that would reduce the position, or refuse when `autoCxl` does not allow that."""
    exchange, closing = desk.exchange, "sell" if position.qty > 0 else BUY
    pending = [
        order
        for order in exchange.perp.open_orders(call.account, position.symbol)
        if order.side == closing
        and order.position_side == position.position_side
        and (order.reduce_only or position.position_side != NET)
    ]
    if pending and not flag_of(call.params, "autoCxl"):
        raise errors.ApiError("51115", "Cancel all pending close-orders before liquidation.")
    for order in pending:
        result = exchange.perp.cancel(call.account, position.symbol, order.order_id, now_ms=call.now_ms)
        exchange.publish(result.events, call.now_ms)
