"""Lets a role hear at once what becomes of exchange keys, and drops opened ones that are replaced or destroyed.

A message on Redis tells at once; every twenty seconds one number in PostgreSQL tells whether any was missed. Two
minutes of changes are gone through each time, and again for a minute after: what was being read while it changed is
dropped then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from copydesk.bootstrap import Runtime
from copydesk.kernel import Clock, SystemClock, end
from copydesk.keys import CHANGED, CHANNEL, WAITS, KeyNews, changed_since, read_news, versions
from copydesk.workers import attend
from copydesk.workers.outage import DATABASE_AWAY, first_line

log = logging.getLogger(__name__)

LOOK_EVERY_S = 20.0
_BACK = timedelta(minutes=2)
_AGAIN_FOR = timedelta(minutes=1)


async def hear(redis_url: str, heard: Callable[[KeyNews], None]) -> None:
    """Pass on what is published, until canceled; after each time without Redis there may be anything."""
    await attend.hear(redis_url, CHANNEL, lambda told: heard(WAITS if told is None else read_news(told)))


class KeyWatch:
    """Drop this process' opened keys once they are replaced or destroyed. Run it on the role's own loop."""

    def __init__(self, runtime: Runtime, *, clock: Clock | None = None, look_every_s: float = LOOK_EVERY_S) -> None:
        self._runtime = runtime
        self._clock = clock or SystemClock()
        self._look_every_s = look_every_s
        self._version: int | None = None
        self._began_at: datetime | None = None
        self._again_until: datetime | None = None
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def start(self) -> None:
        """Watch from now on; look once before anything is opened, so that no change falls between."""
        await self._look_safely()
        hearing = hear(self._runtime.require("REDIS_URL"), self.heed)
        self._tasks = (asyncio.create_task(hearing), asyncio.create_task(self._look_on()))

    async def aclose(self) -> None:
        """Watch no longer."""
        await end(*self._tasks)

    def heed(self, news: KeyNews) -> None:
        """Drop what a message names."""
        if news.tenant_id is not None:
            for account_id in news.account_ids:
                self._runtime.keys.forget(news.tenant_id, account_id)

    def look(self) -> None:
        """Ask whether any key has changed, and drop those that have."""
        now = self._clock.now()
        blind = self._began_at is not None and self._version is None
        self._began_at = self._began_at or now
        with self._runtime.db.installation() as session:
            version = versions(session)[CHANGED]
        if blind:
            # Earlier looks have failed, and keys were opened all the same.
            self._drop(self._began_at - _BACK)
        if version != self._version:
            # What changed before this process began, it has never held.
            self._again_until = now + _AGAIN_FOR if blind or self._version is not None else None
            self._version = version
        if self._again_until is not None and now <= self._again_until:
            self._drop(now - _BACK - _AGAIN_FOR)

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(self._look_every_s)
            await self._look_safely()

    async def _look_safely(self) -> None:
        try:
            await asyncio.to_thread(self.look)
        except DATABASE_AWAY as error:
            log.warning("cannot look for keys that are gone: %s", first_line(error))

    def _drop(self, since: datetime) -> None:
        for tenant_id in self._runtime.tenant_ids.values():
            with self._runtime.db.tenant(tenant_id) as session:
                gone = changed_since(session, since)
            self.heed(KeyNews(tenant_id, tuple(gone)))
