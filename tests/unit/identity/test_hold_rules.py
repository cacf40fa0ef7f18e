"""What rests for which reason, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from copydesk.identity.access import RULES, Hold, HoldReason, Permission, resting

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(hours=24)
P = Permission


@pytest.mark.parametrize("reason", HoldReason)
def test_every_reason_has_a_rule_that_keeps_keys_and_payouts_back_for_a_day(reason: HoldReason) -> None:
    rule = RULES[reason]
    assert rule.lasts == DAY
    assert {P.KEYS_OWN, P.PAYOUTS_OWN} <= rule.rests


@pytest.mark.parametrize("reason", HoldReason)
def test_stopping_and_looking_never_rest(reason: HoldReason) -> None:
    free = {P.KILL_SWITCH, P.RISK_READ, P.RISK_OWN, P.SUBSCRIPTIONS_OWN, P.AUDIT_READ}
    assert not RULES[reason].rests & free


@pytest.mark.parametrize("reason", HoldReason)
def test_factors_rest_but_for_whoever_has_to_set_them_up_anew(reason: HoldReason) -> None:
    rests = {HoldReason.PASSWORD_RESET, HoldReason.NEW_LOCATION}
    assert (P.FACTORS_OWN in RULES[reason].rests) is (reason in rests)


@pytest.mark.parametrize("reason", HoldReason)
def test_after_what_a_thief_may_have_done_every_act_of_staff_and_closing_the_account_rest(reason: HoldReason) -> None:
    acts = {P.STAFF_GRANT, P.ALLOWLIST_WRITE, P.USERS_WRITE, P.FEES_WRITE, P.PAYOUTS_WRITE, P.SETTINGS_WRITE}
    assert acts | {P.ACCOUNT_OWN} <= RULES[reason].rests


def test_what_rests_longest_is_told() -> None:
    short = Hold(HoldReason.NEW_LOCATION, NOW + timedelta(hours=1))
    long = Hold(HoldReason.PASSWORD_RESET, NOW + DAY)
    assert resting(P.KEYS_OWN, [short, long], NOW) == long


def test_a_hold_that_is_over_or_about_something_else_keeps_nothing_back() -> None:
    over = Hold(HoldReason.PASSWORD_RESET, NOW)
    other = Hold(HoldReason.PASSWORD_RESET, NOW + DAY)
    assert resting(P.KEYS_OWN, [over], NOW) is None
    assert resting(P.RISK_OWN, [other], NOW) is None
