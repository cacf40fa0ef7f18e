"""Which configuration each process runs: told to Redis beside its looks at files and panels, read by `status`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import orjson
from redis import Redis
from redis.exceptions import RedisError

CONFIG_KEY = "copydesk:config"
TOLD_EVERY_S = 5.0
# A Redis that hangs costs whoever looks a moment, so that it is not tried often.
RETRIED_AFTER_S = 60.0
# Whoever has not looked for so long runs no more, or has nothing to do.
FRESH_S = 15.0
_FORGOTTEN_S = 60


class RunningConfig(NamedTuple):
    """What one process said last: its role and number, and the hash over all its brands."""

    role: str
    pid: int
    hash: str
    age_s: float


class ConfigBeat:
    """Tell Redis now and then which configuration this process runs; with Redis away nobody is told."""

    def __init__(self, role: str, redis: Callable[[], Redis]) -> None:
        self._role = role
        self._redis = redis
        self._due_at = 0.0
        self._told = ""

    def tell(self, revision_hash: str) -> None:
        """Tell it when it has changed, or the last time is long enough ago."""
        now = time.monotonic()
        if now < self._due_at and revision_hash == self._told:
            return
        self._told = revision_hash
        self._due_at = now + RETRIED_AFTER_S
        with suppress(RedisError):
            told = self._redis().pipeline(transaction=False)
            said = orjson.dumps({"hash": revision_hash, "at": time.time()})
            told.hset(CONFIG_KEY, f"{self._role}:{os.getpid()}", said)
            told.expire(CONFIG_KEY, _FORGOTTEN_S)
            told.execute()
            self._due_at = now + TOLD_EVERY_S


def running_configs(redis: Redis) -> list[RunningConfig]:
    """Return what the processes of the last seconds said, by role and number; raises the driver's errors."""
    now, found, gone = time.time(), [], []
    for name, said in redis.hgetall(CONFIG_KEY).items():
        told = orjson.loads(said)
        role, _, pid = os.fsdecode(name).rpartition(":")
        age_s = now - float(told["at"])
        if age_s <= FRESH_S:
            found.append(RunningConfig(role, int(pid), str(told["hash"]), age_s))
        elif age_s > _FORGOTTEN_S:
            gone.append(name)
    if gone:
        redis.hdel(CONFIG_KEY, *gone)
    return sorted(found)
