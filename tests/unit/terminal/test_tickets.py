"""What people type into a ticket: the orders that it means, or the problem with each field."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from copydesk.terminal import Part, Problem, Rules, Ticket, read_exits, read_leverage, read_ticket
from copydesk.terminal.exits import exit_qty
from copydesk.trading import Instrument, MarginMode, OrderType, PositionSide, Side, TimeInForce
from copydesk.venues import TRAITS
from hypothesis import given
from hypothesis import strategies as st

D = Decimal
SPOT = Instrument(
    venue="binance",
    symbol="BTC/USDT",
    venue_symbol="BTCUSDT",
    base="BTC",
    quote="USDT",
    px_tick=D("0.01"),
    qty_step=D("0.00001"),
    qty_min=D("0.00001"),
    qty_max=D(9000),
    notional_min=D(5),
)
SWAP = replace(
    SPOT,
    symbol="BTC/USDT:USDT",
    settle="USDT",
    px_tick=D("0.1"),
    qty_step=D("0.001"),
    qty_min=D("0.001"),
    notional_min=D(50),
    leverage_max=125,
)
PX = D(64000)


def rules(instrument: Instrument = SPOT, venue: str = "binance", **known: object) -> Rules:
    told = {"px": PX, "held": D(1) if not instrument.perpetual else D(0), "free": D(10_000)} | known
    return Rules(instrument, TRAITS[venue], **told)  # type: ignore[arg-type]


def read(form_rules: Rules, **form: str) -> Ticket:
    return read_ticket({"side": "buy", "type": "limit", "qty": "0.01", "px": "60000", **form}, form_rules)


def problems(ticket: Ticket) -> dict[str, Problem]:
    assert ticket.order is None or not ticket.problems
    return {name: found.problem for name, found in ticket.problems.items()}


def test_a_limit_ticket_is_one_order() -> None:
    order = read(rules(), qty="0,01").order
    assert order is not None
    assert (order.symbol, order.side, order.type) == ("BTC/USDT", Side.BUY, OrderType.LIMIT)
    assert (order.qty, order.px, order.time_in_force) == (D("0.01"), D(60000), TimeInForce.GTC)
    assert not order.reduce_only


def test_an_amount_of_quote_currency_is_rounded_down_to_the_step() -> None:
    ticket = read(rules(), type="market", qty="100", unit="quote", px="")
    assert ticket.order is not None
    assert ticket.order.qty == D("0.00156")
    assert ticket.rounded_from == D(100) / PX


def test_a_stop_limit_ticket_names_both_prices() -> None:
    order = read(rules(), type="stop_limit", stop_px="65000", px="65100").order
    assert order is not None
    assert (order.type, order.stop_px, order.px) == (OrderType.STOP_LIMIT, D(65000), D(65100))


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        ({"qty": ""}, {"qty": Problem.MISSING}),
        ({"qty": "many"}, {"qty": Problem.NOT_A_NUMBER}),
        ({"qty": "1.000,5"}, {"qty": Problem.NOT_A_NUMBER}),
        ({"qty": "-"}, {"qty": Problem.NOT_A_NUMBER}),
        ({"qty": "0"}, {"qty": Problem.NOT_ABOVE_ZERO}),
        ({"qty": "-1"}, {"qty": Problem.NOT_ABOVE_ZERO}),
        ({"qty": "0." + "0" * 18 + "1"}, {"qty": Problem.TOO_MANY_DIGITS}),
        ({"qty": "9" * 40}, {"qty": Problem.TOO_MANY_DIGITS}),
        ({"qty": "0.000001"}, {"qty": Problem.BELOW_STEP}),
        ({"qty": "9001"}, {"qty": Problem.ABOVE_QTY_MAX}),
        ({"qty": "0.00005"}, {"qty": Problem.BELOW_NOTIONAL_MIN}),
        ({"qty": "1"}, {"qty": Problem.ABOVE_BALANCE}),
        ({"px": "60000.001"}, {"px": Problem.OFF_TICK}),
        ({"px": ""}, {"px": Problem.MISSING}),
        ({"type": "odd"}, {"type": Problem.UNKNOWN_CHOICE}),
        ({"side": ""}, {"side": Problem.UNKNOWN_CHOICE}),
        ({"type": "stop_limit"}, {"stop_px": Problem.MISSING}),
        ({"type": "stop_limit", "stop_px": "63000"}, {"stop_px": Problem.STOP_WRONG_SIDE}),
        ({"take_profit_px": "59000"}, {"take_profit_px": Problem.EXIT_WRONG_SIDE}),
        ({"stop_loss_px": "61000"}, {"stop_loss_px": Problem.EXIT_WRONG_SIDE}),
        ({"take_profit_px": "70000", "stop_loss_px": "50000"}, {"stop_loss_px": Problem.ONE_EXIT_ONLY}),
        ({"side": "sell", "take_profit_px": "50000"}, {"take_profit_px": Problem.EXITS_ON_REDUCING}),
        ({"side": "sell", "qty": "2"}, {"qty": Problem.ABOVE_BALANCE}),
    ],
)
def test_what_is_wrong_is_named_at_its_field(form: dict[str, str], wrong: dict[str, Problem]) -> None:
    assert problems(read(rules(), **form)) == wrong


def test_a_price_between_two_ticks_is_named_with_its_neighbors() -> None:
    found = read(rules(SWAP), qty="0.01", px="60000.17").problems["px"]
    assert found.facts == {"low": "60000.1", "high": "60000.2", "tick": "0.1"}


def test_without_any_price_a_market_order_by_amount_is_not_guessed() -> None:
    assert problems(read(rules(px=None), type="market", unit="quote", qty="100")) == {"qty": Problem.NO_PRICE}
    assert problems(read(rules(px=None), type="market", qty="0.1")) == {"qty": Problem.NO_PRICE}


def test_an_instrument_that_is_halted_takes_no_order() -> None:
    assert problems(read(rules(replace(SPOT, trading=False)))) == {"": Problem.NOT_TRADING}


def test_a_perpetual_reduces_only_what_is_held() -> None:
    assert problems(read(rules(SWAP), side="sell", reduce_only="yes")) == {"qty": Problem.NOTHING_HELD}
    too_much = read(rules(SWAP, held=D("0.005")), side="sell", reduce_only="yes", px="66000")
    assert problems(too_much) == {"qty": Problem.ABOVE_BALANCE}
    order = read(rules(SWAP, held=D("0.02")), side="sell", reduce_only="yes", px="66000").order
    assert order is not None
    assert order.reduce_only


def test_a_reducing_order_may_be_worth_less_than_the_minimum_on_a_perpetual() -> None:
    order = read(rules(SWAP, held=D("0.02")), side="sell", qty="0.0005", reduce_only="yes", px="66000")
    assert problems(order) == {"qty": Problem.BELOW_STEP}
    small = replace(SWAP, notional_min=D(500))
    assert read(rules(small, held=D("0.02")), side="sell", qty="0.001", reduce_only="yes", px="66000").order


def test_in_hedge_mode_a_purchase_opens_a_long_and_closes_a_short_position() -> None:
    opens = read(rules(SWAP, hedge=True)).order
    closes = read(rules(SWAP, hedge=True, held=D("-0.01")), reduce_only="yes").order
    assert opens is not None
    assert closes is not None
    assert (opens.position_side, closes.position_side) == (PositionSide.LONG, PositionSide.SHORT)


def test_exits_are_attached_where_the_exchange_takes_them_and_follow_elsewhere() -> None:
    exits = {"take_profit_px": "70000", "stop_loss_px": "55000"}
    attached = read(rules(SWAP, "bybit"), **exits)
    assert attached.order is not None
    assert (attached.order.take_profit_px, attached.order.stop_loss_px) == (D(70000), D(55000))
    assert attached.exits == ()
    following = read(rules(SWAP, "binance"), **exits)
    assert following.order is not None
    assert following.order.take_profit_px is None
    assert [(one.part, one.type, one.side, one.stop_px) for one in following.exits] == [
        (Part.TAKE_PROFIT, OrderType.TAKE_PROFIT_MARKET, Side.SELL, D(70000)),
        (Part.STOP_LOSS, OrderType.STOP_MARKET, Side.SELL, D(55000)),
    ]
    assert all(one.reduce_only for one in following.exits)


def test_a_position_takes_one_exit_or_both() -> None:
    short = rules(SWAP, held=D("-0.03"))
    one = read_exits({"stop_loss_px": "66000"}, short)
    assert [(exit_.side, exit_.qty, exit_.stop_px) for exit_ in one.exits] == [(Side.BUY, D("0.03"), D(66000))]
    assert problems(read_exits({}, short)) == {"take_profit_px": Problem.MISSING}
    assert problems(read_exits({"take_profit_px": "66000"}, short)) == {"take_profit_px": Problem.EXIT_WRONG_SIDE}
    assert problems(read_exits({"take_profit_px": "66000"}, rules(SWAP))) == {"": Problem.NOTHING_HELD}


def test_leverage_is_a_whole_number_up_to_the_exchanges_highest() -> None:
    assert read_leverage({"leverage": "20", "margin_mode": "isolated"}, SWAP) == (20, MarginMode.ISOLATED, {})
    for typed, wrong in (("2.5", Problem.NOT_A_NUMBER), ("126", Problem.ABOVE_LEVERAGE_MAX), ("", Problem.MISSING)):
        number, _, found = read_leverage({"leverage": typed, "margin_mode": "cross"}, SWAP)
        assert number is None
        assert found["leverage"].problem is wrong
    assert read_leverage({"leverage": "2", "margin_mode": "odd"}, SWAP)[2]["margin_mode"].problem


def test_an_exit_on_spot_leaves_room_for_the_fee() -> None:
    assert exit_qty(D("0.01"), SPOT) == D("0.00998")
    assert exit_qty(D("0.01"), SWAP) == D("0.01")


@given(qty=st.decimals("0.00001", "0.15", places=8), px=st.decimals(1000, 100_000, places=2))
def test_an_order_is_never_larger_than_what_was_typed_and_always_one_the_exchange_takes(
    qty: Decimal, px: Decimal
) -> None:
    ticket = read(rules(), qty=str(qty), px=str(px))
    if ticket.order is None:
        assert ticket.problems
        return
    order = ticket.order
    assert order.qty <= qty
    assert order.qty % SPOT.qty_step == 0
    assert order.qty * px >= SPOT.notional_min


@given(text=st.text(max_size=40))
def test_whatever_is_typed_is_a_number_or_a_named_problem(text: str) -> None:
    ticket = read(rules(), qty=text)
    assert (ticket.order is None) == bool(ticket.problems)


def test_where_an_exchange_takes_no_market_purchase_a_limit_order_is_filled_at_once_or_not_at_all() -> None:
    form = {"side": "buy", "type": "market", "qty": "0.01", "unit": "base"}
    rules = Rules(SPOT, TRAITS["bitget"], PX)
    order = read_ticket(form, rules).order
    assert order is not None
    assert (order.type, order.px, order.time_in_force) == (OrderType.LIMIT, D(64640), TimeInForce.IOC)
    sale = read_ticket(form | {"side": "sell"}, rules).order
    swap = read_ticket(form, replace(rules, instrument=SWAP)).order
    assert sale is not None and swap is not None
    assert sale.type is swap.type is OrderType.MARKET
    assert read_ticket(form, replace(rules, px=None)).problems.keys() == {"qty"}
