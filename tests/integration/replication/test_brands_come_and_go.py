"""Roles follow the list of brands while they run: who is new is served, who is gone is left alone, nobody restarts."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from copydesk.bootstrap import Runtime, WorkerSurroundings
from copydesk.db import Database
from copydesk.kernel import Unavailable
from copydesk.risk import Spot
from copydesk.risk.switches import board_version, read_board
from copydesk.trading import Denial, Side
from copydesk.workers.brands import BrandWatch, Changed
from copydesk.workers.listener import Listener
from copydesk.workers.loop import ResidentLoop
from copydesk.workers.relay import Relay
from copydesk.workers.risk_desk import RiskDesk, Seen
from desk_site import Site, open_site
from sqlalchemy import text
from test_listening import ScriptedLeader, until

MARKETS = "[BTC/USDT, ETH/USDT]"


class Installed(Runtime):
    """A real installation whose exchange is a script and whose keys open to anything."""

    def __init__(self, root: Path) -> None:
        super().__init__({**os.environ, "COPYDESK_ROOT": str(root)})
        self.leader = ScriptedLeader([])

    def venue(self, *_: object, **__: object) -> Any:
        return self.leader

    def stream(self, venue: Any) -> Any:
        return self.leader.stream(venue)

    def market_stream(self, venue: Any) -> Any:
        return SimpleNamespace(prices=lambda _: self.leader._play())

    keys: Any = SimpleNamespace(credentials=lambda _, ids: dict.fromkeys(ids, "key"))


@pytest.fixture
def runtime(shipped_brands: Path) -> Iterator[Installed]:
    defaults = shipped_brands / "config" / "defaults.yaml"
    defaults.write_text(defaults.read_text().replace("refresh_interval_ms: 1000", "refresh_interval_ms: 0"))
    runtime = Installed(shipped_brands)
    yield runtime
    runtime.close()


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    """A brand in the database alone: no folder serves it yet."""
    db = Database.connect(database_url, pool_size=4)
    yield open_site(db, slug=f"b{os.urandom(4).hex()}")
    db.dispose()


class Folder:
    """The folder of a brand, put there and taken away."""

    def __init__(self, runtime: Runtime, site: Site) -> None:
        self.slug = str(site.one("SELECT slug FROM tenant WHERE id = :id", id=site.tenant_id))
        self._tenants = runtime.places.tenants
        self.path = self._tenants / self.slug

    def appear(self, markets: str = MARKETS) -> None:
        shutil.copytree(self._tenants / "aurora", self.path, dirs_exist_ok=True)
        lines = (self.path / "tenant.yaml").read_text().splitlines()
        told = [f"  hosts: [{self.slug}.localhost]" if line.startswith("  hosts:") else line for line in lines]
        begin = next(place for place, line in enumerate(told) if line.startswith("exchanges:"))
        end = next(place for place, line in enumerate(told) if place > begin and line[:1].isalpha())
        exchanges = ["exchanges:", "  - venue: binance", "    environment: lab", f"    markets: {markets}"]
        (self.path / "tenant.yaml").write_text("\n".join([*told[:begin], *exchanges, *told[end:]]) + "\n")

    def go(self) -> None:
        shutil.rmtree(self.path)


@pytest.fixture
def folder(runtime: Installed, site: Site) -> Folder:
    return Folder(runtime, site)


def overdue(site: Site, side: Side) -> None:
    site.trade(side, "0.4")
    site.act("UPDATE delivery SET created_at = created_at - interval '1 minute'")


def test_the_relay_wakes_lanes_of_a_brand_that_came_and_none_of_one_that_went(
    runtime: Installed, site: Site, folder: Folder
) -> None:
    overdue(site, Side.BUY)
    relay = Relay(runtime)
    assert relay.sweep() == 0
    folder.appear()
    assert relay.sweep() == 1
    runtime.redis.flushall()
    folder.go()
    assert relay.sweep() == 0
    assert folder.slug not in runtime.tenant_ids


def test_the_listener_watches_leaders_of_a_brand_that_came_follows_its_markets_and_lets_go_of_one_that_went(
    runtime: Installed, site: Site, folder: Folder
) -> None:
    async def play() -> None:
        listener = Listener(runtime)
        await listener.look()
        assert runtime.leader.opened == 0
        folder.appear()
        await listener.look()
        await until(lambda: runtime.leader.opened == 1)
        await listener.look()
        assert (runtime.leader.opened, runtime.leader.closed) == (1, 0)
        folder.appear("[BTC/USDT]")
        await listener.look()
        await until(lambda: (runtime.leader.opened, runtime.leader.closed) == (2, 1))
        folder.go()
        await listener.look()
        assert runtime.leader.closed == 2
        await listener.aclose()

    asyncio.run(play())


def test_brands_that_are_new_or_changed_are_taken_in_once_and_what_failed_again(
    runtime: Installed, folder: Folder
) -> None:
    taken: list[tuple[str, bool]] = []
    trouble = [Unavailable("not now")]

    def take_in(changed: Collection[Changed]) -> None:
        if trouble:
            raise trouble.pop()
        taken.extend((one.tenant.slug, one.offers_otherwise) for one in changed)

    watch = BrandWatch(runtime, take_in)
    watch.look()
    folder.appear()
    watch.look()
    assert taken == []
    watch.look()
    watch.look()
    assert taken == [(folder.slug, False)]
    folder.appear("[BTC/USDT]")
    watch.look()
    folder.go()
    watch.look()
    assert taken[1:] == [(folder.slug, True)]


def test_the_risk_role_watches_a_brand_that_went_for_as_long_as_anything_of_it_is_held(
    runtime: Installed, site: Site, folder: Folder
) -> None:
    told: list[Seen] = []
    folder.appear()
    desk, worker = RiskDesk(runtime, told.append, lambda *_: None), site.worker()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    desk.look()
    folder.go()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    told.clear()
    desk.look()
    (seen,) = [one for one in told if one.tenant_id == site.tenant_id]
    assert set(seen.exposures) == set(site.subscriptions)
    site.act("UPDATE book SET qty = 0")
    desk.look()
    assert told[-1].gone == frozenset(site.subscriptions)
    told.clear()
    desk.look()
    assert site.tenant_id not in {one.tenant_id for one in told}


def test_suspending_a_brand_stops_its_opens_by_the_switch_and_closes_go_on(site: Site) -> None:
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    with site.db.installation() as session:
        before = board_version(session.connection())
        session.execute(text("UPDATE tenant SET status = 'suspended' WHERE id = :id"), {"id": site.tenant_id})
    worker.around.in_force.board = board = read_board(site.db, [site.tenant_id])
    assert board.version > before
    assert board.stopped(Spot(site.tenant_id + 1, "binance-lab", "BTC/USDT", 1)) is None
    site.trade(Side.BUY, "0.4")
    worker.drain()
    denied = site.rows("SELECT reason, reason_facts->>'reach', reason_facts ? 'reason' FROM copy WHERE reason <> ''")
    assert [tuple(row) for row in denied] == [(Denial.STOPPED_BY_SWITCH, "tenant", False)]
    site.trade(Side.SELL, "0.8")
    worker.drain()
    assert site.rows("SELECT leg, reason FROM copy WHERE status = 'filled' ORDER BY id")[1:] == [("close", None)]
    with site.db.installation() as session:
        session.execute(text("UPDATE tenant SET status = 'active' WHERE id = :id"), {"id": site.tenant_id})
    assert read_board(site.db, [site.tenant_id]).brands == {}


def test_a_market_that_is_switched_off_opens_nothing_and_a_cap_lowers_its_leverage_alone(
    runtime: Installed, folder: Folder
) -> None:
    folder.appear('[BTC/USDT, "BTC/USDT:USDT", "ETH/USDT:USDT"]')
    path = folder.path / "tenant.yaml"
    path.write_text(path.read_text() + 'markets:\n  BTC/USDT: {on: false}\n  "BTC/USDT:USDT": {leverage_max: 3}\n')
    loop = ResidentLoop()
    around = WorkerSurroundings(runtime, loop.start, lambda *_: None)
    try:
        runtime.directory.refresh()
        terms = around.terms(runtime.tenant_ids[folder.slug], "binance-lab:0")
        assert around.terms(runtime.tenant_ids[folder.slug], "binance-lab:1") is terms
        assert terms.markets == {"BTC/USDT:USDT", "ETH/USDT:USDT"}
        assert [terms.leverage_max_of(f"{base}/USDT:USDT") for base in ("BTC", "ETH")] == [3, terms.leverage_max]
        folder.appear("[ETH/USDT]")
        assert around.terms(runtime.tenant_ids[folder.slug], "binance-lab:0").markets == {"ETH/USDT"}
    finally:
        around.close()
        loop.close()
