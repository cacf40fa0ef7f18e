"""One dialect of the lab on a loop of its own in this process: tests steer the world directly.

Clients of any kind reach it over HTTP and WebSocket on 127.0.0.1; BTC stands at 100,000.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from copydesk.venues.lab.dialect import Dialect
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.faults import FaultPlan
from copydesk.venues.lab.journal import Journal
from copydesk.venues.lab.keys import KeyRing
from copydesk.venues.lab.listings import LISTINGS
from copydesk.venues.lab.market import Market
from copydesk.venues.lab.server import Answer, HttpServer, Request
from copydesk.venues.lab.streams import StreamServer
from copydesk.venues.lab.world import MarketClock, World

PX = 100_000
OWNER_IP = "203.0.113.7"
T = TypeVar("T")


def wall_ms() -> float:
    return time.time() * 1000.0


def world_of(folder: Path, venues: Iterable[str], clock_ms: Callable[[], float] = wall_ms) -> World:
    """Make a world of these exchanges, two days into the replayed market."""
    market = Market(seed=0)
    world = World(
        market=market,
        journal=Journal(folder / "journal.jsonl"),
        faults=FaultPlan(0),
        clock=MarketClock(market.start_ms + 86_400_000 * 2, wall_ms(), 1.0),
        clock_ms=clock_ms,
    )
    for venue in venues:
        world.exchanges[venue] = Exchange(world, LISTINGS[venue], keys=KeyRing())
    world.pins["BTCUSDT"] = Decimal(PX)
    world.tick()
    return world


class LabThread:
    """Start and stop one dialect; a subclass says how a request is answered. Streams come from `ip`."""

    tick_s = 0.1

    def __init__(self, world: World, dialect: Dialect) -> None:
        self.world = world
        self.ip = OWNER_IP
        self.rest = self.ws = ""
        self._dialect = dialect
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._rest = HttpServer(self._answer)
        self._ws = StreamServer(dialect.sessions(), lambda _request: self.ip)

    def _answer(self, request: Request) -> Answer:
        raise NotImplementedError

    def start(self) -> None:
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        except BaseException:
            self._end()
            raise
        self.rest = f"http://127.0.0.1:{self._rest.port}"
        self.ws = f"ws://127.0.0.1:{self._ws.port}"

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._end()

    def run(self, act: Callable[..., T], *args: Any) -> T:
        """Do something on the lab's own thread."""

        async def acting() -> T:
            return act(*args)

        return asyncio.run_coroutine_threadsafe(acting(), self._loop).result(10)

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self.world.journal.close()

    async def _listen(self) -> None:
        await self._rest.start("127.0.0.1", 0)
        await self._ws.start("127.0.0.1", [0])
        self._beat = asyncio.ensure_future(self._tick())

    async def _close(self) -> None:
        self._beat.cancel()
        await asyncio.wait([self._beat])
        await self._ws.stop()
        await self._rest.stop()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self.tick_s)
            self.world.tick()
            self._dialect.tick()
