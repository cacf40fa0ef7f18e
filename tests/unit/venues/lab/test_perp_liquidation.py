"""Funding, margin calls, liquidation and the insurance of the lab's perpetuals."""

from __future__ import annotations

from decimal import Decimal

from copydesk.venues.lab.model import (
    FEES_ACCOUNT,
    INSURANCE_ACCOUNT,
    BalanceUpdate,
    MarginCall,
    OrderUpdate,
    PositionUpdate,
)
from copydesk.venues.lab.perp import PerpEngine
from lab_perp import OTHER, SYMBOL, held, limit, market, perps_with, placed, quoted, traded, wallet

D = Decimal
FREE = {"maker_fee": D(0), "taker_fee": D(0)}


def _long_fifty(money: str = "300") -> PerpEngine:
    """50 at 100, so 5,000 of notional: 250 of margin, 25 of maintenance."""
    engine = perps_with("a", money=money, **FREE)
    traded(engine, market("a", "buy", "50"), "100")
    return engine


def test_longs_pay_a_positive_funding_rate_and_shorts_receive_it() -> None:
    engine = perps_with("a", "b", **FREE)
    placed(engine, limit("a", "buy", "3", "100"))
    placed(engine, market("b", "sell", "3"))
    events = engine.fund(SYMBOL, D("0.0001"), 5)
    told = sorted(e for e in events if isinstance(e, BalanceUpdate))
    assert [(e.account, e.change, e.delta, e.symbol) for e in told] == [
        ("a", "FUNDING_FEE", D("-0.03"), SYMBOL),
        ("b", "FUNDING_FEE", D("0.03"), SYMBOL),
    ]
    assert (wallet(engine, "a"), wallet(engine, "b")) == (D("999.97"), D("1000.03"))


def test_what_rounding_leaves_of_funding_goes_to_the_fees() -> None:
    engine = perps_with("a", "b", "c", px="100.1", **FREE)
    placed(engine, limit("a", "buy", "0.1", "100"))
    placed(engine, limit("b", "buy", "0.1", "100"))
    placed(engine, market("c", "sell", "0.2"))
    engine.fund(SYMBOL, D("0.00000005"), 5)
    paid = [D(1000) - wallet(engine, name) for name in ("a", "b", "c")]
    assert paid == [D("5.0E-7"), D("5.0E-7"), D("-0.00000100")]
    engine.fund(SYMBOL, D("0.000000015"), 5)
    total = sum(wallet(engine, name) for name in ("a", "b", "c", FEES_ACCOUNT))
    assert total == D(3000)


def test_an_isolated_position_pays_funding_from_its_own_margin() -> None:
    engine = perps_with("a", **FREE)
    engine.set_margin_mode("a", SYMBOL, "isolated", 1)
    traded(engine, market("a", "buy", "4"), "100")
    engine.fund(SYMBOL, D("0.01"), 5)
    assert (held(engine, "a").isolated_margin, wallet(engine, "a")) == (D(16), D(996))
    engine.fund(SYMBOL, D("0.1"), 6)
    assert (held(engine, "a").isolated_margin, wallet(engine, "a")) == (D(0), D(956))


def test_the_margin_call_comes_once_before_the_liquidation() -> None:
    engine = _long_fifty()
    assert engine.mark(SYMBOL, D("94.8"), D("94.8"), 2) == []
    called = engine.mark(SYMBOL, D("94.55"), D("94.55"), 3)
    assert [type(e) for e in called] == [MarginCall]
    assert engine.mark(SYMBOL, D("94.5"), D("94.5"), 4) == []
    assert held(engine, "a").qty == D(50)
    engine.mark(SYMBOL, D(100), D(100), 5)
    assert [type(e) for e in engine.mark(SYMBOL, D("94.55"), D("94.55"), 6)] == [MarginCall]


def test_an_account_is_liquidated_when_its_equity_has_come_down_to_maintenance() -> None:
    engine = _long_fifty()
    assert held(engine, "a").liquidation_px == D("94.5")
    quoted(engine, "94.4", "94.6", qty="20")
    events = engine.mark(SYMBOL, D("94.4"), D("94.4"), 7)
    orders = [e for e in events if isinstance(e, OrderUpdate)]
    assert [e.change for e in orders] == ["NEW", "TRADE", "TRADE"]
    order = orders[0].order
    assert (order.status, order.client_order_id) == ("FILLED", f"autoclose-{order.order_id}")
    # The book gives 20 at 94.4; the insurance takes 30 where the money is used up: 94.4 - 20 / 50.
    assert [(f.px, f.qty) for f in order.fills] == [(D("94.4"), D(20)), (D("94.0"), D(30))]
    assert engine.position(INSURANCE_ACCOUNT, SYMBOL).qty == D(30)
    assert wallet(engine, "a") == D(300) - D("5.6") * 20 - 6 * 30
    assert [e.reason for e in events if isinstance(e, PositionUpdate)] == ["LIQUIDATION"]


def test_the_insurance_pays_what_a_gap_leaves_below_zero() -> None:
    engine = _long_fifty()
    engine.place_quotes(SYMBOL, [], [], 1)
    events = engine.mark(SYMBOL, D(80), D(80), 7)
    paid = [e for e in events if isinstance(e, BalanceUpdate) and e.change == "LIQUIDATION"]
    assert [(e.account, e.delta) for e in paid] == [("a", D(700))]
    assert (wallet(engine, "a"), wallet(engine, INSURANCE_ACCOUNT)) == (D(0), D(-700))


def test_open_orders_are_canceled_before_the_position_is_closed() -> None:
    engine = _long_fifty("1000")
    order = placed(engine, limit("a", "buy", "5", "90", cid="rest")).order
    events = engine.mark(SYMBOL, D(80), D(80), 7)
    changes = [(e.order.client_order_id, e.change) for e in events if isinstance(e, OrderUpdate)]
    assert changes[0] == ("rest", "CANCELED")
    assert order is not None
    assert order.status == "CANCELED"


def test_an_isolated_liquidation_leaves_the_rest_of_the_account_alone() -> None:
    engine = perps_with("a", **FREE)
    engine.set_margin_mode("a", SYMBOL, "isolated", 1)
    traded(engine, market("a", "sell", "40"), "100")
    traded(engine, market("a", "buy", "10")._replace(symbol=OTHER), "100")
    resting = placed(engine, limit("a", "buy", "1", "90")._replace(symbol=OTHER)).order
    engine.place_quotes(SYMBOL, [], [], 6)
    engine.mark(SYMBOL, D(150), D(150), 7)
    assert held(engine, "a").qty == 0
    assert held(engine, "a", symbol=OTHER).qty == D(10)
    assert resting is not None
    assert resting.status == "NEW"
    assert wallet(engine, "a") == D(800)


def test_cross_positions_go_one_after_the_other_until_the_rest_is_sound() -> None:
    engine = perps_with("a", money="600", **FREE)
    traded(engine, market("a", "buy", "80"), "100")
    traded(engine, market("a", "buy", "10")._replace(symbol=OTHER), "100")
    quoted(engine, "92.9", "93.1")
    engine.mark(SYMBOL, D("92.9"), D("92.9"), 7)
    assert held(engine, "a").qty == 0
    assert held(engine, "a", symbol=OTHER).qty == D(10)
    assert wallet(engine, "a") == D(600) - D("7.1") * 80


def test_profit_on_another_position_carries_a_cross_account() -> None:
    engine = perps_with("a", money="600", **FREE)
    traded(engine, market("a", "buy", "80"), "100")
    traded(engine, market("a", "sell", "20")._replace(symbol=OTHER), "100")
    engine.mark(OTHER, D(90), D(90), 6)
    engine.mark(SYMBOL, D("92.9"), D("92.9"), 7)
    assert held(engine, "a").qty == D(80)
    engine.mark(OTHER, D(100), D(100), 8)
    assert held(engine, "a").qty == 0


def test_money_that_left_after_the_last_mark_counts_at_the_next_one() -> None:
    engine = _long_fifty("2000")
    engine.mark(SYMBOL, D("99.9"), D("99.9"), 2)
    assert engine.transfer("a", "USDT", -engine.margin("a").withdrawable, 3).reject is None
    engine.mark(SYMBOL, D("95.3"), D("95.3"), 4)
    assert held(engine, "a").qty == 0


def test_who_closes_below_zero_is_made_whole_at_the_next_mark_price_of_any_contract() -> None:
    engine = _long_fifty()
    quoted(engine, "90", "91")
    placed(engine, market("a", "sell", "50"))
    assert wallet(engine, "a") == D(-200)
    engine.mark(OTHER, D(100), D(100), 5)
    assert (wallet(engine, "a"), wallet(engine, INSURANCE_ACCOUNT)) == (D(0), D(-200))
