"""What followers do by hand: closing detaches, adding is left alone; after a liquidation nothing opens by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from copydesk.kernel import NotFound
from copydesk.replication.lifecycle import doorway, reattach, resume
from copydesk.trading import Side
from desk_site import Site, Worker, leader_trade
from paper_exchange import PERPETUAL, D


def invested(site: Site, side: Side = Side.BUY, qty: str = "0.4", symbol: str = "BTC/USDT") -> Worker:
    site.trade(side, qty, symbol=symbol)
    worker = site.worker()
    worker.drain()
    worker.reconcile()
    return worker


LOOKED: dict[Worker, float] = {}


def look_twice(worker: Worker) -> None:
    """Let the lane compare twice, some time apart, and go back to the present, where signals are fresh."""
    for _ in range(2):
        look(worker)
    worker.clock.ahead_s = 0


def look(worker: Worker, after_s: float = 61) -> None:
    """Let the lane compare a while after the last time."""
    LOOKED[worker] = worker.clock.ahead_s = LOOKED.get(worker, 0.0) + after_s
    worker.reconcile()


def book(site: Site, symbol: str = "BTC/USDT", follower: int = 0) -> Any:
    return tuple(site.book(follower, symbol)[:2])


def state(site: Site, follower: int = 0) -> Any:
    query = "SELECT state, state_reason FROM subscription WHERE id = :id"
    return tuple(site.one(query, id=site.subscriptions[follower]))


def adjustments(site: Site) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in site.rows("SELECT qty, reason FROM book_adjustment ORDER BY id")]


def orders(site: Site, follower: int = 0) -> list[Any]:
    return [(order.side, order.qty) for order in site.exchange.orders_of(site.accounts[follower])]


def test_a_position_that_its_owner_closed_is_written_off_and_detached(site: Site) -> None:
    worker = invested(site)
    site.exchange.sold_by_hand = {site.accounts[0]: D("0.003996")}
    look_twice(worker)
    assert book(site) == (0, 0)
    assert state(site) == ("synced", None)
    assert adjustments(site) == [(D("-0.003996"), "detached")]
    assert site.one("SELECT reason FROM door") == "instrument_detached"
    assert site.books_are_sums()


def test_one_look_alone_detaches_nothing(site: Site) -> None:
    worker = invested(site)
    site.exchange.sold_by_hand = {site.accounts[0]: D("0.003996")}
    look(worker)
    assert state(site) == ("out_of_sync", "position_missing")
    site.exchange.sold_by_hand = {}
    look_twice(worker)
    assert state(site) == ("synced", None)
    assert adjustments(site) == []


def test_the_second_look_does_not_wait_for_the_accounts_turn(site: Site) -> None:
    worker = invested(site)
    site.exchange.sold_by_hand = {site.accounts[0]: D("0.003996")}
    look(worker)
    look(worker, 11)
    assert book(site) == (0, 0)


def test_a_detached_instrument_is_not_opened_again_before_the_leader_was_flat(site: Site) -> None:
    worker = invested(site)
    site.exchange.sold_by_hand = {site.accounts[0]: D("0.003996")}
    look_twice(worker)
    site.trade(Side.BUY, "0.2")
    worker.drain()
    worker.reconcile()
    assert len(orders(site)) == 1
    assert site.one("SELECT reason FROM copy WHERE status = 'denied'") == "instrument_detached"
    site.trade(Side.SELL, "0.6")
    site.trade(Side.BUY, "0.4")
    worker.drain()
    assert orders(site)[1:] == [(Side.BUY, D("0.004"))]


def test_other_instruments_go_on_while_one_is_detached(site: Site) -> None:
    worker = invested(site)
    site.exchange.sold_by_hand = {site.accounts[0]: D("0.003996")}
    look_twice(worker)
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    worker.drain()
    assert orders(site)[1:] == [(Side.BUY, D("0.004"))]


def test_attaching_again_copies_the_next_addition(site: Site) -> None:
    worker = invested(site)
    site.exchange.sold_by_hand = {site.accounts[0]: D("0.003996")}
    look_twice(worker)
    door = doorway(site.subscriptions[0], "BTC/USDT")
    with site.db.tenant(site.tenant_id) as session:
        assert reattach(session, door) == "instrument_detached"
    site.trade(Side.BUY, "0.2")
    worker.drain()
    assert orders(site)[1:] == [(Side.BUY, D("0.002"))]
    with pytest.raises(NotFound, match="is not detached from BTC/USDT net"), site.db.tenant(site.tenant_id) as session:
        reattach(session, door)


def test_what_its_owner_left_of_a_position_still_follows_the_leaders_closes(site: Site) -> None:
    worker = invested(site, qty="0.8")
    site.exchange.sold_by_hand = {site.accounts[0]: D("0.003992")}
    look_twice(worker)
    assert book(site) == (D("0.004"), D("0.004"))
    site.trade(Side.BUY, "0.4")
    site.trade(Side.SELL, "0.6")
    worker.drain()
    assert orders(site)[1:] == [(Side.SELL, D("0.002"))]
    site.trade(Side.SELL, "0.6")
    worker.drain()
    assert book(site)[0] == 0


def test_what_an_owner_adds_by_hand_is_never_sold(site: Site) -> None:
    worker = invested(site)
    site.exchange.sold_by_hand = {site.accounts[0]: D(-5)}
    look_twice(worker)
    site.trade(Side.SELL, "0.4")
    worker.drain()
    look_twice(worker)
    assert orders(site)[1:] == [(Side.SELL, D("0.00399"))]
    assert site.exchange.owned(site.accounts[0]) == D("5.000006")
    assert adjustments(site) == []


def test_a_short_that_its_owner_bought_back_is_detached(site: Site) -> None:
    worker = invested(site, Side.SELL, "0.8", PERPETUAL)
    site.exchange.sold_by_hand = {site.accounts[0]: D("-0.008")}
    look_twice(worker)
    assert book(site, PERPETUAL) == (0, 0)
    assert adjustments(site) == [(D("0.008"), "detached")]
    assert site.books_are_sums()


def test_nothing_is_detached_while_an_order_of_the_account_is_on_its_way(site: Site) -> None:
    worker = invested(site)
    site.exchange.mood = {site.accounts[0]: "rest"}
    site.trade(Side.BUY, "0.4", symbol="ETH/USDT")
    worker.drain()
    site.exchange.sold_by_hand = {site.accounts[0]: D("0.003996")}
    look_twice(worker)
    look_twice(worker)
    assert adjustments(site) == []


def test_a_worker_that_lost_the_lane_detaches_nothing(opens: Callable[..., Site]) -> None:
    site = opens()
    worker = invested(site)
    site.exchange.sold_by_hand = {site.accounts[0]: D("0.003996")}
    look(worker)
    site.expire_lease()
    site.worker("two").drain()
    look(worker)
    assert adjustments(site) == []


def liquidated(site: Site, px: str) -> Worker:
    """Let a long that is liquidated at 40,000 end at a price."""
    site.exchange.liquidation_px = D(40_000)
    worker = invested(site, qty="0.8", symbol=PERPETUAL)
    trade = leader_trade(900, Side.SELL, "0.008", symbol=PERPETUAL)
    site.exchange.traded_by_hand = {site.accounts[0]: [replace(trade, px=D(px))]}
    site.exchange.sold_by_hand = {site.accounts[0]: D("0.008")}
    look_twice(worker)
    return worker


def test_a_liquidated_follower_is_written_down_and_opens_nothing_until_resumed(site: Site) -> None:
    worker = liquidated(site, "39950")
    assert book(site, PERPETUAL) == (0, 0)
    assert adjustments(site) == [(D("-0.008"), "liquidated")]
    assert site.one("SELECT px FROM book_adjustment") == D(39_950)
    assert state(site) == ("liquidated", None)
    site.trade(Side.BUY, "0.4")
    worker.drain()
    assert site.one("SELECT reason FROM copy WHERE status = 'denied'") == "subscription_liquidated"
    with site.db.tenant(site.tenant_id) as session:
        resume(session, site.subscriptions[0])
    site.trade(Side.BUY, "0.4", symbol="ETH/USDT")
    worker.drain()
    assert len(orders(site)) == 2


def test_after_a_liquidation_even_a_resumed_follower_waits_for_a_new_position(site: Site) -> None:
    worker = liquidated(site, "39950")
    with site.db.tenant(site.tenant_id) as session:
        resume(session, site.subscriptions[0])
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    worker.drain()
    assert site.one("SELECT reason FROM copy WHERE status = 'denied'") == "instrument_detached"


def test_a_position_closed_far_from_its_liquidation_price_was_closed_by_hand(site: Site) -> None:
    liquidated(site, "45000")
    assert adjustments(site) == [(D("-0.008"), "detached")]
    assert state(site) == ("synced", None)


def test_a_leader_who_is_liquidated_takes_followers_out_by_the_same_signals(site: Site) -> None:
    """The exchange reports a liquidation as executions of the leader's account, and so it is copied."""
    worker = invested(site, qty="0.8", symbol=PERPETUAL)
    trade = leader_trade(900, Side.SELL, "0.8", symbol=PERPETUAL, order="autoclose")
    site.store([replace(trade, px=D(40_000))])
    worker.drain()
    assert book(site, PERPETUAL) == (0, 0)
