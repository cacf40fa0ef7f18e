"""What exchanges say of their instruments, in Redis: steps and minima for pages that ask no exchange. Public."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, fields
from decimal import Decimal
from typing import Any, cast

import orjson
from redis import Redis
from redis.exceptions import RedisError

from copydesk.kernel import decimal_text
from copydesk.marks.form import marks_key
from copydesk.trading import Instrument

_DECIMALS = frozenset({"px_tick", "qty_step", "qty_min", "qty_max", "notional_min", "contract_size"})
_NAMES = frozenset(field.name for field in fields(Instrument))


class Listings:
    """One hash for each environment of an exchange: ccxt symbol -> JSON."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def write(self, place: str, instruments: Mapping[str, Instrument]) -> None:
        """Store instruments in place of all that were stored. Raises `RedisError`."""
        with self._redis.pipeline() as pipeline:
            pipeline.delete(_key(place))
            if instruments:
                pipeline.hset(_key(place), mapping={symbol: _text(one) for symbol, one in instruments.items()})
            pipeline.execute()

    def read(self, place: str, symbols: Collection[str]) -> dict[str, Instrument] | None:
        """Return the instruments that are listed; None where nothing is known of the place, or Redis is away."""
        names = list(symbols)
        try:
            if not self._redis.exists(_key(place)):
                return None
            stored = cast(list[bytes | None], self._redis.hmget(_key(place), names)) if names else []
        except RedisError:
            return None
        return {name: _instrument(told) for name, told in zip(names, stored, strict=True) if told is not None}


def _key(place: str) -> str:
    return f"{marks_key(place)}:listings"


def _text(instrument: Instrument) -> bytes:
    told = asdict(instrument)
    return orjson.dumps({name: decimal_text(value) if name in _DECIMALS else value for name, value in told.items()})


def _instrument(told: bytes) -> Instrument:
    """Read one; what another version wrote besides is passed over."""
    values = {name: value for name, value in orjson.loads(told).items() if name in _NAMES}
    read: dict[str, Any] = {name: Decimal(value) if name in _DECIMALS else value for name, value in values.items()}
    return Instrument(**read)
