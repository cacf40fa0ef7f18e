"""Books that are closed whatever the leader does: by a switch, or because their owner stopped everything."""

from __future__ import annotations

from decimal import Decimal

import pytest
from copydesk.db import Database
from copydesk.kernel import InvalidInput, NotFound
from copydesk.replication import carry_out, pause, preview_switch, resume, stop_everything
from copydesk.risk import Reach, Stops, ThrownSwitch
from copydesk.risk.switches import NewSwitch, Subjects, lift, read_board, throw
from copydesk.trading import JoinMode, OrderType, Side
from desk_site import Opens, Site, Worker
from life_site import join
from order_site import OrderSite
from paper_exchange import PERPETUAL, PX, D

DUST = D("0.00001")


def closing(site: Site, worker: Worker, reach: Reach = Reach.TENANT, subject: str = "") -> ThrownSwitch:
    """Throw a switch that closes, let the worker see it, and have it carried out."""
    known = Subjects({"binance-lab"}, {"BTC/USDT", "ETH/USDT", PERPETUAL}, {site.leader.strategy_id})
    with site.db.tenant(site.tenant_id) as session:
        switch = throw(session, NewSwitch(reach, subject, Stops.ALL, "drill", "Mara"), known)
        carry_out(session, switch)
    worker.around.in_force.board = read_board(site.db, [site.tenant_id])
    return switch


def stop_owner(site: Site, **whom: int) -> tuple[int, ...]:
    with site.db.tenant(site.tenant_id) as session:
        return stop_everything(session, **whom).subscription_ids


def held(site: Site, symbol: str = "BTC/USDT") -> list[Decimal]:
    return [row[0] for row in site.rows("SELECT qty FROM book WHERE symbol = :s ORDER BY subscription_id", s=symbol)]


def states(site: Site) -> list[tuple[str, str | None]]:
    return [tuple(row) for row in site.rows("SELECT state, state_reason FROM subscription ORDER BY id")]


def errands(site: Site) -> int:
    return int(site.one("SELECT count(*) FROM errand"))


def test_a_switch_that_closes_disarms_and_closes_whom_it_reaches(opens: Opens) -> None:
    site = opens(followers=2)
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    site.trade(Side.BUY, "1", symbol="ETH/USDT")
    while worker.drain():
        pass
    closing(site, worker, Reach.STRATEGY, str(site.leader.strategy_id))
    worker.reconcile()
    assert states(site) == [("disarmed", "stopped_by_switch")] * 2
    assert max(held(site) + held(site, "ETH/USDT")) < DUST
    worker.reconcile()
    assert errands(site) == 0
    assert site.books_are_sums()
    assert all(order.reduces and order.type is OrderType.MARKET for _, order in site.exchange.arrived[4:])


def test_a_short_is_bought_back(site: Site) -> None:
    site.act("UPDATE subscription SET allocation = 5000")
    worker = site.worker()
    site.trade(Side.SELL, "0.4", symbol=PERPETUAL)
    worker.drain()
    assert held(site, PERPETUAL)[0] < 0
    closing(site, worker)
    worker.reconcile()
    assert held(site, PERPETUAL) == [D(0)]


def test_closing_goes_on_until_a_book_is_flat_and_says_when_it_does_not_get_there(site: Site) -> None:
    worker, account = site.worker(), site.accounts[0]
    site.trade(Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood = {account: "miss"}
    switch = closing(site, worker)
    for minute in range(1, 8):
        worker.clock.ahead_s = 60 * minute
        worker.reconcile()
    assert states(site) == [("out_of_sync", "stopped_by_switch")]
    assert errands(site) == 1
    # To lift the switch does not leave half a position behind.
    with site.db.tenant(site.tenant_id) as session:
        lift(session, switch.id, "Mara")
    worker.around.in_force.board = read_board(site.db, [site.tenant_id])
    site.exchange.mood = {}
    worker.clock.ahead_s = 900
    worker.reconcile()
    worker.reconcile()
    assert held(site)[0] < DUST
    assert states(site) == [("disarmed", "stopped_by_switch")]
    assert errands(site) == 0
    legs = [row[0] for row in site.rows("SELECT leg FROM copy ORDER BY id")]
    assert legs[:3] == ["open", "fix-1", "fix-2"]
    assert legs[3:] == [f"flat-{number}" for number in range(1, len(legs) - 2)]


def test_an_open_that_was_on_its_way_is_closed_too(site: Site) -> None:
    worker, account = site.worker(), site.accounts[0]
    site.exchange.mood = {account: "silent"}
    site.trade(Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood = {}
    closing(site, worker)
    worker.clock.ahead_s = 5
    for _ in range(3):
        worker.reconcile()
        worker.clock.ahead_s += 5
    assert held(site)[0] < DUST
    assert site.books_are_sums()


def test_an_instruments_books_are_closed_and_the_rest_is_copied_on(site: Site) -> None:
    worker = site.worker()
    site.trade(Side.BUY, "0.2")
    site.trade(Side.BUY, "0.2", symbol="ETH/USDT")
    while worker.drain():
        pass
    closing(site, worker, Reach.INSTRUMENT, "BTC/USDT")
    worker.reconcile()
    assert held(site)[0] < DUST
    assert held(site, "ETH/USDT")[0] > 0
    assert states(site) == [("synced", None)]
    site.trade(Side.BUY, "0.2", symbol="ETH/USDT")
    site.trade(Side.BUY, "0.2")
    while worker.drain():
        pass
    newest = site.rows("SELECT symbol, status, reason FROM copy ORDER BY id DESC LIMIT 2")
    assert sorted(map(tuple, newest)) == [("BTC/USDT", "denied", "stopped_by_switch"), ("ETH/USDT", "filled", None)]


def test_an_open_of_a_closed_instrument_that_was_on_its_way_is_closed_too(site: Site) -> None:
    worker, account = site.worker(), site.accounts[0]
    site.exchange.mood = {account: "silent"}
    site.trade(Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood = {}
    closing(site, worker, Reach.INSTRUMENT, "BTC/USDT")
    for _ in range(3):
        worker.clock.ahead_s += 5
        worker.reconcile()
    assert held(site)[0] < DUST


def test_who_manages_until_exit_is_closed_at_once(site: Site) -> None:
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    site.act("UPDATE subscription SET state = 'ending', end_mode = 'manage_until_exit'")
    closing(site, worker)
    for _ in range(2):
        worker.reconcile()
    assert states(site) == [("ended", None)]
    assert held(site)[0] < DUST


def test_a_position_that_waited_to_be_joined_is_given_up(site: Site) -> None:
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    join(site, JoinMode.AT_MARKET)
    closing(site, worker)
    worker.reconcile()
    assert site.one("SELECT state, reason FROM late_join") == ("skipped", "stopped_by_switch")


def test_an_owner_stops_all_of_a_user_or_one_account(opens: Opens) -> None:
    site = opens(followers=2)
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    assert stop_owner(site, account_id=site.accounts[0]) == (site.subscriptions[0],)
    worker.reconcile()
    assert states(site) == [("disarmed", "stopped_by_owner"), ("synced", None)]
    first, second = held(site)
    assert first < DUST < second
    user = site.one("SELECT user_id FROM account WHERE id = :id", id=site.accounts[1])
    assert stop_owner(site, user_id=user) == tuple(site.subscriptions)
    worker.reconcile()
    assert max(held(site)) < DUST


def test_to_stop_an_unknown_account_is_refused(opens: Opens) -> None:
    ours, theirs = opens(), opens()
    with pytest.raises(NotFound):
        stop_owner(ours, account_id=theirs.accounts[0])
    assert states(theirs) == [("synced", None)]


def test_who_is_being_closed_resumes_only_when_that_is_done(site: Site) -> None:
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    stop_owner(site, account_id=site.accounts[0])
    for act in (resume, pause):
        with site.db.tenant(site.tenant_id) as session, pytest.raises(InvalidInput):
            act(session, site.subscriptions[0])
    for _ in range(2):
        worker.reconcile()
    with site.db.tenant(site.tenant_id) as session:
        resume(session, site.subscriptions[0])
    site.trade(Side.BUY, "0.4")
    worker.drain()
    assert held(site)[0] > 0


def test_an_exit_that_rests_makes_way_for_the_close(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.site.trade(Side.BUY, "1", order="market")
    worker.drain()
    desk.place("s", Side.SELL, "1", "60000", reduces=True)
    worker.tend()
    assert len(desk.exchange.resting(desk.account)) == 1
    stop_owner(desk.site, account_id=desk.account)
    worker.tend()
    assert desk.exchange.resting(desk.account) == []
    worker.reconcile()
    assert held(desk.site)[0] < DUST


def test_to_carry_a_switch_out_twice_changes_nothing(site: Site) -> None:
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    switch = closing(site, worker)
    for _ in range(2):
        worker.reconcile()
    version, arrived = site.one("SELECT version FROM crowd_version"), len(site.exchange.arrived)
    with site.db.tenant(site.tenant_id) as session:
        assert carry_out(session, switch).subscription_ids == tuple(site.subscriptions)
    worker.reconcile()
    assert site.one("SELECT version FROM crowd_version") == version
    assert len(site.exchange.arrived) == arrived
    assert errands(site) == 0


def test_a_look_ahead_tells_whom_a_switch_would_reach_and_what_it_may_cost(opens: Opens) -> None:
    site = opens(followers=2)
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    switch = ThrownSwitch(0, site.tenant_id, Reach.TENANT, "", Stops.ALL, "drill", "Mara", worker.clock.now())

    def look() -> tuple[object, ...]:
        with site.db.tenant(site.tenant_id) as session:
            found = preview_switch(session, switch, lambda exchange, symbol: PX if exchange == "binance-lab" else None)
        (one,) = found.exposed
        return found.followers, found.subscriptions, found.positions, one.notional, one.slippage_bps

    notional = (sum(held(site)) * PX).quantize(D("0.01"))
    assert look() == (1, 2, 2, notional, None)
    site.trade(Side.SELL, "0.1")
    worker.drain()
    site.act("UPDATE copy SET avg_px = :px WHERE leg = 'close'", px=PX * D("0.999"))
    assert look()[4] == D("10.00")
    assert states(site) == [("synced", None)] * 2
