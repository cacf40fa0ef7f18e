"""What a card hears on a leader stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from copydesk.venues import LeaderTrade, OrderFact, StreamEvent, StreamState


class Listener:
    """Waits for one kind of event after another; what comes between is passed over."""

    def __init__(self, events: AsyncIterator[StreamEvent]) -> None:
        self._events = events

    async def until(self, state: StreamState) -> StreamEvent:
        async with asyncio.timeout(10):
            while (event := await anext(self._events)).state is not state:
                pass
            return event

    async def connected(self) -> None:
        await self.until(StreamState.CONNECTED)

    async def trades(self, count: int) -> list[LeaderTrade]:
        """Return so many executions, in the order in which they were told."""
        found: list[LeaderTrade] = []
        while len(found) < count:
            found += (await self.until(StreamState.TRADES)).trades
        return found

    async def orders(self) -> tuple[OrderFact, ...]:
        """Return what the next event tells of orders."""
        while not (event := await self.until(StreamState.TRADES)).orders:
            pass
        return event.orders
