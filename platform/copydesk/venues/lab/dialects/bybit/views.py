"""How orders and conditional orders look on Bybit's wire, over REST and in streams.

Source: v5 documentation, "Get Open & Closed Orders", stream "Order".
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from copydesk.kernel import ZERO, decimal_text
from copydesk.venues.lab.conditional import STOP, TAKE_PROFIT, TRAILING, Conditional
from copydesk.venues.lab.dialects.bybit.attached import BY
from copydesk.venues.lab.dialects.bybit.ids import link_text, order_id_text, order_name
from copydesk.venues.lab.dialects.bybit.tags import PLAIN, Tag, places_of, px_places_of, tag_of
from copydesk.venues.lab.model import (
    BUY,
    CANCELED,
    EXPIRED,
    FILLED,
    LIMIT_MAKER,
    LIQUIDATION,
    LONG,
    MARKET,
    NET,
    NEW,
    PARTIALLY_FILLED,
    REJECTED,
    SHORT,
    SPOT,
    TRIGGERED,
    LabInstrument,
    NewOrder,
    Order,
    Reject,
)

POSITION_IDX = {NET: 0, LONG: 1, SHORT: 2}
STATUSES = {
    NEW: "New",
    PARTIALLY_FILLED: "PartiallyFilled",
    FILLED: "Filled",
    CANCELED: "Cancelled",
    EXPIRED: "Cancelled",
    REJECTED: "Rejected",
}
CONDITIONAL_STATUSES = {
    NEW: "Untriggered",
    TRIGGERED: "Triggered",
    CANCELED: "Deactivated",
    EXPIRED: "Deactivated",
    REJECTED: "Rejected",
}
# Why an order ended: `cancelType` and `rejectReason`.
_ENDS: dict[Reject | None, tuple[str, str]] = {
    None: ("CancelByUser", "EC_PerCancelRequest"),
    Reject.WOULD_TAKE: ("UNKNOWN", "EC_PostOnlyWillTakeLiquidity"),
    Reject.NO_LIQUIDITY: ("UNKNOWN", "EC_NoImmediateQtyToFill"),
    Reject.NO_LIQUIDITY_FOK: ("UNKNOWN", "EC_CancelForNoFullFill"),
    Reject.REDUCE_ONLY: ("CancelByReduceOnly", "EC_PerCancelRequest"),
    Reject.NO_POSITION: ("CancelByTpSlTsClear", "EC_PerCancelRequest"),
    Reject.INSUFFICIENT_MARGIN: ("CancelByPrepareLiq", "EC_PerCancelRequest"),
}
CREATED_BY = {
    "": "CreateByUser",
    "Stop": "CreateByStopOrder",
    "TakeProfit": "CreateByTakeProfit",
    "StopLoss": "CreateByStopLoss",
    "TrailingStop": "CreateByTrailingStop",
    "PartialTakeProfit": "CreateByPartialTakeProfit",
    "PartialStopLoss": "CreateByPartialStopLoss",
}


def px_text(px: Decimal, instrument: LabInstrument) -> str:
    return f"{px:.{px_places_of(instrument.px_tick)}f}"


def qty_text(qty: Decimal, instrument: LabInstrument) -> str:
    return f"{qty:.{places_of(instrument.qty_step)}f}"


def average_px(cost: Decimal, qty: Decimal) -> str:
    """Return an average price with at most eight places; "" for nothing filled."""
    return decimal_text(round(cost / qty, 8)) if qty else ""


def status_of(order: Order, status: str) -> str:
    """Name an order's status; only spot tells canceled orders with fills apart."""
    if status in (CANCELED, EXPIRED) and order.market == SPOT and order.cum_qty:
        return "PartiallyFilledCanceled"
    return STATUSES[status]


def order_view(
    order: Order,
    instrument: LabInstrument,
    placed_by: Conditional | None = None,
    status: str = "",
    cum: tuple[Decimal, Decimal] | None = None,
) -> dict[str, Any]:
    """Write an order; `placed_by` is the conditional order that it comes from.

    `status` and `cum` (base and quote quantity filled) are those of an event, else of now.
    """
    status = status or order.status
    cum_qty, cum_quote = cum or (order.cum_qty, order.cum_quote)
    spot, tag = order.market == SPOT, order_tag(order, placed_by)
    order_id, link = order_name(order)
    ended = status in (CANCELED, EXPIRED, REJECTED)
    cancel_type, reject_reason = _ENDS.get(order.reason, _ENDS[None]) if ended else ("UNKNOWN", "EC_NoError")
    leaves = ZERO if ended else order.qty - cum_qty
    market_order = order.type == MARKET or tag.order_type == "Market"
    view = _blank(spot, tag)
    view.update(
        orderId=order_id,
        orderLinkId=link,
        symbol=order.symbol,
        price=shown_px(order, tag, instrument),
        qty=qty_text(order.qty, instrument) if order.quote_qty is None else decimal_text(order.quote_qty),
        side="Buy" if order.side == BUY else "Sell",
        orderStatus=status_of(order, status),
        cancelType=cancel_type,
        rejectReason=reject_reason,
        avgPrice=average_px(cum_quote, cum_qty),
        leavesQty=qty_text(leaves, instrument),
        leavesValue=decimal_text(leaves * order.px) if order.px is not None else "0",
        cumExecQty=qty_text(cum_qty, instrument),
        cumExecValue=decimal_text(cum_quote),
        timeInForce="IOC" if market_order else "PostOnly" if order.type == LIMIT_MAKER else order.tif,
        orderType="Market" if market_order else "Limit",
        reduceOnly=order.reduce_only,
        createdTime=str(order.created_ms),
        updatedTime=str(order.updated_ms),
        positionIdx=POSITION_IDX[order.position_side],
    )
    if order.tag == LIQUIDATION:
        view.update(createType="CreateByTakeOver_PassThrough", orderLinkId="")
    if placed_by is not None:
        view.update(_trigger(placed_by, instrument))
    fee, currency = _fees(order, cum_qty)
    view["cumExecFee"] = decimal_text(fee)
    view["cumFeeDetail"] = {currency: decimal_text(fee)} if currency else {}
    return view


def order_tag(order: Order, placed_by: Conditional | None) -> Tag:
    """Return what an order carries; one placed by a conditional order is of that one's kind."""
    if placed_by is not None:
        return conditional_tag(placed_by)
    return tag_of(order.tag) if order.tag else PLAIN


def conditional_tag(one: Conditional) -> Tag:
    """Return what a conditional order carries; an attached one has only the mode from its parent's tag."""
    tag = tag_of(one.tag) if one.tag else PLAIN
    if one.parent_order_id is not None:
        tag = Tag(tpsl_mode=tag.tpsl_mode)
    return tag._replace(stop_type=stop_type_of(one))


def _trigger(one: Conditional, instrument: LabInstrument) -> dict[str, Any]:
    px = one.activation_px if one.kind == TRAILING and one.activation_px is not None else one.trigger_px
    return {
        "triggerPrice": px_text(px, instrument) if px else "0.00",
        "triggerDirection": 1 if one.rises else 2,
        "triggerBy": BY[one.watch],
    }


def shown_px(order: Order, tag: Tag, instrument: LabInstrument) -> str:
    """Return an order's price; for a perpetual market order that is the worst it may trade at."""
    if tag.px:
        return tag.px
    return "0" if order.px is None else px_text(order.px, instrument)


def _fees(order: Order, cum_qty: Decimal) -> tuple[Decimal, str]:
    """Sum the fees of the fills up to a filled quantity, which may be less than what is filled by now."""
    fee, counted, currency = ZERO, ZERO, ""
    for fill in order.fills:
        if counted >= cum_qty:
            break
        counted += fill.qty
        fee += fill.fee
        currency = fill.fee_currency
    return fee, currency


def _blank(spot: bool, tag: Tag) -> dict[str, Any]:
    """Return the fields that most orders leave empty. Spot has neither `createType` nor `tpslMode`."""
    view: dict[str, Any] = {
        "parentOrderLinkId": "",
        "blockTradeId": "",
        "isLeverage": "0" if spot else "",
        "stopOrderType": tag.stop_type,
        "orderIv": "",
        "marketUnit": tag.market_unit,
        "slippageToleranceType": tag.tolerance_type or "UNKNOWN",
        "slippageTolerance": tag.tolerance,
        "triggerPrice": "",
        "takeProfit": tag.take_profit,
        "stopLoss": tag.stop_loss,
        "ocoTriggerBy": "",
        "tpLimitPrice": tag.tp_limit,
        "slLimitPrice": tag.sl_limit,
        "tpTriggerBy": tag.tp_by,
        "slTriggerBy": tag.sl_by,
        "triggerDirection": 0,
        "triggerBy": "",
        "closeOnTrigger": tag.closes == "1",
        "placeType": "",
        "smpType": "None",
        "smpGroup": 0,
        "smpOrderId": "",
        "extraFees": "",
        "rpiTakerAccess": False,
        "rpiMatchedQty": "0",
    }
    if spot:
        view["basePrice"] = tag.base_px
    else:
        view["lastPriceOnCreated"] = tag.base_px
        view["createType"] = CREATED_BY.get(tag.stop_type, "CreateByUser")
        view["tpslMode"] = tag.tpsl_mode
    return view


def stop_type_of(one: Conditional) -> str:
    """Name what kind of conditional order it is (`stopOrderType`)."""
    tag = tag_of(one.tag) if one.tag else PLAIN
    if tag.stop_type and one.parent_order_id is None:
        return tag.stop_type
    if one.market == SPOT:
        return "tpslOrder" if one.parent_order_id is not None else "Stop"
    partial = "Partial" if tag.tpsl_mode == "Partial" else ""
    if one.kind == TRAILING:
        return "TrailingStop"
    return {TAKE_PROFIT: f"{partial}TakeProfit", STOP: f"{partial}StopLoss"}.get(one.kind, "Stop")


def conditional_view(one: Conditional, instrument: LabInstrument) -> dict[str, Any]:
    """Write a conditional order that has not placed anything (yet)."""
    new, spot = one.new, one.market == SPOT
    tag = conditional_tag(one)
    qty = new.qty if new.qty is not None else new.quote_qty
    market_order = new.type == MARKET or tag.order_type == "Market"
    ended = one.status in (CANCELED, EXPIRED)
    refused = one.status == REJECTED
    view = _blank(spot, tag)
    view.update(
        orderId=order_id_text(one.market, one.conditional_id),
        orderLinkId=link_text(one.market, one.conditional_id, one.client_id),
        symbol=one.symbol,
        price=tag.px or ("0" if new.px is None else px_text(new.px, instrument)),
        qty=qty_text(qty or ZERO, instrument) if new.quote_qty is None else decimal_text(new.quote_qty),
        side="Buy" if new.side == BUY else "Sell",
        orderStatus=CONDITIONAL_STATUSES[one.status],
        cancelType="CancelByUser" if ended else "UNKNOWN",
        rejectReason="EC_PerCancelRequest" if ended else "EC_Others" if refused else "EC_NoError",
        avgPrice="",
        leavesQty=qty_text(ZERO if ended else qty or ZERO, instrument),
        leavesValue="0",
        cumExecQty=qty_text(ZERO, instrument),
        cumExecValue="0",
        cumExecFee="0",
        cumFeeDetail={},
        timeInForce="IOC" if market_order else _tif_of(new),
        orderType="Market" if market_order else "Limit",
        reduceOnly=new.reduce_only,
        createdTime=str(one.created_ms),
        updatedTime=str(one.updated_ms),
        positionIdx=POSITION_IDX[new.position_side],
    )
    view.update(_trigger(one, instrument))
    return view


def _tif_of(new: NewOrder) -> str:
    return "PostOnly" if new.type == LIMIT_MAKER else new.tif
