"""Orders, matching, money and refusals of the lab's engine."""

from __future__ import annotations

from decimal import Decimal

import pytest
from copydesk.venues.lab.model import BalanceUpdate, BookChange, NewOrder, OrderUpdate, PublicTrade, Reject
from lab_engine import SYMBOL, engine_with, funds, limit, market, placed

D = Decimal


def test_a_market_order_walks_the_levels_from_the_best_price() -> None:
    engine = engine_with("maker", "taker")
    placed(engine, limit("maker", "sell", "1", "101"))
    placed(engine, limit("maker", "sell", "1", "100"))
    result = placed(engine, market("taker", "buy", "1.5"))
    assert [(e.px, e.qty) for e in result.executions] == [(D(100), D(1)), (D(101), D("0.5"))]
    assert result.order is not None
    assert (result.order.status, result.order.cum_quote) == ("FILLED", D("150.5"))


def test_the_older_order_at_a_price_is_filled_first() -> None:
    engine = engine_with("early", "late", "taker")
    early = placed(engine, limit("early", "sell", "1", "100")).order
    late = placed(engine, limit("late", "sell", "1", "100")).order
    placed(engine, market("taker", "buy", "1.2"))
    assert early is not None and late is not None
    assert (early.status, late.status, late.cum_qty) == ("FILLED", "PARTIALLY_FILLED", D("0.2"))


def test_buyers_pay_the_fee_in_base_and_sellers_in_quote() -> None:
    engine = engine_with("seller", "buyer")
    placed(engine, limit("seller", "sell", "1", "100"))
    execution = placed(engine, market("buyer", "buy", "1")).executions[0]
    assert (execution.fee, execution.fee_currency, execution.maker) == (D("0.001"), "BTC", False)
    assert funds(engine, "buyer", "BTC") == (D("10.999"), D(0))
    assert funds(engine, "seller", "USDT") == (D("100099.9"), D(0))
    assert engine.totals() == {"USDT": D(200_000), "BTC": D(20)}


def test_a_limit_buy_filled_below_its_price_gives_the_difference_back() -> None:
    engine = engine_with("seller", "buyer")
    placed(engine, limit("seller", "sell", "1", "90"))
    placed(engine, limit("buyer", "buy", "3", "100"))
    assert funds(engine, "buyer", "USDT") == (D(100_000 - 90 - 200), D(200))


def test_a_resting_order_is_filled_at_its_own_price() -> None:
    engine = engine_with("buyer", "seller")
    resting = placed(engine, limit("buyer", "buy", "1", "100")).order
    placed(engine, limit("seller", "sell", "1", "95"))
    assert resting is not None
    assert resting.cum_quote == D(100)
    assert resting.fills[0].maker


def test_canceling_unlocks_and_a_second_cancel_is_refused() -> None:
    engine = engine_with("a")
    order = placed(engine, limit("a", "buy", "1", "100", cid="mine")).order
    assert funds(engine, "a", "USDT") == (D(99_900), D(100))
    canceled = engine.cancel("a", SYMBOL, client_order_id="mine", now_ms=2)
    assert canceled.order is order
    assert funds(engine, "a", "USDT") == (D(100_000), D(0))
    assert engine.cancel("a", SYMBOL, client_order_id="mine", now_ms=3).reject == Reject.UNKNOWN_ORDER
    assert engine.depth(SYMBOL, 5).bids == []


def test_another_accounts_order_is_unknown() -> None:
    engine = engine_with("a", "b")
    order = placed(engine, limit("a", "buy", "1", "100")).order
    assert order is not None
    assert engine.order("b", SYMBOL, order.order_id) is None
    assert engine.cancel("b", SYMBOL, order.order_id, now_ms=2).reject == Reject.UNKNOWN_ORDER


def test_ioc_takes_what_there_is_and_expires_the_rest() -> None:
    engine = engine_with("a", "b")
    placed(engine, limit("a", "sell", "1", "100"))
    order = placed(engine, limit("b", "buy", "2", "100", tif="IOC")).order
    assert order is not None
    assert (order.status, order.cum_qty, order.reason) == ("EXPIRED", D(1), Reject.NO_LIQUIDITY)
    assert funds(engine, "b", "USDT")[1] == 0


def test_fok_takes_all_or_nothing() -> None:
    engine = engine_with("a", "b")
    placed(engine, limit("a", "sell", "1", "100"))
    nothing = placed(engine, limit("b", "buy", "2", "100", tif="FOK")).order
    everything = placed(engine, limit("b", "buy", "1", "100", tif="FOK")).order
    assert nothing is not None and everything is not None
    assert (nothing.status, nothing.cum_qty, nothing.reason) == ("EXPIRED", D(0), Reject.NO_LIQUIDITY_FOK)
    assert everything.status == "FILLED"


def test_a_market_order_without_liquidity_expires() -> None:
    order = placed(engine_with("a"), market("a", "buy", "1")).order
    assert order is not None
    assert (order.status, order.reason) == ("EXPIRED", Reject.NO_LIQUIDITY)


def test_a_market_buy_by_quote_quantity_never_spends_more() -> None:
    engine = engine_with("a", "b")
    placed(engine, limit("a", "sell", "1", "101"))
    placed(engine, limit("a", "sell", "1", "100"))
    order = placed(engine, NewOrder("b", "", SYMBOL, "buy", "market", quote_qty=D(150))).order
    assert order is not None
    assert (order.status, order.qty, order.cum_quote) == ("FILLED", D("1.495"), D("149.995"))


def test_limit_maker_refuses_to_take() -> None:
    engine = engine_with("a", "b")
    placed(engine, limit("a", "sell", "1", "100"))
    assert engine.submit(limit("b", "buy", "1", "100")._replace(type="limit_maker"), 1).reject == Reject.WOULD_TAKE
    assert engine.submit(limit("b", "buy", "1", "99.99")._replace(type="limit_maker"), 1).reject is None


def test_client_order_ids_are_unique_among_open_orders_only() -> None:
    engine = engine_with("a")
    first = placed(engine, limit("a", "buy", "1", "100", cid="x")).order
    assert engine.submit(limit("a", "buy", "1", "100", cid="x"), 2).reject == Reject.DUPLICATE_CLIENT_ORDER_ID
    engine.cancel("a", SYMBOL, client_order_id="x", now_ms=3)
    second = placed(engine, limit("a", "buy", "1", "100", cid="x")).order
    assert engine.order("a", SYMBOL, client_order_id="x") is second is not first


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (market("a", "buy", "0.0001"), Reject.LOT_SIZE),
        (market("a", "buy", "0.0015"), Reject.LOT_SIZE),
        (market("a", "buy", "1001"), Reject.MARKET_LOT_SIZE),
        (market("a", "buy", "0.049"), Reject.MIN_NOTIONAL),
        (market("a", "sell", "11"), Reject.INSUFFICIENT_BALANCE),
        (market("nobody", "buy", "1"), Reject.UNKNOWN_ACCOUNT),
        (market("a", "hold", "1"), Reject.INVALID_PARAMETERS),
        (market("a", "buy", "1")._replace(symbol="DOGEUSDT"), Reject.UNKNOWN_SYMBOL),
        (market("a", "buy", "1")._replace(type="stop"), Reject.INVALID_PARAMETERS),
        (limit("a", "buy", "1", "100.001"), Reject.PRICE_FILTER),
        (limit("a", "buy", "1", "0"), Reject.PRICE_FILTER),
        (limit("a", "buy", "1", "1E+30"), Reject.PRICE_FILTER),
        (limit("a", "buy", "1", "501"), Reject.PERCENT_PRICE),
        (limit("a", "buy", "1E+30", "100"), Reject.LOT_SIZE),
        (limit("a", "buy", "0.04", "100"), Reject.MIN_NOTIONAL),
        (limit("a", "buy", "1000", "101"), Reject.INSUFFICIENT_BALANCE),
        (NewOrder("a", "", SYMBOL, "buy", "market", quote_qty=D("4.99")), Reject.MIN_NOTIONAL),
        (NewOrder("a", "", SYMBOL, "buy", "market", quote_qty=D(100_001)), Reject.INSUFFICIENT_BALANCE),
        (NewOrder("a", "", SYMBOL, "buy", "market"), Reject.INVALID_PARAMETERS),
    ],
)
def test_a_refused_order_has_a_named_reason_and_changes_nothing(new: NewOrder, reason: Reject) -> None:
    engine = engine_with("a", "b")
    placed(engine, limit("b", "sell", "1", "100"))
    before = engine.snapshot()
    assert engine.check(new) == reason
    assert engine.submit(new, 2).reject == reason
    assert engine.snapshot() == before


def test_a_halted_market_takes_no_orders_but_cancels() -> None:
    engine = engine_with("a")
    order = placed(engine, limit("a", "buy", "1", "100")).order
    engine.halt(SYMBOL)
    assert order is not None
    assert engine.submit(market("a", "buy", "1"), 2).reject == Reject.MARKET_HALTED
    assert engine.cancel("a", SYMBOL, order.order_id, now_ms=3).reject is None


def test_cancel_replace_places_nothing_when_the_cancel_fails() -> None:
    engine = engine_with("a")
    canceled, replaced = engine.cancel_replace(limit("a", "buy", "1", "100"), order_id=99, now_ms=1)
    assert (canceled.reject, replaced) == (Reject.UNKNOWN_ORDER, None)
    canceled, replaced = engine.cancel_replace(
        limit("a", "buy", "1", "100"), order_id=99, stop_on_failure=False, now_ms=1
    )
    assert replaced is not None and replaced.order is not None


def test_cancel_all_empties_the_symbol() -> None:
    engine = engine_with("a")
    for px in ("100", "99", "98"):
        placed(engine, limit("a", "buy", "1", px))
    assert len(engine.cancel_all("a", SYMBOL, 2)) == 3
    assert engine.open_orders("a") == []


def test_events_tell_the_story_of_both_sides_in_order() -> None:
    engine = engine_with("maker", "taker")
    placed(engine, limit("maker", "sell", "1", "100"))
    events = placed(engine, market("taker", "buy", "0.4")).events
    told = [
        (type(e), e.account, e.change, e.status) if isinstance(e, OrderUpdate) else (type(e), getattr(e, "account", ""))
        for e in events
    ]
    assert told == [
        (OrderUpdate, "taker", "NEW", "NEW"),
        (OrderUpdate, "taker", "TRADE", "FILLED"),
        (OrderUpdate, "maker", "TRADE", "PARTIALLY_FILLED"),
        (PublicTrade, ""),
        (BalanceUpdate, "taker"),
        (BalanceUpdate, "maker"),
        (BookChange, ""),
    ]


def test_drained_changes_rebuild_the_book() -> None:
    engine = engine_with("a", "b")
    placed(engine, limit("a", "sell", "1", "100"))
    placed(engine, limit("a", "sell", "1", "101"))
    placed(engine, market("b", "buy", "1"))
    diff = engine.drain_changes(SYMBOL)
    assert diff is not None
    assert (diff.first_update_id, diff.last_update_id) == (1, 3)
    assert diff.asks == [(D(100), D(0)), (D(101), D(1))]
    assert engine.drain_changes(SYMBOL) is None


def test_a_withdrawal_cannot_exceed_the_free_balance() -> None:
    engine = engine_with("a")
    placed(engine, limit("a", "buy", "1", "100"))
    with pytest.raises(ValueError, match="less than 99901 USDT free"):
        engine.deposit("a", "USDT", D(-99_901), 2)
    [event] = engine.deposit("a", "USDT", D(1), 2)
    assert isinstance(event, BalanceUpdate)
    assert event.balances == (("USDT", D(99_901), D(100)),)


def test_a_snapshot_of_another_version_is_refused() -> None:
    engine = engine_with("a")
    with pytest.raises(ValueError, match="expected version 2, found 7"):
        type(engine).restore({**engine.snapshot(), "version": 7})
