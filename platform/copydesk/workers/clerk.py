"""The worker role: figures follow what is stored, each minute's marks are kept, and each night all is computed anew.

One process does all of it, and tells people what concerns them (`crier`). Jobs run in its main thread as they come, the
minute, the night and the crier each in a thread of their own; they take turns at a strategy. It opens no key, and
speaks to no exchange.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from types import FrameType

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer

from copydesk.bootstrap import Runtime
from copydesk.kernel import Clock, ConfigError, CopydeskError, SystemClock, new_id
from copydesk.notices import Wordsmith
from copydesk.performance.keep import update_strategy, update_subscriptions
from copydesk.performance.scoring import placed
from copydesk.workers.brands import BrandWatch
from copydesk.workers.clerk_guests import Departures
from copydesk.workers.clerk_jobs import desk
from copydesk.workers.clerk_minute import CHECK_AT_S, FOLLOW_AT_S, GUESTS_AT_S, MARKS_AT_S, EachMinute, Rounds
from copydesk.workers.clerk_night import Nights
from copydesk.workers.crier import Crier
from copydesk.workers.follow import figures_queue
from copydesk.workers.outage import DATABASE_AWAY, first_line

log = logging.getLogger(__name__)

# RQ asks the queue anew every `ttl - 15` seconds: it says that it lives before, and costs nothing meanwhile.
_WORKER_TTL_S = 75
_TRY_AGAIN_S = 0.25
# Figures give way to copying wherever both want the same core.
_NICENESS = 10


class Clerk:
    """Brings figures up to date, one strategy at a time, whoever asks."""

    def __init__(self, runtime: Runtime, clock: Clock) -> None:
        self._runtime = runtime
        self._clock = clock
        self._turn = threading.Lock()

    def follow(self, tenant_id: int, strategy_id: int) -> bool:
        """Bring a strategy and its subscriptions up to what is stored, and tell whether that went well.

        What goes wrong with one strategy is told of and keeps no other waiting: its figures stay as old as they are,
        which `copydesk status` sees.
        """
        try:
            tenant = self._runtime.tenant(tenant_id)
            with self._turn:
                with self._runtime.db.tenant(tenant_id) as session:
                    update_strategy(session, tenant, strategy_id, now=self._clock.now())
                with self._runtime.db.tenant(tenant_id) as session:
                    update_subscriptions(session, tenant, strategy_id, now=self._clock.now())
        except CopydeskError as error:
            log.warning("figures of strategy %s stay as they are: %s", strategy_id, error)
        except DATABASE_AWAY as error:
            log.warning("figures of strategy %s follow later: %s", strategy_id, first_line(error))
        except Exception:
            log.exception("figures of strategy %s of brand %s failed", strategy_id, tenant_id)
        else:
            self._runtime.announce(tenant_id, {"type": "figures", "strategy_id": strategy_id})
            return True
        return False

    def rank(self, tenant_id: int) -> int:
        """Give the brand's strategies their places, and return how many have another. Raises the driver's errors."""
        try:
            tenant = self._runtime.tenant(tenant_id)
        except ConfigError as error:
            log.warning("strategies keep their places: %s", error)
            return 0
        with self._turn, self._runtime.db.tenant(tenant_id) as session:
            moved = placed(session, tenant)
        if moved:
            self._runtime.announce(tenant_id, {"type": "figures", "strategy_id": None})
        return moved


class ClerkWorker(SimpleWorker):
    """Run jobs in this very process: no fork, so that nothing is imported anew.

    A job's name is free again as soon as the job begins: what happens meanwhile makes another one. RQ's own books are
    not kept, and its remote commands not served.
    """

    max_connection_wait_time = 0.25

    def __init__(self, redis: Redis, stopped: threading.Event) -> None:
        name = f"clerk-{socket.gethostname()}-{os.getpid()}-{new_id()}"
        queue = figures_queue(redis)
        super().__init__([queue], name=name, connection=redis, serializer=JSONSerializer, worker_ttl=_WORKER_TTL_S)
        self._stopped = stopped

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Finish the job at hand, then end: the handler of SIGINT and SIGTERM."""
        self._stopped.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def subscribe(self) -> None:
        """Open no connection for commands: its thread would outlive every outage of Redis."""

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Do the job in this thread; it is gone from Redis before it begins, and the next minute finds what it lost."""
        with self.connection.pipeline() as pipeline:
            pipeline.lrem(queue.intermediate_queue_key, 1, job.id)
            job.cleanup(ttl=0, pipeline=pipeline)
            pipeline.execute()
        job.perform()


def serve(redis: Redis, stopped: threading.Event) -> None:
    """Work until told to stop; RQ ends a worker whose Redis is away, and then another one begins."""
    while not stopped.is_set():
        try:
            ClerkWorker(redis, stopped).work(logging_level="WARNING")
        except RedisError as error:
            log.warning("going on without Redis: %s", error)
        with suppress(StopRequested):  # The signal handlers of the worker that ended are still in place.
            stopped.wait(_TRY_AGAIN_S)


def run_clerk(runtime: Runtime, wordsmith: Callable[[], Wordsmith] | None = None) -> None:
    """Serve until told to stop; `wordsmith` makes who has words for notices."""
    os.nice(_NICENESS)
    clock = SystemClock()
    desk.clerk = clerk = Clerk(runtime, clock)
    stopped = threading.Event()
    brands = BrandWatch(runtime, lambda _changed: None)
    brands.look()  # Brands that are new are registered before a thread counts on them.
    rounds, nights = Rounds(runtime, clerk, clock, stopped), Nights(runtime, clock, stopped)
    departures = Departures(runtime, clock, stopped)
    threads = (
        EachMinute("marks", rounds.keep_marks, clock, at_s=MARKS_AT_S, stopped=stopped),
        EachMinute("figures", rounds.follow_all, clock, at_s=FOLLOW_AT_S, stopped=stopped),
        EachMinute("checks", nights.look, clock, at_s=CHECK_AT_S, stopped=stopped),
        EachMinute("guests", departures.look, clock, at_s=GUESTS_AT_S, stopped=stopped),
    )
    crier = Crier(runtime, clock, wordsmith)
    brands.start()
    crier.start()
    for thread in threads:
        thread.start()
    try:
        # RQ sets a long time-out on its connections; everything else must not wait that long for a Redis that hangs.
        with closing(Redis.from_url(runtime.require("REDIS_URL"))) as queue:
            serve(queue, stopped)
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
        crier.close()
        brands.close()
