"""Prices in a real Redis: written by one, read by all, refused when old."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal

import orjson
import pytest
from copydesk.marks import CHANNEL, FeedAge, FreshPrice, Marks, MarkWriter
from copydesk.stack import RedisServer
from copydesk.venues import Price
from redis import Redis

NOW = 1_790_000_000_000
PLACE = "binance-lab"
BTC = Price("BTC/USDT", Decimal(60_000), NOW)
PERPETUAL = Price("BTC/USDT:USDT", Decimal(60_001), NOW, Decimal("60000.5"), NOW)


class Hand:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with closing(Redis.from_url(redis_url)) as client:
        yield client


def test_what_is_written_is_read_until_it_is_too_old(redis: Redis) -> None:
    clock = Hand()
    MarkWriter(redis, PLACE, now_ms=clock).write([BTC, PERPETUAL])
    marks, symbols = Marks(redis, now_ms=clock), ("BTC/USDT", "BTC/USDT:USDT", "ETH/USDT")
    assert marks.fresh(PLACE, symbols) == {
        "BTC/USDT": FreshPrice(Decimal(60_000)),
        "BTC/USDT:USDT": FreshPrice(Decimal(60_001), Decimal("60000.5")),
        "ETH/USDT": FreshPrice(),
    }
    clock.now += 15_001
    assert set(marks.fresh(PLACE, symbols).values()) == {FreshPrice()}
    assert marks.fresh("okx-lab", symbols) == dict.fromkeys(symbols, FreshPrice())


def test_with_redis_away_there_is_no_price(redis_url: str, redis_server: RedisServer) -> None:
    with closing(Redis.from_url(redis_url)) as redis:
        MarkWriter(redis, PLACE).write([BTC])
        redis_server.stop()
        assert Marks(redis, now_ms=lambda: NOW).fresh(PLACE, ["BTC/USDT"]) == {"BTC/USDT": FreshPrice()}


def test_new_prices_are_published(redis: Redis) -> None:
    with closing(redis.pubsub(ignore_subscribe_messages=True)) as listener:
        listener.subscribe(CHANNEL)
        assert listener.get_message(timeout=5) is None  # The subscription itself.
        MarkWriter(redis, PLACE, now_ms=lambda: NOW).write([BTC])
        message = listener.get_message(timeout=5)
    assert message is not None
    assert orjson.loads(message["data"]) == {
        "place": PLACE,
        "prices": {"BTC/USDT": {"px": "60000", "at_ms": NOW}},
    }


def test_what_nobody_wants_any_more_is_forgotten(redis: Redis) -> None:
    writer = MarkWriter(redis, PLACE, now_ms=lambda: NOW)
    writer.write([BTC, PERPETUAL])
    writer.begin(["BTC/USDT", "ETH/USDT"])
    assert Marks(redis, now_ms=lambda: NOW + 5).age(PLACE) == FeedAge(newest_ms=5, instruments=1, stale=0)
    writer.begin([])
    assert Marks(redis).age(PLACE) is None
