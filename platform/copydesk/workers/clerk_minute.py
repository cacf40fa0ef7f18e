"""What the worker does each minute: keep marks, follow strategies that have news, keep room for what comes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from redis.exceptions import RedisError

from copydesk.bootstrap import Runtime
from copydesk.kernel import Clock, ConfigError
from copydesk.marks import Marks
from copydesk.performance.marks import held_symbols, record_marks
from copydesk.performance.overseen import ClerkSign, sign_clerk
from copydesk.performance.points import forget, make_room
from copydesk.performance.roster import due_strategies
from copydesk.performance.scoring import placed
from copydesk.studio.reviewing import end_probations
from copydesk.workers.outage import DATABASE_AWAY, first_line

log = logging.getLogger(__name__)

# A price counts from the next full minute on: it is taken just before.
MARKS_AT_S = 57.0
FOLLOW_AT_S = 0.5
CHECK_AT_S = 30.0
GUESTS_AT_S = 40.0
# Partitions are made this far ahead, and looked after this often.
ROOM_AHEAD = timedelta(days=45)
ROOM_EVERY = timedelta(hours=1)


class Keeper(Protocol):
    """Who brings figures up to date; `Clerk` does."""

    def follow(self, tenant_id: int, strategy_id: int) -> bool:
        """Follow one strategy, and tell whether that went well."""
        ...

    def rank(self, tenant_id: int) -> int:
        """Give a brand's strategies their places."""
        ...


class Followed(NamedTuple):
    """What one round did: strategies followed, and those that could not be."""

    done: int
    failed: int


class Rounds:
    """The rounds of a worker; what cannot be done now the next one does."""

    def __init__(self, runtime: Runtime, keeper: Keeper, clock: Clock, stopped: threading.Event) -> None:
        self._runtime = runtime
        self._keeper = keeper
        self._clock = clock
        self._stopped = stopped
        self._marks = Marks(runtime.redis)
        self._room_at = clock.now()

    def keep_marks(self) -> int:
        """Keep one price of each instrument that anybody holds, and return how many; none that is too old.

        Raises the driver's errors.
        """
        now = self._clock.now()
        self._keep_room(now)
        held = held_symbols(self._runtime.db, tuple(self._runtime.tenant_ids.values()))
        return sum(
            record_marks(self._runtime.db, place, self._marks.worths(place, symbols), now)
            for place, symbols in sorted(held.items())
        )

    def follow_all(self) -> Followed:
        """Follow every strategy with news or something open, rank it anew, and sign that it was done.

        Raises the driver's errors.
        """
        done = failed = 0
        for tenant_id in tuple(self._runtime.tenant_ids.values()):
            with self._runtime.db.tenant(tenant_id) as session:
                due = due_strategies(session, now=self._clock.now())
            for strategy_id in due:
                if self._stopped.is_set():
                    return Followed(done, failed)
                went_well = self._keeper.follow(tenant_id, strategy_id)
                done, failed = done + went_well, failed + (not went_well)
            self._keeper.rank(tenant_id)
            self._look_after(tenant_id)
        self._sign(ClerkSign(self._clock.now(), done, failed))
        return Followed(done, failed)

    def _look_after(self, tenant_id: int) -> None:
        """Give a brand's strategies their places by the scores that they have by now; end probations that are over."""
        try:
            tenant = self._runtime.tenant(tenant_id)
        except ConfigError as error:
            log.warning("places of brand %s stay as they are: %s", tenant_id, error)
            return
        with self._runtime.db.tenant(tenant_id) as session:
            placed(session, tenant)
            end_probations(session, tenant, now=self._clock.now())

    def _sign(self, sign: ClerkSign) -> None:
        try:
            sign_clerk(self._runtime.hasty_redis, sign)
        except RedisError as error:
            log.warning("nobody hears that figures were followed: %s", error)

    def _keep_room(self, now: datetime) -> None:
        if now < self._room_at:
            return
        make_room(self._runtime.db, since=now, until=now + ROOM_AHEAD)
        forget(self._runtime.db, now=now)
        self._room_at = now + ROOM_EVERY


class EachMinute:
    """Does something once a minute, so many seconds after it began, in a thread; first of all at once.

    What goes wrong once is told of, and done again the next minute.
    """

    def __init__(
        self, name: str, work: Callable[[], object], clock: Clock, *, at_s: float, stopped: threading.Event
    ) -> None:
        self._work = work
        self._clock = clock
        self._at_s = at_s
        self._stopped = stopped
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> None:
        """Wait until the work at hand is done; the event given at the beginning ends it."""
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        wait_s = 0.0
        while not self._stopped.wait(wait_s):
            try:
                self._work()
            except DATABASE_AWAY as error:
                log.warning("%s wait for the next minute: %s", self._thread.name, first_line(error))
            except Exception:
                log.exception("%s failed", self._thread.name)
            wait_s = seconds_until(self._clock.now(), self._at_s)


def seconds_until(now: datetime, at_s: float) -> float:
    """Return how long it is until so many seconds into a minute, never nothing. Pure."""
    return (at_s - now.second - now.microsecond / 1_000_000) % 60 or 60.0
