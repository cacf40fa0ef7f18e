"""What the worker does about guests whose time is up: their copies are closed, then they are forgotten."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

from copydesk.bootstrap import Runtime
from copydesk.kernel import Clock
from copydesk.keys import changed, publish

log = logging.getLogger(__name__)

# What a look begins, a later one ends: closing takes the lanes a moment.
EVERY = timedelta(minutes=10)


class Departures:
    """Ends demo accounts, one transaction each; what is not done yet the next look does."""

    def __init__(self, runtime: Runtime, clock: Clock, stopped: threading.Event) -> None:
        self._runtime = runtime
        self._clock = clock
        self._stopped = stopped
        self._next_at = clock.now() + EVERY  # Nothing of it is worth a slower start.

    def look(self) -> int:
        """End what is due, every ten minutes at most; return how many were forgotten. Raises the driver's errors."""
        now = self._clock.now()
        if now < self._next_at:
            return 0
        self._next_at = now + EVERY
        return sum(self._end(tenant_id) for tenant_id in tuple(self._runtime.tenant_ids.values()))

    def _end(self, tenant_id: int) -> int:
        # Both know people, which nobody waits for at the start.
        from copydesk.guests.ending import due_guests, end_guest
        from copydesk.notices.leaving import forget_reader

        now, closed = self._clock.now(), 0
        with self._runtime.db.tenant(tenant_id) as session:
            due = due_guests(session, at=now)
        for user_id in due:
            if self._stopped.is_set():
                break
            with self._runtime.db.tenant(tenant_id) as session:
                ended = end_guest(session, user_id, forget_reader, at=now)
            if ended.keys:
                publish(self._runtime.hasty_redis, changed(tenant_id, [key.account_id for key in ended.keys]))
            closed += ended.closed
        if closed:
            log.info("%d demo accounts of brand %d are over", closed, tenant_id)
        return closed
