"""Questions that take the exchange longer than a lease lasts are asked once, and their answers are believed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from copydesk.trading import Credentials, OrderView, Side
from copydesk.workers.loop import ResidentLoop
from desk_site import Around, Site, Worker
from paper_exchange import PaperExchange

LEASE_MS = 500


class SlowExchange(PaperExchange):
    """Answer questions only when two leases have passed since the first one."""

    asked_at: float = 0.0

    async def query(self, credentials: Credentials, symbol: str, client_order_id: str) -> OrderView | None:
        self.asked_at = self.asked_at or time.monotonic()
        while time.monotonic() < self.asked_at + 2 * LEASE_MS / 1000:
            await asyncio.sleep(0.01)
        return await super().query(credentials, symbol, client_order_id)


class Beside(Around):
    """Surroundings whose work runs on a loop of its own, beside whoever waits for it."""

    def __init__(self, exchange: PaperExchange, loop: ResidentLoop) -> None:
        super().__init__(exchange)
        self._loop = loop

    def start(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        return self._loop.start(work)


@pytest.fixture
def loop() -> Iterator[ResidentLoop]:
    opened = ResidentLoop()
    yield opened
    opened.close()


def test_a_round_that_outlasts_its_lease_keeps_the_lane_and_settles_what_it_learned(
    site: Site, loop: ResidentLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desk_site.LEASE_MS", LEASE_MS)
    site.exchange = SlowExchange(mood={site.accounts[0]: "silent"})
    worker = Worker(site, "one", Beside(site.exchange, loop))
    site.trade(Side.BUY, "0.4")
    worker.drain()
    assert site.statuses() == ["in_flight"]
    epoch = site.one("SELECT epoch FROM shard_lease")

    assert worker.reconcile() >= 1
    assert site.statuses() == ["filled"]
    assert site.one("SELECT epoch FROM shard_lease") == epoch
    assert len(site.exchange.arrived) == len(site.exchange.asked) == 1
