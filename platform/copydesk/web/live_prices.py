"""Prices for open pages: the latest of each instrument that somebody looks at, twice a second at most.

Listens to the prices that `marks` publishes only while somebody wants any. A price is no piece of news: it has no place
in a log, a page that is behind is spared it, and the next one says all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from functools import cache, partial
from typing import Any

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from copydesk.kernel import end
from copydesk.marks import CHANNEL, place_name
from copydesk.tenancy import Tenant
from copydesk.web.live_news import me_frame
from copydesk.web.live_pages import Page, chunk_of

log = logging.getLogger(__name__)

EVERY_S = 0.5
SYMBOLS_MAX = 50
_TRY_AGAIN_S = 1.0

# Instruments as a page names them, each with where it is traded: (environment of an exchange, ccxt symbol).
Wanted = tuple[tuple[str, tuple[str, str]], ...]


class Prices:
    """Send prices to the pages that want them."""

    def __init__(self, redis_url: str, *, every_s: float = EVERY_S) -> None:
        self._redis_url = redis_url
        self._every_s = every_s
        self._wanted: dict[Page, Wanted] = {}
        self._latest: dict[tuple[str, str], str] = {}
        self._changed: set[tuple[str, str]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self.subscribed = asyncio.Event()

    def join(self, page: Page, wanted: Wanted) -> None:
        """Send a page these instruments' prices from now on, and at once those that are known."""
        if not wanted:
            return
        self._wanted[page] = wanted
        _send(page, self._chunk([key for _, key in wanted], wanted))
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._tell())]

    def leave(self, page: Page) -> None:
        """Send a page nothing more; after the last one nobody listens."""
        self._wanted.pop(page, None)
        if not self._wanted:
            for task in self._tasks:
                task.cancel()
            self._tasks = []
            self._latest.clear()
            self._changed.clear()

    async def close(self) -> None:
        """Stop what still runs."""
        await end(*self._tasks)

    def heard(self, message: bytes) -> None:
        """Keep what an exchange's feed announced."""
        try:
            told = orjson.loads(message)
            place, prices = str(told["place"]), dict(told["prices"])
        except (ValueError, KeyError, TypeError):
            return
        for symbol, price in prices.items():
            text = _price(price)
            if text is not None and self._latest.get((place, symbol)) != text:
                self._latest[place, symbol] = text
                self._changed.add((place, symbol))

    async def _follow(self) -> None:
        while True:
            client = Redis.from_url(self._redis_url)
            try:
                async with client.pubsub() as pubsub:
                    await pubsub.subscribe(CHANNEL)
                    async for message in pubsub.listen():
                        if message["type"] == "message":
                            self.heard(message["data"])
                        else:
                            self.subscribed.set()
            except (RedisError, OSError) as error:
                log.warning("prices for open pages lost Redis, trying again: %s", error)
            finally:
                self.subscribed.clear()
                await client.aclose()
            await asyncio.sleep(_TRY_AGAIN_S)

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            changed, self._changed = self._changed, set()
            if changed:
                # Many look at the same: that is written once.
                write: Callable[[Wanted], bytes] = cache(partial(self._chunk, changed))
                for page, wanted in list(self._wanted.items()):
                    _send(page, write(wanted))

    def _chunk(self, changed: Collection[tuple[str, str]], wanted: Wanted) -> bytes:
        """Write what changed of what is wanted, as far as it is known; empty where there is nothing to tell."""
        named = {name: self._latest[key] for name, key in wanted if key in changed and key in self._latest}
        return chunk_of(me_frame("price", orjson.dumps(named), None)) if named else b""


def _send(page: Page, chunk: bytes) -> None:
    """Send prices to a page; one that has not taken the last ones yet gets the next ones."""
    if not page.behind:
        page.offer(chunk)


def wanted_prices(tenant: Tenant, asked: str) -> Wanted | None:
    """Return where the instruments are traded that a page asks for, None where those are too many.

    They are separated by commas: `BTC/USDT` is that of the brand's first exchange which trades it,
    `BTC/USDT@okx-lab` that of another one of its exchanges. What the brand does not have is left out.
    """
    names = list(dict.fromkeys(name for name in asked.split(",") if name))
    if len(names) > SYMBOLS_MAX:
        return None
    found: dict[str, tuple[str, str]] = {}
    for name in names:
        symbol, _, place = name.partition("@")
        for exchange in tenant.config.exchanges:
            here = place_name(exchange.venue, exchange.environment)
            if place == here or (not place and symbol in exchange.markets):
                found[name] = (here, symbol)
                break
    return tuple(found.items())


def _price(told: Any) -> str | None:
    """Return the last price, or the mark where there is none."""
    px = told.get("px") or told.get("mark") if isinstance(told, dict) else None
    return px if isinstance(px, str) else None
