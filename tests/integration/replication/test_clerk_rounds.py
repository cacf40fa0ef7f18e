"""The worker's rounds on a real database: marks are kept, figures follow trades, and each night all is compared."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from copydesk.audit import read_entries
from copydesk.bootstrap import Runtime
from copydesk.cli.status import check_finding, clerk_finding
from copydesk.doctor import queues
from copydesk.doctor.case import Case
from copydesk.doctor.model import Level
from copydesk.identity import User
from copydesk.identity.access.tables import StaffGrant
from copydesk.kernel import utc_now
from copydesk.marks import MarkWriter
from copydesk.notifications.tables import Mail
from copydesk.performance.overseen import clerk_sign, last_check
from copydesk.tenancy.model import Cascade, LayerValues, Tenant
from copydesk.tenancy.schema import Exchange, MarketTerms, TenantConfig
from copydesk.trading import Side
from copydesk.venues import Price
from copydesk.workers.clerk import Clerk
from copydesk.workers.clerk_minute import Rounds
from copydesk.workers.clerk_night import Nights
from desk_site import Site
from redis import Redis
from sqlalchemy import select

PLACE, SPOT = "binance-lab", "BTC/USDT"


class Hours:
    """The time as it is, moved ahead by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return utc_now() + self.ahead

    def monotonic(self) -> float:
        return 0.0


class Helpless:
    """A keeper who can follow nobody."""

    def follow(self, tenant_id: int, strategy_id: int) -> bool:
        return False

    def rank(self, tenant_id: int) -> int:
        return 0


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with closing(Redis.from_url(redis_url)) as client:
        yield client


@pytest.fixture
def hours() -> Hours:
    return Hours()


@pytest.fixture
def told() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def runtime(site: Site, redis: Redis, told: list[dict[str, Any]]) -> Runtime:
    """A runtime of the site's brand alone; what it announces is told."""
    exchange = Exchange(venue="binance", environment="lab", markets=(SPOT,))
    config = SimpleNamespace(
        exchanges=[exchange], currency="USDT", markets_of=lambda one: one.markets, terms_of=lambda _: MarketTerms()
    )
    nothing = LayerValues("")
    slug = site.one("SELECT slug FROM tenant WHERE id = :id", id=site.tenant_id)
    brand = Tenant(slug, Path(), cast(TenantConfig, config), Cascade(nothing, nothing))
    found = SimpleNamespace(
        redis=redis,
        hasty_redis=redis,
        db=site.db,
        directory=SimpleNamespace(defaults=nothing),
        tenant_ids={slug: site.tenant_id},
        tenant=lambda _tenant_id: brand,
        announce=lambda _tenant_id, event: told.append(event),
    )
    return cast(Runtime, found)


def rounds_of(runtime: Runtime, clock: Hours) -> Rounds:
    return Rounds(runtime, Clerk(runtime, clock), clock, threading.Event())


def test_a_price_of_each_minute_is_kept_of_what_is_held_and_of_nothing_else(
    site: Site, runtime: Runtime, redis: Redis, hours: Hours
) -> None:
    rounds = rounds_of(runtime, hours)
    at_ms = int(utc_now().timestamp() * 1000)
    MarkWriter(redis, PLACE).write([Price(SPOT, Decimal(101), at_ms), Price("ETH/USDT", Decimal(3), at_ms)])
    assert rounds.keep_marks() == 0
    site.trade(Side.BUY, "0.4")
    assert rounds.keep_marks() == 1
    assert rounds.keep_marks() == 0
    assert [(row.symbol, row.px) for row in site.rows("SELECT symbol, px FROM mark_minute")] == [(SPOT, 101)]


def test_a_price_that_is_too_old_is_not_kept(site: Site, runtime: Runtime, redis: Redis, hours: Hours) -> None:
    site.trade(Side.BUY, "0.4")
    old_ms = int((utc_now() - timedelta(minutes=5)).timestamp() * 1000)
    MarkWriter(redis, PLACE).write([Price(SPOT, Decimal(99), old_ms)])
    assert rounds_of(runtime, hours).keep_marks() == 0


def test_a_strategy_with_news_is_followed_within_a_round_and_pages_hear_of_it(
    site: Site, runtime: Runtime, redis: Redis, hours: Hours, told: list[dict[str, Any]]
) -> None:
    begin_record(site)
    site.trade(Side.BUY, "0.4")
    found = rounds_of(runtime, hours).follow_all()
    strategy_id = site.leader.strategy_id
    assert found == (1, 0)
    assert told == [{"type": "figures", "strategy_id": strategy_id}]
    assert site.one("SELECT count(*) FROM strategy_figures WHERE strategy_id = :id", id=strategy_id) == 1
    sign = clerk_sign(redis)
    assert sign is not None and clerk_finding(sign, utc_now()).ok
    late = utc_now() + timedelta(minutes=10)
    assert not clerk_finding(sign, late).ok
    found = [next(iter(queues.worker(case_of(runtime, now)))).level for now in (utc_now(), late)]
    assert found == [Level.PASS, Level.FAIL]


def test_before_the_first_night_and_the_first_round_nothing_is_wrong(runtime: Runtime) -> None:
    case = case_of(runtime, utc_now())
    assert [result.level for result in queues.figures(case)] == [Level.SKIP]
    assert [result.level for result in queues.worker(case)] == [Level.WARN]
    assert clerk_finding(None, utc_now()).ok and check_finding("one", None).ok


def test_a_strategy_that_cannot_be_followed_keeps_no_other_waiting_and_is_told_of(
    site: Site, runtime: Runtime, redis: Redis, hours: Hours
) -> None:
    begin_record(site)
    site.trade(Side.BUY, "0.4")
    assert Rounds(runtime, Helpless(), hours, threading.Event()).follow_all() == (0, 1)
    assert not clerk_finding(clerk_sign(redis), utc_now()).ok


def test_a_strategy_whose_probation_is_over_is_live_after_the_next_round(
    site: Site, runtime: Runtime, hours: Hours
) -> None:
    site.act("UPDATE strategy SET status = 'probation'")
    site.act(
        "INSERT INTO strategy_terms "
        "(tenant_id, strategy_id, profit_share, min_allocation, shows, submitted_at, decided_at) "
        "SELECT tenant_id, id, 0.1, 0, '{}', now(), now() - interval '29 days' FROM strategy"
    )
    rounds = Rounds(runtime, Helpless(), hours, threading.Event())
    for ahead, status in ((0, "probation"), (2, "live")):
        hours.ahead = timedelta(days=ahead)
        rounds.follow_all()
        assert site.one("SELECT status FROM strategy") == status


def test_each_night_figures_are_compared_once_and_a_difference_raises_the_alarm(
    site: Site, runtime: Runtime, hours: Hours
) -> None:
    begin_record(site)
    site.trade(Side.BUY, "0.4")
    owner = add_owner(site)
    rounds, nights = rounds_of(runtime, hours), Nights(runtime, hours, threading.Event())
    assert (rounds.follow_all(), nights.look()) == ((1, 0), 0)
    hours.ahead = timedelta(days=1)
    rounds.follow_all()
    assert (nights.look(), nights.look()) == (1, 0)
    with site.db.tenant(site.tenant_id) as session:
        check = last_check(session)
        assert check is not None and check.passed and check_finding("one", check).ok
    site.act("UPDATE execution SET px = px / 2 WHERE tenant_id = :id", id=site.tenant_id)
    hours.ahead = timedelta(days=2)
    assert nights.look() == 1
    with site.db.tenant(site.tenant_id) as session:
        check = last_check(session)
        assert check is not None and not check.passed and check.first.startswith("strategy ")
        assert "analytics rebuild --tenant one" in check_finding("one", check).said
        (entry,) = read_entries(session, site.tenant_id, act="analytics.difference")
        mails = list(session.scalars(select(Mail).where(Mail.kind == "figures_differ")))
    assert [result.level for result in queues.figures(case_of(runtime, utc_now()))] == [Level.FAIL]
    assert [mail.recipient for mail in mails] == [owner]
    assert mails[0].facts["count"] == str(entry.after["differences"])


def case_of(runtime: Runtime, now: datetime) -> Case:
    """What the doctor is given to look at, as far as figures go."""
    tenant = runtime.tenant(0)
    (tenant_id,) = runtime.tenant_ids.values()
    room = SimpleNamespace(db=runtime.db)
    return cast(Case, SimpleNamespace(tenant=tenant, tenant_id=tenant_id, room=room, redis=runtime.redis, now=now))


def begin_record(site: Site) -> None:
    """Store what the leader's account was worth before the first trade."""
    site.act(
        "INSERT INTO equity_point (tenant_id, strategy_id, at, equity) "
        "VALUES (:tenant_id, :id, now() - interval '1 hour', 100000)",
        tenant_id=site.tenant_id,
        id=site.leader.strategy_id,
    )


def add_owner(site: Site) -> str:
    with site.db.tenant(site.tenant_id) as session:
        user = User(tenant_id=site.tenant_id, email="owner@one.example", display_name="Ann", role="staff")
        session.add(user)
        session.flush()
        session.add(StaffGrant(tenant_id=site.tenant_id, user_id=user.id, role="owner", at=utc_now()))
    return "owner@one.example"
