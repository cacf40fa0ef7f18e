"""What keeps an opening copy from being sent, and which reason is named first."""

from __future__ import annotations

from typing import Any

import pytest
from copydesk.risk import open_denial
from copydesk.trading import Denial, SubscriptionState


def denial(**changed: Any) -> Denial | None:
    """Ask about an open against which nothing speaks, except for what is changed."""
    facts: dict[str, Any] = {
        "state": SubscriptionState.SYNCED,
        "usable": True,
        "strategy_live": True,
        "market_allowed": True,
        "trading": True,
        "age_ms": 10,
        "age_ms_max": 1000,
    }
    return open_denial(**(facts | changed))


def test_an_open_against_which_nothing_speaks_is_allowed() -> None:
    assert denial() is None
    assert denial(state=SubscriptionState.CATCHING_UP) is None


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"usable": False}, Denial.ACCOUNT_UNUSABLE),
        ({"state": SubscriptionState.PAUSED}, Denial.SUBSCRIPTION_PAUSED),
        ({"state": SubscriptionState.DISARMED}, Denial.SUBSCRIPTION_DISARMED),
        ({"state": SubscriptionState.OUT_OF_SYNC}, Denial.SUBSCRIPTION_DISARMED),
        ({"strategy_live": False}, Denial.STRATEGY_PAUSED),
        ({"market_allowed": False}, Denial.MARKET_NOT_ALLOWED),
        ({"trading": False}, Denial.INSTRUMENT_HALTED),
        ({"age_ms": 1001}, Denial.SIGNAL_TOO_OLD),
    ],
)
def test_each_rule_has_its_own_name(changed: dict[str, Any], expected: Denial) -> None:
    assert denial(**changed) is expected


def test_an_open_of_exactly_the_greatest_age_is_still_allowed() -> None:
    assert denial(age_ms=1000) is None


def test_an_exchange_clock_ahead_of_ours_makes_no_open_too_old() -> None:
    assert denial(age_ms=-500) is None


def test_the_follower_is_told_first_what_the_follower_can_mend() -> None:
    everything = {"usable": False, "market_allowed": False, "trading": False, "age_ms": 9999}
    assert denial(**everything, state=SubscriptionState.PAUSED) is Denial.ACCOUNT_UNUSABLE
    assert denial(**(everything | {"usable": True}), state=SubscriptionState.PAUSED) is Denial.SUBSCRIPTION_PAUSED
