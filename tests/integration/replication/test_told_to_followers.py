"""What replication, listener, guard and trader really do is told to whom it concerns: each kind of notice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from copydesk.audit import SYSTEM
from copydesk.db import TenantSession
from copydesk.identity import Role, User
from copydesk.kernel import utc_now
from copydesk.replication import suspend_strategy
from copydesk.studio.announcing import announce
from copydesk.studio.model import OwnStrategy
from copydesk.studio.running import go_on, pause
from copydesk.studio.store import own_strategies
from copydesk.studio.watching import watch
from copydesk.trading import Side
from desk_site import Opens, Site
from noticing import Ear
from paper_exchange import PERPETUAL, D
from test_leader_news import HELD, MORE, Listener
from test_stopper import Guard


@pytest.fixture
def ear(site: Site) -> Ear:
    return Ear(site.db, site.tenant_id)


def test_copies_that_open_close_or_are_skipped_are_told(opens: Opens) -> None:
    site = opens(allocation=D(1_000))
    ear, worker = Ear(site.db, site.tenant_id), site.worker()
    for side, qty in ((Side.BUY, "0.4"), (Side.SELL, "0.4"), (Side.BUY, "0.001")):
        site.trade(side, qty)
        worker.drain()
    assert ear.told() == ["copy_opened", "copy_closed", "copy_skipped"]


def test_a_trade_is_told_to_who_watches_and_so_is_what_the_trader_says(site: Site, ear: Ear) -> None:
    strategy_id = site.leader.strategy_id
    with site.db.tenant(site.tenant_id) as session:
        person = User(tenant_id=site.tenant_id, email="w@x.invalid", display_name="W", role=Role.FOLLOWER)
        session.add(person)
        session.flush()
        watcher = person.id
        watch(session, watcher, strategy_id, at=utc_now())
    site.trade(Side.BUY, "0.4")
    site.trade(Side.SELL, "0.4")
    with site.db.tenant(site.tenant_id) as session:
        announce(session, strategy_id, "I rest.", at=utc_now())
    assert ear.told(watcher) == ["trader_opened", "trader_closed", "announcement"]


def test_a_book_that_reconcile_finds_wrong_is_told_as_out_of_sync(site: Site, ear: Ear) -> None:
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    site.exchange.sold_by_hand = {site.accounts[0]: D("0.003")}
    worker.reconcile()
    assert ear.told() == ["copy_opened", "out_of_sync"]


def test_margin_that_the_listener_sees_added_is_told_to_who_holds_the_same(site: Site, ear: Ear) -> None:
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    site.worker().drain()

    async def story() -> None:
        listener = Listener(site)
        for seen in (HELD, MORE):
            await listener.read(seen)

    asyncio.run(story())
    assert ear.told() == ["copy_opened", "margin_topup"]


def test_a_stop_that_the_guard_fires_is_told(site: Site, ear: Ear, tmp_path: Path) -> None:
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    site.worker().drain()
    guard = Guard(site, tmp_path)
    guard.fire()
    guard.stopper.close()
    assert sorted(ear.told()) == ["copy_closed", "copy_opened", "stop_fired"]


def test_a_strategy_that_its_trader_pauses_or_the_guard_suspends_is_told_each_time(site: Site, ear: Ear) -> None:
    with site.db.tenant(site.tenant_id) as session:
        pause(session, own_strategy_of(session, site), actor=SYSTEM, at=utc_now())
    assert ear.told() == ["strategy_paused"]
    with site.db.tenant(site.tenant_id) as session:
        go_on(session, own_strategy_of(session, site), actor=SYSTEM, at=utc_now())
    assert ear.told() == ["strategy_paused"]
    with site.db.tenant(site.tenant_id) as session:
        suspend_strategy(session, site.leader.strategy_id)
    assert ear.told() == ["strategy_paused"] * 2


def own_strategy_of(session: TenantSession, site: Site) -> OwnStrategy:
    (own,) = own_strategies(session, site.one("SELECT trader_id FROM strategy"))
    return own
