"""What an operator and the demo's check count."""

from __future__ import annotations

from collections.abc import Callable

from copydesk.replication import denial_counts, signal_count, unsettled_count
from copydesk.trading import Side
from desk_site import Site


def counts(site: Site) -> tuple[int, int, dict[str, int]]:
    with site.db.tenant(site.tenant_id) as session:
        return signal_count(session), unsettled_count(session), denial_counts(session)


def test_deliveries_and_copies_count_until_they_have_ended(opens: Callable[..., Site]) -> None:
    site = opens(followers=2)
    site.exchange.mood = {site.accounts[0]: "rest"}
    assert counts(site) == (0, 0, {})
    site.trade(Side.BUY, "0.4")
    assert counts(site) == (1, 1, {})
    site.worker().drain()
    assert counts(site) == (1, 1, {})


def test_our_own_refusals_are_counted_by_reason(opens: Callable[..., Site]) -> None:
    site = opens(followers=2)
    site.trade(Side.SELL, "0.4")
    site.worker().drain()
    assert counts(site) == (1, 0, {"nothing_to_reduce": 2})
