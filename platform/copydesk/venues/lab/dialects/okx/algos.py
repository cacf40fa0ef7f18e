"""Placing, amending and canceling algo orders: conditional, oco, trigger and move_order_stop.

Source: okx.com/docs-v5, "Order Book Trading", "Algo Trading".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from copydesk.venues.lab.conditional import STOP, TAKE_PROFIT, ConditionalResult
from copydesk.venues.lab.dialects.okx import errors
from copydesk.venues.lab.dialects.okx.algo_note import Algo, algo_of
from copydesk.venues.lab.dialects.okx.algo_terms import READERS, WRONG_SIDE, wanted_of
from copydesk.venues.lab.dialects.okx.catalog import algo_text, read_id
from copydesk.venues.lab.dialects.okx.desk import Desk
from copydesk.venues.lab.dialects.okx.params import (
    Call,
    client_id_of,
    decimal_in,
    text_of,
)
from copydesk.venues.lab.dialects.okx.routes import Routes, order_route
from copydesk.venues.lab.dialects.okx.terms import (
    AT_MARKET,
)
from copydesk.venues.lab.dialects.okx.trade import Outcome
from copydesk.venues.lab.model import Reject

PLACE_MAX, CANCEL_MAX, EVERY_MS = 20, 20, 2000
CANCEL_BULK_MAX = 10


def place_algo(desk: Desk, call: Call, item: dict[str, Any]) -> dict[str, Any]:
    """Place one algo order and acknowledge it."""
    wanted = wanted_of(desk, call.account, item)
    asked = READERS[wanted.note.order_type](desk, wanted, item)
    exchange, engine = desk.exchange, desk.exchange.engine(wanted.listed.market)
    first = _placed(engine.place_conditional(asked[0], call.now_ms))
    events = first.events
    assert first.conditional is not None
    if len(asked) > 1:
        other = asked[1]._replace(client_id="", siblings=(first.conditional.conditional_id,))
        second = _placed(engine.place_conditional(other, call.now_ms))
        assert second.conditional is not None
        first.conditional.siblings = (second.conditional.conditional_id,)
        told = [event._replace(conditional=first.conditional.copy()) for event in first.events]  # type: ignore[call-arg]
        events = [*told, *second.events]
    exchange.publish(events, call.now_ms)
    exchange.publish(engine.fire(wanted.listed.inst_id, call.now_ms), call.now_ms)
    return _told(algo_of(desk, first.conditional), tag=wanted.note.tag)


def _placed(result: ConditionalResult) -> ConditionalResult:
    if result.reject is not None:
        raise errors.plainly_rejected(result.reject)
    return result


def _told(algo: Algo, **more: str) -> dict[str, Any]:
    return {
        "algoClOrdId": algo.client_id,
        "algoId": algo_text(algo.first.conditional_id, algo.first.market),
        "clOrdId": "",
        "sCode": "0",
        "sMsg": "",
        **more,
    }


def named_algo(desk: Desk, account: str, item: dict[str, Any]) -> Algo | None:
    """Find the algo order named by `algoId`, which wins, or `algoClOrdId` with the instrument."""
    text, client_id = text_of(item, "algoId"), client_id_of(item, "algoClOrdId")
    if not text and not client_id:
        raise errors.either_id("algoId", "algoClOrdId")
    if text:
        found = read_id(text, algo=True, name="algoId")
        one = None if found is None else desk.exchange.engine(found[1]).conditional(account, None, found[0])
        return None if one is None or not one.active else algo_of(desk, one)
    names = [text_of(item, "instId")] if text_of(item, "instId") else list(desk.catalog.by_id)
    for name in names:
        listed = desk.catalog.by_id.get(name)
        if listed is not None:
            one = desk.exchange.engine(listed.market).conditional(account, name, client_id=client_id)
            if one is not None:
                return algo_of(desk, one)
    return None


def cancel_algo(desk: Desk, call: Call, item: dict[str, Any]) -> dict[str, Any]:
    """Cancel one algo order, both parts of it."""
    desk.catalog.named(item)
    algo = named_algo(desk, call.account, item)
    if algo is None or algo.state != "live":
        raise errors.cancel_failed()
    engine = desk.exchange.engine(algo.first.market)
    for leg in algo.legs:
        result = engine.cancel_conditional(call.account, leg.symbol, leg.conditional_id, now_ms=call.now_ms)
        desk.exchange.publish(result.events, call.now_ms)
    return _told(algo, tag="")


def amend_algo(desk: Desk, call: Call, item: dict[str, Any]) -> dict[str, Any]:
    """Change the quantity, trigger prices or prices of one live algo order."""
    listed, algo = desk.catalog.named(item), named_algo(desk, call.account, item)
    if algo is None or algo.state != "live":
        raise errors.ApiError(
            "51503", "Order modification failed as the order has been filled, canceled or does not exist."
        )
    engine, size = desk.exchange.engine(listed.market), text_of(item, "newSz")
    qty = decimal_in("newSz", size) * listed.size if size else None
    changed = False
    for leg in algo.legs:
        prefix = {TAKE_PROFIT: "newTp", STOP: "newSl"}.get(leg.kind, "new")
        trigger, px = text_of(item, f"{prefix}TriggerPx"), text_of(item, f"{prefix}OrdPx")
        result = engine.amend_conditional(
            call.account,
            leg.symbol,
            leg.conditional_id,
            trigger_px=decimal_in("newTriggerPx", trigger) if trigger else None,
            px=decimal_in("newOrdPx", px) if px and px != AT_MARKET else None,
            qty=qty,
            now_ms=call.now_ms,
        )
        if result.reject is Reject.WOULD_TRIGGER:
            raise errors.ApiError(*WRONG_SIDE.get((leg.kind, leg.new.side), ("51000", "Parameter newTriggerPx error")))
        if result.reject not in (None, Reject.NOT_MODIFIED):
            raise errors.plainly_rejected(result.reject)
        changed = changed or result.reject is None
        desk.exchange.publish(result.events, call.now_ms)
    if not changed:
        raise errors.plainly_rejected(Reject.NOT_MODIFIED)
    return {**_told(algo), "reqId": text_of(item, "reqId")}


def _each(
    verb: str, most: int, act: Callable[[Desk, Call, dict[str, Any]], dict[str, Any]]
) -> Callable[[Desk, Call], Outcome]:
    """Act on the algo orders of a request; they count one by one, per user and instrument."""

    def handle(desk: Desk, call: Call) -> Outcome:
        items = [call.params] if call.items is None else call.items
        if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
            raise errors.bad_json()
        if len(items) > CANCEL_BULK_MAX:
            raise errors.too_many_in_bulk(CANCEL_BULK_MAX)
        rows, failures = [], 0
        for item in items:
            if not desk.meters.take((verb, call.account, str(item.get("instId"))), most, EVERY_MS, call.now_ms):
                raise errors.too_often()
            try:
                rows.append(act(desk, call, item))
            except errors.ApiError as error:
                failures += 1
                rows.append(_refused(item, error))
        code = "0" if not failures else "1" if failures == len(rows) else "2"
        return Outcome(code, "", rows)

    return handle


def _refused(item: dict[str, Any], error: errors.ApiError) -> dict[str, Any]:
    ids = {name: text_of(item, name) for name in ("algoClOrdId", "algoId", "clOrdId", "tag")}
    return {**ids, "sCode": error.code, "sMsg": error.msg}


ROUTES: Routes = {
    ("POST", "/trade/order-algo"): order_route(_each("place-algo", PLACE_MAX, place_algo)),
    ("POST", "/trade/cancel-algos"): order_route(_each("cancel-algo", CANCEL_MAX, cancel_algo), batch=True),
    ("POST", "/trade/amend-algos"): order_route(_each("amend-algo", PLACE_MAX, amend_algo)),
}
