"""Limits in words become levels of equity, the nearest of each kind; what prices alone cannot break has none."""

from __future__ import annotations

from decimal import Decimal

import pytest
from copydesk.risk.equity_rules import EquityState, Spans, equity_bounds
from copydesk.risk.grammar import parse
from copydesk.risk.levels import Levels, nearest_levels, on_equity
from copydesk.risk.limits import effective
from copydesk.risk.measures import Subject
from copydesk.risk.model import Scope, Scoped

D = Decimal
STATE = EquityState(
    equity=D(1000),
    balance=D(2000),
    opened=Spans(day=D(900), week=D(950), month=D(980), start=D(1000)),
    realised=Spans(D(0), D(0), D(0), D(0)),
    peak=D(1200),
    margin_distance=D("0.5"),
)


def bounds(*lines: str):
    limits = effective([Scoped(Scope.SUBSCRIPTION, parse(line)) for line in lines])
    return equity_bounds(limits, Subject.SUBSCRIPTION, currency="USDT")


@pytest.mark.parametrize(
    ("line", "levels"),
    [
        ("loss > 5 % of equity per day -> close", Levels(floor=D(855))),
        ("loss > 50 USDT of equity per week -> close", Levels(floor=D(900))),
        ("loss > 10 % of balance per month -> warn", Levels(floor=D(780))),
        ("profit > 50 % of equity -> close", Levels(ceiling=D(1500))),
        ("profit > 250 USDT of equity -> close", Levels(ceiling=D(1250))),
        ("drawdown > 20 % of equity -> close_and_disarm", Levels(trail_share=D("0.8"))),
        ("drawdown > 100 USDT of equity -> close", Levels(trail_amount=D(100))),
        ("drawdown > 5 % of balance -> close", Levels(trail_amount=D(100))),
    ],
)
def test_a_limit_lies_at_a_level(line: str, levels: Levels) -> None:
    assert nearest_levels(bounds(line), STATE) == levels


def test_the_levels_that_are_reached_first_are_kept() -> None:
    found = bounds(
        "loss > 5 % of equity per day -> close",
        "loss > 5 % of equity -> warn",
        "profit > 50 % of equity -> close",
        "profit > 10 % of equity per day -> warn",
        "drawdown > 20 % of equity -> close",
        "drawdown > 10 % of equity -> warn",
        "drawdown > 500 USDT of equity -> close",
        "drawdown > 5 % of balance -> close",
    )
    assert len(found) == 8
    assert nearest_levels(found, STATE) == Levels(D(950), D("0.9"), D(100), D(990))


@pytest.mark.parametrize("line", ["loss > 500 USDT of realised per week -> warn", "profit > 5 % of realised -> warn"])
def test_a_limit_that_prices_alone_do_not_break_has_no_level(line: str) -> None:
    (bound,) = bounds(line)
    assert not on_equity(bound)
    assert nearest_levels([bound], STATE) == Levels()
