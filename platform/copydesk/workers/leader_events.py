"""Watching what a leader changes without trading, leverage and margin, and telling followers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from copydesk.bootstrap import Runtime
from copydesk.kernel import CopydeskError, utc_now
from copydesk.replication import (
    Leader,
    LeaderChange,
    leader_changes,
    leader_positions,
    margin_moved,
    store_leader_positions,
)
from copydesk.trading import Credentials
from copydesk.venues import FundingPayment, Position, Venue
from copydesk.workers.outage import DATABASE_AWAY, first_line

log = logging.getLogger(__name__)

# What is stored of a position that does not change is at most so old.
_KEPT_FOR = timedelta(seconds=60)
# Clocks of ours and the exchange's differ: funding of a moment before the last reading may not be in it yet.
_CLOCKS_APART = timedelta(seconds=5)


class LeaderEvents:
    """Compare each reading of a leader's positions with the one before it, which a new process finds stored."""

    def __init__(self, runtime: Runtime, leader: Leader, exchange: Venue) -> None:
        self._runtime = runtime
        self._leader = leader
        self._exchange = exchange
        self._before: tuple[Position, ...] | None = None
        self._stored_at: datetime | None = None
        self._read_at: datetime | None = None
        self._turn = asyncio.Lock()
        self._noted_at = float("-inf")

    async def note(self, positions: Sequence[Position], credentials: Credentials, *, began_at: float) -> None:
        """Store what has changed; while PostgreSQL is away it is compared with the same reading again.

        So it is where the exchange does not tell what was paid for funding, without which a margin says nothing. Of two
        readings at once nobody knows which is the newer: one that `began_at` (monotonic seconds) a time before the last
        was noted is passed over.
        """
        async with self._turn:
            if began_at >= self._noted_at:
                await self._note(positions, credentials)

    async def _note(self, positions: Sequence[Position], credentials: Credentials) -> None:
        now, read_at = tuple(positions), utc_now()
        try:
            if self._before is None:
                await asyncio.to_thread(self._load)
            before = self._before or ()
            paid = await self._paid(credentials) if margin_moved(before, now) else ()
            found = leader_changes(before, now, paid)
            if found or self._outdated(now, read_at):
                await asyncio.to_thread(self._store, now, found, read_at)
        except DATABASE_AWAY as error:
            log.warning("leader %s: positions not stored: %s", self._leader.account_id, first_line(error))
            return
        except CopydeskError as error:
            log.warning("leader %s: margin not judged yet: %s", self._leader.account_id, error)
            return
        self._before, self._read_at, self._noted_at = now, read_at, time.monotonic()

    async def _paid(self, credentials: Credentials) -> Sequence[FundingPayment]:
        since = self._read_at or utc_now()
        return await self._exchange.funding(credentials, int((since - _CLOCKS_APART).timestamp() * 1000))

    def _outdated(self, now: Sequence[Position], read_at: datetime) -> bool:
        if self._stored_at is None or [_lasting(one) for one in now] != [_lasting(one) for one in self._before or ()]:
            return bool(now) or self._stored_at is not None
        return bool(now) and read_at - self._stored_at > _KEPT_FOR

    def _load(self) -> None:
        with self._runtime.db.tenant(self._leader.tenant_id) as session:
            stored = leader_positions(session, self._leader)
        self._before = ()
        if stored is not None:
            self._before, self._stored_at = stored
            self._read_at = self._stored_at

    def _store(self, now: Sequence[Position], found: Sequence[LeaderChange], at: datetime) -> None:
        tenant_id = self._leader.tenant_id
        with self._runtime.db.tenant(tenant_id) as session:
            ids = store_leader_positions(session, self._leader, now, found, at=at)
        self._stored_at = at
        for news_id, change in zip(ids, found, strict=True):
            told = {"type": str(change.kind), "strategy_id": self._leader.strategy_id, "news_id": news_id}
            self._runtime.announce(tenant_id, told | {"symbol": change.now.symbol})


def _lasting(position: Position) -> tuple[object, ...]:
    """Return what of a position does not move with the market; a cross position's liquidation price does a little."""
    liquidation_px = position.liquidation_px if position.margin is not None else position.liquidation_px is None
    own = (position.symbol, position.side, position.qty, position.entry_px, position.leverage, position.margin)
    return *own, liquidation_px
