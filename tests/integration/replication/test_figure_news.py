"""News of figures: gathered, one waiting job for each strategy, and lost with Redis at no price but a minute."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import cast

import pytest
from copydesk.trading import Side
from copydesk.workers.clerk import Clerk, ClerkWorker
from copydesk.workers.clerk_jobs import desk
from copydesk.workers.follow import FigureNews, figures_queue
from desk_site import SHARD, Site
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry


class Notes:
    """A clerk who notes whom to follow, and may hear of more while at work."""

    def __init__(self, meanwhile: FigureNews | None = None) -> None:
        self.followed: list[tuple[int, int]] = []
        self._meanwhile = meanwhile

    def follow(self, tenant_id: int, strategy_id: int) -> bool:
        self.followed.append((tenant_id, strategy_id))
        if self._meanwhile and len(self.followed) == 1:
            self._meanwhile.tell(tenant_id, strategy_id)
            self._meanwhile.flush()
        return True


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with closing(Redis.from_url(redis_url)) as client:
        yield client


def work_off(redis: Redis, notes: Notes) -> list[tuple[int, int]]:
    desk.clerk = cast(Clerk, notes)
    ClerkWorker(redis, threading.Event()).work(burst=True, logging_level="WARNING")
    return notes.followed


def test_many_words_about_a_strategy_are_one_job_until_it_begins(redis: Redis) -> None:
    news = FigureNews(redis, gathered_s=60)
    for _ in range(3):
        news.tell(1, 7)
    news.tell(2, 7)
    assert news.flush() == 2
    news.tell(1, 7)
    assert news.flush() == 0
    assert work_off(redis, Notes()) == [(1, 7), (2, 7)]
    left = [key for key in redis.keys("rq:*") if b"queue:default" in key or b":job:" in key]
    assert left == []
    news.close()


def test_what_happens_while_a_strategy_is_followed_has_it_followed_again(redis: Redis) -> None:
    news = FigureNews(redis, gathered_s=60)
    news.tell(1, 7)
    news.flush()
    assert work_off(redis, Notes(meanwhile=news)) == [(1, 7), (1, 7)]
    news.close()


def test_copies_that_are_booked_name_their_signal_and_strategy(site: Site) -> None:
    (signal,) = site.trade(Side.BUY, "0.4")
    worker = site.worker()
    worker.drain()
    of_signal = {"type": "copies", "signal_id": signal.id, "strategy_id": site.leader.strategy_id}
    told = of_signal | {"shard": SHARD}
    assert told in worker.around.announced


def test_news_leave_by_themselves_soon_after_they_were_told(redis: Redis) -> None:
    news = FigureNews(redis, gathered_s=0.01)
    news.tell(1, 7)
    queue, pause = figures_queue(redis), threading.Event()
    while not len(queue):
        pause.wait(0.01)
    assert [job.args for job in queue.get_jobs()] == [[1, 7]]
    news.close()


def test_without_redis_news_are_forgotten_and_nobody_is_kept(free_port: int) -> None:
    with closing(Redis(port=free_port, retry=Retry(NoBackoff(), 0))) as nowhere:
        news = FigureNews(nowhere, gathered_s=60)
        news.tell(1, 7)
        assert news.flush() == 0
        news.close()
