"""The form of stored prices and how old one may be. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from copydesk.kernel import decimal_text
from copydesk.trading import Environment
from copydesk.venues import Price

AGE_MS_MAX = 15_000
CHANNEL = "copydesk:marks"


def place_name(venue: str, environment: Environment) -> str:
    """Name one environment of an exchange, e.g. "binance-lab"."""
    return f"{venue}-{environment}"


def marks_key(place: str) -> str:
    """Name the Redis hash that holds one environment's prices: ccxt symbol -> JSON."""
    return f"{CHANNEL}:{place}"


def unrest_key(place: str) -> str:
    """Name the Redis hash that holds which of an environment's instruments are not opened for now, and why."""
    return f"{marks_key(place)}:unrest"


@dataclass(frozen=True, slots=True)
class Unrest:
    """Nothing is opened of an instrument until `until_ms`: its prices lay `ratio` apart, more than `ratio_max`.

    Ratios are of the lowest price, the time is in epoch milliseconds.
    """

    ratio: Decimal
    ratio_max: Decimal
    until_ms: int


@dataclass(frozen=True, slots=True)
class FreshPrice:
    """An instrument's last price and mark, in quote units; None where there is none, or none young enough.

    `unrest` is told as long as it lasts, however old the prices are.
    """

    px: Decimal | None = None
    mark: Decimal | None = None
    unrest: Unrest | None = None


@dataclass(frozen=True, slots=True)
class FeedAge:
    """How old a feed's newest price is, in milliseconds, and how many of its instruments have no fresh one."""

    newest_ms: int
    instruments: int
    stale: int


def encode(price: Price) -> bytes:
    """Write a price; decimals as text, times in the exchange's epoch milliseconds."""
    told: dict[str, Any] = {"px": _text(price.px), "at_ms": price.at_ms}
    if price.mark is not None:
        told |= {"mark": _text(price.mark), "mark_at_ms": price.mark_at_ms}
    return orjson.dumps(told)


def decode(symbol: str, stored: bytes) -> Price:
    """Read what `encode` wrote."""
    told = orjson.loads(stored)
    mark = told.get("mark")
    return Price(symbol, _number(told["px"]), told["at_ms"], _number(mark), told.get("mark_at_ms", 0))


def encode_unrest(unrest: Unrest) -> bytes:
    """Write what keeps an instrument from being opened."""
    told = {"ratio": _text(unrest.ratio), "ratio_max": _text(unrest.ratio_max), "until_ms": unrest.until_ms}
    return orjson.dumps(told)


def decode_unrest(stored: bytes, *, now_ms: int) -> Unrest | None:
    """Read what `encode_unrest` wrote; None where it has passed."""
    told = orjson.loads(stored)
    unrest = Unrest(Decimal(told["ratio"]), Decimal(told["ratio_max"]), told["until_ms"])
    return unrest if unrest.until_ms > now_ms else None


def announcement(place: str, prices: Sequence[Price]) -> bytes:
    """Write what is published about new prices: the environment, and each instrument as in its hash."""
    told = {price.symbol: orjson.Fragment(encode(price)) for price in prices}
    return orjson.dumps({"place": place, "prices": told})


def fresh(price: Price, *, now_ms: int, unrest: Unrest | None = None) -> FreshPrice:
    """Leave out what is older than `AGE_MS_MAX`."""
    return FreshPrice(
        price.px if now_ms - price.at_ms <= AGE_MS_MAX else None,
        price.mark if now_ms - price.mark_at_ms <= AGE_MS_MAX else None,
        unrest,
    )


def age_of(stored: Mapping[str, Price], *, now_ms: int) -> FeedAge:
    """Judge a feed by everything that it has written, which is at least one price."""
    newest = max(max(price.at_ms, price.mark_at_ms) for price in stored.values())
    stale = sum(fresh(price, now_ms=now_ms) == FreshPrice() for price in stored.values())
    return FeedAge(max(now_ms - newest, 0), len(stored), stale)


def bounded(price: Price, *, now_ms: int) -> Price:
    """Date a price at the latest now: by an exchange's clock that runs ahead it would look fresh for too long."""
    at_ms, mark_at_ms = min(price.at_ms, now_ms), min(price.mark_at_ms, now_ms)
    return Price(price.symbol, price.px, at_ms, price.mark, mark_at_ms)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else decimal_text(value)


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
