"""The words of an algo order: the conditionals that it asks the engine for.

Source: okx.com/docs-v5, "Algo Trading", "POST / Place algo order"; ccxt's `okx` says which words clients send.
Iceberg, TWAP and chase orders are not simulated (51000). Spot algo orders are accepted under any `tdMode` and always
trade the own money: ccxt sends "cross" for them, since the exchange refuses "cash" here.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from copydesk.venues.lab.conditional import PLAN, STOP, TAKE_PROFIT, TRAILING, NewConditional
from copydesk.venues.lab.dialects.okx import errors
from copydesk.venues.lab.dialects.okx.algo_note import ALGO_TYPES, AlgoNote, write_algo_note
from copydesk.venues.lab.dialects.okx.catalog import Listed
from copydesk.venues.lab.dialects.okx.desk import Desk
from copydesk.venues.lab.dialects.okx.params import (
    client_id_of,
    decimal_in,
    flag_of,
    one_of,
    required,
    tag_of,
    text_of,
)
from copydesk.venues.lab.dialects.okx.terms import (
    AT_MARKET,
    MODES,
    POSITION_SIDES,
    SIDES,
    TARGETS,
    WATCHES,
    Note,
    write_note,
)
from copydesk.venues.lab.model import BUY, LAST, LIMIT, MARKET, NET, SPOT, NewOrder, Reject

WHOLE = "1"
# Take-profit and stop-loss on the wrong side of the price: by what fires, and by the side of the order.
WRONG_SIDE = {
    (TAKE_PROFIT, "buy"): ("51277", "TP trigger price cannot be higher than the last price"),
    (STOP, "buy"): ("51278", "SL trigger price cannot be lower than the last price"),
    (TAKE_PROFIT, "sell"): ("51279", "TP trigger price cannot be lower than the last price"),
    (STOP, "sell"): ("51280", "SL trigger price cannot be higher than the last price"),
}
_LEGS = {"tp": TAKE_PROFIT, "sl": STOP}


class Wanted(NamedTuple):
    """What every kind of algo order says: the order that it places, but for type and price, and its note."""

    listed: Listed
    new: NewOrder
    note: AlgoNote
    client_id: str


def wanted_of(desk: Desk, account: str, item: dict[str, Any]) -> Wanted:
    listed = desk.catalog.named(item)
    mode, side = one_of(item, "tdMode", MODES), one_of(item, "side", SIDES)
    kind = required(item, "ordType")
    if kind not in ALGO_TYPES:
        raise errors.bad_parameter("ordType")
    if listed.market != SPOT and mode == "cash":
        raise errors.bad_parameter("tdMode")
    fraction = text_of(item, "closeFraction")
    if fraction not in ("", WHOLE) or (fraction and listed.market == SPOT):
        raise errors.bad_parameter("closeFraction")
    amount = None if fraction else decimal_in("sz", required(item, "sz"))
    target = one_of(item, "tgtCcy", TARGETS, "quote_ccy" if side == BUY else "base_ccy")
    in_quote = listed.market == SPOT and target == "quote_ccy"
    position_side = one_of(item, "posSide", POSITION_SIDES, NET) if listed.market != SPOT else NET
    new = NewOrder(
        account,
        "",
        listed.inst_id,
        side,
        MARKET,
        None if amount is None or in_quote else amount * listed.size,
        amount if in_quote else None,
        market=listed.market,
        position_side=position_side,
        reduce_only=(flag_of(item, "reduceOnly") or bool(fraction)) and listed.market != SPOT and position_side == NET,
        margin_mode="" if listed.market == SPOT else mode,
        close_position=bool(fraction),
    )
    told_target = target if listed.market == SPOT else ""
    shown = "cash" if listed.market == SPOT else mode
    note = AlgoNote(kind, shown, told_target, tag_of(item), client_id_of(item), fraction)
    return Wanted(listed, new, note, client_id_of(item, "algoClOrdId"))


def _at(wanted: Wanted, px_text: str, name: str) -> NewOrder:
    """Give the order its price: "-1" is the market's."""
    listed, new, note = wanted.listed, wanted.new, wanted.note
    at_market = px_text == AT_MARKET
    target = note.target if at_market else ""
    tag = write_note(Note(note.mode, "market" if at_market else "limit", target, note.tag))
    if at_market:
        return new._replace(tag=tag)
    px = decimal_in(name, px_text)
    if px % listed.instrument.px_tick:
        raise errors.plainly_rejected(Reject.PRICE_FILTER)
    # Only a market order can be asked for in quote currency.
    qty = (
        new.qty
        if new.quote_qty is None
        else new.quote_qty / px // listed.instrument.qty_step * listed.instrument.qty_step
    )
    return new._replace(type=LIMIT, px=px, qty=qty, quote_qty=None, tag=tag)


def _protective(desk: Desk, wanted: Wanted, item: dict[str, Any]) -> list[NewConditional]:
    """Read the take-profit and the stop-loss of a conditional or oco order."""
    found = []
    for leg, kind in _LEGS.items():
        text = text_of(item, f"{leg}TriggerPx")
        if not text:
            continue
        trigger = decimal_in(f"{leg}TriggerPx", text)
        watch = one_of(item, f"{leg}TriggerPxType", WATCHES, LAST)
        rises = (wanted.new.side == BUY) == (kind == STOP)
        _refuse_wrong_side(desk, wanted, (kind, watch), trigger, rises=rises)
        new = _at(wanted, required(item, f"{leg}OrdPx"), f"{leg}OrdPx")
        found.append(_conditional(wanted, new, kind, trigger_px=trigger, watch=watch, rises=rises))
    if not found or (wanted.note.order_type == "oco" and len(found) < len(_LEGS)):
        raise errors.missing("slTriggerPx" if found and found[0].kind == TAKE_PROFIT else "tpTriggerPx")
    # Of both prices on a plain conditional order only the stop-loss counts (documented so).
    return found if wanted.note.order_type == "oco" else found[-1:]


def _refuse_wrong_side(desk: Desk, wanted: Wanted, leg: tuple[str, str], trigger: Decimal, *, rises: bool) -> None:
    kind, watch = leg
    px = desk.exchange.engine(wanted.listed.market).watched_px(wanted.listed.inst_id, watch)
    if px and (px >= trigger if rises else px <= trigger):
        raise errors.ApiError(*WRONG_SIDE[kind, wanted.new.side])


def _conditional(wanted: Wanted, new: NewOrder, kind: str, **how: Any) -> NewConditional:
    return NewConditional(new, kind, client_id=wanted.client_id, tag=write_algo_note(wanted.note), **how)


def _trigger(_desk: Desk, wanted: Wanted, item: dict[str, Any]) -> list[NewConditional]:
    """Read a trigger order: it fires when the price gets to `triggerPx` from where it is now."""
    new = _at(wanted, required(item, "orderPx"), "orderPx")
    trigger = decimal_in("triggerPx", required(item, "triggerPx"))
    watch = one_of(item, "triggerPxType", WATCHES, LAST)
    return [_conditional(wanted, new, PLAN, trigger_px=trigger, watch=watch)]


def _trailing(_desk: Desk, wanted: Wanted, item: dict[str, Any]) -> list[NewConditional]:
    """Read a trailing stop: a market order at a distance (`callbackSpread`) or ratio behind the best price."""
    ratio, spread = text_of(item, "callbackRatio"), text_of(item, "callbackSpread")
    if bool(ratio) == bool(spread):
        raise errors.either_id("callbackRatio", "callbackSpread")
    active = text_of(item, "activePx")
    how: dict[str, Any] = {
        "callback_ratio": decimal_in("callbackRatio", ratio) if ratio else None,
        "callback_px": decimal_in("callbackSpread", spread) if spread else None,
        "activation_px": decimal_in("activePx", active) if active else None,
    }
    return [_conditional(wanted, _at(wanted, AT_MARKET, ""), TRAILING, **how)]


READERS: dict[str, Callable[[Desk, Wanted, dict[str, Any]], list[NewConditional]]] = {
    "conditional": _protective,
    "oco": _protective,
    "trigger": _trigger,
    "move_order_stop": _trailing,
}
