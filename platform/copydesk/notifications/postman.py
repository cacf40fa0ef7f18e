"""The postman: takes what waits in the outbox, has it written, and hands it to the brand's mailer.

Works as a thread of the web role. Any number may work at once: each mail is taken by one. A mail is sent at least
once; after an unlucky end of a process it may arrive twice, under the same Message-ID.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta

from sqlalchemy.exc import DBAPIError

from copydesk.db import Database
from copydesk.kernel import Clock, CopydeskError, Refused, SystemClock, Unavailable
from copydesk.notifications.bell import BELL, Bell
from copydesk.notifications.model import Postponed
from copydesk.notifications.port import Mailer, Seal, Writer
from copydesk.notifications.post import (
    Taken,
    forget_old,
    mark_failed,
    mark_sent,
    next_step,
    opened,
    put_back,
    take_due,
)

log = logging.getLogger(__name__)

SWEEP_S = 5.0
_TAKEN_MAX = 5
_FORGET_EVERY = timedelta(hours=1)


class Postman:
    """Deliver the mail of every brand. `brands` maps slugs to ids, `mailer_of` gives a brand's mailer by its id."""

    def __init__(
        self,
        database: Database,
        seal: Seal,
        writer: Writer,
        mailer_of: Callable[[int], Mailer],
        brands: Callable[[], Mapping[str, int]],
        *,
        clock: Clock | None = None,
        bell: Bell = BELL,
    ) -> None:
        self._db = database
        self._seal = seal
        self._writer = writer
        self._mailer_of = mailer_of
        self._brands = brands
        self._clock = clock or SystemClock()
        self._bell = bell
        self._forget_at = self._clock.now()

    def run(self, stopped: threading.Event) -> None:
        """Deliver when the bell rings, and every few seconds what others stored; until stopped and the bell rung."""
        while not stopped.is_set():
            self._bell.wait(SWEEP_S)
            if stopped.is_set():
                return
            try:
                self.sweep()
            except DBAPIError as error:
                log.warning("mail postponed: %s", _first_line(error))

    def sweep(self) -> int:
        """Try every mail that is due, once, and return how many have left. Raises what the database raises."""
        brands = dict(self._brands())
        if self._clock.now() >= self._forget_at:
            self._forget_at = self._clock.now() + _FORGET_EVERY
            for tenant_id in brands.values():
                with self._db.tenant(tenant_id) as session:
                    forget_old(session, now=self._clock.now())
        return sum(self._deliver_brand(slug, tenant_id) for slug, tenant_id in brands.items())

    def _deliver_brand(self, slug: str, tenant_id: int) -> int:
        sent = 0
        while True:
            with self._db.tenant(tenant_id) as session:
                taken = take_due(session, now=self._clock.now(), limit=_TAKEN_MAX)
            left = list(taken)
            try:
                while left:
                    sent += self._deliver(slug, tenant_id, left.pop(0))
            except Unavailable:
                self._return(tenant_id, [mail.id for mail in left])
                return sent
            if len(taken) < _TAKEN_MAX:
                return sent

    def _deliver(self, slug: str, tenant_id: int, mail: Taken) -> bool:
        """Try one mail; tell whether it has left. Raises `Unavailable` where the brand's next one need not be tried."""
        try:
            waiting = opened(mail, tenant_id, self._seal)
            self._mailer_of(tenant_id).send(self._writer.write(waiting))
        except Unavailable as error:
            self._fail(slug, tenant_id, mail, error)
            if isinstance(error, Postponed):
                return False
            raise
        # The last two: one mail that cannot be written, by a mistake of ours, must not keep all others from leaving.
        except (CopydeskError, LookupError, ValueError) as error:
            self._fail(slug, tenant_id, mail, error)
            return False
        with self._db.tenant(tenant_id) as session:
            mark_sent(session, mail.id, at=self._clock.now())
        return True

    def _fail(self, slug: str, tenant_id: int, mail: Taken, error: Exception) -> None:
        step = next_step(mail.attempt, self._clock.now(), for_good=isinstance(error, Refused))
        told = str(error) if isinstance(error, CopydeskError) else type(error).__name__
        with self._db.tenant(tenant_id) as session:
            mark_failed(session, mail.id, step, told)
        log.warning("mail %s of %s, attempt %s: %s (%s)", mail.id, slug, mail.attempt, step.state, told)

    def _return(self, tenant_id: int, mail_ids: list[int]) -> None:
        if mail_ids:
            with self._db.tenant(tenant_id) as session:
                put_back(session, mail_ids, due_at=self._clock.now() + timedelta(seconds=SWEEP_S))


def _first_line(error: DBAPIError) -> str:
    return (str(error.orig).strip() or type(error).__name__).splitlines()[0]
