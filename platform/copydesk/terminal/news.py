"""What is published of the terminal, so that the desk need not wait for its next look. Ids only.

Nothing depends on it: a message that is lost is made good by the number that the database counts (`sending.version`).
"""

from __future__ import annotations

from contextlib import closing, suppress

import orjson
from redis import Redis
from redis.exceptions import RedisError

CHANNEL = "copydesk:terminal"
_WAIT_S = 0.25


def publish_to(redis_url: str, tenant_id: int) -> None:
    """Tell the desk that a brand's trader did something; with Redis away nobody is told and nothing else happens."""
    redis = Redis.from_url(redis_url, socket_timeout=_WAIT_S, socket_connect_timeout=_WAIT_S)
    with closing(redis), suppress(RedisError):
        redis.publish(CHANNEL, orjson.dumps(tenant_id))


def read_news(told: bytes) -> int | None:
    """Read which brand a message is about; None for one that is none of ours, which counts as a hint to look."""
    try:
        found = orjson.loads(told)
    except ValueError:
        return None
    return found if isinstance(found, int) else None
