"""Leaving: close now, leave managed until the leader exits, or hand over; nothing is left behind unseen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from copydesk.kernel import InvalidInput, NotFound, utc_now
from copydesk.replication import due_lanes, live_leaders
from copydesk.replication.lifecycle import close_strategy, end_subscription, pause, resume
from copydesk.trading import EndMode, JoinMode, OrderType, Side
from desk_site import SHARD, Site, Worker
from life_site import join
from paper_exchange import PERPETUAL, D


def invested(site: Site, qty: str = "0.4", symbol: str = "BTC/USDT") -> Worker:
    """Let the leader open, and the follower copy it."""
    site.trade(Side.BUY, qty, symbol=symbol)
    worker = site.worker()
    worker.drain()
    return worker


def leave(site: Site, mode: EndMode, follower: int = 0) -> None:
    with site.db.tenant(site.tenant_id) as session:
        leaving = end_subscription(session, site.subscriptions[follower], mode)
    assert leaving.shard == SHARD


def state(site: Site, follower: int = 0) -> Any:
    query = "SELECT state, state_reason FROM subscription WHERE id = :id"
    return tuple(site.one(query, id=site.subscriptions[follower]))


def sides(site: Site, follower: int = 0) -> list[Side]:
    return [order.side for order in site.exchange.orders_of(site.accounts[follower])]


def test_close_now_closes_every_book_at_once_and_ends(site: Site) -> None:
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    worker = invested(site)
    leave(site, EndMode.CLOSE_NOW)
    worker.reconcile()
    closes = [order for order in site.exchange.orders_of(site.accounts[0]) if order.reduces]
    assert [(order.symbol, order.type, order.side) for order in closes] == [
        ("BTC/USDT", OrderType.MARKET, Side.SELL),
        (PERPETUAL, OrderType.MARKET, Side.SELL),
    ]
    worker.reconcile()
    assert state(site) == ("ended", None)
    assert site.one("SELECT count(*) FROM book WHERE qty <> 0") == 0
    assert site.one("SELECT count(*) FROM errand") == 0
    assert site.books_are_sums()


def test_what_is_closed_on_leaving_is_sent_once_though_its_answer_is_lost(site: Site) -> None:
    worker = invested(site)
    leave(site, EndMode.CLOSE_NOW)
    site.exchange.mood = {site.accounts[0]: "silent"}
    worker.reconcile()
    site.exchange.mood = {}
    for ahead_s in (5, 10, 15):
        worker.clock.ahead_s = ahead_s
        worker.reconcile()
    assert sides(site) == [Side.BUY, Side.SELL]
    assert state(site) == ("ended", None)


def test_closing_on_leaving_is_tried_again_until_it_works_and_says_so(site: Site) -> None:
    worker = invested(site)
    leave(site, EndMode.CLOSE_NOW)
    site.exchange.mood = {site.accounts[0]: "miss"}
    for tries in range(5):
        worker.clock.ahead_s += 100
        worker.reconcile()
        assert len(sides(site)) == tries + 2
    assert state(site) == ("ending", "close_failed")
    site.exchange.mood = {}
    for _ in range(2):
        worker.clock.ahead_s += 301
        worker.reconcile()
    assert state(site) == ("ended", None)
    legs = [row[0] for row in site.rows("SELECT leg FROM copy WHERE reduces ORDER BY id")]
    assert legs == ["end", "end-2", "end-3", "end-4", "end-5", "end-6"]


def test_closing_on_leaving_pauses_between_two_tries(site: Site) -> None:
    worker = invested(site)
    leave(site, EndMode.CLOSE_NOW)
    site.exchange.mood = {site.accounts[0]: "miss"}
    worker.reconcile()
    worker.reconcile()
    worker.clock.ahead_s = 1
    worker.reconcile()
    assert len(sides(site)) == 2


def test_who_is_leaving_opens_nothing_any_more(site: Site) -> None:
    worker = invested(site)
    leave(site, EndMode.MANAGE_UNTIL_EXIT)
    site.trade(Side.BUY, "0.2")
    worker.drain()
    assert sides(site) == [Side.BUY]
    assert site.one("SELECT reason FROM copy WHERE status = 'denied'") == "subscription_ending"


def test_managed_until_exit_follows_the_leaders_closes_and_ends_when_flat(site: Site) -> None:
    worker = invested(site)
    leave(site, EndMode.MANAGE_UNTIL_EXIT)
    worker.reconcile()
    assert sides(site) == [Side.BUY]
    site.trade(Side.SELL, "0.2")
    worker.drain()
    worker.reconcile()
    assert state(site)[0] == "ending"
    site.trade(Side.SELL, "0.2")
    worker.drain()
    worker.reconcile()
    assert sides(site) == [Side.BUY, Side.SELL, Side.SELL]
    assert state(site) == ("ended", None)


def test_a_close_that_fails_while_managed_is_corrected_before_the_end(site: Site) -> None:
    worker = invested(site)
    leave(site, EndMode.MANAGE_UNTIL_EXIT)
    site.exchange.mood = {site.accounts[0]: "miss"}
    site.trade(Side.SELL, "0.4")
    worker.drain()
    site.exchange.mood = {}
    worker.reconcile()
    worker.reconcile()
    assert sides(site) == [Side.BUY, Side.SELL, Side.SELL]
    assert state(site) == ("ended", None)


def test_handing_over_sends_nothing_and_leaves_the_position_to_its_owner(site: Site) -> None:
    worker = invested(site)
    leave(site, EndMode.HAND_OVER)
    worker.reconcile()
    assert sides(site) == [Side.BUY]
    assert state(site) == ("ended", None)
    assert site.book()[:2] == (0, 0)
    assert site.exchange.owned(site.accounts[0]) == D("0.003996")
    assert tuple(site.one("SELECT qty, reason FROM book_adjustment")) == (D("-0.003996"), "handed_over")
    assert site.books_are_sums()
    site.trade(Side.SELL, "0.4")
    worker.drain()
    worker.reconcile()
    assert sides(site) == [Side.BUY]


def test_handing_over_waits_for_what_is_on_its_way(site: Site) -> None:
    site.trade(Side.BUY, "0.4")
    worker = site.worker()
    site.exchange.mood = {site.accounts[0]: "rest"}
    worker.drain()
    leave(site, EndMode.HAND_OVER)
    worker.reconcile()
    assert state(site)[0] == "ending"
    site.exchange.match()
    worker.clock.ahead_s = 5
    worker.reconcile()
    worker.reconcile()
    assert state(site) == ("ended", None)
    assert site.book()[0] == 0
    assert site.books_are_sums()


def test_dust_is_left_to_its_owner_when_all_else_is_closed(site: Site) -> None:
    worker = invested(site)
    site.act("UPDATE book SET qty = 0.000003, target_qty = 0")
    leave(site, EndMode.CLOSE_NOW)
    worker.reconcile()
    assert state(site) == ("ended", None)
    assert tuple(site.one("SELECT qty, reason FROM book_adjustment")) == (D("-0.000003"), "dust")


def test_an_instrument_that_is_gone_keeps_a_leaver_until_the_owner_takes_it_over(site: Site) -> None:
    worker = invested(site)
    site.exchange.listed = {}
    leave(site, EndMode.CLOSE_NOW)
    worker.reconcile()
    assert state(site) == ("ending", "instrument_unmapped")
    leave(site, EndMode.HAND_OVER)
    worker.reconcile()
    assert state(site) == ("ended", None)


def test_a_leaver_without_positions_ends_with_the_next_round(site: Site) -> None:
    leave(site, EndMode.MANAGE_UNTIL_EXIT)
    site.worker().reconcile()
    assert state(site) == ("ended", None)


def test_a_leaver_whose_account_is_unusable_is_not_forgotten(site: Site) -> None:
    worker = invested(site)
    leave(site, EndMode.CLOSE_NOW)
    worker.around.locked_out = {site.accounts[0]}
    worker.reconcile()
    assert state(site)[0] == "ending"
    worker.around.locked_out = set()
    worker.clock.ahead_s = 10
    worker.reconcile()
    worker.reconcile()
    assert state(site) == ("ended", None)


def test_an_ending_wakes_its_lane(site: Site) -> None:
    invested(site)
    leave(site, EndMode.CLOSE_NOW)
    with site.db.tenant(site.tenant_id) as session:
        assert (SHARD, "reconcile") in due_lanes(session, now=utc_now(), overdue=utc_now().replace(year=2000))


def test_a_worker_that_lost_the_lane_ends_nothing(site: Site) -> None:
    worker = invested(site)
    leave(site, EndMode.HAND_OVER)
    site.expire_lease()
    site.worker("two").drain()
    assert worker.reconcile() == 0
    assert state(site)[0] == "ending"


def test_an_ended_subscription_does_not_resume_and_its_account_may_subscribe_again(site: Site) -> None:
    leave(site, EndMode.HAND_OVER)
    site.worker().reconcile()
    with pytest.raises(InvalidInput, match="is ended: it cannot resume"), site.db.tenant(site.tenant_id) as session:
        resume(session, site.subscriptions[0])
    site.act("UPDATE account SET label = 'again' WHERE id = :id", id=site.accounts[0])
    subscription, _ = join(site, JoinMode.IGNORE)
    assert subscription != site.subscriptions[0]


def test_a_paused_follower_opens_nothing_and_is_closed_with_the_leader(site: Site) -> None:
    worker = invested(site)
    with site.db.tenant(site.tenant_id) as session:
        pause(session, site.subscriptions[0])
    site.trade(Side.BUY, "0.2")
    site.trade(Side.SELL, "0.6")
    worker.drain()
    assert sides(site) == [Side.BUY, Side.SELL]
    assert site.one("SELECT reason FROM copy WHERE status = 'denied'") == "subscription_paused"
    with site.db.tenant(site.tenant_id) as session:
        resume(session, site.subscriptions[0])
    site.trade(Side.BUY, "0.4")
    worker.drain()
    assert sides(site) == [Side.BUY, Side.SELL, Side.BUY]


def test_what_was_opened_during_a_pause_is_not_made_good(site: Site) -> None:
    with site.db.tenant(site.tenant_id) as session:
        pause(session, site.subscriptions[0])
    worker = invested(site)
    with site.db.tenant(site.tenant_id) as session:
        resume(session, site.subscriptions[0])
    worker.drain()
    worker.reconcile()
    site.trade(Side.SELL, "0.4")
    worker.drain()
    assert sides(site) == []


def test_the_closes_of_a_closed_strategy_still_go_and_then_its_followers_end(opens: Callable[..., Site]) -> None:
    site = opens(followers=2)
    worker = invested(site)
    with site.db.tenant(site.tenant_id) as session:
        assert len(close_strategy(session, site.leader.strategy_id)) == 2
        assert close_strategy(session, site.leader.strategy_id) == []
        assert [leader.account_id for leader in live_leaders(session, venue="binance", environment="lab")] == [
            site.leader.account_id
        ]
    site.trade(Side.BUY, "0.2")
    site.trade(Side.SELL, "0.6")
    worker.drain()
    worker.reconcile()
    for follower in (0, 1):
        assert sides(site, follower) == [Side.BUY, Side.SELL]
        assert state(site, follower) == ("ended", None)
    with site.db.tenant(site.tenant_id) as session:
        assert live_leaders(session, venue="binance", environment="lab") == []


def test_acts_on_a_subscription_that_is_not_there_or_in_another_state_are_refused(site: Site) -> None:
    with site.db.tenant(site.tenant_id) as session:
        with pytest.raises(NotFound):
            pause(session, 10**9)
        with pytest.raises(InvalidInput, match="is synced: it cannot resume"):
            resume(session, site.subscriptions[0])
