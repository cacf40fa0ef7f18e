"""The replicator role: an RQ worker that keeps one event loop, its connections and its keys between jobs."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Collection
from contextlib import closing, suppress
from functools import partial
from types import FrameType

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy.exc import SQLAlchemyError

from copydesk.bootstrap import Runtime, WorkerSurroundings
from copydesk.kernel import CopydeskError, SystemClock, new_id, utc_now
from copydesk.replication import (
    LEASE_MS,
    ORDER_LOOK_MS,
    UNKNOWN_WAIT_MS,
    Drainer,
    Forerunner,
    Lanes,
    Mirror,
    Preparer,
    PurseReader,
    Reconciler,
    Sender,
    Timing,
    carry_out,
    due_lanes,
    is_due,
    lane_accounts,
)
from copydesk.replication.queues import REPLICATE
from copydesk.replication.rest_rows import recall_opens
from copydesk.risk import ThrownSwitch
from copydesk.tenancy import Tenant
from copydesk.workers.brands import BrandWatch, Changed
from copydesk.workers.crew import Crew
from copydesk.workers.jobs import replicator
from copydesk.workers.key_news import KeyWatch
from copydesk.workers.lane_work import LaneWork
from copydesk.workers.loop import ResidentLoop, prefer_latency
from copydesk.workers.outage import DATABASE_AWAY, first_line
from copydesk.workers.switchboard import SwitchWatch
from copydesk.workers.wake import Waker, brand_queue, wake_for_look

log = logging.getLogger(__name__)

# RQ asks the queues anew every `ttl - 15` seconds, and waits 10 more for a Redis that hangs. A brand that is new is
# listened to from the next time on.
_WORKER_TTL_S = 16
_TRY_AGAIN_S = 0.25
# Between two attempts to reach the worker that holds a lane; each costs a trip through the queue.
_PASS_ON_S = 0.005


class ReplicatorWorker(SimpleWorker):
    """Run jobs in this very process: no fork, so nothing is cold. Takes one job from each brand's queue in turn.

    RQ loses a job of several queues with a worker that dies just after it took it: the relay finds the delivery
    (ADR 0019). RQ's own books are about the queue "replicate" alone, in which there is never anything. While Redis is
    away it works off what is due straight from PostgreSQL. RQ's remote commands are not served.
    """

    max_connection_wait_time = 0.25

    def __init__(
        self,
        redis: Redis,
        without_redis: Callable[[], None],
        stopped: threading.Event,
        brands: Callable[[], Collection[int]],
    ) -> None:
        name = f"replicator-{socket.gethostname()}-{os.getpid()}-{new_id()}"
        queue = Queue(REPLICATE, connection=redis, serializer=JSONSerializer)
        super().__init__([queue], name=name, connection=redis, serializer=JSONSerializer, worker_ttl=_WORKER_TTL_S)
        self._brands = brands
        self._listened_to: dict[int, Queue] = {}
        self._without_redis = without_redis
        self._stopped = stopped
        self._job_at_hand = False

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Finish the job at hand, then end: the handler of SIGINT and SIGTERM."""
        self._stopped.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def subscribe(self) -> None:
        """Open no connection for commands: its thread would outlive every outage of Redis."""

    def reorder_queues(self, reference_queue: Queue) -> None:
        """Put the queue whose job RQ has found behind all others: its brand had its turn."""
        self._job_at_hand = True
        place = self._ordered_queues.index(reference_queue) + 1
        self._ordered_queues = self._ordered_queues[place:] + self._ordered_queues[:place]

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Tell Redis that we live, as RQ does before each look at the queue; while a job is at hand it can wait."""
        if self._job_at_hand and pipeline is None:
            return
        self._listen_to(self._brands())
        try:
            super().heartbeat(timeout, pipeline)
        except RedisError:
            self._without_redis()
            raise

    def _listen_to(self, brands: Collection[int]) -> None:
        """Listen to the queues of the brands that are served now; those that were there keep their order."""
        if self._listened_to.keys() == set(brands):
            return
        self._listened_to = {one: self._listened_to.get(one) or brand_queue(self.connection, one) for one in brands}
        known = [queue for queue in self._ordered_queues if queue in self._listened_to.values()]
        new = [queue for queue in self._listened_to.values() if queue not in known]
        self._ordered_queues = [*known, *new, *self.queues]

    def execute_job(self, job: Job, queue: Queue) -> None:  # noqa: ARG002 - as RQ declares it
        """Give the lane's work to the crew: that is done at once, so there are no books to be kept of it."""
        job.perform()
        self._job_at_hand = False
        job.cleanup(ttl=0)


def serve(redis: Redis, without_redis: Callable[[], None], brands: Callable[[], Collection[int]]) -> None:
    """Work until told to stop; RQ ends a worker whose job it could not book, and then another one begins."""
    stopped = threading.Event()
    while not stopped.is_set():
        try:
            ReplicatorWorker(redis, without_redis, stopped, brands).work(logging_level="WARNING")
        except RedisError as error:
            log.warning("going on without Redis: %s", error)
        with suppress(StopRequested):  # The signal handlers of the worker that ended are still in place.
            stopped.wait(_TRY_AGAIN_S)


def run_replicator(runtime: Runtime) -> None:
    """Serve the replication queue until told to stop."""
    loop = ResidentLoop()
    waker = Waker(runtime.redis)
    around = WorkerSurroundings(runtime, loop.start, partial(wake_for_look, waker), booked=waker.figures.tell)
    clock = SystemClock()
    timing = Timing(runtime.number(LEASE_MS), runtime.number(UNKNOWN_WAIT_MS))
    holder = f"{socket.gethostname()}:{os.getpid()}:{new_id()}"
    lanes = Lanes(runtime.db, clock, holder=holder, lease_ms=timing.lease_ms, unknown_wait_ms=timing.unknown_wait_ms)
    sender = Sender(around, lanes, clock, timing)
    preparer = Preparer(runtime.db, around)
    drainer = Drainer(runtime.db, around, lanes, sender, clock, preparer)
    reconciler = Reconciler(runtime.db, around, lanes, sender, clock, preparer)
    look_every_s = runtime.number(ORDER_LOOK_MS) / 1000
    mirror = Mirror(runtime.db, around, lanes, sender, clock, preparer, timing, look_every_s=look_every_s)
    forerunner = Forerunner(runtime.db, around, lanes, preparer, clock)
    purses = PurseReader(runtime.db, around, clock)
    watch = SwitchWatch(
        runtime.require("DATABASE_URL"),
        lambda: runtime.tenant_ids.values(),
        around.switches(),
        partial(_carry_out, runtime),
    )
    work = LaneWork(
        drainer, reconciler, mirror, forerunner, purses, partial(_pass_on, runtime, waker), crew=lambda: replicator.crew
    )
    replicator.crew = Crew(work.jobs)
    watch.look()  # Before anything is sent.
    key_watch = KeyWatch(runtime)
    loop.start(key_watch.start()).result()
    open_exchanges(runtime, around)
    _warm_lanes(runtime, around, drainer)
    watch.start(runtime.redis)
    brands = BrandWatch(runtime, partial(_take_in, runtime, around))
    brands.start()
    prefer_latency()
    try:
        # RQ sets a long time-out on its connections; everything else must not wait that long for a Redis that hangs.
        with closing(Redis.from_url(runtime.require("REDIS_URL"))) as queue:
            serve(queue, partial(sweep_lanes, runtime), lambda: runtime.tenant_ids.values())
    finally:
        brands.close()
        watch.close()
        waker.figures.close()
        loop.start(key_watch.aclose()).result()
        replicator.crew.close()
        forerunner.close()
        purses.close()
        around.close()
        loop.close()


def _carry_out(runtime: Runtime, switch: ThrownSwitch) -> None:
    """Do what a switch asks for in every brand, and have this process's lanes look at once; others do so for theirs."""
    for tenant_id in runtime.tenant_ids.values():
        with runtime.db.tenant(tenant_id) as session:
            stopped = carry_out(session, switch)
        for shard in stopped.shards:
            replicator.crew.give("reconcile", tenant_id, shard)


def _pass_on(runtime: Runtime, waker: Waker, tenant_id: int, shard: str) -> None:
    """Give a lane that is still due back to the queue, for the worker that holds it; a dead one's lease ends soon."""
    time.sleep(_PASS_ON_S)
    with runtime.db.tenant(tenant_id) as session:
        due = is_due(session, shard)
    if due:
        waker.wake("drain", tenant_id=tenant_id, shard=shard, reason=f"passed-{time.time_ns()}")


def sweep_lanes(runtime: Runtime) -> None:
    """Handle what is due on every lane without being woken; the lease keeps other replicators out."""
    try:
        for tenant_id in runtime.tenant_ids.values():
            now = utc_now()
            with runtime.db.tenant(tenant_id) as session:
                due = dict(due_lanes(session, now=now, overdue=now))
            for shard, job in due.items():
                replicator.crew.give(job, tenant_id, shard)
    except DATABASE_AWAY as error:
        log.warning("sweep postponed: %s", first_line(error))


def _warm_lanes(runtime: Runtime, around: WorkerSurroundings, drainer: Drainer) -> None:
    """Open the followers' keys and drain once, so that no first signal pays for cold caches; also adopts orphans."""
    for tenant_id in runtime.tenant_ids.values():
        with runtime.db.tenant(tenant_id) as session:
            lanes = lane_accounts(session)
        for shard, accounts in lanes.items():
            try:
                around.credentials(tenant_id, accounts)
                drainer.drain(tenant_id, shard)
                around.exchange(tenant_id, shard)  # Of another outgoing address, perhaps.
            except (CopydeskError, SQLAlchemyError) as error:
                log.warning("lane %s of brand %s starts cold: %s", shard, tenant_id, str(error).splitlines()[0])


def _take_in(runtime: Runtime, around: WorkerSurroundings, changed: Collection[Changed]) -> None:
    """Open what brands need that are new or have changed, and do what waits on their lanes.

    What rests is looked at again where a market was switched off, or on.
    """
    open_exchanges(runtime, around, [one.tenant for one in changed])
    for one in changed:
        tenant_id = runtime.tenant_ids[one.tenant.slug]
        with runtime.db.tenant(tenant_id) as session:
            shards = set(lane_accounts(session))
            if one.offers_otherwise:
                shards |= recall_opens(session)
        for shard in shards:
            replicator.crew.give("reconcile", tenant_id, shard)


def open_exchanges(runtime: Runtime, around: WorkerSurroundings, brands: Collection[Tenant] | None = None) -> None:
    """Read and warm every exchange that a brand uses, or these brands do, before the first copy needs it."""
    for tenant in runtime.directory.all() if brands is None else brands:
        for exchange in tenant.config.exchanges:
            try:
                around.exchange(runtime.tenant_ids[tenant.slug], f"{exchange.venue}-{exchange.environment}:0")
            except CopydeskError as error:
                log.warning("%s-%s cannot be read yet: %s", exchange.venue, exchange.environment, error)
