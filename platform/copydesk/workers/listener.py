"""The listener role: watch every leader account, store signals, wake lanes, sample equity, feed prices to Redis."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import NamedTuple, Protocol, runtime_checkable

from copydesk.bootstrap import FRESH_EVERY_S, Runtime
from copydesk.kernel import CopydeskError, VenueRefused, end
from copydesk.keys.refused import key_changed_at, put_aside
from copydesk.marks import Listings
from copydesk.replication import Leader, Whereabouts, live_leaders, place_of
from copydesk.trading import Credentials
from copydesk.venues import Venue
from copydesk.workers.feed import Place, PriceFeeds
from copydesk.workers.key_news import KeyWatch
from copydesk.workers.leader import LeaderWatch, Market, key_is_dead
from copydesk.workers.listed import tell_listed
from copydesk.workers.outage import DATABASE_AWAY, first_line
from copydesk.workers.wake import Waker

log = logging.getLogger(__name__)

_LOOK_FOR_LEADERS_S = 2.0

# A brand and a strategy of it.
_Key = tuple[int, int]


class _Found(NamedTuple):
    """A leader who is to be watched, where, and in which markets."""

    leader: Leader
    place: Place
    markets: frozenset[str]

    @property
    def key(self) -> _Key:
        return self.leader.tenant_id, self.leader.strategy_id


class _Watched(NamedTuple):
    """A leader, who watches them, and the task that does."""

    leader: Leader
    watch: LeaderWatch
    task: asyncio.Task[None]


class Listener:
    """Watch every live leader of every brand; new strategies are picked up, closed ones dropped, within seconds."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._waker = Waker(runtime.redis)
        self._budgets = runtime.budgets("listener")
        self._markets: dict[Whereabouts, Market] = {}
        self._tenders: list[asyncio.Task[None]] = []
        self._watches: dict[_Key, _Watched] = {}
        self._opening: defaultdict[Whereabouts, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._prices = PriceFeeds(runtime, self._venue)
        self._listings = Listings(runtime.redis)
        self._desks: dict[str, asyncio.Task[None]] = {}
        self._hears: Hears | None = None
        self._key_watch = KeyWatch(runtime)

    async def run(self) -> None:
        """Serve until canceled."""
        await self._key_watch.start()
        try:
            while True:
                try:
                    await self.look()
                    await self._prices.look()
                    self._mind_desks()
                except DATABASE_AWAY as error:
                    log.warning("cannot look for new leaders: %s", first_line(error))
                await asyncio.sleep(_LOOK_FOR_LEADERS_S)
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """End every watch and feed, and close what they used."""
        await self._key_watch.aclose()
        await self._prices.aclose()
        await end(*self._desks.values())
        await self._drop(set(self._watches))
        await end(*self._tenders)
        for market in self._markets.values():
            await market.exchange.aclose()
        await self._budgets.aclose()

    def _mind_desks(self) -> None:
        """Keep the desks at work that serve what people ask of their accounts; one that breaks off begins anew."""
        for name, open_desk in _DESKS.items():
            serving = self._desks.get(name)
            if serving is not None and serving.done() and (error := serving.exception()):
                log.error("the %s desk ended: %s", name, error, exc_info=error)
            if serving is None or serving.done():
                self._desks[name] = asyncio.create_task(self._serve(open_desk))

    async def _serve(self, open_desk: OpenDesk) -> None:
        """Serve a desk; what it imports, the leaders' first trades do not wait for."""
        desk = await asyncio.to_thread(open_desk, self._runtime, self._exchange_at)
        if isinstance(desk, Hears):
            self._hears = desk
        await desk.run()

    def _heard(self, tenant_id: int, account_id: int) -> None:
        """Pass on that a leader's stream has spoken: orders given by hand there may have changed."""
        if self._hears is not None:
            self._hears.heard(tenant_id, account_id)

    async def look(self) -> None:
        """Watch leaders that are new or whose watch ended, and no longer those that are not live any more."""
        leaders = {found.key: found for found in await asyncio.to_thread(self._leaders)}
        await self._drop(self._watches.keys() - leaders.keys())
        await self._drop(await asyncio.to_thread(self._replaced, list(self._watches.items())))
        await self._drop(self._outdated(leaders))
        for key, (leader, place, _) in leaders.items():
            running = self._watches.get(key)
            if running and not running.task.done():
                continue
            if running and await self._put_aside(running):
                await self._drop({key})
                continue
            try:
                market = await self._market(Whereabouts(*place, leader.egress))
            except CopydeskError as error:
                log.warning("exchange %s-%s cannot be read yet: %s", *place, error)
                continue
            watch = LeaderWatch(self._runtime, self._waker, market, leader, heard=self._heard)
            self._watches[key] = _Watched(leader, watch, asyncio.create_task(watch.run()))

    @property
    def ended(self) -> int:
        """Return how many watches have ended by themselves since the last look."""
        return sum(one.task.done() for one in self._watches.values())

    def _outdated(self, leaders: Mapping[_Key, _Found]) -> set[_Key]:
        """Find watches of markets that are not the brand's any more, or not all of them."""
        found: set[_Key] = set()
        for key, one in self._watches.items():
            if key in leaders and leaders[key].markets != one.watch.markets:
                found.add(key)
        return found

    async def _drop(self, keys: Collection[_Key]) -> None:
        ended = [self._watches.pop(key).task for key in keys]
        await end(*ended)

    def _replaced(self, watched: list[tuple[_Key, _Watched]]) -> set[_Key]:
        """Find watches that go on with a key which is not their account's any more: its owner will delete it."""
        running = [(key, one) for key, one in watched if one.watch.credentials is not None and not one.task.done()]
        found: set[_Key] = set()
        for tenant_id in {key[0] for key, _ in running}:
            here = [(key, one) for key, one in running if key[0] == tenant_id]
            try:
                held = self._runtime.keys.credentials(tenant_id, [one.leader.account_id for _, one in here])
            except CopydeskError as error:
                log.warning("leaders' keys of brand %s are not compared: %s", tenant_id, error)
                continue
            for key, one in here:
                if held.get(one.leader.account_id, one.watch.credentials) != one.watch.credentials:
                    found.add(key)
        return found

    async def _put_aside(self, ended: _Watched) -> bool:
        """Say why a watch ended, and put its account aside if that is the key that it has now."""
        error, leader = _first(ended.task.exception()), ended.leader
        if isinstance(error, VenueRefused) and key_is_dead(error):
            if await asyncio.to_thread(self._quarantined, leader, ended.watch.credentials, error.code):
                log.error("leader %s: not watched until its key is renewed: %s", leader.account_id, error)
                return True
        elif error:
            log.error("leader %s: watch ended: %s", leader.account_id, error)
        return False

    def _quarantined(self, leader: Leader, refused: Credentials | None, reason: str) -> bool:
        place = (leader.tenant_id, leader.account_id)
        with self._runtime.db.tenant(leader.tenant_id) as session:
            changed_at = key_changed_at(session, leader.account_id)
        self._runtime.keys.forget(*place)
        try:
            now = self._runtime.keys.credentials(leader.tenant_id, [leader.account_id]).get(leader.account_id)
        except CopydeskError as error:
            log.warning("leader %s: its key cannot be opened: %s", leader.account_id, error)
            return False
        if now is not None and now != refused:
            return False
        with self._runtime.db.tenant(leader.tenant_id) as session:
            aside = put_aside(session, leader.account_id, reason, changed_at=changed_at)
        self._runtime.keys.forget(*place)
        return aside

    def _leaders(self) -> list[_Found]:
        found: list[_Found] = []
        self._runtime.directory.refresh_if_due()
        for tenant in self._runtime.directory.all():
            places: dict[Place, frozenset[str]] = {}
            for exchange in tenant.config.exchanges:
                place: Place = (exchange.venue, exchange.environment)
                places[place] = places.get(place, frozenset()) | frozenset(exchange.markets)
            with self._runtime.db.tenant(self._runtime.tenant_ids[tenant.slug]) as session:
                for place, markets in places.items():
                    leaders = live_leaders(session, venue=place[0], environment=place[1])
                    found += [_Found(leader, place, markets) for leader in leaders]
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
        self._tenders.append(asyncio.create_task(_keep_fresh(market, self._list)))
        return market

    async def _list(self, market: Market) -> None:
        tenants = self._runtime.directory.all()
        await tell_listed(self._listings, tenants, market.venue, market.environment, market.instruments)

    async def _venue(self, place: Place) -> Venue:
        return await self._exchange_at(Whereabouts(*place, ""))

    async def _exchange_at(self, where: Whereabouts) -> Venue:
        return (await self._market(where)).exchange


class Desk(Protocol):
    """Serves what people ask of their exchange accounts, until canceled."""

    async def run(self) -> None: ...


@runtime_checkable
class Hears(Protocol):
    """A desk that wants to know whenever a leader's stream tells of anything."""

    def heard(self, tenant_id: int, account_id: int) -> None: ...


OpenVenue = Callable[[Whereabouts], Awaitable[Venue]]
OpenDesk = Callable[[Runtime, OpenVenue], Desk]


def _key_desk(runtime: Runtime, open_venue: OpenVenue) -> Desk:
    from copydesk.workers.key_desk import KeyDesk  # It knows people and mail, which take long to import.

    return KeyDesk(runtime, open_venue)


def _wallet_desk(runtime: Runtime, open_venue: OpenVenue) -> Desk:
    from copydesk.workers.wallet_desk import WalletDesk

    return WalletDesk(runtime, open_venue)


def _terminal_desk(runtime: Runtime, _open_venue: OpenVenue) -> Desk:
    from copydesk.workers.terminal_desk import TerminalDesk  # It signs orders, so it opens exchanges of its own.

    return TerminalDesk(runtime)


_DESKS: Mapping[str, OpenDesk] = {"key": _key_desk, "wallet": _wallet_desk, "terminal": _terminal_desk}


async def _keep_fresh(market: Market, tell: Callable[[Market], Awaitable[None]]) -> None:
    """Follow the exchange's clock and its list of instruments, which is not trusted for long, and tell of it."""
    while True:
        await tell(market)
        await asyncio.sleep(FRESH_EVERY_S)
        try:
            await market.exchange.warm(1)
            market.instruments = await market.exchange.instruments()
        except CopydeskError as error:
            log.warning("%s-%s not read anew: %s", market.venue, market.environment, error)


def _first(error: BaseException | None) -> BaseException | None:
    """Unwrap the first trouble of a task group."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
