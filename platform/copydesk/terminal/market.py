"""Books and candles of instruments that somebody looks at, in Redis. Public, as prices are: no key names a brand.

Candles are of the prices that the one feed of an exchange told while somebody looked, a minute each.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple, cast

import orjson
from redis import Redis
from redis.exceptions import RedisError

from copydesk.kernel import decimal_text
from copydesk.terminal.view import BookView, book_json

MINUTE_S = 60
_BOOK_LASTS_S = 15
_CANDLES_LAST_S = 6 * 3600


class Candle(NamedTuple):
    """The first, highest, lowest and last price of a minute."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal

    def with_px(self, px: Decimal) -> Candle:
        """Return the minute after one more price."""
        return Candle(self.open, max(self.high, px), min(self.low, px), px)


class MarketBoard:
    """Write and read both; with Redis away nothing is known. `write_*` raise `RedisError`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def write_book(self, place: str, symbol: str, book: BookView) -> None:
        self._redis.set(_key("book", place, symbol), orjson.dumps(book_json(book)), ex=_BOOK_LASTS_S)

    def write_candle(self, place: str, symbol: str, minute: int, candle: Candle) -> None:
        """Store a minute, named by its beginning in epoch seconds; what is older than some hours is forgotten."""
        key = _key("candles", place, symbol)
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.hset(key, str(minute), orjson.dumps([decimal_text(px) for px in candle]))
            pipeline.hdel(key, str(minute - _CANDLES_LAST_S))
            pipeline.expire(key, _CANDLES_LAST_S)
            pipeline.execute()

    def book(self, place: str, symbol: str) -> Mapping[str, object] | None:
        """Return a book as `view.book_json` has it, None where none was read in the last seconds."""
        try:
            told = cast(bytes | None, self._redis.get(_key("book", place, symbol)))
        except RedisError:
            return None
        return None if told is None else cast(Mapping[str, object], orjson.loads(told))

    def candles(self, place: str, symbol: str) -> dict[int, Candle]:
        """Return the minutes that are known, by their beginning in epoch seconds."""
        try:
            told = cast(dict[bytes, bytes], self._redis.hgetall(_key("candles", place, symbol)))
        except RedisError:
            return {}
        return {int(minute): Candle(*map(Decimal, orjson.loads(one))) for minute, one in sorted(told.items())}


def _key(what: str, place: str, symbol: str) -> str:
    return f"copydesk:terminal:{what}:{place}:{symbol}"
