"""What the risk role reads of a brand: holders with their limits, and at what price positions would be liquidated."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from copydesk.bootstrap import Runtime
from copydesk.risk.margins import Liquidation
from copydesk.risk.model import Scope
from copydesk.risk.monitor import Holding, Key, Listing
from copydesk.risk.store import LimitOwner, store_limits
from copydesk.tenancy.model import Cascade, LayerValues, Tenant
from copydesk.tenancy.schema import TenantConfig
from copydesk.trading import Side
from copydesk.workers.risk_desk import RiskDesk, Seen
from desk_site import Site, Worker
from paper_exchange import PERPETUAL, PX, D
from shared_site import second_strategy

LISTING = Listing("binance-lab", PERPETUAL)


class Watching:
    """The desk of the risk role on one brand, with what it told last."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.seen: list[Seen] = []
        config = SimpleNamespace(currency="USDT", time_zone="UTC", exchanges=[])
        brand = Tenant("one", Path(), cast(TenantConfig, config), Cascade(LayerValues(""), LayerValues("")))
        runtime = SimpleNamespace(
            db=site.db,
            directory=SimpleNamespace(refresh_if_due=lambda: None),
            tenant_ids={"one": site.tenant_id},
            tenant=lambda _: brand,
        )
        self.desk = RiskDesk(cast(Runtime, runtime), self.seen.append, lambda *_: None, liquidations_every_s=0)

    def look(self) -> dict[Key, Holding]:
        self.desk.look()
        return dict(self.seen[-1].holdings)

    @property
    def account(self) -> Key:
        return Key(self.site.tenant_id, self.site.accounts[0], account=True)


@pytest.fixture
def invested(site: Site) -> Worker:
    """A follower with a long perpetual that its exchange would liquidate at nine tenths of the price."""
    with site.db.tenant(site.tenant_id) as session:
        store_limits(session, LimitOwner(Scope.TENANT), ["margin_distance < 5 % -> close"], "test")
    site.exchange.liquidation_px = PX * D("0.9")
    worker = site.worker()
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    worker.drain()
    return worker


def test_a_liquidation_price_reaches_the_account_soon_after_reconcile_has_seen_it(site: Site, invested: Worker) -> None:
    watching = Watching(site)
    first = watching.look()
    assert first[watching.account].liquidations == {}
    assert [bound.value for bound in first[watching.account].bounds if bound.measure == "margin_distance"] == [
        D("0.05")
    ]
    invested.reconcile()
    told = watching.look()
    assert told.keys() == {watching.account}
    assert told[watching.account].liquidations == {LISTING: (Liquidation(PX * D("0.9"), short=False),)}
    assert watching.look() == {}


def test_an_account_is_told_anew_when_one_of_its_subscriptions_leaves(site: Site) -> None:
    other = second_strategy(site, allocation=Decimal(300))
    watching = Watching(site)
    assert watching.look()[watching.account].allocation == 1_300
    site.act("UPDATE subscription SET state = 'ended' WHERE id = :id", id=other.subscriptions[0])
    told = watching.look()
    assert told[watching.account].allocation == 1_000
    assert watching.seen[-1].gone == {other.subscriptions[0]}
