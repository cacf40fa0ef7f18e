"""Orders that a lane makes besides copies carry what they were decided by, so that each can be explained."""

from __future__ import annotations

from decimal import Decimal

from copydesk.db import Database
from copydesk.replication import explanation_of
from copydesk.replication.explain import Decision
from copydesk.replication.lifecycle import end_subscription
from copydesk.replication.model import Bound
from copydesk.trading import EndMode, OrderStatus, OrderType, Side
from desk_site import Site, open_site
from order_site import OrderSite
from paper_exchange import PERPETUAL, D


def decided(site: Site, leg: str) -> Decision:
    """Return the decision behind the only follower's order of that leg."""
    with site.db.tenant(site.tenant_id) as session:
        (signal,) = site.rows("SELECT signal_id FROM copy WHERE leg = :leg", leg=leg)[0]
        told = explanation_of(session, site.subscriptions[0], signal)
    (decision,) = [copy.decision for copy in told.copies if copy.leg == leg]
    assert decision is not None
    return decision


def numbers(decision: Decision) -> tuple[Decimal, Decimal, Decimal, Decimal, Bound]:
    """Return what was wanted, sent, allocated and held before, and what bit."""
    return decision.wanted_qty, decision.qty, decision.allocation, decision.book_qty, decision.bound


def test_a_corrective_close_tells_what_the_book_held_and_what_it_was_to_hold(site: Site) -> None:
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood = {site.accounts[0]: "miss"}
    site.trade(Side.SELL, "0.2")
    worker.drain()
    site.exchange.mood = {}
    worker.reconcile()
    fix = decided(site, "fix-1")
    assert numbers(fix) == (D("0.001998"), D("0.00199"), D(1000), D("0.003996"), Bound.STEP)
    assert fix.meant_qty == site.book()[1] == D("0.001998")


def test_what_is_closed_on_leaving_tells_what_the_book_held(site: Site) -> None:
    worker = site.worker()
    site.trade(Side.SELL, "0.4", symbol=PERPETUAL)
    worker.drain()
    with site.db.tenant(site.tenant_id) as session:
        end_subscription(session, site.subscriptions[0], EndMode.CLOSE_NOW)
    worker.reconcile()
    end = decided(site, "end")
    assert numbers(end) == (D("0.004"), D("0.004"), D(1000), D("-0.004"), Bound.NONE)
    assert end.meant_qty == 0


def test_a_top_up_tells_how_much_was_left_and_that_nothing_bit(site: Site) -> None:
    worker = site.worker()
    site.exchange.mood = {site.accounts[0]: "half"}
    site.trade(Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood = {}
    worker.reconcile()
    assert numbers(decided(site, "top-up")) == (D("0.002"), D("0.002"), D(1000), D("0.001998"), Bound.NONE)


def test_a_top_up_that_the_allocation_cuts_says_so(db: Database) -> None:
    site = open_site(db)
    worker = site.worker()
    site.exchange.mood = {site.accounts[0]: "half"}
    site.trade(Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood = {}
    site.act("UPDATE subscription SET allocation = 150")
    worker.reconcile()
    wanted, sent, allocation, _, bound = numbers(decided(site, "top-up"))
    assert (wanted, allocation, bound) == (D("0.002"), D(150), Bound.ALLOCATION)
    assert sent < wanted


def test_a_resting_order_tells_the_share_that_it_stands_for(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.place("1", Side.BUY, "1.0005", "49000")
    worker.tend()
    assert numbers(decided(desk.site, "rest-1")) == (D("0.01"), D("0.01"), D(100_000), D(0), Bound.NONE)


def test_a_resting_exit_tells_what_it_closes_and_its_rounding(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.site.trade(Side.BUY, "1", order="market")
    worker.drain()
    desk.place("p", Side.SELL, "0.5", "60000")
    worker.tend()
    assert numbers(decided(desk.site, "rest-1")) == (
        D("0.004995"),
        D("0.00499"),
        D(100_000),
        D("0.00999"),
        Bound.STEP,
    )


def test_an_amended_order_tells_what_it_says_now(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = desk.worker()
    desk.place("1", Side.BUY, "1", "49000")
    worker.tend()
    desk.change("1", qty=D("1.5"))
    worker.tend()
    assert numbers(decided(desk.site, "rest-1"))[:2] == (D("0.015"), D("0.015"))


def test_catching_up_and_giving_back_tell_what_the_resting_order_missed_or_had_too_much(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = desk.worker()
    desk.place("1", Side.BUY, "1", "49000")
    worker.tend()
    desk.exchange.fill(desk.account, "0.003")
    desk.fill("1", "1")
    worker.drain()
    worker.tend()
    assert numbers(decided(desk.site, "catch-up")) == (D("0.007"), D("0.007"), D(100_000), D("0.003"), Bound.NONE)
    desk.place("2", Side.BUY, "1", "49000", type=OrderType.LIMIT)
    worker.tend()
    desk.exchange.fill(desk.account, "0.004")
    desk.change("2", status=OrderStatus.CANCELED)
    worker.tend()
    assert numbers(decided(desk.site, "give-back")) == (D("0.004"), D("0.004"), D(100_000), D("0.014"), Bound.NONE)
