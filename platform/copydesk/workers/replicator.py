"""The replicator role: an RQ worker that keeps one event loop, its connections and its keys between jobs."""

from __future__ import annotations

import gc
import os
import socket
import sys

from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from copydesk.bootstrap import Runtime, WorkerSurroundings
from copydesk.kernel import SystemClock, new_id
from copydesk.replication import LEASE_MS, UNKNOWN_WAIT_MS, Drainer, Lanes, Reconciler, Sender, Timing
from copydesk.workers.jobs import replicator
from copydesk.workers.loop import ResidentLoop
from copydesk.workers.wake import REPLICATE


class ReplicatorWorker(SimpleWorker):
    """Run jobs in this very process: no fork, so nothing is cold. Listens on one queue only, which RQ cannot lose."""

    # An idle worker asks Redis again at the latest after this many seconds, so a restart is noticed soon.
    dequeue_timeout_s = 5

    def __init__(self, redis: Redis, loop: ResidentLoop) -> None:
        name = f"replicator-{socket.gethostname()}-{os.getpid()}"
        queue = Queue(REPLICATE, connection=redis, serializer=JSONSerializer)
        super().__init__([queue], name=name, connection=redis, serializer=JSONSerializer)
        self.resident_loop = loop


def run_replicator(runtime: Runtime) -> None:
    """Serve the replication queue until told to stop."""
    loop = ResidentLoop()
    around = WorkerSurroundings(runtime, loop.start)
    clock = SystemClock()
    timing = Timing(runtime.number(LEASE_MS), runtime.number(UNKNOWN_WAIT_MS))
    holder = f"{socket.gethostname()}:{os.getpid()}:{new_id()}"
    lanes = Lanes(runtime.db, clock, holder=holder, lease_ms=timing.lease_ms, unknown_wait_ms=timing.unknown_wait_ms)
    sender = Sender(around, lanes, clock, timing)
    replicator.drainer = Drainer(runtime.db, around, lanes, sender, clock)
    replicator.reconciler = Reconciler(runtime.db, around, lanes, sender, clock)
    open_exchanges(runtime, around)
    _prefer_latency()
    try:
        ReplicatorWorker(runtime.redis, loop).work(logging_level="WARNING")
    finally:
        around.close()
        loop.close()


def _prefer_latency() -> None:
    """Let the loop's thread have the interpreter within half a millisecond, and keep what lives for ever out of GC."""
    sys.setswitchinterval(0.0005)
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def open_exchanges(runtime: Runtime, around: WorkerSurroundings) -> None:
    """Read and warm every exchange that a brand uses, before the first copy needs it."""
    for tenant in runtime.directory.all():
        for exchange in tenant.config.exchanges:
            around.exchange(f"{exchange.venue}-{exchange.environment}:0")
