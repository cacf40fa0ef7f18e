"""Terms of a subscription that cannot work are refused when it begins, and the others are stored as they were said."""

from __future__ import annotations

from typing import Any

import pytest
from copydesk.kernel import InvalidInput
from copydesk.replication import NewSubscription, subscribe
from copydesk.trading import SizePolicy, SizingMode
from desk_site import Site
from paper_exchange import D


def begin(site: Site, **terms: Any) -> int:
    """Let the follower, whose first subscription has ended, subscribe anew."""
    site.act("UPDATE subscription SET state = 'ended' WHERE id = :id", id=site.subscriptions[0])
    with site.db.tenant(site.tenant_id) as session:
        return subscribe(session, NewSubscription(site.leader.strategy_id, site.accounts[0], D(50), **terms))


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        ({"sizing_mode": SizingMode.MULTIPLIER}, "sizing multiplier needs a value above 0"),
        ({"sizing_mode": SizingMode.FIXED_QTY, "sizing_value": D(0)}, "sizing fixed_qty needs a value above 0"),
        ({"leverage_max": 0}, "leverage_max must be at least 1"),
    ],
)
def test_terms_that_cannot_work_are_refused(site: Site, terms: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        begin(site, **terms)


def test_a_subscription_keeps_its_policy_and_its_highest_leverage(site: Site) -> None:
    number = begin(site, size_policy=SizePolicy.ACCUMULATE, leverage_max=3)
    query = "SELECT size_policy, leverage_max FROM subscription WHERE id = :id"
    assert tuple(site.one(query, id=number)) == ("accumulate", 3)


def test_a_subscription_that_says_nothing_skips_small_orders_and_follows_the_leaders_leverage(site: Site) -> None:
    assert tuple(site.one("SELECT size_policy, leverage_max FROM subscription")) == ("skip", None)
