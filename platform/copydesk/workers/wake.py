"""Wake a lane: one RQ job per (signal, shard). A lost job loses no copy."""

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

log = logging.getLogger(__name__)

REPLICATE = "replicate"
JOBS = {job: f"copydesk.workers.jobs.{job}" for job in ("drain", "reconcile", "prepare", "mirror")}
_FORGET_FAILED_S = 3600
_JOB_MAX_S = 120
# RQ takes letters, digits, underscores and dashes in a job's id; a lane may name an outgoing address.
_ODD = re.compile(r"[^A-Za-z0-9_-]")


class Waker:
    """Enqueue wake-ups for lanes. Jobs carry ids only; what is due is read from PostgreSQL."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._queue = Queue(REPLICATE, connection=redis, serializer=JSONSerializer)

    def wake(self, job: str, *, tenant_id: int, shard: str, reason: str) -> bool:
        """Enqueue one job for a lane; False when Redis is away, which the relay makes good."""
        return self.wake_all(job, tenant_id=tenant_id, wanted=[(shard, reason)])

    def wake_all(self, job: str, *, tenant_id: int, wanted: Iterable[tuple[str, str]]) -> bool:
        """Enqueue a job for each of a brand's lanes, given with its reason, in one round trip."""
        jobs = [self._prepared(job, tenant_id, shard, reason) for shard, reason in wanted]
        try:
            if jobs:
                self._queue.enqueue_many(jobs)
        except RedisError as error:
            log.warning("%d lanes of brand %s not woken: %s", len(jobs), tenant_id, error)
            return False
        return True

    def _prepared(self, job: str, tenant_id: int, shard: str, reason: str) -> EnqueueData:
        return self._queue.prepare_data(
            JOBS[job],
            args=(tenant_id, shard),
            job_id=_ODD.sub("-", f"{lane_key(tenant_id, shard)}-{job}-{reason}"),
            timeout=_JOB_MAX_S,
            result_ttl=0,
            failure_ttl=_FORGET_FAILED_S,
        )

    def waiting(self) -> set[tuple[str, int, str]]:
        """Return the jobs that no worker has taken yet, each with its lane; none while Redis is away."""
        names = {path: job for job, path in JOBS.items()}
        try:
            jobs = self._queue.get_jobs()
        except RedisError as error:
            log.warning("the queue cannot be read: %s", error)
            return set()
        return {(names[job.func_name], *job.args) for job in jobs if job.func_name in names}


def wake_for_look(waker: Waker, tenant_id: int, shard: str) -> None:
    """Have a lane reconciled now, by whichever worker is free."""
    reason = f"look-{time.time_ns() // 1_000_000}"
    waker.wake("reconcile", tenant_id=tenant_id, shard=shard, reason=reason)


def lane_key(tenant_id: int, shard: str) -> str:
    """Name a brand's lane in Redis; the brand's id leads, as in every Redis key of ours."""
    return f"copydesk:{tenant_id}:{shard}"
