"""How long somebody waits after how many failures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from copydesk.identity.throttle import by_networks
from copydesk.identity.throttle_rules import (
    RULES,
    Rule,
    Scope,
    Standing,
    after_failure,
    after_success,
    delay,
    wait_left,
)
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RULE = Rule(free=3, first=timedelta(seconds=5), longest=timedelta(minutes=1), fades=timedelta(minutes=10))


def test_some_failures_are_free_then_each_wait_is_twice_the_last_up_to_a_bound() -> None:
    assert [delay(RULE, failures).total_seconds() for failures in range(9)] == [0, 0, 0, 0, 5, 10, 20, 40, 60]


def test_failures_are_forgotten_one_by_one() -> None:
    standing = Standing(6, NOW, NOW)
    assert after_failure(RULE, standing, NOW).failures == 7
    assert after_failure(RULE, standing, NOW + timedelta(minutes=29)).failures == 5
    assert after_failure(RULE, standing, NOW + timedelta(days=9)).failures == 1


def test_a_success_takes_back_only_its_own_failure() -> None:
    failed = after_failure(RULE, Standing(5, NOW, NOW), NOW)
    assert after_success(RULE, failed, NOW) == Standing(5, NOW, NOW)


@given(st.sampled_from(list(Scope)), st.integers(0, 10**9), st.integers(0, 10**9))
def test_more_failures_never_wait_shorter_and_nobody_is_locked_out_for_good(scope: Scope, one: int, more: int) -> None:
    rule = RULES[scope]
    assert delay(rule, one) <= delay(rule, one + more) <= rule.longest <= timedelta(hours=1)


@given(st.integers(0, 1000), st.timedeltas(timedelta(), timedelta(days=3)))
def test_whoever_waited_long_enough_may_try(failures: int, later: timedelta) -> None:
    standing = after_failure(RULE, Standing(failures, NOW, NOW), NOW)
    waited = wait_left(standing, NOW + later)
    assert waited >= timedelta()
    assert (waited == timedelta()) == (later >= delay(RULE, failures + 1))


def test_an_account_with_a_known_place_waits_by_the_rule_of_one_without() -> None:
    assert RULES[Scope.DEVICE] == RULES[Scope.ACCOUNT]


@pytest.mark.parametrize(
    ("ip", "networks"),
    (
        ("203.0.113.77", ["203.0.113.0/24"]),
        ("2001:db8:1:2:3:4:5:6", ["2001:db8:1:2::/64", "2001:db8:1::/48"]),
        ("", ["unknown"]),
        ("not an address", ["unknown"]),
    ),
)
def test_neighbours_count_as_one_network(ip: str, networks: list[str]) -> None:
    assert [one.subject for one in by_networks(ip)] == networks


@pytest.mark.parametrize("scope", (Scope.NETWORK, Scope.MAIL_NETWORK))
def test_all_the_networks_that_anybody_gets_for_free_have_ten_times_the_tries_of_one(scope: Scope) -> None:
    """A tunnel's /48 holds 65,536 networks: each with tries of its own would be no limit."""
    [one, around] = (RULES[counted.scope] for counted in by_networks("2001:db8::1", scope))
    assert around == Rule(10 * one.free, one.first, one.longest, one.fades / 10)
