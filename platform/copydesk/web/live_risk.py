"""Who hears that risk did something: who holds a token of the risk desk, and of that only that there is news.

An event carries nothing: the page that hears it asks for its figures, and gets those that its holder may see. A
follower's page hears of its own subscription alone; what concerns an account or a strategy it finds a moment later.
"""

from __future__ import annotations

from datetime import datetime

from copydesk.web.broadcast import Coalescer, Rooms, sse_frame
from copydesk.web.grants import PURPOSE, Grant, stream_grant
from copydesk.web.port import Runtime

BRAND = "brand"


class RiskRooms:
    """The listeners of every brand's risk desk: a room for the whole brand, and one for each subscription."""

    def __init__(self, runtime: Runtime, pause_s: float) -> None:
        self._runtime = runtime
        self._coalescer: Coalescer[tuple[str, str]] = Coalescer(self._tell, pause_s=pause_s)
        self._told = 0
        self.rooms = Rooms()

    def grant(self, slug: str, token: str, now: datetime) -> Grant | None:
        """Return what a token grants in a brand now; None where that is nothing. Asks the database."""
        key = self._runtime.link_key(PURPOSE, slug) if token else None
        return None if key is None else stream_grant(key, token, tenant=slug, now=now)

    @staticmethod
    def room(grant: Grant) -> str:
        """Name the room that a grant opens."""
        return BRAND if grant.subscription_id is None else str(grant.subscription_id)

    def heard(self, slug: str, subscription_id: object) -> None:
        """Tell whoever may know; a burst of acts is told once at its begin and once after it."""
        for room in {BRAND, str(subscription_id)} & self.rooms.locales(slug):
            self._coalescer.ask((slug, room))

    async def _tell(self, key: tuple[str, str]) -> None:
        self._told += 1
        self.rooms.send(*key, sse_frame("risk", self._told, ""))

    async def close(self) -> None:
        """Stop what still runs."""
        await self._coalescer.close()
