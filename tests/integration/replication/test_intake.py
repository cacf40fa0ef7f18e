"""Leader executions become signals exactly once, whatever is repeated, late or out of order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from copydesk.db import Database
from copydesk.kernel import utc_now
from copydesk.replication import (
    begin_books,
    begun_symbols,
    busy_lanes,
    due_lanes,
    last_trade_at,
    live_leaders,
    record_equity,
)
from copydesk.trading import PositionSide, Side
from copydesk.venues import LeaderTrade, Position
from desk_site import SHARD, Site, leader_trade, open_site
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paper_exchange import PERPETUAL, PX, D

BTC = "BTC/USDT"
START_MS = 1_772_366_400_000


def leader_book(site: Site, symbol: str = BTC) -> Decimal:
    value: Decimal = site.one("SELECT qty FROM leader_book WHERE symbol = :symbol", symbol=symbol)
    return value


def test_the_same_trades_twice_give_one_signal(site: Site) -> None:
    trades = [leader_trade(n, Side.BUY, "0.1", order="9") for n in (1, 2)]
    (first,) = site.store(trades)
    assert first.shards == (SHARD,)
    assert site.store(trades) == []
    assert site.store(list(reversed(trades))) == []
    assert site.one("SELECT count(*) FROM signal") == 1
    assert leader_book(site) == D("0.2")


def test_a_snapshot_that_overlaps_the_stream_adds_only_what_is_new(site: Site) -> None:
    one, two = (leader_trade(n, Side.BUY, "0.1", order="9") for n in (1, 2))
    site.store([one])
    (signal,) = site.store([one, two])
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
    dear = LeaderTrade("2", "9", "", BTC, Side.BUY, None, D(3), PX + 400, D(0), "BTC", cheap.at_ms)
    site.store([cheap, dear])
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
    site.store([sold, bought])
    assert [row[0] for row in site.rows("SELECT side FROM signal ORDER BY id")] == ["buy", "sell"]
    assert leader_book(site) == 0


def test_a_buy_that_arrives_after_its_sale_does_not_stay_in_the_book(site: Site) -> None:
    bought = leader_trade(1, Side.BUY, "1", at_ms=START_MS)
    sold = leader_trade(2, Side.SELL, "1", at_ms=START_MS + 5)
    site.store([sold])
    site.store([bought])
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
        trades.append(leader_trade(number, side, str(qty), order=f"{side}-{order}", at_ms=at_ms))
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
    site.store([leader_trade(1, Side.BUY, "1", at_ms=START_MS)])
    with site.db.tenant(site.tenant_id) as session:
        assert last_trade_at(session, site.leader).timestamp() * 1000 == START_MS


@pytest.mark.parametrize(
    ("change", "watched"),
    [
        ("UPDATE strategy SET status = 'paused'", True),
        ("UPDATE strategy SET status = 'closed'", True),
        ("UPDATE strategy SET status = 'closed'; UPDATE subscription SET state = 'ended'", False),
        ("UPDATE strategy SET status = 'suspended'", True),
        ("UPDATE strategy SET status = 'withdrawn'", False),
        ("UPDATE account SET status = 'unusable'", False),
    ],
)
def test_a_leader_who_paused_or_closed_is_watched_for_closes_until_the_last_follower_has_ended(
    site: Site, change: str, watched: bool
) -> None:
    for statement in change.split("; "):
        site.act(statement)
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


def perp(
    number: int, side: Side, qty: str, *, book: PositionSide = PositionSide.NET, at_ms: int = START_MS
) -> LeaderTrade:
    trade = leader_trade(number, side, qty, symbol=PERPETUAL, at_ms=at_ms)
    return replace(trade, position_side=book)


def held(qty: str, side: PositionSide = PositionSide.NET) -> Position:
    return Position(PERPETUAL, side, D(qty), PX, PX, 3, None, D(0), None)


def moves_of(site: Site) -> list[tuple[Decimal, Decimal]]:
    return [tuple(row) for row in site.rows("SELECT position_before, position_after FROM signal ORDER BY id")]


def begin(site: Site, positions: list[Position], trades: list[LeaderTrade]) -> None:
    with site.db.tenant(site.tenant_id) as session:
        begin_books(session, site.leader, PERPETUAL, positions, trades)


def test_a_perpetual_may_be_short_and_turn_round(site: Site) -> None:
    site.store([perp(1, Side.SELL, "1")])
    site.store([perp(2, Side.BUY, "3", at_ms=START_MS + 1)])
    assert moves_of(site) == [(0, -1), (-1, 2)]


def test_a_fee_does_not_change_a_perpetual(site: Site) -> None:
    site.store([replace(perp(1, Side.BUY, "1"), fee=D("0.1"))])
    assert leader_book(site, PERPETUAL) == 1


def test_each_side_of_hedge_mode_is_a_book_of_its_own(site: Site) -> None:
    long, short = PositionSide.LONG, PositionSide.SHORT
    site.store([perp(1, Side.BUY, "1", book=long), perp(2, Side.SELL, "2", book=short)])
    site.store([perp(3, Side.SELL, "0.4", book=long, at_ms=START_MS + 1)])
    books = site.rows("SELECT position_side, qty FROM leader_book ORDER BY 1")
    assert [tuple(row) for row in books] == [("long", D("0.6")), ("short", D(-2))]
    query = "SELECT position_side, position_before, position_after FROM signal ORDER BY id"
    assert [tuple(row) for row in site.rows(query)] == [
        ("long", 0, 1),
        ("short", 0, -2),
        ("long", 1, D("0.6")),
    ]


def test_a_signal_carries_the_leaders_leverage_where_it_is_known(site: Site) -> None:
    site.leverage = {PERPETUAL: 7}
    site.store([perp(1, Side.BUY, "1")])
    site.trade(Side.BUY, "1")
    assert site.rows("SELECT leader_leverage FROM signal ORDER BY id") == [(7,), (None,)]


def test_closing_an_older_position_does_not_open_one_on_the_other_side(site: Site) -> None:
    begin(site, [held("1.5")], [])
    site.store([perp(1, Side.SELL, "1")])
    site.store([perp(2, Side.SELL, "0.5", at_ms=START_MS + 1)])
    assert moves_of(site) == [(D("1.5"), D("0.5")), (D("0.5"), 0)]


def test_a_book_begins_without_the_trades_that_will_be_stored(site: Site) -> None:
    made = [perp(1, Side.BUY, "1"), perp(2, Side.SELL, "4", at_ms=START_MS + 1)]
    begin(site, [held("-2")], made)
    site.store(made)
    assert moves_of(site) == [(1, 2), (2, -2)]


def test_a_book_that_has_begun_stays_as_it_is(site: Site) -> None:
    begin(site, [held("-2")], [])
    begin(site, [held("7")], [])
    assert leader_book(site, PERPETUAL) == -2
    with site.db.tenant(site.tenant_id) as session:
        assert begun_symbols(session, site.leader) == {PERPETUAL}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves, st.integers(-3, 3), st.data())
def test_any_order_of_arrivals_gives_the_same_book_of_a_perpetual(
    db: Database, moves: list[tuple[Side, int, int, int]], before: int, data: st.DataObject
) -> None:
    at_ms, truth, trades = START_MS, Decimal(before), []
    for number, (side, qty, gap_ms, order) in enumerate(moves, start=9):
        at_ms += gap_ms
        truth += qty if side is Side.BUY else -qty
        trade = perp(number, side, str(qty), at_ms=at_ms)
        trades.append(replace(trade, venue_order_id=f"{side}-{order}"))
    arrivals = data.draw(st.permutations(trades + data.draw(st.lists(st.sampled_from(trades), max_size=3))))
    cut = data.draw(st.integers(0, len(arrivals)))
    site = open_site(db)
    begin(site, [held(str(before))] if before else [], [])
    site.store(arrivals[:cut])
    site.store(arrivals[cut:])
    assert leader_book(site, PERPETUAL) == truth
    assert moves_of(site)[-1][1] == truth


def test_a_lane_that_is_new_gets_the_next_signal_and_one_that_nobody_copies_on_any_more_gets_none(site: Site) -> None:
    (first,) = site.trade(Side.BUY, "0.1")
    site.act("UPDATE account SET shard = 'binance-lab:7' WHERE id = :id", id=site.accounts[0])
    (moved,) = site.trade(Side.BUY, "0.1")
    site.act("UPDATE subscription SET state = 'ended' WHERE id = :id", id=site.subscriptions[0])
    (last,) = site.trade(Side.BUY, "0.1")
    assert [signal.shards for signal in (first, moved, last)] == [(SHARD,), ("binance-lab:7",), ()]
