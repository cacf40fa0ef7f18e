"""What a leader's stream and snapshots tell of orders: gathered, stored with the executions, and told to the lanes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from copydesk.bootstrap import Runtime
from copydesk.db import TenantSession
from copydesk.kernel import VenueRefused, utc_now
from copydesk.replication import (
    DEAD_KEY,
    Leader,
    LeaderState,
    StoredOrder,
    end_missing,
    note_hearing,
    store_orders,
)
from copydesk.trading import Credentials
from copydesk.venues import OrderFact, Venue
from copydesk.workers.wake import Waker

log = logging.getLogger(__name__)


class Listing(NamedTuple):
    """All open orders of one instrument, as of when they were asked for."""

    symbol: str
    orders: Sequence[OrderFact]
    as_of: datetime


class LeaderOrders:
    """Keep what is told of one leader's orders until it is stored; nothing where nobody copies orders."""

    def __init__(self, runtime: Runtime, waker: Waker, leader: Leader, exchange: Venue) -> None:
        self._runtime = runtime
        self._waker = waker
        self._leader = leader
        self._exchange = exchange
        self._facts: list[OrderFact] = []
        self._listings: list[Listing] = []
        self._copied = False

    @property
    def waiting(self) -> bool:
        return bool(self._facts or self._listings)

    def take(self, facts: Sequence[OrderFact]) -> None:
        """Keep what the stream tells, where anybody wants it: most leaders are copied by their fills alone."""
        if self._copied:
            self._facts += facts

    async def follow(self, credentials: Credentials, symbols: Sequence[str]) -> bool:
        """Find out whether anybody copies orders, and read them then: what rests already is in no event."""
        self._copied = await asyncio.to_thread(self._wanted)
        return await self.read(credentials, symbols)

    async def read(self, credentials: Credentials, symbols: Sequence[str]) -> bool:
        """Read all open orders where somebody copies them, and tell whether there is anything to be stored.

        To be called after every gap of the stream, which hides changes.
        """
        if not self._copied:
            return False
        for symbol in symbols:
            as_of = utc_now()
            try:
                listed = await self._exchange.resting(credentials, symbol)
            except VenueRefused as refusal:
                if refusal.code in DEAD_KEY:
                    raise
                log.warning("leader %s: orders of %s not read: %s", self._leader.account_id, symbol, refusal)
                continue
            self._listings.append(Listing(symbol, listed, as_of))
        return self.waiting

    def store(self, session: TenantSession, state: LeaderState, seen_at: datetime) -> list[StoredOrder]:
        """Store what was gathered, in this transaction; `forget` it when that is committed."""
        facts = [*self._facts, *(fact for listing in self._listings for fact in listing.orders)]
        stored = store_orders(session, self._leader, facts, state=state, seen_at=seen_at)
        for listing in self._listings:
            stored += end_missing(session, self._leader, listing.symbol, listing.orders, as_of=listing.as_of)
        return stored

    def gathered(self) -> tuple[int, int]:
        """Say how much there is, for `forget`."""
        return len(self._facts), len(self._listings)

    def forget(self, gathered: tuple[int, int]) -> None:
        """Forget what was stored; what came in since is kept."""
        facts, listings = gathered
        del self._facts[:facts], self._listings[:listings]

    def wake(self, stored: Sequence[StoredOrder]) -> None:
        """Wake the lanes of what was stored, before those of the fills in the same message."""
        tenant_id = self._leader.tenant_id
        for order in stored:
            for shard in order.shards:
                reason = f"order-{order.id}-{order.version}"
                self._waker.wake("mirror", tenant_id=tenant_id, shard=shard, reason=reason)

    def _wanted(self) -> bool:
        with self._runtime.db.tenant(self._leader.tenant_id) as session:
            return note_hearing(session, self._leader)
