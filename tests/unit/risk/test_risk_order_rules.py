"""What an opening order may be worth under limits, which limit bit, and why it was denied."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from copydesk.risk.grammar import parse, text_of
from copydesk.risk.limits import effective
from copydesk.risk.model import Measure, Scope, Scoped
from copydesk.risk.order_rules import DENIALS, Opening, OrderState, Purse, Sums, Verdict, judge_opening, order_bounds
from copydesk.trading import Denial

D = Decimal
# A subscription of 1 000 USDT on an account of 5 000.
OWN = Sums(D(1000), D(950), exposure=D(600), positions=2, orders=3)
ACCOUNT = Sums(D(5000), D(4800), exposure=D(2000), positions=6, orders=9)
STATE = OrderState(
    OWN,
    ACCOUNT,
    position=D(100),
    instrument=D(400),
    allocation=D(1000),
    allocation_total=D(3000),
    overlap=D(300),
    depth=D(50_000),
    volume=D(2_000_000),
    correlation=D("0.75"),
    margin_distance=D("0.12"),
    purse=Purse(D(4000), D(4500)),
)


def judged(
    *lines: str, notional: str = "250", leverage: int = 3, scope: Scope = Scope.SUBSCRIPTION, **known: Any
) -> Verdict:
    limits = effective(Scoped(scope, parse(line)) for line in lines)
    wanted = Opening(D(notional), "BTC/USDT", leverage)
    return judge_opening(order_bounds(limits, currency="USDT"), wanted, STATE._replace(**known))


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("order > 200 USDT -> shrink", "200"),
        ("order > 20 % of equity -> shrink", "200"),
        ("order > 20 % of balance -> shrink", "190"),
        ("position > 300 USDT -> shrink", "200"),
        ("position > 30 % of equity -> shrink", "200"),
        ("instrument > 500 USDT -> shrink", "100"),
        ("instrument > 10 % of equity -> shrink", "100"),
        ("exposure > 70 % of equity -> shrink", "100"),
        ("depth_share > 0.4 % -> shrink", "200"),
        ("overlap > 250 USDT -> shrink", "150"),
    ],
)
def test_an_order_is_cut_to_what_its_limit_leaves(line: str, left: str) -> None:
    verdict = judged(line)
    assert (verdict.notional, verdict.denial) == (D(left), None)
    assert verdict.bit is not None
    assert text_of(verdict.bit.limit) == line


@pytest.mark.parametrize(
    ("line", "denial"),
    [
        ("allocation > 24 % of balance -> block_opens", Denial.RISK_ALLOCATION_MAX),
        ("allocation > 22 % of equity -> block_opens", Denial.RISK_ALLOCATION_MAX),
        ("allocation_total > 74 % of balance -> block_opens", Denial.RISK_ALLOCATION_TOTAL_MAX),
        ("allocation_total > 2999 USDT -> block_opens", Denial.RISK_ALLOCATION_TOTAL_MAX),
        ("order > 249 USDT -> block_opens", Denial.RISK_ORDER_MAX),
        ("position > 100 USDT -> shrink", Denial.RISK_POSITION_MAX),
        ("instrument > 300 USDT -> shrink", Denial.RISK_INSTRUMENT_MAX),
        ("exposure > 60 % of equity -> shrink", Denial.RISK_EXPOSURE_MAX),
        ("leverage > 2 -> block_opens", Denial.RISK_LEVERAGE_MAX),
        ("orders > 3 per minute -> block_opens", Denial.RISK_ORDERS_MAX),
        ("depth_share > 0.4 % -> block_opens", Denial.RISK_DEPTH_SHARE_MAX),
        ("volume < 2000001 USDT per day -> block_opens", Denial.RISK_VOLUME_MIN),
        ("overlap > 100 USDT -> shrink", Denial.RISK_OVERLAP_MAX),
        ("correlation > 74 % -> block_opens", Denial.RISK_CORRELATION_MAX),
        ("margin_distance < 13 % -> block_opens", Denial.RISK_MARGIN_DISTANCE_MIN),
        ("instruments in ETH/USDT -> block_opens", Denial.RISK_INSTRUMENT_NOT_ALLOWED),
    ],
)
def test_an_order_that_a_limit_leaves_nothing_of_is_denied_by_name(line: str, denial: Denial) -> None:
    verdict = judged(line)
    assert (verdict.notional, verdict.denial) == (0, denial)
    assert verdict.bit is not None
    assert text_of(verdict.bit.limit) == line


@pytest.mark.parametrize(
    "line",
    [
        "allocation > 25 % of balance -> block_opens",
        "order > 250 USDT -> block_opens",
        "position > 350 USDT -> block_opens",
        "positions > 2 -> block_opens",
        "leverage > 3 -> block_opens",
        "orders > 4 per minute -> block_opens",
        "depth_share > 0.5 % -> block_opens",
        "volume < 2000000 USDT per day -> block_opens",
        "overlap > 300 USDT -> block_opens",
        "correlation > 75 % -> block_opens",
        "margin_distance < 12 % -> block_opens",
        "instruments in BTC/USDT -> block_opens",
        "margin_distance < 50 % -> close",
        "order > 1 USDC -> block_opens",
        "loss > 0.1 % of equity -> block_opens",
    ],
)
def test_an_order_at_its_limit_passes_and_what_is_not_about_orders_is_not_asked(line: str) -> None:
    assert judged(line) == Verdict(D(250), 3)


def test_a_limit_on_positions_counts_only_a_market_that_is_not_held_yet() -> None:
    line = "positions > 2 -> block_opens"
    assert judged(line).denial is None
    assert judged(line, position=D(0)).denial is Denial.RISK_POSITIONS_MAX
    assert judged("positions > 3 -> block_opens", position=D(0)).denial is None


def test_a_limit_of_the_account_measures_the_account() -> None:
    assert judged("exposure > 2100 USDT -> shrink", scope=Scope.ACCOUNT).notional == 100
    assert judged("position > 450 USDT -> shrink", scope=Scope.ACCOUNT).notional == 50
    assert judged("orders > 9 per minute -> block_opens", scope=Scope.ACCOUNT).denial is Denial.RISK_ORDERS_MAX


def test_leverage_is_lowered_and_the_size_left() -> None:
    verdict = judged("leverage > 2 -> shrink")
    assert (verdict.notional, verdict.leverage, verdict.denial) == (250, 2, None)
    assert verdict.bit is not None


def test_the_smallest_of_what_several_limits_leave_counts() -> None:
    verdict = judged("order > 240 USDT -> shrink", "exposure > 70 % of equity -> shrink", "leverage > 2 -> shrink")
    assert (verdict.notional, verdict.leverage) == (100, 2)
    assert verdict.bit is not None
    assert verdict.bit.limit.measure is Measure.EXPOSURE


def test_a_limit_that_blocks_is_held_against_what_was_wanted_not_against_what_is_left() -> None:
    assert judged("order > 100 USDT -> shrink", "order > 200 USDT -> block_opens").denial is Denial.RISK_ORDER_MAX


def test_a_limit_that_warns_lets_the_order_through_and_is_told() -> None:
    verdict = judged("order > 100 USDT -> warn", "leverage > 2 -> warn", "positions > 1 -> warn")
    assert (verdict.notional, verdict.leverage, verdict.bit, verdict.denial) == (250, 3, None, None)
    assert [each.limit.measure for each in verdict.warned] == [Measure.ORDER, Measure.LEVERAGE]


def test_what_is_not_known_of_a_market_does_not_allow_an_order_that_it_would_limit() -> None:
    for line in ("depth_share > 2 % -> shrink", "volume < 1 USDT per day -> block_opens"):
        assert judged(line, depth=None, volume=None).denial is Denial.RISK_LIQUIDITY_UNKNOWN
    assert judged("order > 250 USDT -> shrink", depth=None, volume=None).denial is None


def test_an_allocation_at_its_share_of_the_purse_is_within_it() -> None:
    """1 000 is a quarter of the balance of 4 000, and less than a quarter of the equity of 4 500."""
    lines = ("allocation > 25 % of balance -> block_opens", "allocation_total > 75 % of balance -> block_opens")
    assert judged(*lines, "allocation > 22.3 % of equity -> block_opens").denial is None


def test_a_share_of_a_purse_that_was_never_seen_blocks_in_a_name_of_its_own_and_warns_of_nothing() -> None:
    for line in ("allocation > 99 % of balance -> block_opens", "allocation_total > 99 % of equity -> block_opens"):
        assert judged(line, purse=None).denial is Denial.RISK_PURSE_UNKNOWN
    assert judged("allocation > 1 % of balance -> warn", purse=None) == Verdict(D(250), 3)
    assert judged("allocation > 1000 USDT -> block_opens", purse=None).denial is None


def test_nothing_to_compare_with_breaks_no_limit() -> None:
    lines = ("correlation > 10 % -> block_opens", "margin_distance < 90 % -> block_opens")
    assert judged(*lines, correlation=None, margin_distance=None).denial is None


def test_without_equity_a_share_of_it_is_nothing() -> None:
    verdict = judged("exposure > 300 % of equity -> shrink", own=OWN._replace(equity=D(-5)))
    assert verdict.denial is Denial.RISK_EXPOSURE_MAX


def test_no_limits_are_no_bounds_and_allow_everything() -> None:
    assert order_bounds(effective([]), currency="USDT") == ()
    assert judged() == Verdict(D(250), 3)


def test_every_measure_has_a_denial_of_its_own() -> None:
    assert set(DENIALS) == set(Measure)
    assert len(set(DENIALS.values())) == len(Measure)
