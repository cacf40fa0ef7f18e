"""Which limits on equity are broken, exactly where each lies, and which act comes first."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from copydesk.risk.equity_rules import Broken, EquityState, Level, Spans, broken_limits, equity_bounds, level_of
from copydesk.risk.grammar import parse, text_of
from copydesk.risk.limits import effective
from copydesk.risk.measures import Subject
from copydesk.risk.model import Scope, Scoped

D = Decimal
STATE = EquityState(
    equity=D(950),
    balance=D(900),
    opened=Spans(day=D(1000), week=D(1100), month=D(800), start=D(500)),
    realised=Spans(day=D(-30), week=D(20), month=D(-40), start=D(100)),
    peak=D(1200),
    margin_distance=D("0.08"),
)


def broken(*lines: str, scope: Scope = Scope.SUBSCRIPTION, **changed: Any) -> list[str]:
    return [text_of(each.scoped.limit) for each in found(*lines, scope=scope, **changed)]


def found(*lines: str, scope: Scope = Scope.SUBSCRIPTION, **changed: Any) -> tuple[Broken, ...]:
    limits = effective(Scoped(scope, parse(line)) for line in lines)
    bounds = [each for subject in Subject for each in equity_bounds(limits, subject, currency="USDT")]
    return broken_limits(tuple(bounds), STATE._replace(**changed))


def level(line: str) -> Level | None:
    limits = effective([Scoped(Scope.SUBSCRIPTION, parse(line))])
    bounds = [each for subject in Subject for each in equity_bounds(limits, subject, currency="USDT")]
    return level_of(bounds[0], STATE)


@pytest.mark.parametrize(
    ("line", "now", "at", "floor"),
    [
        ("loss > 4 % of equity per day -> warn", "950", "960", True),
        ("loss > 4 % of balance per day -> warn", "950", "964", True),
        ("loss > 40 USDT of equity per day -> warn", "950", "960", True),
        ("loss > 15 % of equity per week -> warn", "950", "935", True),
        ("loss > 15 % of equity -> warn", "950", "425", True),
        ("loss > 2 % of realised per day -> warn", "-30", "-20", True),
        ("loss > 20 USDT of realised per month -> warn", "-40", "-20", True),
        ("profit > 50 % of equity -> close", "950", "750", False),
        ("profit > 10 % of balance per month -> close", "950", "890", False),
        ("profit > 90 USDT of realised -> close", "100", "90", False),
        ("drawdown > 20 % of equity -> close", "950", "960", True),
        ("drawdown > 30 % of balance -> close", "950", "930", True),
        ("drawdown > 249.5 USDT of equity -> close", "950", "950.5", True),
        ("margin_distance < 10 % -> close", "0.08", "0.1", True),
    ],
)
def test_a_limit_lies_where_its_line_says(line: str, now: str, at: str, floor: bool) -> None:
    assert level(line) == Level(D(now), D(at), floor)
    assert broken(line) == ([line] if (D(now) < D(at)) is floor else [])


def test_equity_exactly_at_a_limit_does_not_break_it() -> None:
    line = "loss > 5 % of equity per day -> close"
    assert broken(line) == []
    assert broken(line, equity=D("949.999999999999999999")) == [line]


def test_the_severest_act_comes_first() -> None:
    lines = (
        "loss > 4 % of equity per day -> warn",
        "drawdown > 20 % of equity -> close_and_disarm",
        "margin_distance < 10 % -> block_opens",
        "profit > 50 % of equity -> close",
    )
    assert broken(*lines) == [lines[1], lines[3], lines[2], lines[0]]


def test_what_is_left_until_a_limit_is_told_in_its_own_measure() -> None:
    far, near = level("loss > 15 % of equity per week -> warn"), level("profit > 50 % of equity -> close")
    assert far is not None
    assert near is not None
    assert (far.left, near.left) == (15, -200)
    assert not far.broken
    assert near.broken


def test_without_a_position_at_risk_no_distance_is_too_small() -> None:
    assert broken("margin_distance < 10 % -> close", margin_distance=None) == []


def test_a_limit_of_the_account_is_held_against_the_account_alone() -> None:
    limits = effective(
        [
            Scoped(Scope.ACCOUNT, parse("loss > 15 % of equity -> close")),
            Scoped(Scope.TENANT, parse("loss > 20 % of equity -> close")),
            Scoped(Scope.TENANT, parse("margin_distance < 10 % -> close")),
            Scoped(Scope.TENANT, parse("order > 10 USDT -> shrink")),
        ]
    )
    told = {
        subject: [text_of(bound.scoped.limit) for bound in equity_bounds(limits, subject, currency="USDT")]
        for subject in Subject
    }
    assert told == {
        Subject.SUBSCRIPTION: ["loss > 20 % of equity -> close"],
        Subject.ACCOUNT: ["loss > 15 % of equity -> close", "margin_distance < 10 % -> close"],
    }


def test_an_amount_in_another_currency_says_nothing() -> None:
    assert broken("loss > 1 USDC of equity per day -> close") == []


def test_an_account_that_lost_everything_breaks_every_stop() -> None:
    lines = ("loss > 100 % of equity -> close", "drawdown > 99 % of equity -> close")
    assert broken(*lines, equity=D("-0.01")) == [*lines]
