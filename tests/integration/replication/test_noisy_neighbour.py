"""Two brands on one replicator and one exchange: the backlog of one does not stand before the other's copies."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from typing import Any, cast

import pytest
from copydesk.db import Database
from copydesk.trading import Side
from copydesk.workers.crew import LANES_AT_ONCE, Crew
from copydesk.workers.jobs import replicator
from copydesk.workers.lane_work import LaneWork
from copydesk.workers.replicator import ReplicatorWorker
from copydesk.workers.wake import Waker
from desk_site import SHARD, Site, Worker, open_site
from paper_exchange import PaperExchange
from redis import Redis

LANES = LANES_AT_ONCE + 4
SIGNALS = 6
DEADLINE_S = 60

# Lanes to be woken, each with its reason.
Wanted = list[tuple[str, str]]
GiveAll = Callable[[Mapping[int, Wanted]], None]


@pytest.fixture(scope="module")
def wide(database_url: str) -> Iterator[Database]:
    """A pool with a connection for every thread."""
    db = Database.connect(database_url, pool_size=LANES_AT_ONCE * 2)
    yield db
    db.dispose()


@pytest.fixture
def brands(wide: Database) -> tuple[Site, Site]:
    """A brand with many lanes and a long backlog in each, and one with a single follower, on the same exchange."""
    exchange = PaperExchange()
    noisy, quiet = open_site(wide, followers=LANES), open_site(wide)
    noisy.exchange = quiet.exchange = exchange
    noisy.act("UPDATE account SET shard = 'binance-lab:' || id WHERE label <> 'leader'")
    return noisy, quiet


def trade(site: Site, times: int) -> Wanted:
    """Let a brand's leader buy and sell in turn, and return the wake-ups that the listener would give."""
    wanted: Wanted = []
    for number in range(times):
        for signal in site.trade(Side.SELL if number % 2 else Side.BUY, "0.4"):
            wanted += [(shard, str(signal.id)) for shard in signal.shards]
    return wanted


def undrained(site: Site) -> int:
    return int(site.one("SELECT count(*) FROM delivery WHERE drained_at IS NULL"))


def order_of_arrival(brands: tuple[Site, Site], crew_of: Any, give_all: GiveAll) -> list[int]:
    """Work off both backlogs and return the brand of each order, as the exchange's own journal has them."""
    noisy, quiet = brands
    journal = noisy.exchange.arrived
    drainers = {site.tenant_id: Worker(site, f"worker {site.tenant_id}")._drainer for site in brands}

    class Both:
        def drain(self, tenant_id: int, shard: str, leave: Any) -> int | None:
            return drainers[tenant_id].drain(tenant_id, shard, leave)

    nobody = cast(Any, None)
    work = LaneWork(cast(Any, Both()), nobody, nobody, nobody, nobody, lambda *_: None, lambda: replicator.crew)
    replicator.crew = crew_of({"drain": work.jobs["drain"]})
    give_all({noisy.tenant_id: trade(noisy, SIGNALS), quiet.tenant_id: trade(quiet, 2)})
    deadline, pause = time.monotonic() + DEADLINE_S, threading.Event()
    while undrained(noisy) + undrained(quiet) or len(journal) < LANES * SIGNALS + 2:
        assert time.monotonic() < deadline, f"{len(journal)} orders arrived"
        pause.wait(0.02)
    replicator.crew.close()
    of_quiet = set(quiet.accounts)
    return [quiet.tenant_id if account in of_quiet else noisy.tenant_id for account, _ in journal]


def through_queues(redis_url: str, wanted: Mapping[int, Wanted]) -> None:
    """Wake all lanes of the one brand and then those of the other, and let a replicator take the jobs."""
    with closing(Redis.from_url(redis_url)) as redis:
        for tenant_id, lanes in wanted.items():
            Waker(redis).wake_all("drain", tenant_id=tenant_id, wanted=lanes)
        worker = ReplicatorWorker(redis, lambda: None, threading.Event(), lambda: list(wanted))
        worker.work(burst=True, logging_level="WARNING")


def first_come(wanted: Mapping[int, Wanted]) -> None:
    """Give the jobs as a single queue would."""
    for tenant_id, lanes in wanted.items():
        for shard, _ in lanes:
            replicator.crew.give("drain", tenant_id, shard)


def share_before_the_last_of(brand: int, arrivals: list[int]) -> float:
    """Return which part of the other brand's orders arrived before the last of this one's."""
    last = max(place for place, one in enumerate(arrivals) if one == brand)
    others = [place for place, one in enumerate(arrivals) if one != brand]
    return sum(place < last for place in others) / len(others)


def test_a_brand_with_one_lane_is_done_before_half_of_a_noisy_neighbours_backlog_is(
    brands: tuple[Site, Site], redis_url: str
) -> None:
    arrivals = order_of_arrival(brands, Crew, partial(through_queues, redis_url))
    assert arrivals.count(brands[1].tenant_id) == 2
    assert share_before_the_last_of(brands[1].tenant_id, arrivals) < 0.5


def test_without_turns_it_would_wait_for_most_of_that_backlog(brands: tuple[Site, Site]) -> None:
    class FirstCome(Crew):
        """No place is kept, and nobody gives way."""

        def __init__(self, jobs: Any) -> None:
            super().__init__(jobs, lanes_kept=0)

        def crowded_by(self, tenant_id: int) -> bool:
            return False

    arrivals = order_of_arrival(brands, FirstCome, first_come)
    assert share_before_the_last_of(brands[1].tenant_id, arrivals) > 0.5


def test_a_lane_of_a_brand_that_is_new_is_listened_to_and_of_one_that_is_gone_no_more(redis_url: str) -> None:
    given: list[tuple[str, int, str]] = []

    class Notes:
        def give(self, job: str, tenant_id: int, shard: str) -> None:
            given.append((job, tenant_id, shard))

    replicator.crew = cast(Crew, Notes())
    served = [1]
    with closing(Redis.from_url(redis_url)) as redis:
        waker, worker = Waker(redis), ReplicatorWorker(redis, lambda: None, threading.Event(), lambda: served)
        for brand in (1, 2):
            waker.wake_all("drain", tenant_id=brand, wanted=[(SHARD, "first"), (SHARD, "second")])
        worker.work(burst=True, logging_level="WARNING")
        assert [brand for _, brand, _ in given] == [1, 1]
        served[:] = [2]
        waker.wake("drain", tenant_id=1, shard=SHARD, reason="third")
        given.clear()
        ReplicatorWorker(redis, lambda: None, threading.Event(), lambda: served).work(burst=True)
        assert given == [("drain", 2, SHARD)] * 2
        served[:] = [1, 2]
        waker.wake_all("drain", tenant_id=2, wanted=[(SHARD, "fourth"), (SHARD, "fifth")])
        given.clear()
        ReplicatorWorker(redis, lambda: None, threading.Event(), lambda: served).work(burst=True)
        assert [brand for _, brand, _ in given] == [1, 2, 2]
