"""What the guard keeps of a strategy's equity: few points that are judged as all would be, and payments told apart."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from copydesk.risk.grammar import parse
from copydesk.risk.guard import EquityPoint, judge, judge_worths
from copydesk.risk.track import Track, flow_between

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
TOKYO = ZoneInfo("Asia/Tokyo")
LIMITS = [
    parse(line)
    for line in (
        "loss > 5 % of equity per day -> block_opens",
        "loss > 90 USDT of equity per week -> block_opens",
        "loss > 9 % of equity per month -> block_opens",
        "loss > 10 % of equity -> warn",
        "drawdown > 12 % of equity -> block_opens",
        "drawdown > 120 USDT of equity -> block_opens",
    )
]


def track_of(*equities: int | str, every: timedelta = timedelta(minutes=1), zone: ZoneInfo = TOKYO) -> Track:
    track = Track(zone)
    for number, equity in enumerate(equities):
        track.see(BEGAN + number * every, Decimal(equity))
    return track


@pytest.mark.parametrize("seed", range(5))
def test_the_points_that_are_kept_are_judged_as_all_of_them_would_be(seed: int) -> None:
    chance, track, points = random.Random(seed), Track(TOKYO), list[EquityPoint]()
    at, equity = BEGAN, Decimal(1000)
    for _ in range(300):
        at += timedelta(minutes=chance.choice((7, 60, 200, 540)))
        equity += Decimal(chance.randint(-20, 20))
        track.see(at, equity)
        points.append(EquityPoint(at, equity))
        of_all = judge(points, LIMITS, now=at, zone=TOKYO)
        assert judge_worths(track.worths, LIMITS, now=at, zone=TOKYO) == of_all
    assert len(track.worths) <= 7


def test_a_withdrawal_while_nothing_is_held_is_no_loss() -> None:
    track = track_of(1000, 1000, 500, 495)
    verdict = judge_worths(track.worths, LIMITS[4:5], now=BEGAN + timedelta(minutes=5), zone=TOKYO)
    assert [finding.value for finding in verdict.findings] == [Decimal(1)]


def test_a_deposit_does_not_wash_a_loss_away() -> None:
    track = track_of(1000, 850, 2000)
    (finding,) = judge_worths(track.worths, LIMITS[4:5], now=BEGAN + timedelta(minutes=5), zone=TOKYO).findings
    assert (finding.value, finding.broken) == (Decimal(15), True)


@pytest.mark.parametrize(
    ("told", "flow"),
    [
        ({}, -600),
        ({"traded": True}, 0),
        ({"exposure": Decimal(5000)}, 0),
        ({"minutes": 11}, 0),
        ({"equity": Decimal(760)}, 0),
    ],
)
def test_what_a_trade_a_position_a_long_silence_or_prices_may_explain_is_no_payment(told, flow: int) -> None:
    told = {"traded": False, "exposure": Decimal(0), "minutes": 1, "equity": Decimal(400)} | told
    at = BEGAN + timedelta(minutes=told.pop("minutes"))
    assert flow_between(EquityPoint(BEGAN, Decimal(1000)), at, told.pop("equity"), **told) == flow


def test_what_a_position_lost_without_a_trade_stays_a_loss() -> None:
    track = Track(TOKYO)
    track.see(BEGAN, Decimal(1000))
    track.trade("BTC/USDT:USDT", "net", Decimal(5000))
    track.see(BEGAN + timedelta(minutes=1), Decimal(1000))
    track.see(BEGAN + timedelta(minutes=2), Decimal(400))
    assert track.worths[-1].unit == Decimal("0.4")


def test_a_point_that_is_not_newer_says_nothing() -> None:
    track = track_of(1000, 900)
    track.see(BEGAN, Decimal(1))
    assert track.worths[-1].earned == 900
