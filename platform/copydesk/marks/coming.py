"""Funding that is coming, in Redis: what perpetuals will pay or receive next, and when. Public, as prices are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import cast

import orjson
from redis import Redis
from redis.exceptions import RedisError

from copydesk.kernel import decimal_text
from copydesk.marks.form import marks_key
from copydesk.marks.store import epoch_ms
from copydesk.venues import FundingRate


class ComingFunding:
    """One hash for each environment of an exchange: ccxt symbol -> JSON. A rate whose time has passed is not told."""

    def __init__(self, redis: Redis, *, now_ms: Callable[[], int] = epoch_ms) -> None:
        self._redis = redis
        self._now_ms = now_ms

    def write(self, place: str, rates: Mapping[str, FundingRate]) -> None:
        """Store rates in place of all that were stored. Raises `RedisError`."""
        with self._redis.pipeline() as pipeline:
            pipeline.delete(_key(place))
            if rates:
                pipeline.hset(_key(place), mapping={symbol: _text(rate) for symbol, rate in rates.items()})
            pipeline.execute()

    def read(self, place: str, symbols: Collection[str]) -> dict[str, FundingRate]:
        """Return the rates that are known; with Redis away there are none."""
        if not symbols:
            return {}
        names = list(symbols)
        try:
            stored = cast(list[bytes | None], self._redis.hmget(_key(place), names))
        except RedisError:
            return {}
        found = {name: _rate(told) for name, told in zip(names, stored, strict=True) if told is not None}
        now_ms = self._now_ms()
        return {name: rate for name, rate in found.items() if rate.next_at_ms > now_ms}


def _key(place: str) -> str:
    return f"{marks_key(place)}:funding"


def _text(rate: FundingRate) -> bytes:
    return orjson.dumps([decimal_text(rate.rate), rate.next_at_ms])


def _rate(told: bytes) -> FundingRate:
    rate, next_at_ms = orjson.loads(told)
    return FundingRate(Decimal(rate), next_at_ms)
