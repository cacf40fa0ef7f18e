"""How a role's desk comes to its work: Redis tells it at once, and it looks by itself every so often."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from copydesk.kernel import CopydeskError
from copydesk.workers.outage import DATABASE_AWAY, first_line

log = logging.getLogger(__name__)

_TRY_AGAIN_S = 1.0


async def hear(redis_url: str, channel: str, heard: Callable[[bytes | None], None]) -> None:
    """Pass on what is published, until canceled; None on each new connection: anything may have been missed before."""
    async for message in messages(redis_url, lambda subscription: subscription.subscribe(channel)):
        heard(message["data"] if message["type"] == "message" else None)


async def messages(redis_url: str, subscribe: Callable[[PubSub], Awaitable[None]]) -> AsyncIterator[dict[str, Any]]:
    """Give what Redis says, that it listens first of all, on one connection after the other, until canceled."""
    while True:
        redis = Redis.from_url(redis_url)
        try:
            with suppress(RedisError, OSError):
                async with redis.pubsub() as subscription:
                    await subscribe(subscription)
                    async for message in subscription.listen():
                        yield message
        finally:
            with suppress(RedisError, OSError):
                await redis.aclose()
        await asyncio.sleep(_TRY_AGAIN_S)


async def attend(
    look: Callable[[], Awaitable[None]], nudged: asyncio.Event, *, every_s: Callable[[], float], waits: str
) -> None:
    """Call `look` whenever `nudged`, and after `every_s` seconds at the latest, until canceled.

    While it cannot do its work, a line of the log says what `waits`, and why.
    """
    while True:
        try:
            await look()
        except DATABASE_AWAY as error:
            log.warning("%s: %s", waits, first_line(error))
        except CopydeskError as error:
            log.warning("%s: %s", waits, error)
        with suppress(TimeoutError):
            async with asyncio.timeout(every_s()):
                await nudged.wait()
        nudged.clear()
