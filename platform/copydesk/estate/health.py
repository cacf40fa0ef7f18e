"""What Redis tells of the installation: how much waits for each brand."""

from __future__ import annotations

from collections.abc import Collection

from redis import Redis
from redis.exceptions import RedisError

from copydesk.replication.queues import queue_key


def queue_depths(redis: Redis, tenant_ids: Collection[int]) -> dict[int, int]:
    """Return how many wake-ups of each brand no replicator has taken yet; nothing while Redis is away."""
    try:
        with redis.pipeline(transaction=False) as pipeline:
            for tenant_id in tenant_ids:
                pipeline.llen(queue_key(tenant_id))
            return dict(zip(tenant_ids, pipeline.execute(), strict=True))
    except RedisError:
        return {}
