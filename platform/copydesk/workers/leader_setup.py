"""What is seen of a leader's settings for perpetuals: kept, stored, and told to the lanes of the followers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from copydesk.bootstrap import Runtime
from copydesk.kernel import utc_now
from copydesk.replication import Leader, LeaderSetupSeen, note_setups, seen_setups
from copydesk.trading import PositionSide
from copydesk.venues import ModeScope, Position
from copydesk.workers.outage import DATABASE_AWAY, first_line
from copydesk.workers.wake import Waker

log = logging.getLogger(__name__)

_UNSEEN = LeaderSetupSeen(hedge=False, leverage=None)


class LeaderSetups:
    """Know position mode and leverage of one leader's perpetuals, as far as they were ever seen."""

    def __init__(
        self, runtime: Runtime, waker: Waker, leader: Leader, *, symbols: Sequence[str], scope: ModeScope
    ) -> None:
        self._runtime = runtime
        self._waker = waker
        self._leader = leader
        self._symbols = symbols
        self._scope = scope
        self._stored: dict[str, LeaderSetupSeen] | None = None
        self._seen: dict[str, LeaderSetupSeen] = {}

    @property
    def leverage(self) -> dict[str, int]:
        """Return the leverage of each perpetual of which it is known."""
        return {symbol: setup.leverage for symbol, setup in self._seen.items() if setup.leverage}

    async def note(self, positions: Sequence[Position]) -> None:
        """Learn from open positions, and store what has changed; while PostgreSQL is away, the next reading does."""
        if not self._symbols:
            return
        try:
            if self._stored is None:
                self._stored = await asyncio.to_thread(self._load)
        except DATABASE_AWAY as error:
            log.warning("leader %s: settings not read: %s", self._leader.account_id, first_line(error))
        self._seen = learned(self._symbols, (self._stored or {}) | self._seen, positions, self._scope)
        try:
            if self._seen != self._stored:
                await asyncio.to_thread(self._store, self._seen)
                self._stored = self._seen
        except DATABASE_AWAY as error:
            log.warning("leader %s: settings not stored: %s", self._leader.account_id, first_line(error))

    def _load(self) -> dict[str, LeaderSetupSeen]:
        with self._runtime.db.tenant(self._leader.tenant_id) as session:
            stored = seen_setups(session, self._leader)
        return {symbol: stored[symbol] for symbol in self._symbols if symbol in stored}

    def _store(self, seen: dict[str, LeaderSetupSeen]) -> None:
        tenant_id = self._leader.tenant_id
        with self._runtime.db.tenant(tenant_id) as session:
            shards = note_setups(session, self._leader, seen)
        for shard in shards:
            reason = f"setup-{self._leader.strategy_id}-{int(utc_now().timestamp() * 1000)}"
            self._waker.wake("prepare", tenant_id=tenant_id, shard=shard, reason=reason)


def learned(
    symbols: Sequence[str], before: dict[str, LeaderSetupSeen], positions: Sequence[Position], scope: ModeScope
) -> dict[str, LeaderSetupSeen]:
    """Say what is known after open positions were seen. Pure.

    Where the position mode counts for more than one perpetual, any position tells it for all.
    """
    leverage = {p.symbol: p.leverage for p in positions if p.leverage}
    hedge = {p.symbol: p.side is not PositionSide.NET for p in positions}
    everywhere = next(iter(hedge.values()), None) if scope is not ModeScope.SYMBOL else None
    found = {}
    for symbol in symbols:
        known = before.get(symbol, _UNSEEN)
        mode = everywhere if everywhere is not None else hedge.get(symbol, known.hedge)
        found[symbol] = LeaderSetupSeen(mode, leverage.get(symbol, known.leverage))
    return found
