"""Watching what a leader changes without trading, leverage and margin, and telling followers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from copydesk.bootstrap import Runtime
from copydesk.replication import Leader, LeaderChange, leader_changes, store_leader_changes
from copydesk.venues import Position
from copydesk.workers.outage import DATABASE_AWAY, first_line

log = logging.getLogger(__name__)


class LeaderEvents:
    """Compare each reading of a leader's positions with the one before it; the first tells nothing."""

    def __init__(self, runtime: Runtime, leader: Leader) -> None:
        self._runtime = runtime
        self._leader = leader
        self._before: tuple[Position, ...] | None = None

    async def note(self, positions: Sequence[Position]) -> None:
        """Store what has changed; while PostgreSQL is away it is compared with the same reading again."""
        found = leader_changes(self._before or (), positions)
        if found:
            try:
                await asyncio.to_thread(self._store, found)
            except DATABASE_AWAY as error:
                log.warning("leader %s: change not stored: %s", self._leader.account_id, first_line(error))
                return
        self._before = tuple(positions)

    def _store(self, found: Sequence[LeaderChange]) -> None:
        tenant_id = self._leader.tenant_id
        with self._runtime.db.tenant(tenant_id) as session:
            ids = store_leader_changes(session, self._leader, found)
        for event_id in ids:
            self._runtime.announce(tenant_id, {"type": "leader_event", "event_id": event_id})
