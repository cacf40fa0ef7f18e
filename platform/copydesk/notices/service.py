"""One round of a brand: collect what is new, decide how it is told, store the mail; each step a transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from copydesk.db import Database
from copydesk.kernel import Clock
from copydesk.notices.carriers import custom_of
from copydesk.notices.collect import Collector
from copydesk.notices.mailing import hand_over
from copydesk.notices.nearing import Worths, tell_near
from copydesk.notices.outbox import plan_new
from copydesk.notices.probe import Probe
from copydesk.notices.settings import KEPT_DAYS, WARN_AT_PERCENT
from copydesk.notices.store import forget_old, note
from copydesk.notifications import Seal
from copydesk.tenancy import Tenant, setting_value


class Round(NamedTuple):
    """What a round did: how many notices it stored, whom they concern, and how many letters it handed over.

    `due` tells whether there is something to send, `awaited` whether somebody may open the brand's bot.
    """

    stored: int = 0
    user_ids: tuple[int, ...] = ()
    letters: int = 0
    due: bool = False
    awaited: bool = False


class Rounds:
    """Do rounds; any process may, and several at once do each thing once."""

    def __init__(self, database: Database, seal: Seal, tenant_of: Callable[[int], Tenant], *, clock: Clock) -> None:
        self._db = database
        self._seal = seal
        self._tenant_of = tenant_of
        self._clock = clock
        self._collector = Collector(database)
        self._probe = Probe()

    def go(self, tenant_id: int) -> Round:
        """Do one round of a brand. Raises `ConfigError` for a brand without a valid file, and the driver's errors."""
        with self._db.tenant(tenant_id) as session:
            pending = self._probe.look(session, self._clock.now())
        stored = self._collect(tenant_id) if pending.new else 0
        people, due = self._plan(tenant_id) if stored or pending.untold else (set[int](), False)
        due = due or pending.due
        letters = self._mail(tenant_id) if due else 0
        return Round(stored, tuple(sorted(people)), letters, due, pending.awaited)

    def _collect(self, tenant_id: int) -> int:
        try:
            return self._collector.look(tenant_id, self._clock.now())
        except BaseException:
            self._probe.forget(tenant_id)
            raise

    def _plan(self, tenant_id: int) -> tuple[set[int], bool]:
        """Decide about all that is new; return whom it concerns, and whether some of it is to be sent now."""
        custom = custom_of(self._tenant_of(tenant_id))
        people, due, more = set[int](), False, True
        while more:
            with self._db.tenant(tenant_id) as session:
                planned = plan_new(session, custom, self._clock.now())
            people.update(planned.user_ids)
            due, more = due or planned.due, planned.more
        return people, due

    def _mail(self, tenant_id: int) -> int:
        letters, more = 0, True
        while more:
            with self._db.tenant(tenant_id) as session:
                handed, more = hand_over(session, self._seal, self._clock.now())
            letters += handed
        return letters

    def warn(self, tenant_id: int, worths: Worths) -> int:
        """Store warnings for those who come near a limit, and return how many; they are told in the next round."""
        tenant = self._tenant_of(tenant_id)
        percent = setting_value(tenant, WARN_AT_PERCENT, int)
        with self._db.tenant(tenant_id) as session:
            found = tell_near(session, tenant, worths, warn_at_percent=percent, now=self._clock.now())
            return len(note(session, found))

    def forget(self, tenant_id: int) -> int:
        """Delete what a brand keeps no longer, and return how many notices that were."""
        kept = timedelta(days=setting_value(self._tenant_of(tenant_id), KEPT_DAYS, int))
        with self._db.tenant(tenant_id) as session:
            return forget_old(session, now=self._clock.now(), kept=kept)
