"""Prices in Redis: one hash for each environment of an exchange, and one channel for all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import cast

from redis import Redis
from redis.exceptions import RedisError

from copydesk.kernel import utc_now
from copydesk.marks.form import (
    CHANNEL,
    FeedAge,
    FreshPrice,
    age_of,
    announcement,
    bounded,
    decode,
    encode,
    fresh,
    marks_key,
)
from copydesk.venues import Price


def epoch_ms() -> int:
    """Return this machine's time in epoch milliseconds."""
    return int(utc_now().timestamp() * 1000)


class MarkWriter:
    """Write one environment's prices. Raises `RedisError`."""

    def __init__(self, redis: Redis, place: str, *, now_ms: Callable[[], int] = epoch_ms) -> None:
        self._redis = redis
        self._place = place
        self._now_ms = now_ms

    def begin(self, symbols: Collection[str]) -> None:
        """Forget the prices of instruments that nobody wants to know any more."""
        key = marks_key(self._place)
        stored = {name.decode() for name in cast(list[bytes], self._redis.hkeys(key))}
        if gone := stored - set(symbols):
            self._redis.hdel(key, *gone)

    def write(self, prices: Sequence[Price]) -> None:
        """Store and publish what is new, in one round trip."""
        now_ms = self._now_ms()
        dated = [bounded(price, now_ms=now_ms) for price in prices]
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.hset(marks_key(self._place), mapping={price.symbol: encode(price) for price in dated})
            pipeline.publish(CHANNEL, announcement(self._place, dated))
            pipeline.execute()


class Marks:
    """Read prices that are young enough to act on; with Redis away there are none."""

    def __init__(self, redis: Redis, *, now_ms: Callable[[], int] = epoch_ms) -> None:
        self._redis = redis
        self._now_ms = now_ms

    def fresh(self, place: str, symbols: Collection[str]) -> dict[str, FreshPrice]:
        """Return every asked instrument's prices; what is unknown or too old is None."""
        if not symbols:
            return {}
        names = list(symbols)
        try:
            stored = cast(list[bytes | None], self._redis.hmget(marks_key(place), names))
        except RedisError:
            return dict.fromkeys(names, FreshPrice())
        now_ms = self._now_ms()
        return {
            name: FreshPrice() if found is None else fresh(decode(name, found), now_ms=now_ms)
            for name, found in zip(names, stored, strict=True)
        }

    def age(self, place: str) -> FeedAge | None:
        """Tell how old a feed's prices are; None when it has never written any. Raises `RedisError`."""
        stored = cast(dict[bytes, bytes], self._redis.hgetall(marks_key(place)))
        prices = {name.decode(): decode(name.decode(), found) for name, found in stored.items()}
        return age_of(prices, now_ms=self._now_ms()) if prices else None
