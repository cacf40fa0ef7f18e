"""Prices in Redis: one hash for each environment of an exchange, and one channel for all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import cast

from redis import Redis
from redis.exceptions import RedisError

from copydesk.kernel import utc_now
from copydesk.marks.form import (
    CHANNEL,
    FeedAge,
    FreshPrice,
    Unrest,
    age_of,
    announcement,
    bounded,
    decode,
    decode_unrest,
    encode,
    encode_unrest,
    fresh,
    marks_key,
    unrest_key,
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
            self._redis.hdel(unrest_key(self._place), *gone)

    def write(self, prices: Sequence[Price], unrest: Mapping[str, Unrest] = MappingProxyType({})) -> None:
        """Store and publish what is new, with which instruments are not to be opened for now, in one round trip."""
        now_ms = self._now_ms()
        dated = [bounded(price, now_ms=now_ms) for price in prices]
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.hset(marks_key(self._place), mapping={price.symbol: encode(price) for price in dated})
            if unrest:
                pipeline.hset(
                    unrest_key(self._place),
                    mapping={symbol: encode_unrest(found) for symbol, found in unrest.items()},
                )
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
            with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.hmget(marks_key(place), names)
                pipeline.hmget(unrest_key(place), names)
                stored, restless = cast(tuple[list[bytes | None], list[bytes | None]], pipeline.execute())
        except RedisError:
            return dict.fromkeys(names, FreshPrice())
        now_ms, found = self._now_ms(), {}
        for name, price, told in zip(names, stored, restless, strict=True):
            unrest = None if told is None else decode_unrest(told, now_ms=now_ms)
            known = Price(name, None, 0) if price is None else decode(name, price)
            found[name] = fresh(known, now_ms=now_ms, unrest=unrest)
        return found

    def worths(self, place: str, symbols: Collection[str]) -> dict[str, Decimal]:
        """Return what positions are valued at: the mark, or the last price where there is none; of those known."""
        found = {name: price.mark or price.px for name, price in self.fresh(place, symbols).items()}
        return {name: px for name, px in found.items() if px is not None}

    def worth(self, place: str, symbol: str) -> Decimal | None:
        """Return what a position in one instrument is valued at."""
        return self.worths(place, [symbol]).get(symbol)

    def age(self, place: str) -> FeedAge | None:
        """Tell how old a feed's prices are; None when it has never written any. Raises `RedisError`."""
        stored = cast(dict[bytes, bytes], self._redis.hgetall(marks_key(place)))
        prices = {name.decode(): decode(name.decode(), found) for name, found in stored.items()}
        return age_of(prices, now_ms=self._now_ms()) if prices else None
