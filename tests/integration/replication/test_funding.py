"""Funding is booked for each subscription from the exchange's own records, once."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest
from copydesk.replication import NewStrategy, NewSubscription, add_strategy, read_earnings, subscribe
from copydesk.trading import Side
from copydesk.vault import Account
from copydesk.venues import FundingPayment
from desk_site import ALLOCATION, Site, Worker
from life_site import other_account
from paper_exchange import PERPETUAL, D


def invested(site: Site, qty: str = "0.8", side: Side = Side.BUY) -> Worker:
    site.trade(side, qty, symbol=PERPETUAL)
    worker = site.worker()
    worker.drain()
    return worker


def charge(site: Site, number: str, amount: str, *, age_s: float = -5) -> None:
    """Let the follower's account pay; before now by default less than nothing, so after all that has happened."""
    at_ms = int((time.time() - age_s) * 1000)
    paid = FundingPayment(number, PERPETUAL, D(amount), "USDT", at_ms)
    site.exchange.paid.setdefault(site.accounts[0], []).append(paid)


def booked(site: Site) -> list[tuple[Any, ...]]:
    query = "SELECT payment_id, subscription_id, amount, currency FROM funding_payment ORDER BY at, subscription_id"
    return [tuple(row) for row in site.rows(query)]


def cash_of(site: Site) -> Decimal:
    ((cash,),) = site.rows("SELECT cash FROM book")
    return Decimal(cash)


def later(worker: Worker, hours: float = 2) -> None:
    worker.clock.ahead_s += hours * 3600
    worker.reconcile()


@pytest.mark.parametrize(
    ("side", "amount"), [(Side.BUY, "-0.25"), (Side.SELL, "0.25"), (Side.SELL, "-0.1")], ids=["pays", "gets", "short"]
)
def test_what_an_account_pays_or_gets_is_booked_to_its_subscription_once(site: Site, side: Side, amount: str) -> None:
    worker = invested(site, side=side)
    cash = cash_of(site)
    charge(site, "1", amount)
    for _ in range(3):
        later(worker)
    assert booked(site) == [("1", site.subscriptions[0], D(amount), "USDT")]
    assert cash_of(site) == cash + D(amount)
    with site.db.tenant(site.tenant_id) as session:
        earned = read_earnings(session, site.subscriptions)[site.subscriptions[0]]
    assert earned.funding == {(PERPETUAL, "USDT"): D(amount)}


def test_what_the_owner_holds_besides_bears_its_own_share(site: Site) -> None:
    worker = invested(site)
    site.exchange.sold_by_hand = {site.accounts[0]: D("-0.024")}
    charge(site, "1", "-1")
    later(worker)
    assert booked(site) == [("1", 0, D("-0.75"), "USDT"), ("1", site.subscriptions[0], D("-0.25"), "USDT")]


def test_a_payment_counts_for_what_was_held_at_its_time(site: Site) -> None:
    worker = invested(site)
    site.act("UPDATE signal SET stored_at = stored_at - interval '1 minute'")
    site.act("UPDATE copy_fill SET at = at - interval '1 minute'")
    charge(site, "1", "-0.25", age_s=30)
    site.trade(Side.SELL, "0.8", symbol=PERPETUAL)
    worker.drain()
    assert site.book(symbol=PERPETUAL)[0] == 0
    later(worker)
    assert booked(site) == [("1", site.subscriptions[0], D("-0.25"), "USDT")]


def test_two_strategies_on_one_account_pay_by_their_books(site: Site) -> None:
    worker = invested(site)
    with site.db.tenant(site.tenant_id) as session:
        leads = other_account(session, site, "second leader")
        user = session.get_one(Account, (site.tenant_id, leads)).user_id
        strategy = add_strategy(session, NewStrategy(user, leads, "t", "T", "Another."))
        second = subscribe(session, NewSubscription(strategy, site.accounts[0], ALLOCATION))
    site.act(
        "INSERT INTO book (tenant_id, subscription_id, symbol, position_side, qty, target_qty) "
        "VALUES (:tenant, :id, :symbol, 'net', -0.002, -0.002)",
        tenant=site.tenant_id,
        id=second,
        symbol=PERPETUAL,
    )
    site.exchange.sold_by_hand = {site.accounts[0]: D("0.002")}
    charge(site, "1", "-0.6")
    later(worker)
    assert booked(site) == [
        ("1", site.subscriptions[0], D("-0.8"), "USDT"),
        ("1", second, D("0.2"), "USDT"),
    ]


def test_a_payment_of_this_minute_waits_for_its_other_side(site: Site) -> None:
    worker = invested(site)
    charge(site, "1", "-0.25")
    worker.reconcile()
    assert booked(site) == []
    charge(site, "2", "0.05")
    site.exchange.paid[site.accounts[0]] = [
        paid._replace(at_ms=site.exchange.paid[site.accounts[0]][0].at_ms)
        for paid in site.exchange.paid[site.accounts[0]]
    ]
    later(worker)
    assert booked(site) == [("1+2", site.subscriptions[0], D("-0.2"), "USDT")]


def test_nothing_is_booked_while_an_order_of_the_account_is_on_its_way(site: Site) -> None:
    worker = invested(site)
    site.exchange.mood = {site.accounts[0]: "rest"}
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    worker.drain()
    charge(site, "1", "-0.25")
    later(worker)
    assert booked(site) == []
    site.exchange.match()
    later(worker)
    later(worker)
    assert [row[0] for row in booked(site)] == ["1"]


def test_a_follower_of_spot_alone_is_not_asked_for_funding(site: Site) -> None:
    site.trade(Side.BUY, "0.4")
    worker = site.worker()
    worker.drain()
    charge(site, "1", "-0.25")
    later(worker)
    assert booked(site) == []
