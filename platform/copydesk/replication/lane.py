"""A worker's hold on one brand's shard: a lease in PostgreSQL with a fencing epoch."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from copydesk.db import Database
from copydesk.kernel import Clock, Failpoint, reached
from copydesk.replication.lease import adopt_orphans, take_lease
from copydesk.replication.record import adopt_intents


@dataclass(frozen=True)
class Hold:
    """Proof of ownership: store with `epoch`, send only before `until` on the monotonic clock."""

    epoch: int
    until: float


class Lanes:
    """Take and renew leases for this process; a new epoch adopts what the earlier holder left unsent."""

    def __init__(self, db: Database, clock: Clock, *, holder: str, lease_ms: int, unknown_wait_ms: int) -> None:
        self._db = db
        self._clock = clock
        self._holder = holder
        self._lease_ms = lease_ms
        self._unknown_wait_ms = unknown_wait_ms
        self._holds: dict[tuple[int, str], Hold] = {}
        self._asking: defaultdict[tuple[int, str], threading.Lock] = defaultdict(threading.Lock)

    def hold(self, tenant_id: int, shard: str) -> Hold | None:
        """Own the lane for at least half a lease from now, or return None while another worker does.

        Threads of this process share one hold.
        """
        with self._asking[tenant_id, shard]:
            return self._hold(tenant_id, shard)

    def _hold(self, tenant_id: int, shard: str) -> Hold | None:
        known = self._holds.get((tenant_id, shard))
        asked_at = self._clock.monotonic()
        if known and known.until - asked_at > self._lease_ms / 2000:
            return known
        renews = known is not None and self.valid(known)
        with self._db.tenant(tenant_id) as session:
            epoch = take_lease(session, shard=shard, holder=self._holder, lease_ms=self._lease_ms, renews=renews)
            if epoch is not None and (known is None or known.epoch != epoch):
                adopt_orphans(session, shard=shard, epoch=epoch, wait_ms=self._unknown_wait_ms)
                adopt_intents(session, shard=shard, epoch=epoch, wait_ms=self._unknown_wait_ms)
        if epoch is None:
            self._holds.pop((tenant_id, shard), None)
            return None
        hold = Hold(epoch, asked_at + self._lease_ms / 1000)
        self._holds[tenant_id, shard] = hold
        return hold

    def drop(self, tenant_id: int, shard: str) -> None:
        """Forget a hold: PostgreSQL no longer honors it, or its work broke off and a new epoch must adopt the rest."""
        self._holds.pop((tenant_id, shard), None)

    @contextmanager
    def tend(self, tenant_id: int, shard: str) -> Iterator[None]:
        """Drop the hold when the work inside breaks off, so that copies left unsent or unsettled become orphans."""
        with ExitStack() as on_trouble:
            on_trouble.callback(self.drop, tenant_id, shard)
            yield
            on_trouble.pop_all()

    def valid(self, hold: Hold) -> bool:
        """Tell whether the lease still has time left."""
        return self._clock.monotonic() < hold.until

    def may_send(self, tenant_id: int, shard: str, hold: Hold) -> bool:
        """Tell whether a hold still stands; asked for each order, since a process may freeze in a fan-out."""
        reached(Failpoint.EACH_SEND)
        current = self._holds.get((tenant_id, shard))
        return current is not None and current.epoch == hold.epoch and self.valid(current)
