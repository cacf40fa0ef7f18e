"""The listener role: watch every leader account, store signals, wake lanes, sample equity, feed prices to Redis."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from copydesk.bootstrap import FRESH_EVERY_S, Runtime
from copydesk.kernel import CopydeskError, VenueRefused, end
from copydesk.replication import Leader, Whereabouts, live_leaders, place_of
from copydesk.trading import Environment
from copydesk.vault import quarantine
from copydesk.venues import Venue
from copydesk.workers.feed import Place, PriceFeeds
from copydesk.workers.leader import LeaderWatch, Market, key_is_dead
from copydesk.workers.outage import DATABASE_AWAY, first_line
from copydesk.workers.wake import Waker

if TYPE_CHECKING:
    from copydesk.workers.key_desk import KeyDesk

log = logging.getLogger(__name__)

_LOOK_FOR_LEADERS_S = 2.0

# A brand and a strategy of it.
_Key = tuple[int, int]


class Listener:
    """Watch every live leader of every brand; new strategies are picked up, closed ones dropped, within seconds."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._waker = Waker(runtime.redis)
        self._budgets = runtime.budgets("listener")
        self._markets: dict[Whereabouts, Market] = {}
        self._tenders: list[asyncio.Task[None]] = []
        self._watches: dict[_Key, asyncio.Task[None]] = {}
        self._opening: defaultdict[Whereabouts, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._prices = PriceFeeds(runtime, self._venue)
        self._key_desk: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serve until canceled."""
        try:
            while True:
                try:
                    await self.look()
                    await self._prices.look()
                    self._mind_key_desk()
                except DATABASE_AWAY as error:
                    log.warning("cannot look for new leaders: %s", first_line(error))
                await asyncio.sleep(_LOOK_FOR_LEADERS_S)
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """End every watch and feed, and close what they used."""
        await self._prices.aclose()
        if self._key_desk is not None:
            await end(self._key_desk)
        await self._drop(set(self._watches))
        await end(*self._tenders)
        for market in self._markets.values():
            await market.exchange.aclose()
        await self._budgets.aclose()

    def _mind_key_desk(self) -> None:
        """Keep the desk that examines keys at work; one that breaks off begins anew."""
        if self._key_desk is not None and self._key_desk.done() and (error := self._key_desk.exception()):
            log.error("the key desk ended: %s", error, exc_info=error)
        if self._key_desk is None or self._key_desk.done():
            self._key_desk = asyncio.create_task(self._serve_keys())

    async def _serve_keys(self) -> None:
        """Serve the key desk; what it imports, the leaders' first trades do not wait for."""
        desk = await asyncio.to_thread(partial(_key_desk, self._runtime, self._exchange_at))
        await desk.run()

    async def look(self) -> None:
        """Watch leaders that are new or whose watch ended, and no longer those that are not live any more."""
        leaders = {(found[0], found[2].strategy_id): found for found in await asyncio.to_thread(self._leaders)}
        await self._drop(self._watches.keys() - leaders.keys())
        for key, (_, place, leader) in leaders.items():
            running = self._watches.get(key)
            if running and not running.done():
                continue
            error = _first(running.exception()) if running else None
            if isinstance(error, VenueRefused) and key_is_dead(error):
                await asyncio.to_thread(self._quarantine, leader, error.code)
                await self._drop({key})
                log.error("leader %s: not watched until its key is renewed: %s", leader.account_id, error)
                continue
            if error:
                log.error("leader %s: watch ended: %s", leader.account_id, error)
            try:
                market = await self._market(Whereabouts(*place, leader.egress))
            except CopydeskError as error:
                log.warning("exchange %s-%s cannot be read yet: %s", *place, error)
                continue
            self._watches[key] = asyncio.create_task(LeaderWatch(self._runtime, self._waker, market, leader).run())

    async def _drop(self, keys: set[_Key]) -> None:
        ended = [self._watches.pop(key) for key in keys]
        await end(*ended)

    def _quarantine(self, leader: Leader, reason: str) -> None:
        with self._runtime.db.tenant(leader.tenant_id) as session:
            quarantine(session, leader.account_id, reason)
        self._runtime.keys.forget(leader.tenant_id, leader.account_id)

    def _leaders(self) -> list[tuple[int, tuple[str, Environment], Leader]]:
        found: list[tuple[int, tuple[str, Environment], Leader]] = []
        self._runtime.directory.refresh_if_due()
        for tenant in self._runtime.directory.all():
            tenant_id = self._runtime.tenant_ids[tenant.slug]
            for exchange in tenant.config.exchanges:
                with self._runtime.db.tenant(tenant_id) as session:
                    leaders = live_leaders(session, venue=exchange.venue, environment=exchange.environment)
                found += [(tenant_id, (exchange.venue, exchange.environment), leader) for leader in leaders]
        return found

    async def _market(self, where: Whereabouts) -> Market:
        """Return an open market; leaders and prices share it, whoever asks first."""
        async with self._opening[where]:
            if where not in self._markets:
                self._markets[where] = await self._open(where)
            return self._markets[where]

    async def _open(self, where: Whereabouts) -> Market:
        venue, environment, egress = where
        budgets = self._budgets.of(venue, place_of(*where))
        exchange = self._runtime.venue(venue, environment, egress=egress, budgets=budgets)
        try:
            await exchange.warm(1)
            instruments = await exchange.instruments()
        except (CopydeskError, asyncio.CancelledError):
            await exchange.aclose()
            raise
        market = Market(venue, environment, exchange, self._runtime.stream(exchange), instruments)
        self._tenders.append(asyncio.create_task(_keep_fresh(market)))
        return market

    async def _venue(self, place: Place) -> Venue:
        return await self._exchange_at(Whereabouts(*place, ""))

    async def _exchange_at(self, where: Whereabouts) -> Venue:
        return (await self._market(where)).exchange


def _key_desk(runtime: Runtime, open_venue: Callable[[Whereabouts], Awaitable[Venue]]) -> KeyDesk:
    from copydesk.workers.key_desk import KeyDesk  # It knows people and mail, which take long to import.

    return KeyDesk(runtime, open_venue)


async def _keep_fresh(market: Market) -> None:
    """Follow the exchange's clock and its list of instruments, which is not trusted for long."""
    while True:
        await asyncio.sleep(FRESH_EVERY_S)
        try:
            await market.exchange.warm(1)
            market.instruments = await market.exchange.instruments()
        except CopydeskError as error:
            log.warning("%s-%s not read anew: %s", market.venue, market.environment, error)


def _first(error: BaseException | None) -> BaseException | None:
    """Unwrap the first trouble of a task group."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
