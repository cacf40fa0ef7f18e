"""Tells the worker whose figures are to follow: gathered for a moment in each role, one waiting job for each strategy.

Whoever stored something says so and goes on: a thread of its own speaks to Redis. What is lost with Redis, or with the
process, the worker finds at its next full minute.
"""

from __future__ import annotations

import logging
import threading

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import DuplicateJobError
from rq.serializers import JSONSerializer

log = logging.getLogger(__name__)

FOLLOWED = "default"
FOLLOW = "copydesk.workers.clerk_jobs.follow"
# What a crowd's market order did is booked in many pieces; those of one moment are one job.
GATHERED_S = 0.25
_JOB_MAX_S = 600
# Whose job was lost is told of again after this long, at the latest.
_WAITS_S_MAX = 3600
_PATIENCE_S = 2.0

# A brand and a strategy of it.
Followed = tuple[int, int]


def figures_queue(redis: Redis) -> Queue:
    """Return the worker's queue, one for all brands."""
    return Queue(FOLLOWED, connection=redis, serializer=JSONSerializer)


def job_id_of(tenant_id: int, strategy_id: int) -> str:
    """Name the one job that a strategy may have waiting."""
    return f"copydesk-{tenant_id}-figures-{strategy_id}"


def enqueue_follow(queue: Queue, tenant_id: int, strategy_id: int) -> bool:
    """Enqueue a strategy, and tell whether it was not waiting yet. Raises `RedisError`."""
    try:
        queue.enqueue_call(
            FOLLOW,
            args=(tenant_id, strategy_id),
            job_id=job_id_of(tenant_id, strategy_id),
            timeout=_JOB_MAX_S,
            ttl=_WAITS_S_MAX,
            result_ttl=0,
            unique=True,
        )
    except DuplicateJobError:
        return False
    return True


class FigureNews:
    """Gathers of whom something was stored, and passes it on; costs whoever tells it a lock and a word.

    Its thread begins with the first news, and sleeps while there are none.
    """

    def __init__(self, redis: Redis, *, gathered_s: float = GATHERED_S) -> None:
        self._queue = figures_queue(redis)
        self._gathered_s = gathered_s
        self._lock = threading.Lock()
        self._rung = threading.Event()
        self._stopped = threading.Event()
        self._told: set[Followed] = set()
        self._thread: threading.Thread | None = None

    def tell(self, tenant_id: int, strategy_id: int) -> None:
        """Say that something of a strategy was stored; returns at once."""
        with self._lock:
            self._told.add((tenant_id, strategy_id))
            if self._thread is None:
                self._thread = threading.Thread(target=self._pass_on, name="figure-news", daemon=True)
                self._thread.start()
        self._rung.set()

    def flush(self) -> int:
        """Pass on what was gathered, and return how many jobs that made; with Redis away it is forgotten."""
        with self._lock:
            told, self._told = self._told, set()
        try:
            return sum(enqueue_follow(self._queue, *one) for one in sorted(told))
        except RedisError as error:
            log.warning("figures of %d strategies follow at the next full minute: %s", len(told), error)
            return 0

    def close(self) -> None:
        """Have the thread pass on what is left and end; a Redis that hangs keeps nobody for long."""
        self._stopped.set()
        self._rung.set()
        if self._thread is not None:
            self._thread.join(_PATIENCE_S)

    def _pass_on(self) -> None:
        while not self._stopped.is_set():
            self._rung.wait()
            self._stopped.wait(self._gathered_s)
            self._rung.clear()
            self.flush()
