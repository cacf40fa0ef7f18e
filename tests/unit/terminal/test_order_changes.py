"""Changing an order that rests: what was typed, judged by the rules of a ticket."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from copydesk.terminal import HandOrder, OrderState, Part, Planned, Problem, Rules
from copydesk.terminal.change import Change, changes_in_place, read_change
from copydesk.trading import Instrument, OrderType, Side
from copydesk.venues import TRAITS

D = Decimal
PAIR = Instrument("binance", "BTC/USDT", "BTCUSDT", "BTC", "USDT", D("0.01"), D("0.001"), D("0.001"), D(90), D(5))
RESTS = HandOrder(
    *(1, 2, 3),
    Planned(PAIR.symbol, Side.BUY, OrderType.LIMIT, D("0.01"), D(60000)),
    OrderState.OPEN,
    datetime(2026, 11, 1, tzinfo=UTC),
    cum_qty=D("0.004"),
)
RULES = Rules(PAIR, TRAITS["binance"], D(64000), free=D(1), held=D(0))


def test_new_terms_are_the_whole_order_and_money_is_the_exchanges_business() -> None:
    assert read_change({"qty": "0.02", "px": "61000"}, RESTS, RULES) == (Change(D("0.02"), D(61000)), {})


@pytest.mark.parametrize(
    ("typed", "field", "problem"),
    [
        ({"qty": "0.004", "px": "61000"}, "qty", Problem.BELOW_FILLED),
        ({"qty": "0.01", "px": "60000"}, "", Problem.UNCHANGED),
        ({"qty": "0.01", "px": "60000.001"}, "px", Problem.OFF_TICK),
        ({"qty": "", "px": "61000"}, "qty", Problem.MISSING),
    ],
)
def test_what_is_wrong_is_named_at_its_field(typed: dict[str, str], field: str, problem: Problem) -> None:
    change, problems = read_change(typed, RESTS, RULES)
    assert change is None
    assert {name: found.problem for name, found in problems.items()} == {field: problem}


def test_only_a_limit_order_that_rests_is_changed() -> None:
    assert RESTS.amendable
    assert not RESTS._replace(state=OrderState.FILLED).amendable
    stop = RESTS.planned._replace(type=OrderType.STOP_LIMIT)
    assert not RESTS._replace(planned=stop).amendable
    assert not RESTS._replace(planned=RESTS.planned._replace(part=Part.TAKE_PROFIT)).amendable


def test_where_an_order_keeps_its_place_is_a_fact_of_the_exchange() -> None:
    swap = replace(PAIR, symbol="BTC/USDT:USDT").symbol
    in_place = {(name, one) for name in TRAITS for one in (PAIR.symbol, swap) if changes_in_place(one, TRAITS[name])}
    assert in_place == {("binance", swap), ("okx", PAIR.symbol), ("okx", swap), ("bybit", PAIR.symbol), ("bybit", swap)}
