"""Margin of the lab's perpetuals: what positions and orders need, modes, leverage, and purses that are shared."""

from __future__ import annotations

from decimal import Decimal

import pytest
from copydesk.venues.lab.accounts import Account
from copydesk.venues.lab.engine import Engine
from copydesk.venues.lab.model import BalanceUpdate, NewOrder, Reject
from copydesk.venues.lab.perp import PerpEngine
from lab_engine import BTC
from lab_perp import SYMBOL, contract, held, limit, market, perps_with, placed, quoted, traded, wallet

D = Decimal
FREE = {"maker_fee": D(0), "taker_fee": D(0)}


def test_a_position_needs_its_notional_at_the_mark_price_over_its_leverage() -> None:
    engine = perps_with("a", **FREE)
    traded(engine, market("a", "buy", "10"), "100")
    engine.mark(SYMBOL, D(110), D(110), 2)
    margin = engine.margin("a")
    assert (margin.wallet, margin.unrealized, margin.equity) == (D(1000), D(100), D(1100))
    assert (margin.initial_margin, margin.maint_margin) == (D(55), D("5.5"))
    assert (margin.available, margin.withdrawable) == (D(1100) - D(55), D(1000) - D(55))


def test_maintenance_follows_the_brackets() -> None:
    engine = perps_with("a", money="100000", **FREE)
    for qty, maint in (("100", "50"), ("200", "450"), ("200", "850")):
        traded(engine, market("a", "buy", qty), "100")
        assert held(engine, "a").maint_margin == D(maint)


def test_orders_of_both_sides_net_against_the_position_and_each_other() -> None:
    engine = perps_with("a", **FREE)
    placed(engine, limit("a", "buy", "10", "90"))
    assert engine.margin("a").order_margin == D(45)
    placed(engine, limit("a", "sell", "5", "120"))
    assert engine.margin("a").order_margin == D(45)
    traded(engine, market("a", "buy", "5"), "100")
    assert engine.margin("a").order_margin == D(45)
    assert engine.margin("a").initial_margin == D(25)


def test_an_order_beyond_the_margin_is_refused_and_a_closing_one_never() -> None:
    engine = perps_with("a", money="100", **FREE)
    assert engine.check(limit("a", "buy", "20.001", "100")) == Reject.INSUFFICIENT_MARGIN
    traded(engine, market("a", "buy", "20"), "100")
    engine.mark(SYMBOL, D(97), D(97), 2)
    assert engine.margin("a").available == 0
    assert engine.check(limit("a", "buy", "1", "90")) == Reject.INSUFFICIENT_MARGIN
    assert engine.check(limit("a", "sell", "20", "97")) is None
    assert engine.check(limit("a", "sell", "40", "97")) is None


def test_the_fee_and_the_loss_at_once_are_part_of_what_an_order_needs() -> None:
    engine = perps_with("a", money="100", taker_fee=D("0.001"), maker_fee=D(0))
    assert engine.check(limit("a", "buy", "19.6", "100")) is None
    assert engine.check(limit("a", "buy", "19.7", "100")) == Reject.INSUFFICIENT_MARGIN
    quoted(engine, "90", "110")
    assert engine.check(market("a", "buy", "6.4")) is None
    assert engine.check(market("a", "buy", "6.5")) == Reject.INSUFFICIENT_MARGIN


def test_a_position_may_not_outgrow_the_bracket_of_its_leverage() -> None:
    engine = perps_with("a", money="100000")
    assert engine.check(limit("a", "buy", "501", "100")) == Reject.POSITION_LIMIT
    assert engine.set_leverage("a", SYMBOL, 5, 1).reject is None
    placed(engine, limit("a", "buy", "501", "100"))
    assert engine.set_leverage("a", SYMBOL, 20, 2).reject == Reject.POSITION_LIMIT


@pytest.mark.parametrize(
    ("leverage", "reject"),
    [(0, Reject.LEVERAGE_INVALID), (101, Reject.LEVERAGE_INVALID), (20, Reject.LEVERAGE_UNCHANGED), (100, None)],
)
def test_leverage_lies_within_the_brackets(leverage: int, reject: Reject | None) -> None:
    assert perps_with("a").set_leverage("a", SYMBOL, leverage, 1).reject == reject


def test_less_leverage_needs_more_margin_than_there_may_be() -> None:
    engine = perps_with("a", money="100", **FREE)
    traded(engine, market("a", "buy", "10"), "100")
    assert engine.set_leverage("a", SYMBOL, 5, 2).reject == Reject.INSUFFICIENT_MARGIN
    assert engine.settings("a", SYMBOL).leverage == 20
    assert engine.set_leverage("a", SYMBOL, 10, 2).reject is None
    assert engine.margin("a").initial_margin == D(100)


def test_the_margin_mode_cannot_change_under_a_position() -> None:
    engine = perps_with("a")
    assert engine.set_margin_mode("a", SYMBOL, "cross", 1).reject == Reject.MARGIN_MODE_UNCHANGED
    assert engine.set_margin_mode("a", SYMBOL, "isolated", 1).reject is None
    traded(engine, market("a", "buy", "1"), "100")
    assert engine.set_margin_mode("a", SYMBOL, "cross", 1).reject == Reject.MARGIN_MODE_IN_USE


def test_an_isolated_position_sets_its_own_margin_apart_and_gives_it_back_in_parts() -> None:
    engine = perps_with("a", **FREE)
    engine.set_margin_mode("a", SYMBOL, "isolated", 1)
    traded(engine, market("a", "buy", "4"), "100")
    position = held(engine, "a")
    assert (position.isolated_margin, position.bankruptcy_px) == (D(20), D(95))
    assert position.liquidation_px == (D(380) / D("3.98")).quantize(D("0.1"))
    assert engine.margin("a").withdrawable == D(980)
    traded(engine, market("a", "sell", "1"), "100")
    assert (held(engine, "a").isolated_margin, engine.margin("a").withdrawable) == (D(15), D(985))


def test_isolated_margin_is_added_and_taken_down_to_what_the_position_needs() -> None:
    engine = perps_with("a", **FREE)
    assert engine.move_margin("a", SYMBOL, "net", D(1), 1).reject == Reject.NO_POSITION
    engine.set_margin_mode("a", SYMBOL, "isolated", 1)
    traded(engine, market("a", "buy", "4"), "100")
    assert engine.move_margin("a", SYMBOL, "net", D(981), 2).reject == Reject.INSUFFICIENT_MARGIN
    assert engine.move_margin("a", SYMBOL, "net", D(30), 2).reject is None
    assert (held(engine, "a").isolated_margin, wallet(engine, "a")) == (D(50), D(1000))
    assert engine.move_margin("a", SYMBOL, "net", D("-30.1"), 2).reject == Reject.INSUFFICIENT_MARGIN
    assert engine.move_margin("a", SYMBOL, "net", D(-30), 2).reject is None


def test_a_cross_positions_ruin_prices_count_all_the_money_there_is() -> None:
    engine = perps_with("a", **FREE)
    traded(engine, market("a", "sell", "50"), "100")
    position = held(engine, "a")
    assert position.bankruptcy_px == D(120)
    assert position.liquidation_px == (D(6000) / D("50.25")).quantize(D("0.1"))


def test_money_leaves_only_as_far_as_it_is_withdrawable() -> None:
    engine = perps_with("a", **FREE)
    traded(engine, market("a", "buy", "10"), "100")
    engine.mark(SYMBOL, D(90), D(90), 2)
    assert engine.transfer("a", "USDT", D("-855.01"), 2).reject == Reject.INSUFFICIENT_BALANCE
    change = engine.transfer("a", "USDT", D(-855), 2)
    assert change.reject is None
    told = change.events[0]
    assert isinstance(told, BalanceUpdate)
    assert (told.change, told.delta, told.market, told.balances) == (
        "TRANSFER",
        D(-855),
        "perp",
        (("USDT", D(145), D(0)),),
    )


def test_an_unknown_account_or_symbol_is_named() -> None:
    engine = perps_with("a")
    assert engine.check(market("nobody", "buy", "1")) == Reject.UNKNOWN_ACCOUNT
    assert engine.check(market("a", "buy", "1")._replace(symbol="X")) == Reject.UNKNOWN_SYMBOL
    assert engine.set_leverage("a", "X", 5, 1).reject == Reject.UNKNOWN_SYMBOL
    assert engine.transfer("nobody", "USDT", D(1), 1).reject == Reject.UNKNOWN_ACCOUNT


def test_spot_cannot_spend_what_perpetuals_hold_in_a_shared_purse() -> None:
    spot = Engine([BTC])
    spot.create_account("a", {"USDT": D(1000)})
    perp = PerpEngine([contract()], purses=spot.account_table, **FREE)
    perp.open_account("a")
    perp.mark(SYMBOL, D(100), D(100), 0)
    traded(perp, market("a", "buy", "40"), "100")
    assert spot.account_table["a"].available("USDT") == D(800)
    assert spot.check(_spot_buy("8.001")) == Reject.INSUFFICIENT_BALANCE
    assert spot.check(_spot_buy("8")) is None
    perp.mark(SYMBOL, D(95), D(95), 1)
    assert spot.account_table["a"].available("USDT") == D(1000) - D(190) - D(200)
    spot.submit(_spot_buy("6"), 2)
    assert (perp.margin("a").wallet, perp.margin("a").withdrawable) == (D(400), D(10))


def _spot_buy(qty: str) -> NewOrder:
    return NewOrder("a", "", SYMBOL, "buy", "limit", qty=D(qty), px=D(100))


def test_contracts_of_two_settle_currencies_are_two_exchanges() -> None:
    purses: dict[str, Account] = {}
    with pytest.raises(ValueError, match="settle in one currency"):
        PerpEngine([BTC, contract("ETHUSDT")], purses=purses)
