"""What leverage exchanges allow by size: read ahead of the signals that need it, and kept. One for a process.

Nothing waits for it. While the brackets of a perpetual are not known, opens go by the instrument's highest leverage
alone; an exchange that allows less then refuses by name.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection

from copydesk.kernel import CopydeskError
from copydesk.replication.port import Surroundings
from copydesk.replication.shards import whereabouts_of
from copydesk.trading import Bracket, Credentials
from copydesk.venues import Draw, Venue, drawing_on

log = logging.getLogger(__name__)

# Exchanges change brackets a few times a year, with days of notice; caps that follow a price move more often.
KEPT_S = 1800.0
TRY_AGAIN_S = 30.0

_Key = tuple[str, str]


class Brackets:
    """Know the brackets of perpetuals by exchange environment and ccxt symbol. For any number of threads."""

    def __init__(self, around: Surroundings, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._around = around
        self._monotonic = monotonic
        self._known: dict[_Key, tuple[Bracket, ...]] = {}
        self._due_at: dict[_Key, float] = {}

    def of(self, tenant_id: int, shard: str, symbol: str, accounts: Collection[int]) -> tuple[Bracket, ...]:
        """Return what is known; () for nothing, and then begin to read it with one of these accounts."""
        known = self._known.get((whereabouts_of(shard).exchange, symbol))
        if known is None:
            self.refresh(tenant_id, shard, symbol, accounts)
        return known or ()

    def highest(self, shard: str, symbol: str) -> int | None:
        """Return the most leverage that any size may have; None where that is not known."""
        known = self._known.get((whereabouts_of(shard).exchange, symbol))
        return max(bracket.leverage_max for bracket in known) if known else None

    def refresh(self, tenant_id: int, shard: str, symbol: str, accounts: Collection[int]) -> None:
        """Begin to read what is not known, or old, with one of these accounts; returns at once."""
        key = whereabouts_of(shard).exchange, symbol
        if not self._is_due(key):
            return
        for credentials in self._around.credentials(tenant_id, sorted(accounts)[:1]).values():
            venue = self._around.exchange(tenant_id, shard).venue
            self._around.start(self._read(key, venue, credentials))

    async def learn(self, shard: str, venue: Venue, symbol: str, keys: Collection[Credentials]) -> None:
        """Read what is not known, or old, before going on."""
        key = whereabouts_of(shard).exchange, symbol
        if keys and self._is_due(key):
            await self._read(key, venue, next(iter(keys)))

    def _is_due(self, key: _Key) -> bool:
        """Tell whether it is time to read, and put the next time off: one asks for all."""
        now = self._monotonic()
        if now < self._due_at.get(key, float("-inf")):
            return False
        self._due_at[key] = now + TRY_AGAIN_S
        return True

    async def _read(self, key: _Key, venue: Venue, credentials: Credentials) -> None:
        try:
            with drawing_on(Draw.SPARE):
                found = await venue.brackets(credentials, key[1])
        except CopydeskError as error:
            log.info("brackets of %s at %s not read yet: %s", key[1], key[0], error)
            return
        self._known[key] = found
        self._due_at[key] = self._monotonic() + KEPT_S
