"""Classic futures conditional orders: plan orders, trailing ones, and take-profit and stop-loss.

Source: the reference's "Future / Trigger Order". A `normal_plan` fires when the price comes to the
trigger from where it is now. `pos_profit` and `pos_loss` close the whole position, `profit_plan` and `loss_plan` a
size of it. Spot has no mark price, so its plans watch the last price whatever they name. Futures trailing orders
(`track_plan`) give their callback in percent.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson

from copydesk.kernel import ZERO
from copydesk.venues.lab.conditional import PLAN, STOP, TAKE_PROFIT, TRAILING, Conditional, NewConditional
from copydesk.venues.lab.dialects.bitget import errors, trading
from copydesk.venues.lab.dialects.bitget.classic_market import contract_of, product_of
from copydesk.venues.lab.dialects.bitget.classic_mix import (
    ORDER_PATH,
    WATCHES,
    attached_of,
    direction_of,
    margin_coin_of,
    margin_mode_of,
)
from copydesk.venues.lab.dialects.bitget.classic_spot import TYPES
from copydesk.venues.lab.dialects.bitget.classic_spot_plans import STATUSES, TRIGGER_WORDS, before
from copydesk.venues.lab.dialects.bitget.errors import MIX_TEXTS
from copydesk.venues.lab.dialects.bitget.figures import Json
from copydesk.venues.lab.dialects.bitget.mix_shapes import position_words
from copydesk.venues.lab.dialects.bitget.params import (
    Call,
    amount_of,
    client_id_of,
    decimal_of,
    limit_of,
    listed,
    objects_of,
    required,
    text_of,
    word_of,
)
from copydesk.venues.lab.dialects.bitget.routes import (
    ORDER_READ,
    ORDER_WRITE,
    Routes,
    private,
)
from copydesk.venues.lab.dialects.bitget.words import (
    MARGIN_COIN,
    MARGIN_WORDS,
    USDT_FUTURES,
    number,
    order_id_text,
    plan_id_text,
)
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import (
    BUY,
    GTC,
    LIMIT,
    LONG,
    MARKET,
    NET,
    PERP,
    SELL,
    SHORT,
    NewOrder,
    Reject,
)

BATCH_MAX = 50
_PLAN_TYPES = frozenset({"normal_plan", "track_plan"})
_TPSL = {"pos_profit": TAKE_PROFIT, "profit_plan": TAKE_PROFIT, "pos_loss": STOP, "loss_plan": STOP}
_HOLD_SIDES = {"long": LONG, "short": SHORT, "buy": LONG, "sell": SHORT}
_PERCENT = Decimal(100)
# Which plans a list or a cancel by `planType` means.
_FAMILIES = {"normal_plan": ("normal_plan",), "track_plan": ("track_plan",), "profit_loss": (*_TPSL, "moving_plan")}


def _place_mix(call: Call) -> bytes:
    params, symbol = call.params, contract_of(call).venue_symbol
    margin_coin_of(params)
    plan_type = word_of(params, "planType", _PLAN_TYPES)
    side, position_side, reduces = direction_of(call, params)
    kind, size = word_of(params, "orderType", TYPES), amount_of(params, "size")
    px = None
    if kind == "limit":
        px = decimal_of(params, "executePrice") or amount_of(params, "price")
    new = NewOrder(
        call.account,
        "",
        symbol,
        side,
        MARKET if px is None else LIMIT,
        size,
        None,
        px,
        GTC,
        PERP,
        position_side,
        reduces,
        margin_mode=margin_mode_of(params),
        take_profit=attached_of(params, "stopSurplusTriggerPrice", "stopSurplusExecutePrice"),
        stop_loss=attached_of(params, "stopLossTriggerPrice", "stopLossExecutePrice"),
    )
    watch = WATCHES[word_of(params, "triggerType", frozenset(WATCHES))]
    trigger_px, name = amount_of(params, "triggerPrice"), client_id_of(params)
    if plan_type == "track_plan":
        ratio = amount_of(params, "callbackRatio") / _PERCENT
        asked = NewConditional(
            new, TRAILING, None, watch, side == BUY, name, callback_ratio=ratio, activation_px=trigger_px, tag=plan_type
        )
    else:
        asked = NewConditional(new, PLAN, trigger_px, watch, client_id=name, tag=plan_type)
    return orjson.dumps(trading.plan_ack(trading.place_plan(call, asked, MIX_TEXTS)))


def _place_tpsl(call: Call) -> bytes:
    params, symbol = call.params, contract_of(call).venue_symbol
    margin_coin_of(params)
    plan_type = word_of(params, "planType", frozenset(_TPSL))
    held = _HOLD_SIDES[word_of(params, "holdSide", frozenset(_HOLD_SIDES))]
    asked = closing_plan(
        call,
        symbol,
        held,
        plan_type=plan_type,
        trigger_px=amount_of(params, "triggerPrice"),
        px=decimal_of(params, "executePrice") or None,
        size=None if plan_type.startswith("pos_") else amount_of(params, "size"),
        watch=WATCHES[word_of(params, "triggerType", frozenset(WATCHES), "fill_price")],
        client_id=client_id_of(params),
    )
    return orjson.dumps(trading.plan_ack(place_closing(call, asked, held)))


def closing_plan(
    call: Call,
    symbol: str,
    held: str,
    *,
    plan_type: str,
    trigger_px: Decimal,
    px: Decimal | None,
    size: Decimal | None,
    watch: str,
    client_id: str,
) -> NewConditional:
    """Describe a take-profit or stop-loss of a position; without a size, of all of it."""
    perp = call.exchange.perp
    position_side = held if perp.hedge(call.account) else NET
    qty = perp.position(call.account, symbol, position_side).qty
    if not qty or (position_side == NET and (qty > ZERO) != (held == LONG)):
        raise errors.ApiError("43023", "Insufficient position, can not set profit or stop loss")
    side = SELL if held == LONG else BUY
    new = NewOrder(
        call.account,
        "",
        symbol,
        side,
        MARKET if px is None else LIMIT,
        size,
        None,
        px,
        GTC,
        PERP,
        position_side,
        reduce_only=True,
        close_position=size is None,
    )
    kind = _TPSL[plan_type]
    rises = (held == LONG) == (kind == TAKE_PROFIT)
    return NewConditional(new, kind, trigger_px, watch, rises, client_id, tag=plan_type)


def place_closing(call: Call, asked: NewConditional, held: str) -> Conditional:
    """Place a take-profit or stop-loss; one that would fire now is refused with the price it has to keep clear of."""
    try:
        return trading.place_plan(call, asked, MIX_TEXTS)
    except errors.ApiError as error:
        if error.code != MIX_TEXTS[Reject.WOULD_TRIGGER][0]:
            raise
        px = number(call.exchange.perp.watched_px(asked.new.symbol, asked.watch))
        code, text = _WRONG_SIDE[held, asked.kind]
        raise errors.ApiError(code, text.format(px)) from None


_WRONG_SIDE = {
    (LONG, TAKE_PROFIT): ("40915", "Long position take profit price please > mark price"),
    (LONG, STOP): ("40917", "Stop price for long positions please < mark price {0}"),
    (SHORT, TAKE_PROFIT): ("45061", "TP price of short position < Current price {0}"),
    (SHORT, STOP): ("45122", "Short position stop loss price please > mark price {0}"),
}


def _modify_mix(call: Call) -> bytes:
    one, params = trading.open_plan(call, PERP, MIX_TEXTS), call.params
    trading.amend_plan(
        call,
        one,
        MIX_TEXTS,
        trigger_px=decimal_of(params, "newTriggerPrice"),
        px=decimal_of(params, "newPrice") or None,
        qty=decimal_of(params, "newSize"),
    )
    return orjson.dumps(trading.plan_ack(one))


def _modify_tpsl(call: Call) -> bytes:
    one, params = trading.open_plan(call, PERP, MIX_TEXTS), call.params
    trading.amend_plan(
        call,
        one,
        MIX_TEXTS,
        trigger_px=amount_of(params, "triggerPrice"),
        px=decimal_of(params, "executePrice") or None,
        qty=None if one.new.close_position else decimal_of(params, "size"),
    )
    return orjson.dumps(trading.plan_ack(one))


def _cancel_mix(call: Call) -> bytes:
    """Cancel the plans listed, or without a list all that the symbol and the plan type name."""
    if product_of(call) != USDT_FUTURES:
        raise errors.invalid("productType")
    ids = call.params.get("orderIdList")
    if not ids:
        chosen = [one for one in _mix_plans(call, open_only=True) if _in_family(one, text_of(call.params, "planType"))]
        for one in chosen:
            trading.cancel_plan(call, one, MIX_TEXTS)
        return orjson.dumps({"successList": [trading.plan_ack(one) for one in chosen], "failureList": []})

    def cancel(row: dict[str, Any]) -> Json:
        one = trading.open_plan(call, PERP, MIX_TEXTS, row)
        trading.cancel_plan(call, one, MIX_TEXTS)
        return trading.plan_ack(one)

    return orjson.dumps(trading.each(objects_of(ids, "orderIdList", BATCH_MAX), cancel))


def _mix_plans(call: Call, *, open_only: bool) -> list[Conditional]:
    text = text_of(call.params, "symbol")
    symbol = listed(call.exchange.perp.instruments, text).venue_symbol if text else None
    return trading.plans(call, PERP, symbol, open_only=open_only)


def plan_type_of(one: Conditional) -> str:
    """Return Bitget's type of a plan; those preset with an order close its size."""
    return one.tag or ("profit_plan" if one.kind == TAKE_PROFIT else "loss_plan")


def _in_family(one: Conditional, family: str) -> bool:
    return not family or plan_type_of(one) in _FAMILIES.get(family, (family,))


def mix_plan_view(one: Conditional, exchange: Exchange) -> Json:
    """Write a futures plan order; take-profit and stop-loss are in the mode of the position."""
    new, plan_type = one.new, plan_type_of(one)
    side, trade_side, pos_side, pos_mode = position_words(new, reduces=new.reduce_only)
    if new.position_side == NET:
        pos_side = LONG if (side == BUY) != new.reduce_only else SHORT
    mode = new.margin_mode or exchange.perp.settings(new.account, new.symbol, new.position_side).margin_mode
    watch = TRIGGER_WORDS[one.watch]
    profit, loss = (
        (plan_type in kinds and number(one.trigger_px)) or None
        for kinds in (("pos_profit", "profit_plan"), ("pos_loss", "loss_plan"))
    )
    return {
        "planType": plan_type,
        "symbol": one.symbol,
        "size": "0" if new.qty is None else number(new.qty),
        "orderId": plan_id_text(PERP, one.conditional_id),
        "executeOrderId": "" if one.order_id is None else order_id_text(PERP, one.order_id),
        "clientOid": trading.plan_client_id(one),
        "price": number(new.px),
        "executePrice": number(new.px),
        "callbackRatio": "" if one.callback_ratio is None else number(one.callback_ratio * _PERCENT),
        "triggerPrice": number(one.activation_px or one.trigger_px),
        "triggerType": watch,
        "planStatus": STATUSES[one.status],
        "side": side,
        "posSide": pos_side,
        "marginCoin": MARGIN_COIN,
        "marginMode": MARGIN_WORDS[mode],
        "enterPointSource": "API",
        "orderSource": plan_type,
        "tradeSide": trade_side,
        "posMode": pos_mode,
        "orderType": "market" if new.type == MARKET else "limit",
        "stopSurplusTriggerPrice": profit or _preset(new.take_profit),
        "stopSurplusExecutePrice": "",
        "stopSurplusTriggerType": watch if profit or new.take_profit else "",
        "stopLossTriggerPrice": loss or _preset(new.stop_loss),
        "stopLossExecutePrice": "",
        "stopLossTriggerType": watch if loss or new.stop_loss else "",
        "cTime": str(one.created_ms),
        "uTime": str(one.updated_ms),
    }


def _preset(attached: Any) -> str:
    return "" if attached is None else number(attached.trigger_px)


def _list_mix(call: Call, *, open_only: bool) -> bytes:
    family = required(call.params, "planType")
    if product_of(call) != USDT_FUTURES:
        return b'{"entrustedList":null,"endId":null}'
    rows = [one for one in _mix_plans(call, open_only=open_only) if _in_family(one, family)]
    cut = before(rows, call, PERP)[: limit_of(call.params, 100, 100)]
    return orjson.dumps(
        {
            "entrustedList": [mix_plan_view(one, call.exchange) for one in cut] or None,
            "endId": plan_id_text(PERP, cut[-1].conditional_id) if cut else None,
        }
    )


ROUTES: Routes = {
    ("POST", ORDER_PATH + "place-plan-order"): private(_place_mix, ORDER_WRITE),
    ("POST", ORDER_PATH + "place-tpsl-order"): private(_place_tpsl, ORDER_WRITE),
    ("POST", ORDER_PATH + "modify-plan-order"): private(_modify_mix, ORDER_WRITE),
    ("POST", ORDER_PATH + "modify-tpsl-order"): private(_modify_tpsl, ORDER_WRITE),
    ("POST", ORDER_PATH + "cancel-plan-order"): private(_cancel_mix, ORDER_WRITE),
    ("GET", ORDER_PATH + "orders-plan-pending"): private(lambda call: _list_mix(call, open_only=True), ORDER_READ),
    ("GET", ORDER_PATH + "orders-plan-history"): private(lambda call: _list_mix(call, open_only=False), ORDER_READ),
}
