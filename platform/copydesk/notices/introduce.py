"""Meets chats: who opens a brand's bot with their one-time code is told by Telegram from then on.

The bot is asked only while somebody has a code that is good; what it was told before it forgets once asked past it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from copydesk.db import Database
from copydesk.kernel import Clock, CopydeskError
from copydesk.notices.carriers import Carriers
from copydesk.notices.channels.telegram import Started
from copydesk.notices.reaching import awaits_telegram, confirm_telegram
from copydesk.notifications import Seal
from copydesk.tenancy import Tenant

log = logging.getLogger(__name__)


class Introduction:
    """Ask the bots of brands where somebody waits to be met."""

    def __init__(
        self, database: Database, seal: Seal, carriers: Carriers, tenant_of: Callable[[int], Tenant], *, clock: Clock
    ) -> None:
        self._db = database
        self._seal = seal
        self._carriers = carriers
        self._tenant_of = tenant_of
        self._clock = clock
        self._heard: dict[int, int] = {}

    async def meet(self, tenant_id: int) -> int:
        """Connect the chats that sent a good code, and return how many did. Raises the driver's errors."""
        if not await asyncio.to_thread(self._awaits, tenant_id):
            return 0
        try:
            bot = await asyncio.to_thread(lambda: self._carriers.telegram(self._tenant_of(tenant_id)))
        except CopydeskError as error:
            log.warning("the bot of brand %s is not asked: %s", tenant_id, error)
            return 0
        if bot is None:
            return 0
        started = await bot.started(self._heard.get(tenant_id, 0))
        if not started:
            return 0
        met = await asyncio.to_thread(self._connect, tenant_id, started)
        self._heard[tenant_id] = max(one.update for one in started)
        return met

    def _awaits(self, tenant_id: int) -> bool:
        with self._db.tenant(tenant_id) as session:
            return awaits_telegram(session, at=self._clock.now())

    def _connect(self, tenant_id: int, started: Sequence[Started]) -> int:
        with self._db.tenant(tenant_id) as session:
            found = [
                confirm_telegram(session, self._seal, one.code, one.chat_id, at=self._clock.now()) for one in started
            ]
        return sum(one is not None for one in found)
