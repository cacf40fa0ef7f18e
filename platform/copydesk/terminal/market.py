"""Books and candles of instruments that somebody looks at, in Redis. Public, as prices are: no key names a brand.

Minutes are of the prices that the one feed of an exchange told while somebody looked; bars are the exchange's own
candles, read by the desk for whoever asked within the last seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import cast

import orjson
from redis import Redis
from redis.exceptions import RedisError

from copydesk.kernel import decimal_text
from copydesk.terminal.bars import Bars
from copydesk.terminal.view import BookView, book_json
from copydesk.venues.candles import Candle, Interval

_BOOK_LASTS_S = 15
_MINUTES_LAST_S = 6 * 3600
_ASKED_FOR_S = 15
_BARS_LAST_S = 120
_REFUSAL_LASTS_S = 15


class MarketBoard:
    """Write and read both; with Redis away nothing is known. `write_*` raise `RedisError`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def write_book(self, place: str, symbol: str, book: BookView) -> None:
        self._redis.set(_key("book", place, symbol), orjson.dumps(book_json(book)), ex=_BOOK_LASTS_S)

    def write_minute(self, place: str, symbol: str, minute: int, candle: Candle) -> None:
        """Store a minute, named by its beginning in epoch seconds; what is older than some hours is forgotten."""
        key = _key("candles", place, symbol)
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.hset(key, str(minute), orjson.dumps(_told(candle)))
            pipeline.hdel(key, str(minute - _MINUTES_LAST_S))
            pipeline.expire(key, _MINUTES_LAST_S)
            pipeline.execute()

    def write_bars(self, place: str, symbol: str, interval: Interval, bars: Bars) -> None:
        """Store an exchange's candles; that it did not tell any takes no older ones away."""
        told = {str(begins): _told(one) for begins, one in bars.candles.items()}
        text = orjson.dumps({"at": bars.read_at_s, "candles": told})
        lasts_s = _BARS_LAST_S if told else _REFUSAL_LASTS_S
        self._redis.set(_key("bars", place, symbol, interval), text, ex=lasts_s, nx=not told)

    def ask_bars(self, place: str, symbol: str, interval: Interval) -> None:
        """Have an exchange's candles read, and read anew, for some seconds."""
        try:
            self._redis.set(_key("asked", place, symbol, interval), b"1", ex=_ASKED_FOR_S)
        except RedisError:
            return

    def asked_bars(self, place: str, symbol: str) -> list[Interval]:
        """Return the candles of which somebody wants to know; raises `RedisError`."""
        keys = [_key("asked", place, symbol, one) for one in Interval]
        told = cast(list[bytes | None], self._redis.mget(keys))
        return [one for one, asked in zip(Interval, told, strict=True) if asked]

    def book(self, place: str, symbol: str) -> Mapping[str, object] | None:
        """Return a book as `view.book_json` has it, None where none was read in the last seconds."""
        try:
            told = cast(bytes | None, self._redis.get(_key("book", place, symbol)))
        except RedisError:
            return None
        return None if told is None else cast(Mapping[str, object], orjson.loads(told))

    def minutes(self, place: str, symbol: str) -> dict[int, Candle]:
        """Return the minutes that are known, by their beginning in epoch seconds."""
        try:
            told = cast(dict[bytes, bytes], self._redis.hgetall(_key("candles", place, symbol)))
        except RedisError:
            return {}
        return {int(minute): _candle(orjson.loads(one)) for minute, one in sorted(told.items())}

    def bars(self, place: str, symbol: str, interval: Interval) -> Bars | None:
        """Return what an exchange told, or that it did not; None while nobody has asked it."""
        try:
            text = cast(bytes | None, self._redis.get(_key("bars", place, symbol, interval)))
        except RedisError:
            return None
        if text is None:
            return None
        told = orjson.loads(text)
        return Bars(told["at"], {int(begins): _candle(one) for begins, one in told["candles"].items()})


def _key(what: str, *of: str) -> str:
    return ":".join(("copydesk:terminal", what, *of))


def _told(candle: Candle) -> list[str]:
    return [decimal_text(px) for px in candle]


def _candle(told: list[str]) -> Candle:
    return Candle(*map(Decimal, told))
