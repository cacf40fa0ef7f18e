"""The relay role: wake lanes whose deliveries nobody drained; reconcile books and prepare accounts on schedule."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

from copydesk.bootstrap import Runtime
from copydesk.kernel import ConfigError, Failpoint, reached, utc_now
from copydesk.replication import (
    LEVERAGE_MAX,
    MARGIN_MODE,
    RECONCILE_EVERY_MS,
    WAKE_AFTER_MS,
    Bounds,
    busy_lanes,
    due_lanes,
    is_of_purse,
    lanes_with_due_purses,
    unprepared_lanes,
)
from copydesk.replication.signs import read_signs
from copydesk.risk.service import file_limits
from copydesk.tenancy import setting_value
from copydesk.trading import MarginMode
from copydesk.workers.outage import DATABASE_AWAY, first_line
from copydesk.workers.wake import Waker
from copydesk.workers.witness import Witness

log = logging.getLogger(__name__)


class Relay:
    """Sweep PostgreSQL for work that Redis lost; every wake-up it makes may be made twice without harm."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._waker = Waker(runtime.redis)
        self._wake_after = timedelta(milliseconds=runtime.number(WAKE_AFTER_MS))
        self._reconcile_every = timedelta(milliseconds=runtime.number(RECONCILE_EVERY_MS))
        self._reconcile_at = utc_now()
        self._witness = Witness(runtime)

    def run(self, stopped: threading.Event) -> None:
        """Sweep until stopped; while PostgreSQL is away, say so and try again."""
        pause_s = self._wake_after.total_seconds()
        while not stopped.wait(pause_s):
            try:
                self.sweep()
            except DATABASE_AWAY as error:
                log.warning("sweep postponed: %s", first_line(error))

    def sweep(self) -> int:
        """Wake every lane that is due, once, and return how many were woken."""
        now = utc_now()
        scheduled = now >= self._reconcile_at
        if scheduled:
            self._reconcile_at = now + self._reconcile_every
        woken = 0
        self._runtime.directory.refresh_if_due()
        self._witness.sign_if_due(now)
        brands = set(self._runtime.tenant_ids.values())
        if not scheduled:
            brands = {tenant_id for tenant_id, sign in read_signs(self._runtime.db, brands).items() if sign.busy}
        for tenant_id in brands:
            with self._runtime.db.tenant(tenant_id) as session:
                due = due_lanes(session, now=now, overdue=now - self._wake_after)
                busy = busy_lanes(session) if scheduled else []
            lanes = dict(due) | dict.fromkeys(busy, "reconcile")
            reached(Failpoint.RELAY_WAKES, lanes)
            wanted = list(lanes.items())
            wanted += [(shard, "prepare") for shard in self._unprepared(tenant_id, now)] if scheduled else []
            # A job that waits already handles this too; without workers more of them would only pile up.
            waiting = self._waker.waiting(tenant_id) if wanted else set()
            for shard, job in wanted:
                if (job, shard) not in waiting:
                    woken += self._waker.wake(job, tenant_id=tenant_id, shard=shard, reason=_sweep(now))
        return woken

    def _unprepared(self, tenant_id: int, now: datetime) -> set[str]:
        """Return the brand's lanes with accounts that are to be prepared or looked at; none of an invalid brand."""
        try:
            tenant = self._runtime.tenant(tenant_id)
        except ConfigError as error:
            log.warning("accounts not prepared: %s", error)
            return set()
        leverage_max = setting_value(tenant, LEVERAGE_MAX, int)
        mode = MarginMode(setting_value(tenant, MARGIN_MODE, str))
        everyone = any(is_of_purse(scoped) for scoped in file_limits(tenant))
        with self._runtime.db.tenant(tenant_id) as session:
            found = set(lanes_with_due_purses(session, everyone=everyone, now=now))
            for exchange in tenant.config.exchanges:
                # What an instrument allows is known to the replicator; it looks again.
                on = (symbol for symbol in tenant.config.markets_of(exchange) if ":" in symbol)
                markets = {
                    one: min(leverage_max, tenant.config.terms_of(one).leverage_max or leverage_max) for one in on
                }
                place = f"{exchange.venue}-{exchange.environment}"
                if markets:
                    found |= unprepared_lanes(session, Bounds(place, markets, leverage_max, mode))
        return found


def _sweep(now: datetime) -> str:
    return f"sweep-{int(now.timestamp() * 1000)}"
