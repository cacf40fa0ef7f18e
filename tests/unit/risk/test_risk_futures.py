"""Liquidation, leverage and funding by the exchanges' own worked numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest
from copydesk.risk.futures import (
    Bracket,
    Held,
    LeverageBound,
    bracket_at,
    cross_cushion,
    cushion_for,
    effective_leverage,
    funding_payment,
    ladder,
    leverage_permitted,
    liquidation_px,
    maint_margin,
    notional_max,
    standing,
)

D = Decimal
CENT = D("0.01")
TIERS = ladder(
    [
        (D(50_000), 125, D("0.004")),
        (D(600_000), 100, D("0.005")),
        (D(3_000_000), 75, D("0.0065")),
        (D(12_000_000), 50, D("0.01")),
    ]
)
# The two positions of Binance's example in "Liquidation Price of USDS-M Futures" (cross, one-way).
WALLET = D("1535443.01")
BTC = Held(D("109.488"), D("32481.980"), D("31967.27"), D(0), [Bracket(D(10) ** 9, 10, D("0.025"), D(16_300))])
ETH = Held(D("3683.979"), D("1456.84"), D("1335.18"), D(0), [Bracket(D(10) ** 9, 10, D("0.1"), D(135_365))])


def held(qty: str, *, entry: str = "100", mark: str = "100", cushion: str = "10", brackets=TIERS) -> Held:
    return Held(D(qty), D(entry), D(mark), D(cushion), brackets)


def test_cross_positions_have_the_liquidation_prices_of_binances_example() -> None:
    btc = BTC._replace(cushion=cross_cushion(WALLET, [ETH]))
    eth = ETH._replace(cushion=cross_cushion(WALLET, [BTC]))

    assert liquidation_px(btc).quantize(CENT) == D("26316.89")
    assert liquidation_px(eth).quantize(CENT) == D("1153.26")


def test_the_maintenance_of_binances_example_is_met() -> None:
    assert ETH.maint.quantize(D("0.001")) == D("356512.508")
    assert BTC.maint.quantize(D("0.00001")) == D("71200.81144")
    assert ETH.unrealized.quantize(CENT) == D("-448192.89")
    assert BTC.unrealized.quantize(CENT) == D("-56354.57")


def test_an_isolated_long_at_ten_times_is_liquidated_near_a_tenth_below_its_entry() -> None:
    # 10 + (px - 100) = 0.004 px, so px = 90 / 0.996.
    assert liquidation_px(held("1")) == D(90) / D("0.996")
    assert standing(held("1")).distance_ratio.quantize(D("0.0001")) == D("0.0964")


def test_an_isolated_short_at_ten_times_is_liquidated_near_a_tenth_above_its_entry() -> None:
    # 10 - (px - 100) = 0.004 px, so px = 110 / 1.004.
    assert liquidation_px(held("-1")) == D(110) / D("1.004")
    assert standing(held("-1")).distance_ratio.quantize(D("0.0001")) == D("0.0956")


def test_the_fee_of_closing_brings_liquidation_nearer() -> None:
    assert liquidation_px(held("1"), fee_ratio=D("0.0005")) == D(90) / D("0.9955")
    assert liquidation_px(held("-1"), fee_ratio=D("0.0005")) == D(110) / D("1.0045")


def test_a_long_with_all_its_value_behind_it_is_never_liquidated() -> None:
    full = standing(held("1", cushion="100"))
    assert (full.liquidation_px, full.distance_ratio) == (None, None)
    assert full.leverage == 1


def test_a_short_always_has_a_price_at_which_it_ends() -> None:
    assert liquidation_px(held("-1", cushion="1000")) == D(1100) / D("1.004")


def test_a_falling_long_is_liquidated_by_the_bracket_that_holds_there() -> None:
    # 600 units are worth 60,000 now and 45,000 at 75: the second bracket now, the first one at the end.
    px = liquidation_px(held("600", cushion="15000"))
    assert px == (D(600) * 100 - 15_000) / (D(600) * D("0.996"))
    assert bracket_at(TIERS, 600 * px) is TIERS[0]


def test_a_jump_of_maintenance_liquidates_a_short_where_the_next_tier_begins() -> None:
    # Without deductions maintenance leaps from 50 to 250 at 5,000, where equity is 100.
    tiers = [Bracket(D(5_000), 50, D("0.01")), Bracket(D(10_000), 20, D("0.05"))]
    px = liquidation_px(held("-50", mark="90", entry="90", cushion="600", brackets=tiers))
    assert px == 100


def test_a_position_that_should_be_gone_has_no_distance_left() -> None:
    gone = standing(held("1", mark="90"))
    assert gone.distance_ratio < 0
    assert (gone.leverage, gone.margin_ratio) == (None, None)


def test_liquidation_comes_when_maintenance_is_all_of_the_equity() -> None:
    end = held("1", mark=str(D(90) / D("0.996")))
    assert standing(end).margin_ratio.quantize(D("1E-9")) == 1


def test_brackets_made_of_tiers_have_binances_deductions() -> None:
    assert [each.maint_deduction for each in TIERS] == [0, 50, 950, 11_450]
    assert maint_margin(TIERS, D(50_000)) == 200
    assert maint_margin(TIERS, D(600_000)) == 2_950


@pytest.mark.parametrize(
    ("leverage", "notional"), [(125, 50_000), (101, 50_000), (100, 600_000), (1, 12_000_000), (126, 0)]
)
def test_larger_positions_are_allowed_less_leverage(leverage: int, notional: int) -> None:
    assert notional_max(TIERS, leverage) == notional


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({}, (100, LeverageBound.LEADER)),
        ({"follower_max": 5}, (5, LeverageBound.FOLLOWER)),
        ({"brand_max": 20}, (20, LeverageBound.BRAND)),
        ({"notional": D(700_000)}, (75, LeverageBound.BRACKET)),
        ({"notional": D(10) ** 9}, (50, LeverageBound.BRACKET)),
        ({"leader": None}, (1, LeverageBound.LEADER)),
        ({"follower_max": 0}, (1, LeverageBound.FOLLOWER)),
    ],
)
def test_the_tightest_bound_on_leverage_holds_and_is_named(bounds, expected) -> None:
    asked = {"leader": 100, "follower_max": None, "brand_max": 100, "brackets": TIERS, "notional": D(1_000)} | bounds
    assert leverage_permitted(**asked) == expected


def test_leverage_at_work_is_notional_over_equity() -> None:
    assert effective_leverage(D(3_000), D(1_000)) == 3
    assert effective_leverage(D(3_000), D(0)) is None


def test_margin_that_the_leader_adds_can_be_matched_by_the_follower() -> None:
    leader = held("10", cushion="200")
    copy = held("1", entry="101", cushion="10")
    needed = cushion_for(copy, liquidation_px(leader))

    lasting = copy._replace(cushion=needed)
    assert needed > copy.cushion
    assert liquidation_px(lasting).quantize(D("1E-18")) == liquidation_px(leader).quantize(D("1E-18"))


@pytest.mark.parametrize(
    ("qty", "rate", "received"),
    [("0.5", "0.0001", "-1.5"), ("-0.5", "0.0001", "1.5"), ("0.5", "-0.0003", "4.5"), ("0", "0.0001", "0")],
)
def test_longs_pay_funding_to_shorts_when_the_rate_is_above_zero(qty: str, rate: str, received: str) -> None:
    assert funding_payment(D(qty), D(30_000), D(rate)) == D(received)
