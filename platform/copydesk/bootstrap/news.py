"""News of a brand for pages that are open: a short log in Redis, and a word on a channel that something was added.

Every piece of news is one JSON object of ids, never of amounts or names: `type`, and who or what it is about. The log
lets a page that was away for a moment hear what it has missed; the channel makes it quick. What `type` says:

| type | told by | it has besides |
|---|---|---|
| signal | listener | signal_id, strategy_id |
| copies | replicator, relay | signal_id, strategy_id, shard |
| figures | worker | strategy_id |
| risk, subscription | risk, replicator | subscription_id or strategy_id |
| margin, leverage | listener | strategy_id, news_id |
| notice, order, equity, position, receipt | anybody | user_id: that person's open pages hear of it, and nobody else's |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from redis import Redis

NEWS_FIELD = b"news"
# What a busy brand has in some minutes; longer ago a page asks for everything anew instead.
NEWS_KEPT = 2_000
_LASTS_S = 86_400


def desk_channel(tenant_id: int) -> str:
    """Name the Redis channel on which a brand's news travel."""
    return f"copydesk:{tenant_id}:desk"


def news_key(tenant_id: int) -> str:
    """Name the Redis stream that keeps a brand's latest news."""
    return f"copydesk:{tenant_id}:news"


def send_news(redis: Redis, tenant_id: int, event: Mapping[str, Any]) -> None:
    """Add to a brand's log, then say so on its channel, in one round trip. Raises `RedisError`."""
    told, key = orjson.dumps(event), news_key(tenant_id)
    with redis.pipeline(transaction=False) as pipeline:
        pipeline.xadd(key, {NEWS_FIELD: told}, maxlen=NEWS_KEPT, approximate=True)
        pipeline.expire(key, _LASTS_S)
        pipeline.publish(desk_channel(tenant_id), told)
        pipeline.execute()
