"""Isolated margin where the brand wants it, set up ahead; a position keeps its mode, and closes go out in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from copydesk.kernel import utc_now
from copydesk.replication import (
    Bounds,
    LeaderSetupSeen,
    NewStop,
    note_setups,
    read_exposures,
    store_stops,
    unprepared_lanes,
)
from copydesk.replication.stop_orders import Market, StopOrder, orders_from_memory
from copydesk.replication.stops import Halt, stop_books
from copydesk.risk.protection import Protection
from copydesk.trading import MarginMode, OrderRequest, PositionSide, Side, SubscriptionState
from copydesk.venues import BINANCE, ModeScope
from desk_site import SHARD, Site, Worker
from paper_exchange import INSTRUMENTS, PERPETUAL, D, instrument

CROSS, ISOLATED = MarginMode.CROSS, MarginMode.ISOLATED
OTHER = "ETH/USDT:USDT"
MARKET = Market(INSTRUMENTS, BINANCE, "cd-")


def moved(site: Site, worker: Worker, side: Side, qty: str = "0.4", symbol: str = PERPETUAL) -> OrderRequest:
    """Let the leader trade, and return the newest order that the follower has sent by then."""
    site.trade(side, qty, symbol=symbol)
    worker.drain()
    return site.exchange.orders_of(site.accounts[0])[-1]


def modes_set(site: Site) -> list[object]:
    return [value for _, what, value in site.exchange.setups if what == "margin_mode"]


def noted(site: Site) -> tuple[int, str]:
    leverage, mode = site.one(
        "SELECT leverage, margin_mode FROM account_setup WHERE symbol = :symbol", symbol=PERPETUAL
    )
    return leverage, mode


def see(site: Site, *symbols: str) -> None:
    with site.db.tenant(site.tenant_id) as session:
        note_setups(session, site.leader, dict.fromkeys(symbols, LeaderSetupSeen(hedge=False, leverage=1)))


def lacking(site: Site, mode: MarginMode) -> set[str]:
    with site.db.tenant(site.tenant_id) as session:
        return unprepared_lanes(session, Bounds("binance-lab", {PERPETUAL: 20}, 5, mode))


@pytest.fixture
def held(site: Site) -> tuple[Site, Worker]:
    """A follower who holds a long in cross margin, of a brand that has gone over to isolated margin since."""
    worker = site.worker()
    moved(site, worker, Side.BUY)
    worker.around.margin_mode = ISOLATED
    return site, worker


def test_followers_of_a_brand_with_isolated_margin_open_and_close_in_it(site: Site) -> None:
    worker = site.worker()
    worker.around.margin_mode = ISOLATED
    for side, back in ((Side.BUY, Side.SELL), (Side.SELL, Side.BUY)):
        assert moved(site, worker, side).margin_mode is ISOLATED
        closing = moved(site, worker, back)
        assert (closing.reduces, closing.margin_mode) == (True, ISOLATED)
    assert modes_set(site) == [ISOLATED]
    assert noted(site) == (1, "isolated")
    assert site.exchange.position(site.accounts[0]) == 0


def test_an_order_on_spot_names_no_margin_mode(site: Site) -> None:
    worker = site.worker()
    worker.around.margin_mode = ISOLATED
    assert moved(site, worker, Side.BUY, symbol="BTC/USDT").margin_mode is None


def test_a_position_keeps_its_mode_when_the_brand_changes_it(held: tuple[Site, Worker]) -> None:
    site, worker = held
    see(site, PERPETUAL)
    assert lacking(site, ISOLATED) == set()
    worker.prepare()
    moved(site, worker, Side.BUY)
    assert site.one("SELECT reason, reason_facts FROM copy WHERE status = 'denied'") == (
        "margin_mode_wrong",
        {"exchange": "binance"},
    )
    assert modes_set(site) == [CROSS]
    closing = moved(site, worker, Side.SELL, "0.8")
    assert (closing.reduces, closing.margin_mode) == (True, CROSS)
    assert site.exchange.position(site.accounts[0]) == 0
    # Flat, the account is set up ahead of the next signal, and the open costs no call.
    assert lacking(site, ISOLATED) == {SHARD}
    worker.prepare()
    assert modes_set(site) == [CROSS, ISOLATED]
    site.exchange.setups.clear()
    assert moved(site, worker, Side.BUY).margin_mode is ISOLATED
    assert site.exchange.setups == []


def test_the_mode_is_kept_where_the_setup_is_forgotten(held: tuple[Site, Worker]) -> None:
    site, worker = held
    worker.around.margin_mode = CROSS
    site.exchange.mood = {site.accounts[0]: "mode"}
    moved(site, worker, Side.BUY)
    site.exchange.mood = {}
    assert noted(site) == (0, "cross")
    worker.around.margin_mode = ISOLATED
    moved(site, worker, Side.BUY)
    assert site.one("SELECT reason FROM copy WHERE status = 'denied'") == "margin_mode_wrong"
    closing = moved(site, worker, Side.SELL, "1.2")
    assert (closing.reduces, closing.margin_mode) == (True, CROSS)
    assert site.exchange.position(site.accounts[0]) == 0


def test_an_open_in_doubt_keeps_the_mode_that_it_was_sent_in(site: Site) -> None:
    worker = site.worker()
    site.exchange.mood = {site.accounts[0]: "lost"}
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    worker.drain()
    site.exchange.mood = {}
    worker.around.margin_mode = ISOLATED
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    worker.drain()
    assert site.statuses() == ["in_flight", "denied"]
    worker.clock.ahead_s = 10
    worker.reconcile()
    assert [order.margin_mode for order in site.exchange.orders_of(site.accounts[0])] == [CROSS]


def test_what_corrects_a_book_goes_out_in_its_mode(held: tuple[Site, Worker]) -> None:
    site, worker = held
    site.exchange.mood = {site.accounts[0]: "miss"}
    assert moved(site, worker, Side.SELL).margin_mode is CROSS
    site.exchange.mood = {}
    worker.reconcile()
    assert site.exchange.orders_of(site.accounts[0])[-1].margin_mode is CROSS
    assert site.exchange.position(site.accounts[0]) == 0


@pytest.mark.parametrize("mode", MarginMode)
def test_stops_go_out_in_the_mode_of_what_they_close(site: Site, mode: MarginMode) -> None:
    worker = site.worker()
    worker.around.margin_mode = mode
    moved(site, worker, Side.BUY)
    now = utc_now()
    new = NewStop(
        site.subscriptions[0], site.accounts[0], SHARD, PERPETUAL, PositionSide.NET,
        Protection(Side.SELL, D("0.004"), D(40_000)),
    )  # fmt: skip
    halt = Halt(SHARD, site.subscriptions, SubscriptionState.DISARMED, "risk_stop", now, now + timedelta(seconds=6))
    with site.db.tenant(site.tenant_id) as session:
        (resting,) = store_stops(session, [new], {SHARD: ("cd-", BINANCE)}, now=now, proof_at=now)
        (exposure,) = read_exposures(session)
        (stored,) = stop_books(session, halt, MARKET).batch
    (remembered,) = orders_from_memory(site.tenant_id, exposure, MARKET)
    read_back = StopOrder.read(remembered.told())
    requests = [resting.request(), stored.request, remembered.request(), read_back.request()]
    assert {request.margin_mode for request in requests} == {mode}


def test_a_mode_of_the_whole_account_changes_only_while_it_holds_nothing(opens: Callable[..., Site]) -> None:
    site = opens()
    site.exchange.traits = replace(BINANCE, margin_mode_scope=ModeScope.ACCOUNT)
    site.exchange.listed = INSTRUMENTS | {OTHER: instrument(OTHER)}
    worker = site.worker()
    worker.around.markets = frozenset(site.exchange.listed)
    see(site, PERPETUAL, OTHER)
    worker.prepare()
    moved(site, worker, Side.BUY)
    worker.around.margin_mode = ISOLATED
    worker.prepare()
    assert modes_set(site) == [CROSS]
    moved(site, worker, Side.SELL)
    worker.clock.ahead_s = 601  # Whoever was refused is left alone for a while.
    worker.prepare()
    assert modes_set(site) == [CROSS, ISOLATED]
    assert site.rows("SELECT DISTINCT leverage, margin_mode FROM account_setup") == [(1, "isolated")]
