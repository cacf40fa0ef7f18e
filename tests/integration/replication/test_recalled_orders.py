"""What rests for a follower is recalled when it may not open any more, and exits stay so that closes are never blocked.

And a subscription goes over from orders to fills, or back, without a fill being copied twice or not at all.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from copydesk.db import Database
from copydesk.kernel import InvalidInput
from copydesk.replication import close_strategy, pause_strategy, resume_strategy, switch_copies
from copydesk.replication.lifecycle import doorway, end_subscription, reattach
from copydesk.replication.rest_rows import recall_opens
from copydesk.trading import CopyMode, Denial, EndMode, OrderType, Side
from copydesk.vault import quarantine
from desk_site import leader_trade
from order_site import OrderSite, OrderWorker
from paper_exchange import D

PERPETUAL = "BTC/USDT:USDT"


def resting_buy(db: Database) -> tuple[OrderSite, OrderWorker]:
    """Let the leader hold 1, with an order resting to buy 1 more, which is mirrored."""
    desk = OrderSite(db, symbol=PERPETUAL)
    desk.exchange.liquidation_px = D(40_000)
    worker = desk.worker()
    desk.site.trade(Side.BUY, "1", order="market", symbol=PERPETUAL)
    worker.drain()
    worker.reconcile()
    desk.place("b", Side.BUY, "1", "45000")
    worker.tend()
    assert kinds(desk) == ["limit"]
    return desk, worker


def resting_both(db: Database) -> tuple[OrderSite, OrderWorker]:
    """Let a stop of the leader's rest as well."""
    desk, worker = resting_buy(db)
    desk.place("s", Side.SELL, "1", None, type=OrderType.STOP_MARKET, trigger_px=D(44000), reduces=True)
    worker.tend()
    assert kinds(desk) == ["limit", "stop_market"]
    return desk, worker


def kinds(desk: OrderSite) -> list[str]:
    return sorted(str(order.type) for order in desk.exchange.resting(desk.account))


def switch(desk: OrderSite, mode: CopyMode) -> int:
    with desk.site.db.tenant(desk.site.tenant_id) as session:
        return switch_copies(session, desk.site.subscriptions[0], mode).resting


def copies(desk: OrderSite) -> str:
    return str(desk.site.one("SELECT copies FROM subscription"))


def look_twice(desk: OrderSite, worker: OrderWorker) -> None:
    """Let the lane compare with the exchange twice, a while apart; what rests is due for no look of its own then."""
    for _ in range(2):
        desk.site.act("UPDATE resting_order SET look_at = now() + interval '1 hour'")
        worker.clock.ahead_s += 61
        worker.reconcile()


def test_a_subscription_that_goes_out_of_sync_recalls_opens_and_places_them_again_when_it_is_back(db: Database) -> None:
    desk, worker = resting_buy(db)
    desk.exchange.sold_by_hand = {desk.account: D("0.01")}
    worker.clock.ahead_s = 61
    worker.reconcile()
    assert desk.site.one("SELECT state FROM subscription") == "out_of_sync"
    assert desk.site.one("SELECT look_at <= now() FROM resting_order")
    worker.tend()
    assert kinds(desk) == []
    desk.exchange.sold_by_hand = {}
    worker.clock.ahead_s = 73
    worker.reconcile()
    assert desk.site.one("SELECT state FROM subscription") == "synced"
    worker.tend()
    assert kinds(desk) == ["limit"]


def test_detaching_recalls_what_would_open_and_attaching_again_places_it_again(db: Database) -> None:
    desk, worker = resting_buy(db)
    desk.exchange.sold_by_hand = {desk.account: D("0.01")}
    look_twice(desk, worker)
    assert desk.site.one("SELECT reason FROM door") == "instrument_detached"
    assert desk.site.one("SELECT look_at <= now() FROM resting_order")
    worker.tend()
    assert kinds(desk) == []
    with desk.site.db.tenant(desk.site.tenant_id) as session:
        reattach(session, doorway(desk.site.subscriptions[0], PERPETUAL))
    worker.tend()
    assert kinds(desk) == ["limit"]


def test_a_follower_who_is_liquidated_has_nothing_resting_that_opens(db: Database) -> None:
    desk, worker = resting_buy(db)
    trade = leader_trade(900, Side.SELL, "0.01", symbol=PERPETUAL)
    desk.exchange.traded_by_hand = {desk.account: [replace(trade, px=D(39_950))]}
    desk.exchange.sold_by_hand = {desk.account: D("0.01")}
    look_twice(desk, worker)
    assert desk.site.one("SELECT state FROM subscription") == "liquidated"
    assert desk.site.one("SELECT look_at <= now() FROM resting_order")
    worker.tend()
    assert kinds(desk) == []


def test_a_leader_who_is_liquidated_leaves_nothing_resting(db: Database) -> None:
    desk, worker = resting_both(db)
    desk.cancel("b")
    desk.cancel("s")
    desk.site.trade(Side.SELL, "1", order="liquidation", symbol=PERPETUAL)
    worker.drain()
    worker.tend()
    worker.reconcile()
    assert kinds(desk) == [] and desk.states() == ["done", "done"]
    assert desk.book()[0] == 0


def test_a_paused_strategy_recalls_opens_keeps_exits_and_places_again_when_it_goes_on(db: Database) -> None:
    desk, worker = resting_both(db)
    with desk.site.db.tenant(desk.site.tenant_id) as session:
        assert pause_strategy(session, desk.site.leader.strategy_id) == ["binance-lab:0"]
    worker.tend()
    assert kinds(desk) == ["stop_market"]
    with desk.site.db.tenant(desk.site.tenant_id) as session:
        resume_strategy(session, desk.site.leader.strategy_id)
    worker.tend()
    assert kinds(desk) == ["limit", "stop_market"]


def test_a_market_that_is_switched_off_recalls_opens_keeps_exits_and_places_again_when_it_is_on(db: Database) -> None:
    desk, worker = resting_both(db)
    on = worker.around.markets
    for markets, resting in ((frozenset[str](), ["stop_market"]), (on, ["limit", "stop_market"])):
        worker.around.markets = markets
        with desk.site.db.tenant(desk.site.tenant_id) as session:
            recall_opens(session)
        worker.tend()
        assert kinds(desk) == resting


def test_a_closed_strategy_recalls_opens_and_keeps_exits(db: Database) -> None:
    desk, worker = resting_both(db)
    with desk.site.db.tenant(desk.site.tenant_id) as session:
        close_strategy(session, desk.site.leader.strategy_id)
    worker.tend()
    assert kinds(desk) == ["stop_market"]


def test_a_strategy_that_is_closed_is_neither_paused_nor_resumed(db: Database) -> None:
    desk = OrderSite(db)
    with desk.site.db.tenant(desk.site.tenant_id) as session:
        close_strategy(session, desk.site.leader.strategy_id)
        with pytest.raises(InvalidInput, match="only a strategy that is live or on probation becomes paused"):
            pause_strategy(session, desk.site.leader.strategy_id)
        with pytest.raises(InvalidInput, match="only a strategy that is paused or suspended becomes live"):
            resume_strategy(session, desk.site.leader.strategy_id)


def test_with_a_dead_key_nothing_is_asked_and_orders_are_kept_up_again_once_it_is_renewed(db: Database) -> None:
    desk, worker = resting_both(db)
    with desk.site.db.tenant(desk.site.tenant_id) as session:
        quarantine(session, desk.account, Denial.KEY_REJECTED)
    desk.change("b", px=D(46000))
    assert worker.tend() == 0
    assert kinds(desk) == ["limit", "stop_market"]
    desk.site.act("UPDATE account SET status = 'active', status_reason = NULL")
    worker.later(31)
    moved = [order.px for order in desk.exchange.resting(desk.account) if order.type is OrderType.LIMIT]
    assert moved == [D(46000)]


def test_going_over_to_fills_recalls_everything_first_and_then_copies_fills(db: Database) -> None:
    desk, worker = resting_both(db)
    assert switch(desk, CopyMode.FILLS) == 2
    assert copies(desk) == "orders"
    worker.tend()
    assert kinds(desk) == [] and desk.states() == ["done", "done"]
    assert switch(desk, CopyMode.FILLS) == 0
    assert copies(desk) == "fills"
    desk.fill("b", "1")
    worker.drain()
    worker.reconcile()
    assert desk.legs()[-1] == ("open", "filled")
    assert desk.book()[0] == D("0.02") and desk.site.books_are_sums()


def test_a_fill_in_the_middle_of_going_over_is_copied_once(db: Database) -> None:
    desk, worker = resting_buy(db)
    desk.exchange.on_cancel = lambda cid: desk.exchange.fill(desk.account, "0.004")
    switch(desk, CopyMode.FILLS)
    desk.fill("b", "0.4", told=False)
    for _ in range(3):
        worker.drain()
        worker.later(1)
    worker.reconcile()
    assert desk.states() == ["done"] and switch(desk, CopyMode.FILLS) == 0
    desk.fill("b", "0.6")
    worker.drain()
    worker.reconcile()
    assert desk.book() == (D("0.02"), D("0.02")) and desk.site.books_are_sums()


def test_what_the_leaders_order_was_filled_before_the_recall_is_caught_up_with(db: Database) -> None:
    desk, worker = resting_both(db)
    desk.fill("b", "0.5")
    worker.drain()
    switch(desk, CopyMode.FILLS)
    worker.tend()
    worker.reconcile()
    assert ("catch-up", "filled") in desk.legs()
    assert desk.book() == (D("0.015"), D("0.015"))


def test_going_over_to_orders_mirrors_what_rests_already_as_far_as_it_is_not_filled(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = desk.worker()
    desk.place("b", Side.BUY, "1", "49000")
    desk.site.act("UPDATE subscription SET copies = 'fills'")
    desk.fill("b", "0.4")
    worker.drain()
    worker.tend()
    assert desk.legs() == [("open", "filled")] and kinds(desk) == []
    assert switch(desk, CopyMode.ORDERS) == 0
    worker.tend()
    (order,) = desk.exchange.resting(desk.account)
    assert (order.qty, order.px) == (D("0.006"), D(49000))


def test_a_recall_may_be_taken_back(db: Database) -> None:
    desk, worker = resting_both(db)
    switch(desk, CopyMode.FILLS)
    switch(desk, CopyMode.ORDERS)
    worker.tend()
    assert kinds(desk) == ["limit", "stop_market"] and copies(desk) == "orders"


def test_who_is_leaving_does_not_go_over(db: Database) -> None:
    desk = OrderSite(db)
    with desk.site.db.tenant(desk.site.tenant_id) as session:
        end_subscription(session, desk.site.subscriptions[0], EndMode.MANAGE_UNTIL_EXIT)
    with pytest.raises(InvalidInput, match="cannot switch between fills and orders"):
        switch(desk, CopyMode.FILLS)
