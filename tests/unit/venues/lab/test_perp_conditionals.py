"""Conditional orders of the lab, on spot and on perpetuals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from copydesk.venues.lab.conditional import Conditional, NewConditional
from copydesk.venues.lab.engine import Engine
from copydesk.venues.lab.model import Attached, ConditionalUpdate, Event, NewOrder, Reject
from copydesk.venues.lab.perp import PerpEngine, PerpRules
from copydesk.venues.lab.rules import OrderRules
from copydesk.venues.lab.triggers import TriggerDesk
from lab_engine import BTC
from lab_perp import SYMBOL, held, limit, market, perps_with, placed, quoted, traded

D = Decimal


def conditional(engine: TriggerDesk, new: NewOrder, kind: str, trigger: str | None, **more: Any) -> Conditional:
    """Place a conditional that must be accepted."""
    asked = NewConditional(new, kind, None if trigger is None else D(trigger), **more)
    result = engine.place_conditional(asked, 1)
    assert result.conditional is not None, result.reject
    return result.conditional


def _printed(engine: TriggerDesk, px: str) -> list[Event]:
    engine.print_trade(SYMBOL, D(px), D(1), buyer_is_maker=False, now_ms=5)
    return engine.fire(SYMBOL, 5)


def _long(qty: str = "2") -> PerpEngine:
    engine = perps_with("a")
    traded(engine, market("a", "buy", qty), "100")
    quoted(engine, "99", "101")
    return engine


def _changes(events: list[Event]) -> list[str]:
    return [e.change for e in events if isinstance(e, ConditionalUpdate)]


def test_a_stop_on_the_mark_price_fires_when_the_mark_reaches_it() -> None:
    engine = _long()
    stop = conditional(engine, market("a", "sell", "2", reduce_only=True), "stop", "95", watch="mark")
    assert engine.mark(SYMBOL, D("95.1"), D("95.1"), 2) == []
    events = engine.mark(SYMBOL, D(95), D(95), 3)
    assert _changes(events) == ["TRIGGERED"]
    assert (stop.status, held(engine, "a").qty) == ("TRIGGERED", D(0))
    order = engine.order("a", SYMBOL, stop.order_id)
    assert order is not None
    assert (order.conditional_id, order.status) == (stop.conditional_id, "FILLED")


def test_a_stop_on_the_last_price_fires_after_a_trade_of_anybody() -> None:
    engine = perps_with("a", "b")
    quoted(engine, "99", "101")
    stop = conditional(engine, market("a", "buy", "1"), "stop", "101")
    result = placed(engine, market("b", "buy", "1"))
    assert stop.status == "TRIGGERED"
    assert _changes(result.events) == ["TRIGGERED"]
    assert held(engine, "a").qty == D(1)


def test_stops_set_each_other_off() -> None:
    engine = perps_with("a", "b")
    engine.place_quotes(SYMBOL, [(990, D(1)), (980, D(1)), (970, D(1))], [], 1)
    _printed(engine, "100")
    first = conditional(engine, market("a", "sell", "1"), "stop", "99.5")
    second = conditional(engine, market("b", "sell", "1"), "stop", "99")
    _printed(engine, "99.5")
    assert (first.status, second.status) == ("TRIGGERED", "TRIGGERED")
    assert engine.ticker(SYMBOL).last_px == D(98)


@pytest.mark.parametrize(("trigger", "rises"), [("99", True), ("101", False), ("100", True)])
def test_a_conditional_that_would_fire_at_once_is_refused(trigger: str, rises: bool) -> None:
    engine = _long()
    _printed(engine, "100")
    asked = NewConditional(market("a", "sell", "1"), "stop", D(trigger), rises=rises)
    assert engine.place_conditional(asked, 1).reject == Reject.WOULD_TRIGGER


@pytest.mark.parametrize("distance", [{"callback_ratio": D("0.02")}, {"callback_px": D("2.2")}])
def test_a_trailing_stop_starts_at_its_activation_and_follows_the_best_price(distance: dict[str, Decimal]) -> None:
    engine = _long()
    new = market("a", "sell", "2", reduce_only=True)
    trailing = conditional(engine, new, "trailing", None, watch="mark", rises=False, activation_px=D(105), **distance)
    for px, extreme in (("90", None), ("105", "105"), ("110", "110"), ("108", "110")):
        engine.mark(SYMBOL, D(px), D(px), 2)
        assert trailing.extreme_px == (None if extreme is None else D(extreme))
    assert trailing.trigger_px == D("107.8")
    engine.mark(SYMBOL, D("107.8"), D("107.8"), 3)
    assert (trailing.status, held(engine, "a").qty) == ("TRIGGERED", D(0))


def test_attached_orders_wait_for_their_parent_and_cancel_each_other() -> None:
    engine = perps_with("a", "b")
    quoted(engine, "98", "102")
    parent = placed(
        engine,
        limit("a", "buy", "2", "100")._replace(
            take_profit=Attached(D(110), None, "mark"), stop_loss=Attached(D(95), D("94.5"), "mark")
        ),
    ).order
    take, stop = engine.conditionals("a")
    assert (take.kind, take.active, stop.kind, stop.active) == ("take_profit", False, "stop", False)
    engine.mark(SYMBOL, D(94), D(94), 2)
    assert stop.status == "NEW"
    engine.mark(SYMBOL, D(100), D(100), 2)
    placed(engine, market("b", "sell", "0.5"))
    assert not take.active
    assert parent is not None
    engine.cancel("a", SYMBOL, parent.order_id, now_ms=3)
    assert (take.active, take.new.qty, take.new.reduce_only) == (True, D("0.5"), True)
    engine.mark(SYMBOL, D(110), D(110), 4)
    assert (take.status, stop.status, held(engine, "a").qty) == ("TRIGGERED", "CANCELED", D(0))


def test_attached_orders_of_an_unfilled_parent_go_with_it() -> None:
    engine = perps_with("a")
    parent = placed(engine, limit("a", "buy", "2", "90")._replace(stop_loss=Attached(D(80), None, "mark"))).order
    assert parent is not None
    result = engine.cancel("a", SYMBOL, parent.order_id, now_ms=3)
    assert _changes(result.events) == ["CANCELED"]
    assert engine.conditionals("a") == []


def test_a_conditional_that_closes_the_position_ends_with_it() -> None:
    engine = _long()
    close = market("a", "sell", "1")._replace(qty=None, close_position=True)
    bound = conditional(engine, close, "stop", "90", watch="mark")
    free = conditional(engine, market("a", "sell", "1"), "stop", "90", watch="mark")
    placed(engine, market("a", "sell", "2"))
    assert (bound.status, free.status) == ("CANCELED", "NEW")


def test_what_cannot_be_placed_is_rejected_with_its_reason() -> None:
    engine = perps_with("a")
    stop = conditional(engine, market("a", "sell", "1", reduce_only=True), "stop", "95", watch="mark")
    events = engine.mark(SYMBOL, D(90), D(90), 3)
    assert _changes(events) == ["REJECTED"]
    assert (stop.status, stop.reason) == ("REJECTED", Reject.REDUCE_ONLY)


def test_the_placed_order_has_the_conditionals_id_where_the_exchange_keeps_it() -> None:
    for keeps in (True, False):
        engine = perps_with("a", rules=PerpRules(conditional_keeps_id=keeps))
        quoted(engine, "99", "101")
        stop = conditional(engine, market("a", "buy", "1"), "plan", "105", watch="mark", client_id="mine")
        engine.mark(SYMBOL, D(105), D(105), 3)
        assert (stop.order_id == stop.conditional_id) == keeps
        order = engine.order("a", SYMBOL, stop.order_id)
        assert order is not None
        assert (order.client_order_id == "mine") == keeps


def test_canceling_and_amending_find_a_conditional_by_either_id() -> None:
    engine = _long()
    stop = conditional(engine, limit("a", "sell", "1", "90"), "stop", "95", watch="mark", client_id="s")
    amended = engine.amend_conditional("a", SYMBOL, client_id="s", trigger_px=D(96), px=D(91), qty=D(2), now_ms=2)
    assert amended.conditional is stop
    assert (stop.trigger_px, stop.new.px, stop.new.qty) == (D(96), D(91), D(2))
    assert engine.amend_conditional("a", SYMBOL, client_id="s", px=D(91), now_ms=2).reject == Reject.NOT_MODIFIED
    too_far = engine.amend_conditional("a", SYMBOL, stop.conditional_id, trigger_px=D(100), now_ms=2)
    assert too_far.reject == Reject.WOULD_TRIGGER
    assert engine.cancel_conditional("b", SYMBOL, stop.conditional_id, now_ms=2).reject == Reject.UNKNOWN_CONDITIONAL
    assert engine.cancel_conditional("a", None, stop.conditional_id, now_ms=2).conditional is stop
    engine.mark(SYMBOL, D(90), D(90), 3)
    assert stop.status == "CANCELED"
    assert engine.conditionals("a", open_only=False) == [stop]


def test_there_is_a_limit_to_open_conditionals_and_names_are_unique_among_them() -> None:
    engine = perps_with("a", rules=PerpRules(conditionals_max=2))
    new = market("a", "buy", "1")
    first = conditional(engine, new, "plan", "105", watch="mark", client_id="x")
    again = NewConditional(new, "plan", D(105), "mark", client_id="x")
    assert engine.place_conditional(again, 1).reject == Reject.DUPLICATE_CLIENT_ORDER_ID
    conditional(engine, new, "plan", "105", watch="mark")
    assert engine.place_conditional(again, 1).reject == Reject.TOO_MANY_CONDITIONALS
    engine.cancel_conditional("a", SYMBOL, first.conditional_id, now_ms=1)
    assert engine.place_conditional(again, 1).reject is None


@pytest.mark.parametrize(
    "asked",
    [
        NewConditional(market("a", "buy", "1"), "stop"),
        NewConditional(market("a", "buy", "1"), "trailing"),
        NewConditional(market("a", "buy", "1"), "trailing", callback_ratio=D("0.1"), callback_px=D(1)),
        NewConditional(market("a", "buy", "1"), "guess", D(105)),
    ],
)
def test_a_conditional_needs_what_its_kind_fires_on(asked: NewConditional) -> None:
    assert perps_with("a").place_conditional(asked, 1).reject == Reject.INVALID_PARAMETERS


def test_spot_watches_its_last_price_whatever_is_asked() -> None:
    engine = Engine([BTC], rules=OrderRules(conditional_keeps_id=True))
    engine.create_account("a", {"USDT": D(1000), "BTC": D(2)})
    engine.place_quotes(SYMBOL, [(9_500, D(5))], [(10_500, D(5))], 1)
    _printed(engine, "100")
    sells = NewOrder("a", "", SYMBOL, "sell", "market", qty=D(1))
    stop = conditional(engine, sells, "stop", "97", watch="mark")
    _printed(engine, "97")
    assert (stop.status, stop.order_id) == ("TRIGGERED", stop.conditional_id)
    assert engine.balances("a")["BTC"] == (D(1), D(0))


def test_what_is_attached_to_a_spot_purchase_sells_what_the_fee_has_left() -> None:
    engine = Engine([BTC])
    engine.create_account("a", {"USDT": D(1000)})
    engine.place_quotes(SYMBOL, [(9_500, D(5))], [(10_000, D(5))], 1)
    buys = NewOrder("a", "", SYMBOL, "buy", "market", qty=D(1), take_profit=Attached(D(120), None, "last"))
    assert engine.submit(buys, 1).reject is None
    _printed(engine, "120")
    assert engine.balances("a")["BTC"] == (D(0), D(0)) or engine.balances("a")["BTC"][0] < BTC.qty_step
