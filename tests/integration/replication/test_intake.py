"""Leader executions become signals exactly once, whatever is repeated, late or out of order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from copydesk.db import Database
from copydesk.kernel import utc_now
from copydesk.replication import busy_lanes, due_lanes, last_trade_at, live_leaders, record_equity
from copydesk.trading import Side
from copydesk.venues import LeaderTrade
from desk_site import SHARD, Site, leader_trade, open_site
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paper_exchange import PX, D

BTC = "BTC/USDT"
START_MS = 1_772_366_400_000


def leader_book(site: Site, symbol: str = BTC) -> Decimal:
    value: Decimal = site.one("SELECT qty FROM leader_book WHERE symbol = :symbol", symbol=symbol)
    return value


def test_the_same_trades_twice_give_one_signal(site: Site) -> None:
    trades = [(BTC, leader_trade(n, Side.BUY, "0.1", order="9")) for n in (1, 2)]
    (first,) = site.store(trades)
    assert first.shards == (SHARD,)
    assert site.store(trades) == []
    assert site.store(list(reversed(trades))) == []
    assert site.one("SELECT count(*) FROM signal") == 1
    assert leader_book(site) == D("0.2")


def test_a_snapshot_that_overlaps_the_stream_adds_only_what_is_new(site: Site) -> None:
    one, two = (leader_trade(n, Side.BUY, "0.1", order="9") for n in (1, 2))
    site.store([(BTC, one)])
    (signal,) = site.store([(BTC, one), (BTC, two)])
    assert site.rows("SELECT qty, cum_qty, position_before, position_after FROM signal ORDER BY id") == [
        (D("0.1"), D("0.1"), D(0), D("0.1")),
        (D("0.1"), D("0.2"), D("0.1"), D("0.2")),
    ]
    assert site.one("SELECT max(id) FROM signal") == signal.id


def test_a_fee_taken_in_base_is_not_held_by_the_leader(site: Site) -> None:
    site.trade(Side.BUY, "1", fee="0.001")
    assert leader_book(site) == D("0.999")


def test_one_signal_carries_the_average_price_of_its_executions(site: Site) -> None:
    cheap = leader_trade(1, Side.BUY, "1", order="9")
    dear = LeaderTrade("2", "9", "", "BTCUSDT", Side.BUY, None, D(3), PX + 400, D(0), "BTC", cheap.at_ms)
    site.store([(BTC, cheap), (BTC, dear)])
    assert site.one("SELECT px FROM signal") == PX + 300


def test_orders_of_two_pairs_may_share_a_number(site: Site) -> None:
    """Binance counts orders per pair, so the same number and quantity on two pairs are two orders."""
    site.trade(Side.BUY, "0.5", order="77", symbol=BTC)
    (second,) = site.trade(Side.BUY, "0.5", order="77", symbol="ETH/USDT")
    assert second.shards == (SHARD,)
    assert site.one("SELECT count(*) FROM signal") == 2


def test_trades_of_one_moment_are_taken_in_the_exchanges_order(site: Site) -> None:
    bought = leader_trade(9, Side.BUY, "1", order="9", at_ms=START_MS)
    sold = leader_trade(10, Side.SELL, "1", order="10", at_ms=START_MS)
    site.store([(BTC, sold), (BTC, bought)])
    assert [row[0] for row in site.rows("SELECT side FROM signal ORDER BY id")] == ["buy", "sell"]
    assert leader_book(site) == 0


def test_a_buy_that_arrives_after_its_sale_does_not_stay_in_the_book(site: Site) -> None:
    bought = leader_trade(1, Side.BUY, "1", at_ms=START_MS)
    sold = leader_trade(2, Side.SELL, "1", at_ms=START_MS + 5)
    site.store([(BTC, sold)])
    site.store([(BTC, bought)])
    assert leader_book(site) == 0
    before, after = site.one("SELECT position_before, position_after FROM signal ORDER BY id DESC LIMIT 1")
    assert after <= before


def test_what_a_leader_sells_of_earlier_holdings_does_not_hide_the_next_purchase(site: Site) -> None:
    site.trade(Side.SELL, "5")
    site.trade(Side.BUY, "1")
    assert leader_book(site) == 1


moves = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(1, 5), st.integers(0, 3), st.integers(1, 3)), min_size=1, max_size=7
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves, st.data())
def test_any_order_and_repetition_of_arrivals_gives_the_same_leader_book(
    db: Database, moves: list[tuple[Side, int, int, int]], data: st.DataObject
) -> None:
    at_ms, truth, trades = START_MS, Decimal(0), []
    for number, (side, qty, gap_ms, order) in enumerate(moves, start=9):
        at_ms += gap_ms
        truth = max(truth + (qty if side is Side.BUY else -qty), Decimal(0))
        trades.append((BTC, leader_trade(number, side, str(qty), order=f"{side}-{order}", at_ms=at_ms)))
    arrivals = data.draw(st.permutations(trades + data.draw(st.lists(st.sampled_from(trades), max_size=3))))
    cut = data.draw(st.integers(0, len(arrivals)))
    site = open_site(db)
    site.store(arrivals[:cut])
    site.store(arrivals[cut:])
    assert leader_book(site) == truth
    newest = site.one("SELECT position_after FROM signal ORDER BY id DESC LIMIT 1")
    assert newest == truth


def test_a_leader_without_followers_stores_signals_and_wakes_nobody(opens: Callable[..., Site]) -> None:
    (signal,) = opens(followers=0).trade(Side.BUY, "1")
    assert signal.shards == ()


def test_the_listener_is_told_its_leaders_and_where_to_resume(site: Site) -> None:
    with site.db.tenant(site.tenant_id) as session:
        assert live_leaders(session, venue="binance", environment="lab") == [site.leader]
        assert live_leaders(session, venue="binance", environment="live") == []
        assert last_trade_at(session, site.leader) == site.leader.started_at
    site.store([(BTC, leader_trade(1, Side.BUY, "1", at_ms=START_MS))])
    with site.db.tenant(site.tenant_id) as session:
        assert last_trade_at(session, site.leader).timestamp() * 1000 == START_MS


@pytest.mark.parametrize(
    ("change", "watched"),
    [
        ("UPDATE strategy SET status = 'paused'", True),
        ("UPDATE strategy SET status = 'closed'", False),
        ("UPDATE strategy SET status = 'suspended'", False),
        ("UPDATE account SET status = 'unusable'", False),
    ],
)
def test_a_paused_leader_is_watched_for_its_closes_and_a_closed_one_no_longer(
    site: Site, change: str, watched: bool
) -> None:
    site.act(change)
    with site.db.tenant(site.tenant_id) as session:
        assert live_leaders(session, venue="binance", environment="lab") == ([site.leader] if watched else [])


def test_equity_is_recorded_once_per_moment(site: Site) -> None:
    at = utc_now()
    for equity in (D(1), D(2)):
        with site.db.tenant(site.tenant_id) as session:
            record_equity(session, site.leader, at=at, equity=equity)
    assert site.rows("SELECT equity FROM equity_point") == [(D(1),)]


def test_the_relay_finds_what_nobody_drained_and_what_holds_open_books(site: Site) -> None:
    site.trade(Side.BUY, "1")
    now = utc_now() + timedelta(seconds=1)
    with site.db.tenant(site.tenant_id) as session:
        assert due_lanes(session, now=now, overdue=now) == [(SHARD, "drain")]
        assert due_lanes(session, now=now, overdue=now - timedelta(hours=1)) == []
        assert busy_lanes(session) == []
    site.worker().drain()
    with site.db.tenant(site.tenant_id) as session:
        assert due_lanes(session, now=now, overdue=now) == []
        assert busy_lanes(session) == [SHARD]


@pytest.mark.parametrize("mood", ["lost", "busy"])
def test_the_relay_finds_copies_whose_outcome_is_unknown(site: Site, mood: str) -> None:
    site.exchange.mood = dict.fromkeys(site.accounts, mood)
    site.trade(Side.BUY, "1")
    site.worker().drain()
    now = utc_now() + timedelta(seconds=60)
    with site.db.tenant(site.tenant_id) as session:
        assert due_lanes(session, now=now, overdue=now) == [(SHARD, "reconcile")]
