"""What is published of keys, so that desks and holders of keys need not wait for their next look. Ids only.

Nothing depends on it: whoever misses a message is told by the database (`store.versions`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing, suppress
from typing import NamedTuple

import orjson
from redis import Redis
from redis.exceptions import RedisError

CHANNEL = "copydesk:keys"
_AT_ONCE = 1_000
_WAIT_S = 0.25


class KeyNews(NamedTuple):
    """Keys of a brand's accounts have changed or are gone; without a brand, something waits for the desk."""

    tenant_id: int | None = None
    account_ids: tuple[int, ...] = ()


def publish(redis: Redis, news: KeyNews) -> None:
    """Tell every process that listens; with Redis away nobody is told and nothing else happens."""
    with suppress(RedisError):
        for start in range(0, max(len(news.account_ids), 1), _AT_ONCE):
            ids = news.account_ids[start : start + _AT_ONCE]
            redis.publish(CHANNEL, orjson.dumps([news.tenant_id, ids]))


def publish_to(redis_url: str, news: KeyNews) -> None:
    """Do as `publish` on a connection of its own, for who has something to tell now and then."""
    with closing(Redis.from_url(redis_url, socket_timeout=_WAIT_S, socket_connect_timeout=_WAIT_S)) as redis:
        publish(redis, news)


def read_news(told: bytes) -> KeyNews:
    """Read a message; one that is none of ours counts as a hint to look."""
    try:
        tenant_id, account_ids = orjson.loads(told)
        return KeyNews(None if tenant_id is None else int(tenant_id), tuple(map(int, account_ids)))
    except (ValueError, TypeError):
        return KeyNews()


def changed(tenant_id: int, account_ids: Sequence[int]) -> KeyNews:
    return KeyNews(tenant_id, tuple(account_ids))


WAITS = KeyNews()
