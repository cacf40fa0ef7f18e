"""The relay wakes lanes that nobody drained, and does not pile up jobs for a lane that is busy."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from copydesk.bootstrap import Runtime
from copydesk.replication import LeaderSetupSeen, note_setups
from copydesk.risk.model import Scope
from copydesk.risk.store import LimitOwner, store_limits
from copydesk.tenancy.model import Cascade, LayerValues, Tenant
from copydesk.tenancy.schema import Exchange, MarketTerms, TenantConfig
from copydesk.trading import Side
from copydesk.workers.relay import Relay
from copydesk.workers.wake import brand_queue
from desk_site import SHARD, Site
from paper_exchange import PERPETUAL
from redis import Redis


def test_a_lane_with_a_job_that_waits_already_is_not_woken_again(site: Site, redis_url: str) -> None:
    site.trade(Side.BUY, "0.4")
    site.act("UPDATE delivery SET created_at = created_at - interval '1 minute'")
    with closing(Redis.from_url(redis_url)) as redis:
        relay = Relay(runtime_of(site, redis))
        assert [relay.sweep() for _ in range(3)] == [1, 0, 0]
        assert len(brand_queue(redis, site.tenant_id)) == 1


def test_a_lane_whose_accounts_are_not_prepared_is_woken_for_it(site: Site, redis_url: str) -> None:
    with site.db.tenant(site.tenant_id) as session:
        note_setups(session, site.leader, {PERPETUAL: LeaderSetupSeen(hedge=False, leverage=3)})
    with closing(Redis.from_url(redis_url)) as redis:
        assert Relay(runtime_of(site, redis)).sweep() == 1
        (job,) = brand_queue(redis, site.tenant_id).jobs
        assert job.func_name == "copydesk.workers.jobs.prepare"
        assert job.args == [site.tenant_id, SHARD]
        site.worker().prepare()
        assert Relay(runtime_of(site, redis)).sweep() == 0


def test_a_lane_with_a_purse_to_look_at_is_woken_for_it(site: Site, redis_url: str) -> None:
    with site.db.tenant(site.tenant_id) as session:
        subject = LimitOwner(Scope.SUBSCRIPTION, site.subscriptions[0])
        store_limits(session, subject, ["allocation > 50 % of balance -> block_opens"], "test")
    with closing(Redis.from_url(redis_url)) as redis:
        assert Relay(runtime_of(site, redis)).sweep() == 1
        (job,) = brand_queue(redis, site.tenant_id).jobs
        assert (job.func_name, job.args) == ("copydesk.workers.jobs.prepare", [site.tenant_id, SHARD])
        assert site.worker().look_at_purses()
        brand_queue(redis, site.tenant_id).empty()
        assert Relay(runtime_of(site, redis)).sweep() == 0


def runtime_of(site: Site, redis: Redis) -> Runtime:
    exchange = Exchange(venue="binance", environment="lab", markets=("BTC/USDT", PERPETUAL))
    config = SimpleNamespace(
        exchanges=[exchange], currency="USDT", markets_of=lambda one: one.markets, terms_of=lambda _: MarketTerms()
    )
    nothing = LayerValues("")
    brand = Tenant(
        "one",
        Path(),
        cast(TenantConfig, config),
        Cascade(nothing, nothing),
    )
    runtime = SimpleNamespace(
        redis=redis,
        db=site.db,
        directory=SimpleNamespace(refresh_if_due=lambda: None),
        tenant_ids={"one": site.tenant_id},
        tenant=lambda tenant_id: brand,
        number=lambda setting: setting.default,
    )
    return cast(Runtime, runtime)
