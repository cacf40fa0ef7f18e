"""What the worker does once a day: compute every stored figure anew, and raise the alarm where one differs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from copydesk.audit import SYSTEM, record
from copydesk.bootstrap import Runtime
from copydesk.db import TenantSession
from copydesk.kernel import Clock, ConfigError
from copydesk.performance.audit_run import Difference, check_tenant
from copydesk.performance.overseen import last_check
from copydesk.performance.settings import CHECK_AT
from copydesk.tenancy import installation_value

log = logging.getLogger(__name__)

_DAY = timedelta(days=1)
# What a line of the record names; all of them are in `figures_check`.
NAMED_MAX = 20


def latest_due(now: datetime, time_of_day: str) -> datetime:
    """Return the newest moment not after now at which a check was to begin; `time_of_day` is "HH:MM" in UTC. Pure."""
    hour, minute = map(int, time_of_day.split(":"))
    today = now.astimezone(UTC).replace(hour=hour, minute=minute, second=0, microsecond=0)
    return today if today <= now else today - _DAY


class Nights:
    """Compares each brand's figures once a day.

    A check that was missed is made up for, but a brand that was never checked waits for its first night.
    """

    def __init__(self, runtime: Runtime, clock: Clock, stopped: threading.Event) -> None:
        self._runtime = runtime
        self._clock = clock
        self._began_at = clock.now()
        self._stopped = stopped

    def look(self) -> int:
        """Check the brands that are due, and return how many were checked. Raises the driver's errors."""
        due_at = latest_due(self._clock.now(), installation_value(self._runtime.directory.defaults, CHECK_AT, str))
        checked = 0
        for tenant_id in tuple(self._runtime.tenant_ids.values()):
            if self._stopped.is_set():
                break
            with self._runtime.db.tenant(tenant_id) as session:
                last = last_check(session)
            if (last.at if last else self._began_at) < due_at:
                checked += self._check(tenant_id)
        return checked

    def _check(self, tenant_id: int) -> bool:
        try:
            tenant = self._runtime.tenant(tenant_id)
        except ConfigError as error:
            log.warning("figures not checked: %s", error)
            return False
        now = self._clock.now()
        found = check_tenant(self._runtime.db, tenant, now=now)
        log.info("%d figures of %s compared in %d ms", found.compared, tenant.slug, found.took_ms)
        if found.differences:
            first = found.differences[0]
            log.error("%d differ, first %s of %s %d", len(found.differences), first.figure, first.owner, first.id)
            with self._runtime.db.tenant(tenant_id) as session:
                raise_alarm(session, found.differences, at=now)
        return True


def raise_alarm(session: TenantSession, differences: Sequence[Difference], *, at: datetime) -> None:
    """Tell the brand's owners by mail that stored figures are not what a recomputation makes, and record it."""
    from copydesk.workers.clerk_mail import tell_owners  # Knows people, which nobody waits for at the start.

    tell_owners(session, differences, at=at)
    named = [f"{one.owner} {one.id} {one.figure}" for one in differences[:NAMED_MAX]]
    facts = {"differences": len(differences), "first": named}
    record(session, session.tenant_id, SYSTEM, "analytics.difference", f"brand:{session.tenant_id}", at=at, after=facts)
