"""The profiles that a follower picks from, and what a brand may make of them."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from copydesk.kernel import InvalidInput
from copydesk.risk.grammar import parse, text_of
from copydesk.risk.limits import key_of
from copydesk.risk.measures import tighter
from copydesk.risk.model import Action, Limit, Measure, Scope, Scoped
from copydesk.risk.profiles import PROFILES, Profile, checked_profile, profile_limits


def by_key(limits: tuple[Limit, ...]) -> dict[object, Limit]:
    return {key_of(Scoped(Scope.TENANT, limit)): limit for limit in limits}


def test_each_profile_is_tighter_than_the_next_in_all_that_it_says() -> None:
    told = [by_key(profile_limits(profile, currency="USDT")) for profile in Profile]
    for strict, loose in pairwise(told):
        assert strict.keys() == loose.keys()
        assert [text_of(limit) for key, limit in strict.items() if not tighter(limit, loose[key])] == []


def test_balanced_warns_at_ten_stops_opens_at_fifteen_and_closes_at_twenty_percent() -> None:
    falls = [limit for limit in profile_limits(Profile.BALANCED, currency="USDT") if limit.measure is Measure.DRAWDOWN]
    assert [(limit.threshold.value, limit.action) for limit in falls] == [
        (Decimal(10), Action.WARN),
        (Decimal(15), Action.BLOCK_OPENS),
        (Decimal(20), Action.CLOSE_AND_DISARM),
    ]


def test_amounts_are_in_the_brands_currency() -> None:
    lines = [text_of(limit) for limit in profile_limits(Profile.BALANCED, currency="USDC")]
    assert "volume < 1000000 USDC per day -> block_opens" in lines


def test_a_brand_may_write_a_profile_anew_within_the_platforms_limits() -> None:
    platform = [parse("drawdown > 30 % of equity -> close_and_disarm"), parse("order > 10 USDC -> shrink")]
    lines = ["drawdown > 25 % of equity -> close", "order > 500 {currency} -> shrink"]
    limits = checked_profile(Profile.BALANCED, lines, currency="USDT", platform=platform)
    assert [text_of(limit) for limit in limits] == [lines[0], "order > 500 USDT -> shrink"]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (
            ["positions > 5 -> block_opens", "drawdown > 35 % of equity -> close"],
            "profiles.balanced: drawdown of equity -> close: expected at most 30 %, the platform's limit, found 35 %.",
        ),
        (
            ["positions > 5 -> block_opens", "drawdown > 350 % of equity -> close"],
            "profiles.balanced[1]: expected drawdown from 0.1 to 100 %, found 350 %.",
        ),
        (
            ["loss > 5 % of equity -> close", "loss > 9 % of equity -> warn"],
            "profiles.balanced: loss of equity -> warn: expected less than the 5 % of close, found 9 %.",
        ),
        (
            ["order > 5 USDC -> shrink"],
            "profiles.balanced: order -> shrink: expected an amount in USDT, found 5 USDC.",
        ),
    ],
)
def test_a_profile_beyond_bounds_is_refused_with_field_bound_and_value(lines: list[str], sentence: str) -> None:
    platform = [parse("drawdown > 30 % of equity -> close_and_disarm")]
    with pytest.raises(InvalidInput) as refusal:
        checked_profile(Profile.BALANCED, lines, currency="USDT", platform=platform)
    assert str(refusal.value) == sentence


def test_every_profile_is_shipped() -> None:
    assert set(PROFILES) == set(Profile)
