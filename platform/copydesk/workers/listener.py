"""The listener role: watch every leader account, store signals, wake lanes, sample equity."""

from __future__ import annotations

import asyncio
import logging

from copydesk.bootstrap import Runtime
from copydesk.kernel import CopydeskError
from copydesk.replication import Leader, live_leaders
from copydesk.trading import Denial, Environment
from copydesk.vault import quarantine
from copydesk.workers.leader import LeaderWatch, Market, key_rejected
from copydesk.workers.outage import DATABASE_AWAY, first_line
from copydesk.workers.wake import Waker

log = logging.getLogger(__name__)

_LOOK_FOR_LEADERS_S = 2.0

# A brand and a strategy of it.
_Key = tuple[int, int]


class Listener:
    """Watch every live leader of every brand; new strategies are picked up, closed ones dropped, within seconds."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._waker = Waker(runtime.redis)
        self._markets: dict[tuple[str, Environment], Market] = {}
        self._watches: dict[_Key, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Serve until canceled."""
        try:
            while True:
                try:
                    await self.look()
                except DATABASE_AWAY as error:
                    log.warning("cannot look for new leaders: %s", first_line(error))
                await asyncio.sleep(_LOOK_FOR_LEADERS_S)
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """End every watch and close what they used."""
        await self._drop(set(self._watches))
        for market in self._markets.values():
            await market.spot.aclose()

    async def look(self) -> None:
        """Watch leaders that are new or whose watch ended, and no longer those that are not live any more."""
        leaders = {(found[0], found[2].strategy_id): found for found in await asyncio.to_thread(self._leaders)}
        await self._drop(self._watches.keys() - leaders.keys())
        for key, (_, place, leader) in leaders.items():
            running = self._watches.get(key)
            if running and not running.done():
                continue
            error = _first(running.exception()) if running else None
            if error and key_rejected(error):
                await asyncio.to_thread(self._quarantine, leader)
                await self._drop({key})
                log.error("leader %s: not watched until its key is renewed: %s", leader.account_id, error)
                continue
            if error:
                log.error("leader %s: watch ended: %s", leader.account_id, error)
            try:
                market = await self._market(*place)
            except CopydeskError as error:
                log.warning("exchange %s-%s cannot be read yet: %s", *place, error)
                continue
            self._watches[key] = asyncio.create_task(LeaderWatch(self._runtime, self._waker, market, leader).run())

    async def _drop(self, keys: set[_Key]) -> None:
        ended = [self._watches.pop(key) for key in keys]
        for watch in ended:
            watch.cancel()
        await asyncio.gather(*ended, return_exceptions=True)

    def _quarantine(self, leader: Leader) -> None:
        with self._runtime.db.tenant(leader.tenant_id) as session:
            quarantine(session, leader.account_id, Denial.KEY_REJECTED)
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

    async def _market(self, venue: str, environment: Environment) -> Market:
        if (venue, environment) not in self._markets:
            spot = self._runtime.spot(venue, environment)
            try:
                await spot.sync_clock()
                instruments = await spot.instruments()
            except CopydeskError:
                await spot.aclose()
                raise
            stream = self._runtime.stream(venue, environment)
            self._markets[venue, environment] = Market(venue, environment, spot, stream, instruments)
        return self._markets[venue, environment]


def _first(error: BaseException | None) -> BaseException | None:
    """Unwrap the first trouble of a task group."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
