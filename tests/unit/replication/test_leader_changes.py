"""A leader who changes leverage or margin without trading is told to followers; everything else is not."""

from __future__ import annotations

from typing import Any

import pytest
from copydesk.replication import NewsKind
from copydesk.replication.leader_events import distance, leader_changes, margin_moved
from copydesk.trading import MarginMode, PositionSide
from copydesk.venues import FundingPayment, Position
from plan_values import D

HELD = Position("BTC/USDT:USDT", PositionSide.NET, D(1), D(100), D(110), 5, MarginMode.ISOLATED, D(10), D(80))


def kinds(**changed: Any) -> list[NewsKind]:
    return [change.kind for change in leader_changes([HELD], [HELD._replace(**changed)])]


def test_another_leverage_is_told_with_both_liquidation_prices() -> None:
    now = HELD._replace(leverage=10, liquidation_px=D(90))
    (change,) = leader_changes([HELD], [now])
    assert (change.kind, change.before.liquidation_px, change.now.liquidation_px) == (NewsKind.LEVERAGE, 80, 90)


@pytest.mark.parametrize("px", [D(70), D(90), None])
def test_more_or_less_margin_shows_in_the_liquidation_price(px: Any) -> None:
    assert kinds(liquidation_px=px) == [NewsKind.MARGIN]


def test_a_liquidation_price_that_drifts_tells_nothing() -> None:
    assert kinds(liquidation_px=D(81)) == []
    assert kinds(mark_px=D(120), unrealized=D(20)) == []


def test_what_was_traded_is_a_signal_and_no_event() -> None:
    assert kinds(qty=D(2), liquidation_px=D(90)) == []
    assert kinds(entry_px=D(101), liquidation_px=D(90)) == []


def test_a_position_that_is_new_or_gone_tells_nothing() -> None:
    assert leader_changes([], [HELD]) == []
    assert leader_changes([HELD], []) == []
    assert leader_changes([HELD._replace(side=PositionSide.LONG)], [HELD]) == []


def test_the_distance_to_liquidation_is_a_share_of_the_price() -> None:
    assert distance(D(100), D(80)) == D("0.2")
    assert distance(D(100), D(120)) == D("0.2")
    assert distance(D(100), None) is None
    assert distance(None, D(80)) is None


ISOLATED = HELD._replace(margin=D(20))


def funding(amount: str) -> FundingPayment:
    return FundingPayment(f"funding {amount}", HELD.symbol, D(amount), "USDT", 0)


def amounts(now: Position, *paid: FundingPayment) -> list[Any]:
    return [change.amount for change in leader_changes([ISOLATED], [now], paid)]


def test_margin_that_was_added_or_taken_is_told_with_its_amount_however_little_the_liquidation_price_moves() -> None:
    assert amounts(ISOLATED._replace(margin=D(30), liquidation_px=D("79.9"))) == [10]
    assert amounts(ISOLATED._replace(margin=D(15), liquidation_px=D("80.1"))) == [-5]


def test_funding_that_an_isolated_margin_paid_or_received_is_nobodys_act() -> None:
    assert amounts(ISOLATED._replace(margin=D(19)), funding("-1")) == []
    assert amounts(ISOLATED._replace(margin=D("22.5")), funding("1.5"), funding("1")) == []
    assert amounts(ISOLATED._replace(margin=D(29)), funding("-1")) == [10]


def test_funding_that_the_reading_before_had_in_it_already_tells_nothing() -> None:
    assert amounts(ISOLATED, funding("-1")) == []


def test_what_is_rounded_off_a_margin_tells_nothing() -> None:
    assert amounts(ISOLATED._replace(margin=D("19.95"))) == []


def test_funding_need_be_asked_for_only_where_a_margin_has_moved() -> None:
    assert margin_moved([ISOLATED], [ISOLATED._replace(margin=D(30))])
    assert not margin_moved([ISOLATED], [ISOLATED])
    assert not margin_moved([ISOLATED], [ISOLATED._replace(leverage=10, margin=D(30))])
    assert not margin_moved([HELD], [HELD._replace(liquidation_px=D(60))])
