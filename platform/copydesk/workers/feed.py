"""The listener's price feeds: exactly one for each environment of an exchange, for all brands together.

What is followed is the union of the brands' markets and of the instruments in which anybody holds a position. What is
written is public and names no brand (see `copydesk.marks`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import NamedTuple

from redis.exceptions import RedisError

from copydesk.bootstrap import Runtime
from copydesk.kernel import CopydeskError, end
from copydesk.marks import ComingFunding, MarkWriter, place_name
from copydesk.replication import open_instruments
from copydesk.tenancy import Tenant
from copydesk.trading import Environment
from copydesk.venues import FeedState, MarketStream, Price, Venue
from copydesk.workers.funding_rates import keep_rates
from copydesk.workers.restless import Restless, restless_of

log = logging.getLogger(__name__)

WRITE_EVERY_S = 0.2
LOOK_EVERY_S = 10.0
_TRY_AGAIN_S = 5.0

Place = tuple[str, Environment]


class _Feed(NamedTuple):
    symbols: frozenset[str]
    task: asyncio.Task[None]


class PriceFeeds:
    """Keep every environment's feed running; `open_venue` opens what the listener shares with it."""

    def __init__(
        self,
        runtime: Runtime,
        open_venue: Callable[[Place], Awaitable[Venue]],
        *,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._runtime = runtime
        self._open_venue = open_venue
        self._feeds: dict[Place, _Feed] = {}
        self._look_every_s = look_every_s
        self._looked_at = -look_every_s
        self._served: Sequence[Tenant] = ()
        # A feed that begins anew goes on with what its forerunner has seen.
        self._restless: dict[Place, Restless] = {}

    async def look(self) -> None:
        """Follow what is wanted now; call it often. A feed begins anew when its instruments change or it has ended.

        Brands that come, go or change are followed at once, positions in other instruments a little later.
        """
        served = self._runtime.directory.all()
        if served == self._served and time.monotonic() - self._looked_at < self._look_every_s:
            return
        self._served = served
        wanted = await asyncio.to_thread(self._wanted)
        self._looked_at = time.monotonic()
        await self._end(self._feeds.keys() - wanted.keys())
        for place, symbols in wanted.items():
            feed = self._feeds.get(place)
            if feed is not None and feed.task.done() and not feed.task.cancelled():
                log.error("prices of %s-%s ended: %r", *place, feed.task.exception())
            elif feed is not None and feed.symbols == symbols:
                continue
            await self._end({place})
            self._feeds[place] = _Feed(symbols, asyncio.create_task(self._follow(place, symbols)))

    async def aclose(self) -> None:
        """End every feed."""
        await self._end(set(self._feeds))

    async def _end(self, places: set[Place]) -> None:
        ended = [self._feeds.pop(place).task for place in places if place in self._feeds]
        await end(*ended)

    def _wanted(self) -> dict[Place, frozenset[str]]:
        wanted: dict[Place, set[str]] = {}
        for tenant in self._runtime.directory.all():
            for exchange in tenant.config.exchanges:
                wanted.setdefault((exchange.venue, exchange.environment), set()).update(exchange.markets)
        for tenant_id in self._runtime.tenant_ids.values():
            with self._runtime.db.tenant(tenant_id) as session:
                for venue, environment, symbol in open_instruments(session):
                    wanted.setdefault((venue, Environment(environment)), set()).add(symbol)
        return {place: frozenset(symbols) for place, symbols in wanted.items() if symbols}

    async def _follow(self, place: Place, symbols: frozenset[str]) -> None:
        """Open the exchange, however long that takes, and follow its prices until canceled."""
        while True:
            try:
                venue = await self._open_venue(place)
                break
            except CopydeskError as error:
                log.warning("no prices of %s-%s yet: %s", *place, error)
            await asyncio.sleep(_TRY_AGAIN_S)
        if place not in self._restless:
            self._restless[place] = restless_of(self._runtime.number)
        restless = self._restless[place]
        feed = Feed(MarkWriter(self._runtime.redis, place_name(*place)), place_name(*place), restless)
        coming = ComingFunding(self._runtime.redis)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(feed.run(self._runtime.market_stream(venue), symbols))
            tasks.create_task(keep_rates(coming, place_name(*place), venue, symbols))


class Feed:
    """Bring one stream's prices to Redis: of each instrument the newest, every 200 ms at most."""

    def __init__(self, writer: MarkWriter, place: str, restless: Restless) -> None:
        self._writer = writer
        self._place = place
        self._restless = restless
        self._waiting: dict[str, Price] = {}
        self._written = True

    async def run(self, stream: MarketStream, symbols: frozenset[str]) -> None:
        """Read and write until canceled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read(stream, symbols))
            tasks.create_task(self._write(symbols))

    async def _read(self, stream: MarketStream, symbols: frozenset[str]) -> None:
        async with aclosing(stream.prices(symbols)) as events:
            async for event in events:
                if event.state is FeedState.LOST:
                    log.warning("prices of %s: %s", self._place, event.reason)
                self._waiting |= {price.symbol: price for price in event.prices}
                self._restless.see(event.prices)

    async def _write(self, symbols: frozenset[str]) -> None:
        """Write what waits; while Redis is away, the newest prices wait here."""
        await self._try(partial(self._writer.begin, symbols))
        while True:
            waiting, self._waiting = self._waiting, {}
            unrest = self._restless.now(waiting)
            if waiting and not await self._try(partial(self._writer.write, tuple(waiting.values()), unrest)):
                self._waiting = waiting | self._waiting
            await asyncio.sleep(WRITE_EVERY_S)

    async def _try(self, write: Callable[[], None]) -> bool:
        """Write in a thread; say once that Redis is away, and once that it is back."""
        try:
            await asyncio.to_thread(write)
        except RedisError as error:
            if self._written:
                log.warning("prices of %s are not written: %s", self._place, error)
            self._written = False
            return False
        if not self._written:
            log.warning("prices of %s are written again", self._place)
        self._written = True
        return True
