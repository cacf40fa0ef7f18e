"""Where cards are played: one lab, one event loop and one open venue per exchange, for a whole module of cards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeVar

from copydesk.kernel import derived_id
from copydesk.trading import Instrument
from copydesk.venues import EXCHANGES, LeaderStream, PoolLimits, StreamTiming, Venue, open_stream, open_venue
from venue_lab import LabProcess

T = TypeVar("T")

SPOT, PERPETUAL = "spot", "perpetual"
MARKETS = (SPOT, PERPETUAL)
SYMBOL = {SPOT: "BTC/USDT", PERPETUAL: "BTC/USDT:USDT"}
PX = "60000"
LIMITS = PoolLimits(connections_max=20)
# An exchange with accounts of two kinds is two to a card.
_KINDS = {"bitget": ("bitget", "bitget-uta")}
# A probe must not come between two events of a card that waits for neither.
PATIENT = StreamTiming(backoff_min_s=0.01)
QUICK = StreamTiming(backoff_min_s=0.01, probe_after_s=0.4)


class Seat(NamedTuple):
    """One exchange's kind of account on one market."""

    exchange: str
    kind: str
    market: str

    def __str__(self) -> str:
        return f"{self.kind}-{self.market}"


SEATS = tuple(
    Seat(exchange, kind, market)
    for exchange in EXCHANGES
    for kind in _KINDS.get(exchange, (exchange,))
    for market in MARKETS
)


class Floor:
    """Venues are opened when first needed and shared: their rate budgets are those of one address."""

    def __init__(self, lab: LabProcess) -> None:
        self.lab = lab
        self._runner = asyncio.Runner()
        self.instruments: dict[str, Mapping[str, Instrument]] = {}
        self._venues: dict[str, Venue] = {}
        self._streams: dict[tuple[str, StreamTiming], LeaderStream] = {}

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        """Play one card, or prepare for it."""
        return self._runner.run(story)

    async def venue(self, exchange: str) -> Venue:
        if exchange not in self._venues:
            self._venues[exchange] = open_venue(exchange, self.lab.urls_of(exchange), limits=LIMITS)
            self.instruments[exchange] = await self._venues[exchange].instruments()
        return self._venues[exchange]

    async def stream(self, exchange: str, timing: StreamTiming) -> LeaderStream:
        """Return the exchange's stream: connections of all cards take turns, as the exchange demands."""
        if (exchange, timing) not in self._streams:
            self._streams[exchange, timing] = open_stream(await self.venue(exchange), timing=timing)
        return self._streams[exchange, timing]

    @asynccontextmanager
    async def own_venue(self, exchange: str, limits: PoolLimits = LIMITS) -> AsyncIterator[Venue]:
        """Open a venue for one card alone: what it is told about limits and clocks concerns no other card."""
        venue = open_venue(exchange, self.lab.urls_of(exchange), limits=limits)
        try:
            await venue.instruments()
            yield venue
        finally:
            await venue.aclose()

    def close(self) -> None:
        for venue in self._venues.values():
            self._runner.run(venue.aclose())
        self._runner.close()


def digest(*parts: str) -> str:
    """Make the part of a client order id that tells orders apart, in the characters that every exchange takes."""
    return derived_id(*parts, length=32)
