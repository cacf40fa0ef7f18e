"""Joining late: what the leader holds already is ignored, taken over, or waited out, as the follower chose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from copydesk.kernel import Unavailable, utc_now
from copydesk.replication import due_lanes
from copydesk.replication.doors import closed_doors
from copydesk.replication.joins import JOINS_MAX
from copydesk.replication.lifecycle import pause, resume
from copydesk.trading import Denial, JoinMode, OrderType, PositionSide, Side
from desk_site import SHARD, Site, Worker
from life_site import join
from paper_exchange import PERPETUAL, PX, D

NET = PositionSide.NET


def newcomer(site: Site, mode: JoinMode, **terms: Any) -> tuple[int, int]:
    """Let the leader open 0.4 BTC, and then an account subscribe; return the subscription and the account."""
    site.trade(Side.BUY, "0.4")
    return join(site, mode, **terms)


def book(site: Site, subscription: int, symbol: str = "BTC/USDT") -> list[Any]:
    query = "SELECT qty, target_qty FROM book WHERE subscription_id = :id AND symbol = :symbol"
    return [tuple(row) for row in site.rows(query, id=subscription, symbol=symbol)]


def joins(site: Site) -> list[tuple[str, str | None]]:
    return [tuple(row) for row in site.rows("SELECT state, reason FROM late_join ORDER BY symbol")]


def test_a_late_joiner_ignores_what_the_leader_holds_unless_told_otherwise(site: Site) -> None:
    subscription, account = newcomer(site, JoinMode.IGNORE)
    worker = site.worker()
    worker.drain()
    worker.reconcile()
    assert site.exchange.orders_of(account) == []
    assert book(site, subscription) == []


def test_a_late_joiner_may_take_over_at_the_market_what_the_leader_holds(site: Site) -> None:
    _, account = newcomer(site, JoinMode.AT_MARKET)
    worker = site.worker()
    worker.drain()
    worker.reconcile()
    (order,) = site.exchange.orders_of(account)
    # 0.4 BTC of 100,000 USDT, with 1,000 USDT.
    assert (order.side, order.type, order.qty, order.px) == (Side.BUY, OrderType.LIMIT, D("0.004"), PX * D("1.005"))
    assert site.one("SELECT leg FROM copy WHERE account_id = :id", id=account) == "join"
    worker.reconcile()
    assert joins(site) == [("done", None)]
    assert site.one("SELECT count(*) FROM errand") == 0
    assert site.books_are_sums()


def test_a_late_joiner_pays_the_price_of_today(site: Site) -> None:
    _, account = newcomer(site, JoinMode.AT_MARKET)
    site.exchange.px = {"BTC/USDT": D(60_000)}
    worker = site.worker()
    worker.drain()
    worker.reconcile()
    (order,) = site.exchange.orders_of(account)
    assert order.px == D(60_300)


def test_joining_is_held_to_the_allocation_like_any_open(site: Site) -> None:
    site.trade(Side.BUY, "4")
    _, account = join(site, JoinMode.AT_MARKET, allocation=D(100))
    site.exchange.px = {"BTC/USDT": D(60_000)}
    worker = site.worker()
    worker.drain()
    worker.reconcile()
    (order,) = site.exchange.orders_of(account)
    assert order.qty * order.px <= 100 < (order.qty + D("0.00001")) * order.px


def test_a_position_is_joined_once_however_often_the_lane_is_reconciled(site: Site) -> None:
    _, account = newcomer(site, JoinMode.AT_MARKET)
    for _ in range(3):
        worker = site.worker()
        worker.drain()
        worker.reconcile()
    assert len(site.exchange.orders_of(account)) == 1


def test_a_joining_order_of_unknown_outcome_is_found_and_not_sent_again(site: Site) -> None:
    subscription, account = newcomer(site, JoinMode.AT_MARKET)
    worker = site.worker()
    worker.drain()
    site.exchange.mood = {account: "silent"}
    worker.reconcile()
    worker.clock.ahead_s = 60
    worker.reconcile()
    worker.reconcile()
    assert len(site.exchange.orders_of(account)) == 1
    assert book(site, subscription)[0][0] == D("0.003996")
    assert joins(site) == [("done", None)]


def test_a_joining_order_that_never_arrived_is_made_anew_at_the_price_of_then(site: Site) -> None:
    subscription, account = newcomer(site, JoinMode.AT_MARKET)
    worker = site.worker()
    worker.drain()
    site.exchange.mood = {account: "lost"}
    worker.reconcile()
    site.exchange.mood = {}
    site.exchange.px = {"BTC/USDT": D(51_000)}
    # The order in doubt is proven absent, and too old by then.
    worker.clock.ahead_s = 60
    for _ in range(3):
        worker.reconcile()
    (order,) = site.exchange.orders_of(account)
    assert order.px == D(51_255)
    legs = "SELECT leg, status FROM copy WHERE subscription_id = :id ORDER BY id"
    assert [tuple(row) for row in site.rows(legs, id=subscription)] == [("join", "expired"), ("join-2", "filled")]
    assert site.books_are_sums()


def test_joining_is_given_up_after_three_orders_that_found_nothing(site: Site) -> None:
    _, account = newcomer(site, JoinMode.AT_MARKET)
    site.exchange.mood = {account: "miss"}
    worker = site.worker()
    worker.drain()
    for _ in range(6):
        worker.reconcile()
    assert len(site.exchange.orders_of(account)) == 3
    assert joins(site) == [("skipped", "price_moved")]


def test_what_fills_in_part_is_joined_in_part(site: Site) -> None:
    subscription, account = newcomer(site, JoinMode.AT_MARKET)
    site.exchange.mood = {account: "half"}
    worker = site.worker()
    worker.drain()
    worker.reconcile()
    site.exchange.mood = {}
    worker.reconcile()
    assert joins(site) == [("done", None)]
    ((qty, target),) = book(site, subscription)
    assert qty == target == D("0.001998")


@pytest.mark.parametrize(("px", "joined"), [(D(49_999), True), (D(50_000), True), (D(50_001), False)])
def test_with_better_price_a_long_is_joined_at_no_more_than_the_leaders_entry(
    site: Site, px: Any, joined: bool
) -> None:
    _, account = newcomer(site, JoinMode.BETTER_PRICE)
    site.exchange.px = {"BTC/USDT": px}
    worker = site.worker()
    worker.drain()
    worker.reconcile()
    orders = site.exchange.orders_of(account)
    assert all(order.px is not None and order.px <= PX for order in orders)
    assert bool(orders) is joined
    assert joins(site)[0] == (("sent", None) if joined else ("skipped", "join_price_not_better"))


@pytest.mark.parametrize(("px", "joined"), [(D(50_001), True), (D(49_999), False)])
def test_with_better_price_a_short_is_joined_at_no_less_than_the_leaders_entry(
    site: Site, px: Any, joined: bool
) -> None:
    site.trade(Side.SELL, "0.8", symbol=PERPETUAL)
    _, account = join(site, JoinMode.BETTER_PRICE)
    site.exchange.px = {PERPETUAL: px}
    worker = site.worker()
    worker.drain()
    worker.reconcile()
    orders = site.exchange.orders_of(account)
    assert [(order.side, order.qty) for order in orders] == ([(Side.SELL, D("0.008"))] if joined else [])
    assert all(order.px is not None and order.px >= PX for order in orders)


def test_a_reduction_between_subscribing_and_joining_reduces_what_is_joined(site: Site) -> None:
    subscription, account = newcomer(site, JoinMode.AT_MARKET)
    site.trade(Side.SELL, "0.3")
    worker = site.worker()
    worker.drain()
    worker.reconcile()
    (order,) = site.exchange.orders_of(account)
    assert order.qty == D("0.001")
    assert book(site, subscription)[0][1] == D("0.000999")


def test_what_is_added_between_subscribing_and_joining_is_copied_as_an_addition(site: Site) -> None:
    _, account = newcomer(site, JoinMode.AT_MARKET)
    site.trade(Side.BUY, "0.2")
    worker = site.worker()
    worker.drain()
    worker.reconcile()
    assert sorted(order.qty for order in site.exchange.orders_of(account)) == [D("0.002"), D("0.004")]
    assert site.books_are_sums()


def test_a_leader_who_is_flat_before_the_join_is_not_joined(site: Site) -> None:
    _, account = newcomer(site, JoinMode.AT_MARKET)
    site.trade(Side.SELL, "0.4")
    worker = site.worker()
    worker.drain()
    worker.reconcile()
    assert site.exchange.orders_of(account) == []
    assert joins(site) == [("skipped", "leader_is_flat")]


def test_what_was_joined_follows_the_leader_to_its_end(site: Site) -> None:
    subscription, account = newcomer(site, JoinMode.AT_MARKET)
    worker = site.worker()
    worker.drain()
    worker.reconcile()
    site.trade(Side.SELL, "0.2")
    worker.drain()
    site.trade(Side.SELL, "0.2")
    worker.drain()
    assert book(site, subscription)[0][0] < D("0.00001")
    assert [order.side for order in site.exchange.orders_of(account)] == [Side.BUY, Side.SELL, Side.SELL]


def test_a_paused_follower_joins_once_resumed(site: Site) -> None:
    subscription, account = newcomer(site, JoinMode.AT_MARKET)
    with site.db.tenant(site.tenant_id) as session:
        pause(session, subscription)
    worker = site.worker()
    worker.drain()
    worker.reconcile()
    assert site.exchange.orders_of(account) == []
    with site.db.tenant(site.tenant_id) as session:
        resume(session, subscription)
    worker.reconcile()
    assert len(site.exchange.orders_of(account)) == 1


def test_a_join_waits_while_the_exchange_tells_no_prices(site: Site) -> None:
    _, account = newcomer(site, JoinMode.AT_MARKET)
    worker = site.worker()
    worker.drain()

    async def silent() -> dict[str, Any]:
        raise Unavailable("busy")

    telling, site.exchange.prices = site.exchange.prices, silent  # type: ignore[method-assign]
    worker.reconcile()
    assert joins(site) == [("waiting", None)]
    site.exchange.prices = telling  # type: ignore[method-assign]
    worker.reconcile()
    assert len(site.exchange.orders_of(account)) == 1


def test_a_crowd_of_late_joiners_is_taken_in_by_turns(site: Site) -> None:
    site.trade(Side.BUY, "0.4")
    late = [join(site, JoinMode.AT_MARKET)[1] for _ in range(JOINS_MAX + 3)]
    worker = site.worker()
    worker.drain()
    for joined in (JOINS_MAX, JOINS_MAX + 3):
        worker.reconcile()
        assert sum(len(site.exchange.orders_of(account)) for account in late) == joined


def test_a_join_without_a_price_of_its_instrument_waits(site: Site) -> None:
    _, account = newcomer(site, JoinMode.AT_MARKET)
    worker = site.worker()
    worker.drain()
    site.exchange.px = {"BTC/USDT": None}  # type: ignore[dict-item]
    worker.reconcile()
    assert joins(site) == [("waiting", "venue_unavailable")]
    site.exchange.px = {}
    worker.reconcile()
    assert len(site.exchange.orders_of(account)) == 1


def test_a_waiting_join_wakes_its_lane(site: Site) -> None:
    newcomer(site, JoinMode.AT_MARKET)
    with site.db.tenant(site.tenant_id) as session:
        assert (SHARD, "reconcile") in due_lanes(session, now=utc_now(), overdue=utc_now().replace(year=2000))


def test_who_waits_until_the_leader_is_flat_copies_no_addition_but_the_next_position(site: Site) -> None:
    subscription, account = newcomer(site, JoinMode.WAIT_UNTIL_FLAT)
    worker = site.worker()
    site.trade(Side.BUY, "0.2")
    worker.drain()
    reason = "SELECT status, reason FROM copy WHERE subscription_id = :id"
    assert site.one(reason, id=subscription) == ("denied", "waiting_until_flat")
    site.trade(Side.SELL, "0.6")
    site.trade(Side.BUY, "0.4")
    worker.drain()
    (order,) = site.exchange.orders_of(account)
    assert (order.side, order.qty) == (Side.BUY, D("0.004"))
    worker.reconcile()
    assert site.one("SELECT count(*) FROM door") == 0


def test_a_door_stays_shut_for_signals_before_the_leader_was_flat(site: Site) -> None:
    """Both signals are stored already when the first is planned."""
    subscription, account = newcomer(site, JoinMode.WAIT_UNTIL_FLAT)
    (added,) = site.trade(Side.BUY, "0.2")
    (flat,) = site.trade(Side.SELL, "0.6")
    with site.db.tenant(site.tenant_id) as session:
        place = (session, site.leader.strategy_id, SHARD, "BTC/USDT", NET)
        assert closed_doors(*place, signal_id=added.id) == {subscription: (Denial.WAITING_UNTIL_FLAT, {})}
        assert closed_doors(*place, signal_id=flat.id) == {}
    site.worker().drain()
    assert site.exchange.orders_of(account) == []


def test_other_instruments_are_copied_while_one_is_waited_for(site: Site) -> None:
    _, account = newcomer(site, JoinMode.WAIT_UNTIL_FLAT)
    site.trade(Side.BUY, "0.2", symbol="ETH/USDT")
    site.worker().drain()
    (order,) = site.exchange.orders_of(account)
    assert order.symbol == "ETH/USDT"


def test_a_reduction_of_a_position_that_was_not_copied_makes_no_order(site: Site) -> None:
    subscription, account = newcomer(site, JoinMode.IGNORE)
    site.trade(Side.SELL, "0.2")
    site.worker().drain()
    assert site.exchange.orders_of(account) == []
    reason = "SELECT status, reason FROM copy WHERE subscription_id = :id"
    assert site.one(reason, id=subscription) == ("denied", "nothing_to_reduce")


def test_an_addition_to_a_position_that_was_not_copied_is_copied_as_what_was_added(site: Site) -> None:
    _, account = newcomer(site, JoinMode.IGNORE)
    site.trade(Side.BUY, "0.2")
    site.worker().drain()
    (order,) = site.exchange.orders_of(account)
    assert order.qty == D("0.002")


def test_a_worker_that_lost_the_lane_joins_nothing(opens: Callable[..., Site]) -> None:
    site = opens()
    _, account = newcomer(site, JoinMode.AT_MARKET)
    late: Worker = site.worker("late")
    late.drain()
    site.expire_lease()
    site.worker("two").drain()
    assert late.reconcile() == 0
    assert site.exchange.orders_of(account) == []
