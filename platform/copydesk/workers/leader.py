"""Watching one leader account: the stream first, REST after every gap, stored signals and woken lanes.

One watch serves an account of any exchange, its spot pairs and perpetuals together.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice

from copydesk.bootstrap import Runtime
from copydesk.kernel import ZERO, CopydeskError, Failpoint, Unavailable, VenueRefused, end, reached, utc_now
from copydesk.marks import Marks, place_name
from copydesk.replication import (
    COALESCE_MS,
    DEAD_KEY,
    EQUITY_SAMPLE_MS,
    Leader,
    LeaderState,
    Reach,
    last_trade_at,
    record_equity,
    store_trades,
)
from copydesk.trading import Credentials, Environment, Instrument
from copydesk.venues import LeaderStream, LeaderTrade, StreamState, Venue
from copydesk.workers.account import AccountReading, read_account
from copydesk.workers.beginning import Beginning
from copydesk.workers.leader_events import LeaderEvents
from copydesk.workers.leader_orders import LeaderOrders
from copydesk.workers.leader_setup import LeaderSetups
from copydesk.workers.outage import DATABASE_AWAY, first_line
from copydesk.workers.prices import prices_of
from copydesk.workers.wake import Waker

log = logging.getLogger(__name__)

_OVERLAP_MS = 60_000
_TRY_AGAIN_S = 0.5
_TRY_AGAIN_S_MAX = 15.0
# Forgetting an execution costs no more than one needless new connection.
_KNOWN_MAX = 10_000


@dataclass
class Market:
    """One venue environment as the listener uses it; `instruments` are read anew from time to time."""

    venue: str
    environment: Environment
    exchange: Venue
    stream: LeaderStream
    instruments: Mapping[str, Instrument]


def key_is_dead(error: BaseException | None) -> bool:
    """Tell whether the exchange has said that it does not accept a key: asking again would change nothing."""
    return isinstance(error, VenueRefused) and error.code in DEAD_KEY


class LeaderWatch:
    """Follow one leader account: stream first, REST after every gap, the database for what is new.

    `_known` holds the executions that stream or snapshots have told of, with their time in milliseconds. Nothing is
    stored before the books of perpetuals have begun with what the account held already. `credentials` is the key that
    it has opened: it goes on with that one, and whoever runs it begins a new watch for another. So too for `markets`:
    those that the brand lists here, on or off, for what is held in one that is off is still to be closed.
    """

    def __init__(
        self,
        runtime: Runtime,
        waker: Waker,
        market: Market,
        leader: Leader,
        *,
        heard: Callable[[int, int], None] = lambda _tenant_id, _account_id: None,
    ) -> None:
        """`heard` is told of which brand's account the stream has spoken, at once; it must not keep the watch."""
        self._runtime = runtime
        self._waker = waker
        self._market = market
        self._leader = leader
        self._equity = ZERO
        self._inbox: asyncio.Queue[Sequence[LeaderTrade]] = asyncio.Queue()
        self._known: dict[tuple[str, str], int] = {}
        self._complete_until: datetime | None = None
        self._trace: tuple[object, ...] | None = None
        self._tenant = runtime.tenant(leader.tenant_id)
        self._marks = Marks(runtime.redis)
        perpetuals = [symbol for symbol in self._markets() if ":" in symbol]
        scope = market.exchange.traits.position_mode_scope
        self._setups = LeaderSetups(runtime, waker, leader, symbols=perpetuals, scope=scope)
        self._events = LeaderEvents(runtime, leader, market.exchange)
        self._reach = Reach()
        self._orders = LeaderOrders(runtime, waker, leader, market.exchange)
        self._perpetuals = bool(perpetuals)
        self.markets = frozenset(self._markets())
        self._begun = asyncio.Event()
        self._heard = heard
        self.credentials: Credentials | None = None

    async def run(self) -> None:
        """Watch until canceled; trouble with the exchange is logged and outlived, a rejected key ends the watch."""
        self.credentials = credentials = await asyncio.to_thread(self._credentials)
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
                        self._orders.take(event.orders)
                        self._take(event.trades)
                        self._heard(self._leader.tenant_id, self._leader.account_id)
                    elif event.state is StreamState.LOST:
                        log.warning("leader %s: stream lost: %s", self._leader.account_id, event.reason)
                    elif gap:
                        again = True
                    else:
                        probing = event.state is StreamState.PROBE
                        gap = asyncio.create_task(self._fill_gap(credentials))
            finally:
                await end(*(task for task in (upcoming, gap) if task))

    def _take(self, trades: Sequence[LeaderTrade]) -> bool:
        """Hand trades over to be stored, and tell whether any was not known yet."""
        fresh = {(t.symbol, t.trade_id): t.at_ms for t in trades if (t.symbol, t.trade_id) not in self._known}
        self._known |= fresh
        for oldest in list(islice(self._known, max(len(self._known) - _KNOWN_MAX, 0))):
            del self._known[oldest]
        self._inbox.put_nowait(trades)
        return bool(fresh)

    async def _fill_gap(self, credentials: Credentials) -> bool:
        """Read by REST what the stream may have missed, until it was read; tell whether it had missed anything.

        An account that shows no trace of a trade since the last complete reading has not traded.
        """
        pause_s = _TRY_AGAIN_S
        while True:
            try:
                began_at, trace = utc_now(), (await self._read(credentials)).trace()
                if await self._orders.read(credentials, self._listed()):
                    self._inbox.put_nowait(())
                missed = trace != self._trace and await self._snapshot(credentials)
                self._complete_until, self._trace = began_at, trace
                return missed
            except CopydeskError as error:
                if key_is_dead(error):
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
        if not self._begun.is_set():
            perpetuals = [symbol for symbol in self._markets() if ":" in symbol]
            beginning = Beginning(self._runtime.db, self._leader, self._market.exchange)
            await beginning.begin(credentials, perpetuals, lambda symbol: self._trades(credentials, symbol, since_ms))
            self._begun.set()
        missed = False
        for symbol in self._markets():
            missed |= self._take(await self._trades(credentials, symbol, since_ms))
        return missed

    async def _trades(self, credentials: Credentials, symbol: str, since_ms: int) -> Sequence[LeaderTrade]:
        """Read one market's executions; none of a market that the exchange refuses to speak of."""
        if symbol not in self._market.instruments:
            return ()
        try:
            return await self._market.exchange.trades_since(credentials, symbol, since_ms)
        except VenueRefused as refusal:
            if key_is_dead(refusal):
                raise
            log.warning("leader %s: %s not read: %s", self._leader.account_id, symbol, refusal)
            return ()

    def _listed(self) -> list[str]:
        """List the brand's markets that the exchange has now."""
        return [symbol for symbol in self._markets() if symbol in self._market.instruments]

    def _markets(self) -> list[str]:
        """List the brand's markets on this exchange."""
        here = (self._market.venue, self._market.environment)
        markets = (e.markets for e in self._tenant.config.exchanges if (e.venue, e.environment) == here)
        return [symbol for listed in markets for symbol in listed]

    async def _read(self, credentials: Credentials) -> AccountReading:
        began_at = time.monotonic()
        reading = await read_account(self._market.exchange, credentials, perpetuals=self._perpetuals)
        await self._setups.note(reading.positions)
        await self._events.note(reading.positions, credentials, began_at=began_at)
        return reading

    def _last_trade_at(self) -> datetime:
        with self._runtime.db.tenant(self._leader.tenant_id) as session:
            return last_trade_at(session, self._leader)

    async def _store_arrivals(self, credentials: Credentials) -> None:
        coalesce_s = self._runtime.number(COALESCE_MS) / 1000
        if self._perpetuals:
            await self._begun.wait()
        while True:
            trades = list(await self._inbox.get())
            seen_at = utc_now()
            if trades and coalesce_s:
                await asyncio.sleep(coalesce_s)
            while not self._inbox.empty():
                trades += self._inbox.get_nowait()
            if not (trades or self._orders.waiting):
                continue
            if self._equity == ZERO:
                await self._await_equity(credentials)
            await self._learn_leverage(credentials, trades)
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
        reached(Failpoint.TRADES_RECEIVED)
        tenant_id, state = self._leader.tenant_id, LeaderState(self._equity, self._setups.leverage)
        gathered = self._orders.gathered()
        with self._runtime.db.tenant(tenant_id) as session:
            # Orders first: whoever plans their fills is to know what those are of.
            orders = self._orders.store(session, state, seen_at)
            signals = store_trades(session, self._leader, trades, state=state, seen_at=seen_at, reach=self._reach)
        self._orders.forget(gathered)
        self._orders.wake(orders)
        reached(Failpoint.SIGNAL_STORED, signals)
        woken = [(shard, f"signal-{signal.id}") for signal in signals for shard in signal.shards]
        self._waker.wake_all("drain", tenant_id=tenant_id, wanted=woken)
        reached(Failpoint.LANES_WOKEN, signals)
        for signal in signals:
            told = {"type": "signal", "signal_id": signal.id, "strategy_id": self._leader.strategy_id}
            self._runtime.announce(tenant_id, told)
        if trades:
            self._waker.figures.tell(tenant_id, self._leader.strategy_id)

    async def _sample_equity(self, credentials: Credentials) -> None:
        every_s = self._runtime.number(EQUITY_SAMPLE_MS) / 1000
        while True:
            try:
                self._equity = await self._value(credentials)
                await asyncio.to_thread(self._record_equity, self._equity)
                if await self._orders.follow(credentials, self._listed()):
                    self._inbox.put_nowait(())
            except CopydeskError as error:
                if key_is_dead(error):
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
                if key_is_dead(error):
                    raise
                log.warning("leader %s: equity not read: %s", self._leader.account_id, error)
            await asyncio.sleep(_TRY_AGAIN_S)

    async def _learn_leverage(self, credentials: Credentials, trades: Sequence[LeaderTrade]) -> None:
        """Read the leverage of a perpetual that is traded for the first time; where that fails it stays unknown."""
        known = self._setups.leverage
        if all(":" not in trade.symbol or trade.symbol in known for trade in trades):
            return
        try:
            await self._read(credentials)
        except CopydeskError as error:
            if key_is_dead(error):
                raise
            log.warning("leader %s: leverage not read: %s", self._leader.account_id, error)

    async def _value(self, credentials: Credentials) -> Decimal:
        """Value the account at the feed's prices, or where those do not suffice at the exchange's."""
        reading, currency = await self._read(credentials), self._tenant.config.currency
        market = self._market
        needed = [symbol for symbol in reading.valued_by(currency) if symbol in market.instruments]
        place = place_name(market.venue, market.environment)
        return reading.equity(await prices_of(self._marks, place, market.exchange, needed), currency)

    def _record_equity(self, equity: Decimal) -> None:
        with self._runtime.db.tenant(self._leader.tenant_id) as session:
            record_equity(session, self._leader, at=utc_now(), equity=equity)
