"""Rules of a subscription's life that follow from how signals are planned."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from copydesk.kernel import utc_now
from copydesk.replication import (
    Leader,
    LeaderState,
    NewsKind,
    leader_changes,
    leader_events,
    leader_positions,
    news_of_strategy,
    store_leader_positions,
    store_trades,
    tell_news,
)
from copydesk.trading import MarginMode, PositionSide, Side
from copydesk.venues import Position
from desk_site import Site, leader_trade
from paper_exchange import INSTRUMENTS, PERPETUAL, PX, D


def store(site: Site, side: Side, qty: str, *, equity: int) -> None:
    """Let the leader trade while worth so much."""
    site.trades += 1
    trade = leader_trade(site.trades, side, qty)
    with site.db.tenant(site.tenant_id) as session:
        store_trades(session, site.leader, [trade], state=LeaderState(Decimal(equity)), seen_at=utc_now())


def orders(site: Site) -> list[Any]:
    return [(order.side, order.qty) for order in site.exchange.orders_of(site.accounts[0])]


def test_a_deposit_or_withdrawal_of_the_leader_changes_the_ratio_of_the_next_open_only(site: Site) -> None:
    worker = site.worker()
    store(site, Side.BUY, "0.4", equity=100_000)
    worker.drain()
    worker.reconcile()
    store(site, Side.BUY, "0.4", equity=200_000)
    worker.drain()
    worker.reconcile()
    assert orders(site) == [(Side.BUY, D("0.004")), (Side.BUY, D("0.002"))]


def test_another_allocation_changes_the_next_open_only(site: Site) -> None:
    worker = site.worker()
    store(site, Side.BUY, "0.4", equity=100_000)
    worker.drain()
    site.act("UPDATE subscription SET allocation = 2000")
    worker.reconcile()
    assert len(orders(site)) == 1
    store(site, Side.BUY, "0.4", equity=100_000)
    worker.drain()
    assert orders(site)[1:] == [(Side.BUY, D("0.008"))]


def test_an_instrument_that_the_followers_exchange_does_not_list_is_named_and_skipped(site: Site) -> None:
    site.exchange.listed = {"ETH/USDT": INSTRUMENTS["ETH/USDT"]}
    site.trade(Side.BUY, "0.4")
    site.worker().drain()
    assert site.one("SELECT status, reason FROM copy") == ("denied", "instrument_unmapped")


def test_an_instrument_that_may_only_be_canceled_opens_nothing_and_is_still_closed(site: Site) -> None:
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    site.exchange.listed = INSTRUMENTS | {"BTC/USDT": replace(INSTRUMENTS["BTC/USDT"], trading=False)}
    site.trade(Side.BUY, "0.4")
    site.trade(Side.SELL, "0.8")
    worker.drain()
    assert [side for side, _ in orders(site)] == [Side.BUY, Side.SELL]
    assert site.one("SELECT reason FROM copy WHERE status = 'denied'") == "instrument_halted"


def tell(site: Site, before: Position, now: Position) -> list[int]:
    """Let the leader be seen at first so, then otherwise."""
    leader: Leader = site.leader
    with site.db.tenant(site.tenant_id) as session:
        return store_leader_positions(session, leader, [now], leader_changes([before], [now]), at=utc_now())


@pytest.mark.parametrize("side", [PositionSide.NET, PositionSide.LONG])
def test_followers_see_a_leaders_margin_with_both_distances_to_liquidation(site: Site, side: PositionSide) -> None:
    before = Position(PERPETUAL, side, D(1), PX, PX, 5, MarginMode.ISOLATED, D(0), D(41_000), D(10_000))
    assert len(tell(site, before, before._replace(liquidation_px=D(36_000), margin=D(15_000)))) == 1
    site.act(
        "INSERT INTO account_position (tenant_id, account_id, symbol, position_side, qty, mark_px, liquidation_px) "
        "VALUES (:tenant, :account, :symbol, :side, 0.01, 50000, 45000)",
        tenant=site.tenant_id,
        account=site.accounts[0],
        symbol=PERPETUAL,
        side=str(side),
    )
    with site.db.tenant(site.tenant_id) as session:
        (shown,) = leader_events(session, site.subscriptions[0])
    assert (shown.kind, shown.position_side) == (NewsKind.MARGIN, side)
    assert (shown.distance_before, shown.distance, shown.own_distance) == (D("0.18"), D("0.28"), D("0.1"))
    assert (shown.amount, shown.currency, shown.nearer_by) == (D(5000), "USDT", D("0.18"))


def test_a_follower_whose_position_was_not_looked_at_sees_the_leaders_distance_alone(site: Site) -> None:
    before = Position(PERPETUAL, PositionSide.NET, D(1), PX, PX, 5, MarginMode.CROSS, D(0), D(41_000))
    tell(site, before, before._replace(leverage=10))
    with site.db.tenant(site.tenant_id) as session:
        (shown,) = leader_events(session, site.subscriptions[0])
    assert (shown.kind, shown.leverage_before, shown.leverage) == (NewsKind.LEVERAGE, 5, 10)
    assert (shown.amount, shown.own_distance, shown.nearer_by) == (None, None, None)


def test_what_a_leader_was_seen_to_hold_is_there_for_the_next_process(site: Site) -> None:
    held = Position(PERPETUAL, PositionSide.NET, D(-2), PX, PX, None, None, D(0), None, D(700))
    other = held._replace(symbol="ETH/USDT:USDT", side=PositionSide.LONG, leverage=7, margin_mode=MarginMode.ISOLATED)
    at = utc_now()
    with site.db.tenant(site.tenant_id) as session:
        assert leader_positions(session, site.leader) is None
        store_leader_positions(session, site.leader, [held, other], [], at=at)
        stored = leader_positions(session, site.leader)
        assert stored is not None
        assert (set(stored[0]), stored[1]) == ({held, other}, at)
        store_leader_positions(session, site.leader, [], [], at=at)
        assert leader_positions(session, site.leader) is None


def test_news_of_a_strategy_are_its_own_and_the_newest_first(site: Site) -> None:
    at = utc_now()
    with site.db.tenant(site.tenant_id) as session:
        tell_news(session, site.leader.strategy_id, NewsKind.SUSPENDED, None, {"line": "loss > 5 %"}, at)
        tell_news(session, site.leader.strategy_id, NewsKind.RESUMED, None, {}, at)
        told = news_of_strategy(session, site.leader.strategy_id)
        assert [(one.kind, one.symbol) for one in told] == [(NewsKind.RESUMED, None), (NewsKind.SUSPENDED, None)]
        assert (told[1].facts, told[1].at) == ({"line": "loss > 5 %"}, at)
        assert news_of_strategy(session, site.leader.strategy_id + 1) == []


def test_the_lane_notes_where_followers_would_be_liquidated(site: Site) -> None:
    site.exchange.liquidation_px = D(40_000)
    site.trade(Side.BUY, "0.8", symbol=PERPETUAL)
    worker = site.worker()
    worker.drain()
    worker.reconcile()
    query = "SELECT qty, liquidation_px FROM account_position WHERE account_id = :id"
    assert tuple(site.one(query, id=site.accounts[0])) == (D("0.008"), D(40_000))
