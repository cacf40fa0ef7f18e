"""Watching one leader account: the stream first, REST after every gap, stored signals and woken lanes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice

from copydesk.bootstrap import Runtime
from copydesk.kernel import ZERO, CopydeskError, Unavailable, VenueRefused, utc_now
from copydesk.replication import (
    COALESCE_MS,
    EQUITY_SAMPLE_MS,
    Leader,
    last_trade_at,
    record_equity,
    store_trades,
)
from copydesk.trading import Credentials, Denial, Environment, Instrument
from copydesk.venues import Balance, BinanceSpot, BinanceStream, LeaderTrade, StreamState
from copydesk.workers.outage import DATABASE_AWAY, first_line
from copydesk.workers.wake import Waker

log = logging.getLogger(__name__)

_OVERLAP_MS = 60_000
_TRY_AGAIN_S = 0.5
_TRY_AGAIN_S_MAX = 15.0
# Forgetting an execution costs no more than one needless new connection.
_KNOWN_MAX = 10_000


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


def key_rejected(error: BaseException) -> bool:
    """Tell whether the exchange has said that it does not accept a key: asking again would change nothing."""
    return isinstance(error, VenueRefused) and error.code == Denial.KEY_REJECTED


class LeaderWatch:
    """Follow one leader account: stream first, REST after every gap, the database for what is new.

    `_known` holds the executions that stream or snapshots have told of, with their time in milliseconds.
    """

    def __init__(self, runtime: Runtime, waker: Waker, market: Market, leader: Leader) -> None:
        self._runtime = runtime
        self._waker = waker
        self._market = market
        self._leader = leader
        self._equity = ZERO
        self._inbox: asyncio.Queue[Sequence[LeaderTrade]] = asyncio.Queue()
        self._known: dict[tuple[str, str], int] = {}
        self._complete_until: datetime | None = None
        self._balances: dict[str, Balance] | None = None
        self._tenant = runtime.tenant(leader.tenant_id)

    async def run(self) -> None:
        """Watch until canceled; trouble with the exchange is logged and outlived, a rejected key ends the watch."""
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
        while True:
            await self._read_until_mute(credentials)
            log.warning("leader %s: stream connected but mute; connecting anew", self._leader.account_id)

    async def _read_until_mute(self, credentials: Credentials) -> None:
        """Read the stream while gaps are filled beside it; return when a probe finds what the stream never told."""
        gap: asyncio.Task[bool] | None = None
        probing, again = False, False
        async with aclosing(self._market.stream.trades(credentials)) as events:
            upcoming = asyncio.ensure_future(anext(events))
            try:
                while True:
                    await asyncio.wait({upcoming} | ({gap} if gap else set()), return_when=asyncio.FIRST_COMPLETED)
                    if gap and gap.done():
                        if gap.result() and probing:
                            return
                        # What began before the stream was connected anew says nothing of the time since.
                        gap = asyncio.create_task(self._fill_gap(credentials)) if again else None
                        probing, again = False, False
                    if not upcoming.done():
                        continue
                    event = upcoming.result()
                    upcoming = asyncio.ensure_future(anext(events))
                    if event.state is StreamState.TRADES:
                        self._take(event.trades)
                    elif event.state is StreamState.LOST:
                        log.warning("leader %s: stream lost: %s", self._leader.account_id, event.reason)
                    elif gap:
                        again = True
                    else:
                        probing = event.state is StreamState.PROBE
                        gap = asyncio.create_task(self._fill_gap(credentials))
            finally:
                tasks = [task for task in (upcoming, gap) if task]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def _take(self, trades: Sequence[LeaderTrade]) -> bool:
        """Hand trades over to be stored, and tell whether any was not known yet."""
        fresh = {
            (t.venue_symbol, t.trade_id): t.at_ms for t in trades if (t.venue_symbol, t.trade_id) not in self._known
        }
        self._known |= fresh
        for oldest in list(islice(self._known, max(len(self._known) - _KNOWN_MAX, 0))):
            del self._known[oldest]
        self._inbox.put_nowait(trades)
        return bool(fresh)

    async def _fill_gap(self, credentials: Credentials) -> bool:
        """Read by REST what the stream may have missed, until it was read; tell whether it had missed anything.

        An account whose balances have not moved since the last complete reading has not traded.
        """
        pause_s = _TRY_AGAIN_S
        while True:
            try:
                began_at, balances = utc_now(), await self._market.spot.balances(credentials)
                missed = balances != self._balances and await self._snapshot(credentials)
                self._complete_until, self._balances = began_at, balances
                return missed
            except CopydeskError as error:
                if key_rejected(error):
                    raise
                log.warning("leader %s: not read yet: %s", self._leader.account_id, error)
            except DATABASE_AWAY as error:
                log.warning("leader %s: not read yet: %s", self._leader.account_id, first_line(error))
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _TRY_AGAIN_S_MAX)

    async def _snapshot(self, credentials: Credentials) -> bool:
        """Read executions since the last complete reading, with overlap, and tell whether any was not known yet."""
        since = self._complete_until
        if since is None:
            since = await asyncio.to_thread(self._last_trade_at)
        since_ms = max(int(since.timestamp() * 1000) - _OVERLAP_MS, int(self._leader.started_at.timestamp() * 1000))
        missed = False
        for instrument in self._watched():
            try:
                trades = await self._market.spot.trades_since(credentials, instrument.venue_symbol, since_ms)
            except VenueRefused as refusal:
                if key_rejected(refusal):
                    raise
                log.warning("leader %s: %s not read: %s", self._leader.account_id, instrument.symbol, refusal)
                continue
            missed |= self._take(trades)
        return missed

    def _watched(self) -> list[Instrument]:
        """List the brand's markets on this exchange, as far as it still lists them."""
        here = (self._market.venue, self._market.environment)
        markets = (e.markets for e in self._tenant.config.exchanges if (e.venue, e.environment) == here)
        symbols = [symbol for listed in markets for symbol in listed]
        return [self._market.instruments[symbol] for symbol in symbols if symbol in self._market.instruments]

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
                await self._await_equity(credentials)
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
            self._runtime.announce(tenant_id, {"type": "signal", "signal_id": signal.id})

    async def _sample_equity(self, credentials: Credentials) -> None:
        every_s = self._runtime.number(EQUITY_SAMPLE_MS) / 1000
        while True:
            try:
                self._equity = await self._value(credentials)
                await asyncio.to_thread(self._record_equity, self._equity)
            except CopydeskError as error:
                if key_rejected(error):
                    raise
                log.warning("leader %s: equity not read: %s", self._leader.account_id, error)
            except DATABASE_AWAY as error:
                log.warning("leader %s: equity not recorded: %s", self._leader.account_id, first_line(error))
            await asyncio.sleep(every_s)

    async def _await_equity(self, credentials: Credentials) -> None:
        """Read the first equity, however long the exchange takes: without it no copy can be sized."""
        while self._equity == ZERO:
            try:
                self._equity = await self._value(credentials)
                return
            except CopydeskError as error:
                if key_rejected(error):
                    raise
                log.warning("leader %s: equity not read: %s", self._leader.account_id, error)
            await asyncio.sleep(_TRY_AGAIN_S)

    async def _value(self, credentials: Credentials) -> Decimal:
        balances = await self._market.spot.balances(credentials)
        return equity_of(balances, await self._market.spot.prices(), self._tenant.config.currency)

    def _record_equity(self, equity: Decimal) -> None:
        with self._runtime.db.tenant(self._leader.tenant_id) as session:
            record_equity(session, self._leader, at=utc_now(), equity=equity)
