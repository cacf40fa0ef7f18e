"""Wake a lane: one RQ job per (signal, shard), one at a time per lane. A lost job loses no copy."""

from __future__ import annotations

import logging
import re
import time
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.rate_limit import RateLimit, RateLimitRegistry
from rq.serializers import JSONSerializer
from rq.utils import as_text

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
        lane = lane_key(tenant_id, shard)
        try:
            self._queue.enqueue_call(
                JOBS[job],
                args=(tenant_id, shard),
                job_id=_ODD.sub("-", f"{lane}-{job}-{reason}"),
                timeout=_JOB_MAX_S,
                result_ttl=0,
                failure_ttl=_FORGET_FAILED_S,
                rate_limit=RateLimit(key=lane, concurrency=1),
            )
        except RedisError as error:
            log.warning("lane %s not woken: %s", lane, error)
            return False
        return True

    def free_lane(self, *, tenant_id: int, shard: str, older_than_s: float) -> int:
        """Take the lane's slot from jobs that hold it longer than any job runs: their worker was killed.

        Safe even if such a job still runs: the lease in PostgreSQL lets only one of them store and send.
        Returns how many jobs still wait for the slot.
        """
        lane = RateLimitRegistry(lane_key(tenant_id, shard), self._redis)
        try:
            stuck: list[Any] = self._redis.zrangebyscore(lane.allowed_key, "-inf", time.time() - older_than_s)
            for job_id in stuck:
                lane.release_and_enqueue(as_text(job_id))
            lane.acquire_and_enqueue(1)  # Should a release have been lost with its Redis connection.
            return lane.get_rate_limited_job_count()
        except RedisError as error:
            log.warning("lane %s not freed: %s", lane.key, error)
            return 0


def lane_key(tenant_id: int, shard: str) -> str:
    """Name a brand's lane in Redis; the brand's id leads, as in every Redis key of ours."""
    return f"copydesk:{tenant_id}:{shard}"
