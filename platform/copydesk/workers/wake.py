"""Wake a lane: one RQ job per (signal, shard), in its brand's own queue. A lost job loses no copy."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.queue import EnqueueData
from rq.serializers import JSONSerializer

from copydesk.replication.queues import queue_name
from copydesk.workers.follow import FigureNews

log = logging.getLogger(__name__)

JOBS = {job: f"copydesk.workers.jobs.{job}" for job in ("drain", "reconcile", "prepare", "mirror")}
_FORGET_FAILED_S = 3600
_JOB_MAX_S = 120
# RQ takes letters, digits, underscores and dashes in a job's id; a lane may name an outgoing address.
_ODD = re.compile(r"[^A-Za-z0-9_-]")


class Waker:
    """Enqueue wake-ups for lanes. Jobs carry ids only; what is due is read from PostgreSQL.

    `figures` takes news for the worker, which nobody waits for.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.figures = FigureNews(redis)
        self._queues: dict[int, Queue] = {}

    def wake(self, job: str, *, tenant_id: int, shard: str, reason: str) -> bool:
        """Enqueue one job for a lane; False when Redis is away, which the relay makes good."""
        return self.wake_all(job, tenant_id=tenant_id, wanted=[(shard, reason)])

    def wake_all(self, job: str, *, tenant_id: int, wanted: Iterable[tuple[str, str]]) -> bool:
        """Enqueue a job for each of a brand's lanes, given with its reason, in one round trip."""
        jobs = [self._prepared(job, tenant_id, shard, reason) for shard, reason in wanted]
        try:
            if jobs:
                self._queue(tenant_id).enqueue_many(jobs)
        except RedisError as error:
            log.warning("%d lanes of brand %s not woken: %s", len(jobs), tenant_id, error)
            return False
        return True

    def _prepared(self, job: str, tenant_id: int, shard: str, reason: str) -> EnqueueData:
        return Queue.prepare_data(
            JOBS[job],
            args=(tenant_id, shard),
            job_id=_ODD.sub("-", f"{lane_key(tenant_id, shard)}-{job}-{reason}"),
            timeout=_JOB_MAX_S,
            result_ttl=0,
            failure_ttl=_FORGET_FAILED_S,
        )

    def waiting(self, tenant_id: int) -> set[tuple[str, str]]:
        """Return a brand's jobs that no worker has taken yet, each with its shard; none while Redis is away."""
        names = {path: job for job, path in JOBS.items()}
        try:
            jobs = self._queue(tenant_id).get_jobs()
        except RedisError as error:
            log.warning("the queue of brand %s cannot be read: %s", tenant_id, error)
            return set()
        return {(names[job.func_name], job.args[1]) for job in jobs if job.func_name in names}

    def _queue(self, tenant_id: int) -> Queue:
        if tenant_id not in self._queues:
            self._queues[tenant_id] = brand_queue(self._redis, tenant_id)
        return self._queues[tenant_id]


def brand_queue(redis: Redis, tenant_id: int) -> Queue:
    """Return a brand's own queue: workers take a job from each brand in turn."""
    return Queue(queue_name(tenant_id), connection=redis, serializer=JSONSerializer)


def wake_for_look(waker: Waker, tenant_id: int, shard: str) -> None:
    """Have a lane reconciled now, by whichever worker is free."""
    reason = f"look-{time.time_ns() // 1_000_000}"
    waker.wake("reconcile", tenant_id=tenant_id, shard=shard, reason=reason)


def lane_key(tenant_id: int, shard: str) -> str:
    """Name a brand's lane in Redis; the brand's id leads, as in every Redis key of ours."""
    return f"copydesk:{tenant_id}:{shard}"
