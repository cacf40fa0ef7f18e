"""Stops close books at once, beside the lanes: nothing is closed twice, nothing is opened after, nothing is left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from copydesk.kernel import utc_now
from copydesk.replication.drain import Drainer
from copydesk.replication.model import Planned
from copydesk.replication.settle import settle
from copydesk.replication.stop_orders import Market
from copydesk.replication.stops import Halt, Stopping, stop_books
from copydesk.trading import Denial, OrderType, Side, SubscriptionState
from desk_site import SHARD, Site, Worker
from paper_exchange import INSTRUMENTS, PERPETUAL, D
from shared_site import second_strategy


def halt(*ids: int) -> Halt:
    now = utc_now()
    return Halt(SHARD, ids, SubscriptionState.DISARMED, "risk_stop", now, now + timedelta(seconds=6))


def stop(site: Site, *ids: int) -> Stopping:
    """Store what closes the books of subscriptions, of all by default."""
    market = Market(INSTRUMENTS, site.exchange.venue.traits, "cd-")
    with site.db.tenant(site.tenant_id) as session:
        return stop_books(session, halt(*(ids or site.subscriptions)), market)


def send(site: Site, worker: Worker, stopping: Stopping) -> None:
    """Send a stop's orders from a process that is none of the lanes', and record the answers."""
    hold = worker.lanes.hold(site.tenant_id, SHARD)
    assert hold is not None
    sent = worker.sender.finish(worker.sender.start(site.tenant_id, SHARD, hold, stopping.batch))
    with site.db.tenant(site.tenant_id) as session:
        settle(session, sent, epoch=stopping.epoch)


def invested(site: Site, qty: str = "0.4", symbol: str = PERPETUAL) -> Worker:
    site.trade(Side.BUY, qty, symbol=symbol)
    worker = site.worker()
    worker.drain()
    return worker


def closes(site: Site, follower: int = 0) -> list[Any]:
    return [order for order in site.exchange.orders_of(site.accounts[follower]) if order.reduces]


def test_a_stop_closes_every_book_and_opens_nothing_more(site: Site) -> None:
    invested(site, symbol="BTC/USDT")
    worker = invested(site)
    stopping = stop(site)
    assert {dispatch.request.type for dispatch in stopping.batch} == {OrderType.MARKET}
    send(site, worker, stopping)
    assert site.one("SELECT count(*) FROM book WHERE target_qty <> 0") == 0
    # A fee taken in base leaves less than a step of spot.
    assert site.rows("SELECT symbol, qty FROM book WHERE qty <> 0") == [("BTC/USDT", D("0.000006"))]
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    worker.drain()
    assert site.one("SELECT state, state_reason FROM subscription LIMIT 1")[:] == ("disarmed", "risk_stop")
    assert site.rows("SELECT DISTINCT reason FROM copy WHERE status = 'denied'") == [(Denial.SUBSCRIPTION_DISARMED,)]
    assert site.books_are_sums()
    assert site.books_are_backed()


def test_a_stop_sends_nothing_for_what_a_lane_is_just_closing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = invested(site)
    found: list[Stopping] = []

    def stopped_meanwhile(self: Any, *args: Any) -> Any:
        found.append(stop(site))
        return booking(self, *args)

    booking = Drainer._book
    monkeypatch.setattr(Drainer, "_book", stopped_meanwhile)
    site.trade(Side.SELL, "0.4", symbol=PERPETUAL)
    worker.drain()
    assert [(list(one.batch), {left.why for left in one.left}) for one in found] == [([], {None})]
    assert len(closes(site)) == 1
    assert site.books_are_backed()


def test_a_lane_plans_anew_what_it_planned_before_the_stop(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = invested(site)
    found: list[Stopping] = []

    def stopped_meanwhile(self: Any, *args: Any) -> list[Planned]:
        planned: list[Planned] = planning(self, *args)
        if not found:
            found.append(stop(site))
            send(site, worker, found[0])
        return planned

    planning = Drainer._plan
    monkeypatch.setattr(Drainer, "_plan", stopped_meanwhile)
    site.trade(Side.SELL, "0.4", symbol=PERPETUAL)
    worker.drain()
    assert len(closes(site)) == 1
    assert site.one("SELECT count(*) FROM book WHERE qty <> 0") == 0
    assert site.books_are_backed()


def test_a_stop_that_ended_before_its_answers_is_asked_about_by_the_lane(site: Site) -> None:
    worker = invested(site)
    stopping = stop(site)
    assert site.rows("SELECT DISTINCT status FROM copy WHERE leg = 'stop-1'") == [("in_flight",)]
    worker.clock.ahead_s = 10
    worker.reconcile()
    worker.reconcile()
    assert [order.client_order_id for order in closes(site)] == [
        one.request.client_order_id for one in stopping.batch[:1]
    ]
    assert site.one("SELECT count(*) FROM book WHERE qty <> 0") == 0


def test_what_a_stop_could_not_close_is_closed_by_its_next_order(site: Site) -> None:
    worker = invested(site)
    site.exchange.mood = dict.fromkeys(site.accounts, "miss")
    send(site, worker, stop(site))
    site.exchange.mood = {}
    again = stop(site)
    assert {copy[0] for copy in site.rows("SELECT DISTINCT leg FROM copy WHERE leg LIKE 'stop-%'")} == {
        "stop-1",
        "stop-2",
    }
    send(site, worker, again)
    assert site.one("SELECT count(*) FROM book WHERE qty <> 0") == 0
    assert list(stop(site).batch) == []


def test_a_stop_of_one_of_two_strategies_on_an_account_leaves_the_other_alone(site: Site) -> None:
    other = second_strategy(site)
    worker = invested(site)
    other.trade(Side.SELL, "0.2", symbol=PERPETUAL)
    worker.drain()
    send(site, worker, stop(site, *site.subscriptions))
    held = {row[0] for row in site.rows("SELECT subscription_id FROM book WHERE qty <> 0")}
    assert held == set(other.subscriptions)
    assert site.exchange.position(site.accounts[0]) < 0
    assert site.books_are_sums()
