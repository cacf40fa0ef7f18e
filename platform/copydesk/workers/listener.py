"""The listener role: watch every leader account, store signals, wake lanes, sample equity."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from copydesk.bootstrap import Runtime, announce
from copydesk.kernel import ZERO, CopydeskError, Unavailable, utc_now
from copydesk.replication import (
    COALESCE_MS,
    EQUITY_SAMPLE_MS,
    Leader,
    last_trade_at,
    live_leaders,
    record_equity,
    store_trades,
)
from copydesk.trading import Credentials, Environment, Instrument
from copydesk.venues import Balance, BinanceSpot, BinanceStream, LeaderTrade, StreamState
from copydesk.workers.outage import DATABASE_AWAY, first_line
from copydesk.workers.wake import Waker

log = logging.getLogger(__name__)

_OVERLAP_MS = 60_000
_LOOK_FOR_LEADERS_S = 2.0
_TRY_AGAIN_S = 0.5


@dataclass(frozen=True)
class Market:
    """One venue environment as the listener uses it."""

    venue: str
    environment: Environment
    spot: BinanceSpot
    stream: BinanceStream
    instruments: Mapping[str, Instrument]

    def ccxt_symbol(self, venue_symbol: str) -> str | None:
        """Translate the exchange's pair name, or None for one that it no longer lists."""
        return next((s for s, i in self.instruments.items() if i.venue_symbol == venue_symbol), None)


def equity_of(balances: Mapping[str, Balance], prices: Mapping[str, Decimal], currency: str) -> Decimal:
    """Value an account in one currency at last prices; an asset without a price counts as nothing."""
    total = ZERO
    for asset, balance in balances.items():
        owned = balance.free + balance.locked
        total += owned if asset == currency else owned * prices.get(f"{asset}/{currency}", ZERO)
    return total


class LeaderWatch:
    """Follow one leader account: stream first, REST after every gap, the database for what is new."""

    def __init__(self, runtime: Runtime, waker: Waker, market: Market, leader: Leader) -> None:
        self._runtime = runtime
        self._waker = waker
        self._market = market
        self._leader = leader
        self._equity = ZERO
        self._inbox: asyncio.Queue[Sequence[LeaderTrade]] = asyncio.Queue()
        self._complete_until: datetime | None = None
        self._tenant = runtime.tenant(leader.tenant_id)

    async def run(self) -> None:
        """Watch until canceled; trouble with the exchange is logged and outlived."""
        credentials = await asyncio.to_thread(self._credentials)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read_stream(credentials))
            tasks.create_task(self._store_arrivals(credentials))
            tasks.create_task(self._sample_equity(credentials))

    def _credentials(self) -> Credentials:
        found = self._runtime.keys.credentials(self._leader.tenant_id, [self._leader.account_id])
        if self._leader.account_id not in found:
            raise Unavailable(f"the key of leader account {self._leader.account_id} does not open")
        return found[self._leader.account_id]

    async def _read_stream(self, credentials: Credentials) -> None:
        async with aclosing(self._market.stream.trades(credentials)) as events:
            async for event in events:
                if event.state is StreamState.TRADES:
                    self._inbox.put_nowait(event.trades)
                elif event.state is StreamState.LOST:
                    log.warning("leader %s: stream lost: %s", self._leader.account_id, event.reason)
                else:
                    await self._fill_gap(credentials)

    async def _fill_gap(self, credentials: Credentials) -> None:
        """Read by REST what the stream may have missed, until it was read: newer trades wait, so that order stays."""
        while not await self._snapshot(credentials):
            await asyncio.sleep(_TRY_AGAIN_S)

    async def _snapshot(self, credentials: Credentials) -> bool:
        """Read executions since the last complete snapshot, with overlap; known ones change nothing."""
        began_at = utc_now()
        try:
            since = self._complete_until
            if since is None:
                since = await asyncio.to_thread(self._last_trade_at)
            for trades in await self._trades_since(credentials, since):
                self._inbox.put_nowait(trades)
        except CopydeskError as error:
            log.warning("leader %s: snapshot failed: %s", self._leader.account_id, error)
            return False
        except DATABASE_AWAY as error:
            log.warning("leader %s: snapshot failed: %s", self._leader.account_id, first_line(error))
            return False
        self._complete_until = began_at
        return True

    async def _trades_since(self, credentials: Credentials, since: datetime) -> list[Sequence[LeaderTrade]]:
        since_ms = max(int(since.timestamp() * 1000) - _OVERLAP_MS, int(self._leader.started_at.timestamp() * 1000))
        found: list[Sequence[LeaderTrade]] = []
        for exchange in self._tenant.config.exchanges:
            if (exchange.venue, exchange.environment) != (self._market.venue, self._market.environment):
                continue
            for symbol in exchange.markets:
                instrument = self._market.instruments.get(symbol)
                if instrument is None:
                    continue
                found.append(await self._market.spot.trades_since(credentials, instrument.venue_symbol, since_ms))
        return found

    def _last_trade_at(self) -> datetime:
        with self._runtime.db.tenant(self._leader.tenant_id) as session:
            return last_trade_at(session, self._leader)

    async def _store_arrivals(self, credentials: Credentials) -> None:
        coalesce_s = self._runtime.number(COALESCE_MS) / 1000
        while True:
            trades = list(await self._inbox.get())
            seen_at = utc_now()
            if trades and coalesce_s:
                await asyncio.sleep(coalesce_s)
            while not self._inbox.empty():
                trades += self._inbox.get_nowait()
            if trades and self._equity == ZERO:
                self._equity = await self._value(credentials)
            if trades:
                await self._store(trades, seen_at)

    async def _store(self, trades: Sequence[LeaderTrade], seen_at: datetime) -> None:
        """Store until it is stored: while PostgreSQL is away, trades wait here in order."""
        while True:
            try:
                await asyncio.to_thread(self._store_and_wake, trades, seen_at)
                return
            except DATABASE_AWAY as error:
                log.warning("leader %s: not stored yet: %s", self._leader.account_id, first_line(error))
            await asyncio.sleep(_TRY_AGAIN_S)

    def _store_and_wake(self, trades: Sequence[LeaderTrade], seen_at: datetime) -> None:
        named = [(self._market.ccxt_symbol(trade.venue_symbol) or trade.venue_symbol, trade) for trade in trades]
        tenant_id = self._leader.tenant_id
        with self._runtime.db.tenant(tenant_id) as session:
            signals = store_trades(session, self._leader, named, leader_equity=self._equity, seen_at=seen_at)
        for signal in signals:
            for shard in signal.shards:
                self._waker.wake("drain", tenant_id=tenant_id, shard=shard, reason=f"signal-{signal.id}")
            announce(self._runtime.redis, tenant_id, {"type": "signal", "signal_id": signal.id})

    async def _sample_equity(self, credentials: Credentials) -> None:
        every_s = self._runtime.number(EQUITY_SAMPLE_MS) / 1000
        while True:
            try:
                self._equity = await self._value(credentials)
                await asyncio.to_thread(self._record_equity, self._equity)
            except CopydeskError as error:
                log.warning("leader %s: equity not read: %s", self._leader.account_id, error)
            except DATABASE_AWAY as error:
                log.warning("leader %s: equity not recorded: %s", self._leader.account_id, first_line(error))
            await asyncio.sleep(every_s)

    async def _value(self, credentials: Credentials) -> Decimal:
        balances = await self._market.spot.balances(credentials)
        return equity_of(balances, await self._market.spot.prices(), self._tenant.config.currency)

    def _record_equity(self, equity: Decimal) -> None:
        with self._runtime.db.tenant(self._leader.tenant_id) as session:
            record_equity(session, self._leader, at=utc_now(), equity=equity)


class Listener:
    """Watch every live leader of every brand; new strategies are picked up within seconds."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._waker = Waker(runtime.redis)
        self._markets: dict[tuple[str, Environment], Market] = {}
        self._watches: dict[tuple[int, int], asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Serve until canceled."""
        try:
            while True:
                try:
                    await self._adopt_new()
                except DATABASE_AWAY as error:
                    log.warning("cannot look for new leaders: %s", first_line(error))
                await asyncio.sleep(_LOOK_FOR_LEADERS_S)
        finally:
            for watch in self._watches.values():
                watch.cancel()
            await asyncio.gather(*self._watches.values(), return_exceptions=True)
            for market in self._markets.values():
                await market.spot.aclose()

    async def _adopt_new(self) -> None:
        for tenant_id, place, leader in await asyncio.to_thread(self._leaders):
            key = (tenant_id, leader.strategy_id)
            running = self._watches.get(key)
            if running and not running.done():
                continue
            if running and (error := running.exception()):
                log.error("leader %s: watch ended: %s", leader.account_id, _first(error))
            try:
                market = await self._market(*place)
            except CopydeskError as error:
                log.warning("exchange %s-%s cannot be read yet: %s", *place, error)
                continue
            self._watches[key] = asyncio.create_task(LeaderWatch(self._runtime, self._waker, market, leader).run())

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


def _first(error: BaseException) -> BaseException:
    """Unwrap the first trouble of a task group."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
