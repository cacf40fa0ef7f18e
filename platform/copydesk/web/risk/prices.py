"""Public prices as pages may read them, and how old they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from flask import Flask, current_app
from redis import Redis
from redis.exceptions import RedisError

from copydesk.marks import ComingFunding, FeedAge, Marks
from copydesk.web.port import Runtime

# A page is shown without prices rather than late.
_REDIS_S = 0.25


@dataclass(frozen=True)
class Feed:
    """When the newest price of an exchange's environment was told."""

    place: str
    newest_at: datetime


class Prices:
    """The newest public prices: the mark where there is one, else the last price; and the funding that is coming."""

    def __init__(self, marks: Marks, coming: ComingFunding) -> None:
        self.marks = marks
        self.coming = coming

    def of(self, place: str, symbols: Collection[str]) -> Mapping[str, Decimal]:
        """Return what is known and young enough."""
        return self.marks.worths(place, symbols)

    def one(self, place: str, symbol: str) -> Decimal | None:
        """Return one of them."""
        return self.marks.worth(place, symbol)

    def feeds(self, places: Iterable[str], now: datetime) -> tuple[Feed, ...]:
        """Return how old the prices of these exchanges are, of those that have any."""
        ages = ((place, self._age(place)) for place in sorted(set(places)))
        return tuple(Feed(place, now - timedelta(milliseconds=age.newest_ms)) for place, age in ages if age)

    def _age(self, place: str) -> FeedAge | None:
        try:
            return self.marks.age(place)
        except RedisError:
            return None


class PricesOnce(Prices):
    """The same prices for as long as one page is made: each instrument is asked for once, also one without a price."""

    def __init__(self, prices: Prices) -> None:
        super().__init__(prices.marks, prices.coming)
        self._known: dict[tuple[str, str], Decimal | None] = {}

    def one(self, place: str, symbol: str) -> Decimal | None:
        """Return one of them."""
        if (place, symbol) not in self._known:
            self._known[place, symbol] = super().one(place, symbol)
        return self._known[place, symbol]


def init_prices(app: Flask, runtime: Runtime) -> None:
    """Let the pages of this app read prices; nothing is sent to Redis yet."""
    redis = Redis.from_url(runtime.redis_url, socket_timeout=_REDIS_S, socket_connect_timeout=_REDIS_S)
    app.extensions["copydesk_prices"] = Prices(Marks(redis), ComingFunding(redis))


def current_prices() -> Prices:
    """Return the prices of the running app."""
    prices: Prices = current_app.extensions["copydesk_prices"]
    return prices
