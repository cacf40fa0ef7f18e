"""Orders on the lab's perpetuals: sides, reduce-only, post-only, amending, and orders that end by themselves."""

from __future__ import annotations

from decimal import Decimal

from copydesk.venues.lab.model import (
    BalanceUpdate,
    BookChange,
    ConfigUpdate,
    OrderUpdate,
    PositionUpdate,
    PublicTrade,
    Reject,
)
from copydesk.venues.lab.perp import PerpRules
from lab_perp import SYMBOL, held, limit, market, perps_with, placed, quoted, traded, wallet

D = Decimal


def test_a_fill_is_told_as_order_then_balance_then_position() -> None:
    engine = perps_with("a")
    quoted(engine, "99.9", "100")
    result = placed(engine, market("a", "buy", "2"))
    kinds = [type(event) for event in result.events]
    assert kinds == [OrderUpdate, OrderUpdate, PublicTrade, BalanceUpdate, PositionUpdate, BookChange]
    position = result.events[4]
    assert isinstance(position, PositionUpdate)
    assert (position.position.qty, position.position.entry_px, position.reason) == (D(2), D(100), "ORDER")


def test_fees_are_paid_in_the_settle_currency_and_profit_is_realized_on_closing() -> None:
    engine = perps_with("a")
    traded(engine, market("a", "buy", "2"), "100")
    assert wallet(engine, "a") == D(1000) - D("0.1")
    closing = traded(engine, market("a", "sell", "1"), "110")
    assert closing.executions[0].realized == D(10)
    assert closing.order is not None
    assert closing.order.realized == D(10)
    assert wallet(engine, "a") == D(1000) - D("0.1") + D(10) - D("0.055")
    assert (held(engine, "a").qty, held(engine, "a").realized) == (D(1), D(10))


def test_the_entry_price_averages_what_was_added() -> None:
    engine = perps_with("a")
    traded(engine, market("a", "sell", "1"), "100")
    traded(engine, market("a", "sell", "3"), "104")
    assert (held(engine, "a").qty, held(engine, "a").entry_px) == (D(-4), D(103))


def test_selling_more_than_a_long_turns_it_into_a_short() -> None:
    engine = perps_with("a")
    traded(engine, market("a", "buy", "1"), "100")
    execution = traded(engine, market("a", "sell", "3"), "101").executions[0]
    assert execution.realized == D(1)
    assert (held(engine, "a").qty, held(engine, "a").entry_px, held(engine, "a").realized) == (D(-2), D(101), D(0))


def test_a_share_of_cost_that_does_not_divide_leaves_its_remainder_in_the_position() -> None:
    engine = perps_with("a", maker_fee=D(0), taker_fee=D(0))
    traded(engine, market("a", "buy", "0.1"), "100")
    traded(engine, market("a", "buy", "0.2"), "100.1")
    for _ in range(3):
        traded(engine, market("a", "sell", "0.1"), "100")
    assert wallet(engine, "a") == D(1000) - D("0.02")
    assert held(engine, "a").qty == 0


def test_hedge_mode_holds_both_sides_at_once() -> None:
    engine = perps_with("a")
    assert engine.set_position_mode("a", True, 1).reject is None
    traded(engine, market("a", "buy", "2", position_side="long"), "100")
    traded(engine, market("a", "sell", "1", position_side="short"), "100")
    assert [(p.position_side, p.qty) for p in engine.positions("a")] == [("long", D(2)), ("short", D(-1))]


def test_an_order_must_name_the_side_that_the_mode_has() -> None:
    engine = perps_with("a")
    assert engine.check(market("a", "buy", "1", position_side="long")) == Reject.POSITION_SIDE
    engine.set_position_mode("a", True, 1)
    assert engine.check(market("a", "buy", "1")) == Reject.POSITION_SIDE


def test_closing_more_than_a_hedged_side_has_closes_it_and_no_more() -> None:
    engine = perps_with("a")
    engine.set_position_mode("a", True, 1)
    traded(engine, market("a", "buy", "2", position_side="long"), "100")
    order = traded(engine, market("a", "sell", "5", position_side="long"), "100").order
    assert order is not None
    assert (order.qty, order.reduce_only) == (D(2), True)
    assert engine.submit(market("a", "sell", "1", position_side="long"), 2).reject == Reject.REDUCE_ONLY


def test_the_position_mode_cannot_change_under_positions_orders_or_conditionals() -> None:
    engine = perps_with("a")
    assert engine.set_position_mode("a", False, 1).reject == Reject.POSITION_MODE_UNCHANGED
    order = placed(engine, limit("a", "buy", "1", "90")).order
    assert order is not None
    assert engine.set_position_mode("a", True, 1).reject == Reject.POSITION_MODE_IN_USE
    engine.cancel("a", SYMBOL, order.order_id, now_ms=2)
    assert engine.set_position_mode("a", True, 1).reject is None


def test_the_position_mode_may_belong_to_the_symbol() -> None:
    engine = perps_with("a", rules=PerpRules(position_mode_per_symbol=True))
    engine.set_position_mode("a", True, 1, SYMBOL)
    assert (engine.hedge("a", SYMBOL), engine.hedge("a", "ETHUSDT")) == (True, False)


def test_a_reduce_only_order_is_cut_to_the_position_and_refused_without_one() -> None:
    engine = perps_with("a")
    assert engine.submit(market("a", "sell", "1", reduce_only=True), 1).reject == Reject.REDUCE_ONLY
    traded(engine, market("a", "buy", "1"), "100")
    assert engine.submit(market("a", "buy", "1", reduce_only=True), 1).reject == Reject.REDUCE_ONLY
    order = traded(engine, market("a", "sell", "3", reduce_only=True), "100").order
    assert order is not None
    assert order.qty == D(1)


def test_closing_the_position_takes_its_quantity() -> None:
    engine = perps_with("a")
    close = market("a", "sell", "1")._replace(qty=None, close_position=True)
    assert engine.submit(close, 1).reject == Reject.NO_POSITION
    traded(engine, market("a", "buy", "0.7"), "100")
    traded(engine, close, "100")
    assert held(engine, "a").qty == 0


def test_resting_reduce_only_orders_shrink_with_the_position_and_end_with_it() -> None:
    engine = perps_with("a")
    traded(engine, market("a", "buy", "3"), "100")
    order = placed(engine, limit("a", "sell", "3", "120", reduce_only=True)).order
    assert order is not None
    traded(engine, market("a", "sell", "1"), "100")
    assert (order.qty, order.leaves, order.status) == (D(2), D(2), "NEW")
    assert engine.depth(SYMBOL, 9).asks[-1] == (D(120), D(2))
    traded(engine, market("a", "sell", "2"), "100")
    assert (order.status, order.reason) == ("CANCELED", Reject.REDUCE_ONLY)
    assert engine.depth(SYMBOL, 9).asks[-1][0] < D(120)


def test_one_incoming_order_cannot_turn_a_position_around_through_two_reduce_only_orders() -> None:
    engine = perps_with("a", "b", "c")
    traded(engine, market("a", "buy", "2"), "100")
    engine.place_quotes(SYMBOL, [], [], 1)
    first = placed(engine, limit("a", "sell", "2", "101", reduce_only=True)).order
    second = placed(engine, limit("a", "sell", "2", "102", reduce_only=True)).order
    placed(engine, limit("c", "sell", "1", "103"))
    fok = placed(engine, limit("b", "buy", "4", "102", tif="FOK"))
    assert fok.executions == ()
    bought = placed(engine, market("b", "buy", "3"))
    assert [(e.px, e.qty) for e in bought.executions] == [(D(101), D(2)), (D(103), D(1))]
    assert first is not None and second is not None
    assert (first.status, second.status, held(engine, "a").qty) == ("FILLED", "CANCELED", D(0))


def test_a_post_only_order_that_would_take_is_refused_or_canceled_as_the_exchange_does() -> None:
    for cancels, answer in ((False, Reject.WOULD_TAKE), (True, None)):
        engine = perps_with("a", rules=PerpRules(post_only_cancels=cancels))
        quoted(engine, "99", "100")
        result = engine.submit(limit("a", "buy", "1", "100", type="limit_maker"), 1)
        assert result.reject == answer
        if result.order is not None:
            assert (result.order.status, result.order.reason) == ("CANCELED", Reject.WOULD_TAKE)
            assert [e.change for e in result.events if isinstance(e, OrderUpdate)] == ["NEW", "CANCELED"]


def test_a_reduced_quantity_keeps_its_place_and_a_new_price_loses_it() -> None:
    engine = perps_with("a", "b", "c")
    early = placed(engine, limit("a", "buy", "2", "100")).order
    late = placed(engine, limit("b", "buy", "2", "100")).order
    assert early is not None and late is not None
    assert engine.amend("a", SYMBOL, early.order_id, qty=D(1), now_ms=2).reject is None
    placed(engine, market("c", "sell", "1"))
    assert (early.status, late.status) == ("FILLED", "NEW")
    third = placed(engine, limit("a", "buy", "1", "100")).order
    assert third is not None
    engine.amend("b", SYMBOL, late.order_id, qty=D(3), now_ms=3)
    placed(engine, market("c", "sell", "1"))
    assert (third.status, late.leaves) == ("FILLED", D(3))


def test_an_amended_order_may_trade_at_once() -> None:
    engine = perps_with("a")
    quoted(engine, "99", "101")
    order = placed(engine, limit("a", "buy", "1", "100", cid="x")).order
    result = engine.amend("a", SYMBOL, client_order_id="x", px=D(101), new_client_order_id="y", now_ms=2)
    assert [e.px for e in result.executions] == [D(101)]
    assert order is not None
    assert (order.status, engine.order("a", SYMBOL, client_order_id="y")) == ("FILLED", order)
    assert engine.order("a", SYMBOL, client_order_id="x") is None


def test_an_amendment_that_is_refused_leaves_the_order_as_it_was() -> None:
    engine = perps_with("a")
    order = placed(engine, limit("a", "buy", "1", "100")).order
    assert order is not None
    for wanted, reject in (
        ({}, Reject.NOT_MODIFIED),
        ({"qty": D(500)}, Reject.INSUFFICIENT_MARGIN),
        ({"px": D("100.05")}, Reject.PRICE_FILTER),
    ):
        assert engine.amend("a", SYMBOL, order.order_id, now_ms=2, **wanted).reject == reject
    assert (order.qty, order.px, order.leaves) == (D(1), D(100), D(1))
    assert engine.margin("a").order_margin == D(5)
    assert engine.amend("a", SYMBOL, 999, qty=D(2), now_ms=2).reject == Reject.UNKNOWN_ORDER


def test_a_good_till_date_order_expires_when_it_is_due() -> None:
    engine = perps_with("a")
    order = placed(engine, limit("a", "buy", "1", "90", tif="GTD", expire_ms=50)).order
    assert engine.check(limit("a", "buy", "1", "90", tif="GTD")) == Reject.INVALID_PARAMETERS
    assert engine.expire(49) == []
    engine.expire(50)
    assert order is not None
    assert (order.status, engine.margin("a").order_margin) == ("EXPIRED", D(0))


def test_a_dead_mans_switch_cancels_unless_it_is_renewed() -> None:
    engine = perps_with("a")
    order = placed(engine, limit("a", "buy", "1", "90")).order
    assert order is not None
    engine.kill_after("a", SYMBOL, 100, 0)
    engine.kill_after("a", SYMBOL, 100, 90)
    engine.expire(100)
    assert order.status == "NEW"
    engine.expire(190)
    assert order.status == "CANCELED"
    again = placed(engine, limit("a", "buy", "1", "90")).order
    assert again is not None
    engine.kill_after("a", None, 10, 200)
    engine.kill_after("a", None, 0, 205)
    engine.expire(300)
    assert again.status == "NEW"


def test_an_order_may_bring_its_margin_mode_while_nothing_is_open() -> None:
    engine = perps_with("a")
    result = placed(engine, limit("a", "buy", "1", "90", margin_mode="isolated"))
    assert engine.settings("a", SYMBOL).margin_mode == "isolated"
    assert [e.margin_mode for e in result.events if isinstance(e, ConfigUpdate)] == ["isolated"]
    assert engine.check(limit("a", "buy", "1", "90", margin_mode="cross")) == Reject.MARGIN_MODE_IN_USE


def test_a_reduce_only_order_may_be_smaller_than_the_minimum_notional() -> None:
    engine = perps_with("a")
    traded(engine, market("a", "buy", "1"), "100")
    assert engine.check(market("a", "sell", "0.01")) == Reject.MIN_NOTIONAL
    assert engine.check(market("a", "sell", "0.01", reduce_only=True)) is None
