"""The leverage of an open: the leader's, as far as follower, brand and the exchange's bracket of its size allow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from copydesk.replication.model import Follower, Planned, SignalFact
from copydesk.replication.plan import plan_copies
from copydesk.risk.futures import ladder
from perpetual_values import NOW, PERP, D, follower, holding, signal
from plan_values import LIMITS

# A follower with a thousand who takes the share of a leader with a hundred thousand.
BRACKETS = ladder([(D(400), 100, D("0.005")), (D(1_000), 50, D("0.01")), (D(10_000), 10, D("0.05"))])


def planned(fact: SignalFact, who: Follower, *, brand_max: int = 100, brackets: Any = BRACKETS) -> Planned:
    limits = replace(LIMITS, leverage_max=brand_max, brackets=brackets)
    (found,) = plan_copies(fact, [who], PERP, limits, now=NOW)
    assert found.denial is None
    return found


def told(**facts: str) -> dict[str, str]:
    return {"leverage_wanted": "100", **facts}


@pytest.mark.parametrize("way", ["1", "-1"], ids=["long", "short"])
@pytest.mark.parametrize(
    ("qty", "who", "brand_max", "leverage", "facts"),
    [
        ("0.4", {}, 100, 100, None),
        ("0.4", {"leverage_max": 20}, 100, 20, told(leverage="20", leverage_bound="follower")),
        ("0.4", {"leverage_max": 150}, 100, 100, None),
        ("0.4", {}, 25, 25, told(leverage="25", leverage_bound="brand")),
        ("0.4", {"leverage_max": 20}, 20, 20, told(leverage="20", leverage_bound="follower")),
        ("1.2", {"leverage_max": 20}, 100, 20, told(leverage="20", leverage_bound="follower")),
    ],
)
def test_leverage_follows_the_leader_as_far_as_all_allow_and_names_who_does_not(
    way: str, qty: str, who: dict[str, Any], brand_max: int, leverage: int, facts: dict[str, str] | None
) -> None:
    found = planned(signal("0", str(D(way) * D(qty)), leverage=100), follower(**who), brand_max=brand_max)
    assert (found.leverage, found.facts) == (leverage, facts)


def test_a_position_too_large_for_the_leaders_leverage_gets_that_of_its_bracket() -> None:
    found = planned(signal("0", "1.2", leverage=100), follower())
    assert found.leverage == 50
    # 0.012 at 50,000 and half a percent more, the worst that the order may pay.
    assert found.facts == told(
        leverage="50", leverage_bound="bracket", leverage_notional="603", leverage_currency="USDT"
    )


def test_what_is_held_already_counts_towards_the_bracket() -> None:
    found = planned(signal("0.6", "0.7", leverage=100), holding("0.006", allocation=D(2000), spent=D(300)))
    assert (found.qty, found.target_qty, found.leverage) == (D("0.002"), D("0.008"), 50)


def test_a_short_is_measured_like_a_long() -> None:
    found = planned(signal("0", "-1.2", leverage=100), follower())
    assert found.leverage == 50
    assert (found.facts or {})["leverage_bound"] == "bracket"


def test_above_the_last_cap_the_last_bracket_holds() -> None:
    found = planned(signal("0", "40", leverage=100), follower(allocation=D(100_000)))
    assert found.leverage == 10


def test_while_no_bracket_is_known_the_instruments_highest_leverage_bounds() -> None:
    assert planned(signal("0", "1.2", leverage=100), follower(), brackets=()).leverage == 100
    found = planned(signal("0", "1.2", leverage=120), follower(), brand_max=125, brackets=())
    assert found.leverage == PERP.leverage_max == 100
    assert (found.facts or {})["leverage_bound"] == "bracket"


def test_a_leader_whose_leverage_is_not_known_counts_as_one_without_borrowing() -> None:
    found = planned(signal("0", "1.2", leverage=None), follower(leverage_max=20))
    assert (found.leverage, found.facts) == (1, None)


def test_a_close_has_no_leverage_to_name() -> None:
    found = planned(signal("0.8", "0.4", leverage=100), holding("0.008", leverage_max=20))
    assert (found.reduces, found.facts) == (True, None)
