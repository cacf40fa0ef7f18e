"""An exchange that is in maintenance, or that our breaker keeps us from: opens expire, closes are retried."""

from __future__ import annotations

from decimal import Decimal

import pytest
from copydesk.kernel import Unavailable
from copydesk.risk.volatility import COURSES, Handling, VenueState
from copydesk.trading import Side
from desk_site import Site


@pytest.mark.parametrize("told_to_wait_s", [None, 60.0], ids=["maintenance", "breaker open"])
def test_while_an_exchange_is_away_opens_expire_and_closes_are_retried_until_they_are_confirmed(
    site: Site, told_to_wait_s: float | None
) -> None:
    worker, (account,) = site.worker(), site.accounts
    site.trade(Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood[account] = "busy"
    site.trade(Side.BUY, "4", symbol="ETH/USDT")
    site.trade(Side.SELL, "0.4")
    worker.drain()
    for cid in site.rows("SELECT client_order_id FROM copy"):
        site.exchange.answers[cid[0]] = Unavailable("away", retry_after_s=told_to_wait_s)
    for ahead_s in (10, 90, 200):
        worker.clock.ahead_s = ahead_s
        worker.reconcile()
    rows = site.rows("SELECT leg, status FROM copy ORDER BY id")
    assert [tuple(row) for row in rows] == [("open", "filled"), ("open", "in_flight"), ("close", "in_flight")]
    assert len(site.exchange.arrived) == 1, "nothing is sent while the exchange says nothing of what was sent before"

    site.exchange.mood.clear()
    site.exchange.answers.clear()
    for ahead_s in (300, 310):
        worker.clock.ahead_s = ahead_s
        worker.reconcile()
    rows = site.rows("SELECT leg, status, coalesce(reason, '') FROM copy ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("open", "filled", ""),
        ("open", "expired", "signal_too_old"),
        ("close", "filled", ""),
    ]
    assert site.book()[0] < Decimal("0.00001"), "less than a step is left"


@pytest.mark.parametrize("state", [VenueState.MAINTENANCE, VenueState.BREAKER_OPEN])
def test_the_table_says_the_same(state: VenueState) -> None:
    assert COURSES[state][:2] == (Handling.EXPIRE, Handling.RETRY)
