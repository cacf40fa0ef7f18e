"""Prepare accounts ahead of their first open, a few at a time, beside whatever their lane does.

What is done is noted account by account, so a run that ends early, for want of rate budget or of its lease, is taken
up again by the next one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from concurrent.futures import Future
from itertools import groupby
from typing import NamedTuple

from copydesk.db import Database
from copydesk.kernel import Clock
from copydesk.replication.lane import Lanes
from copydesk.replication.model import No
from copydesk.replication.port import Surroundings
from copydesk.replication.prepare import Preparer
from copydesk.replication.setups import Gap, gaps
from copydesk.trading import Denial

log = logging.getLogger(__name__)

# Accounts side by side: an open that comes meanwhile waits for no more than these.
PART = 20
# Leaves the event loop to orders between two parts.
PAUSE_S = 0.05
# A refusal will hold until the account's owner has changed something.
REFUSED_PAUSE_S = 600.0


class _Part(NamedTuple):
    symbol: str
    accounts: list[int]


class Forerunner:
    """Bring a lane's accounts in line with their leaders' while nothing hurries."""

    def __init__(
        self,
        db: Database,
        around: Surroundings,
        lanes: Lanes,
        preparer: Preparer,
        clock: Clock,
        *,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._db = db
        self._around = around
        self._lanes = lanes
        self._preparer = preparer
        self._clock = clock
        self._pause_s = pause_s
        self._runs: dict[tuple[int, str], Future[None]] = {}
        self._refused_until: dict[tuple[int, Gap], float] = {}

    def start(self, tenant_id: int, shard: str) -> Future[None] | None:
        """Begin a run for a lane and return at once; None while one goes on, or where another worker has it."""
        last = self._runs.get((tenant_id, shard))
        if last is not None and not last.done():
            return None
        if self._lanes.hold(tenant_id, _lease_of(shard)) is None:
            return None
        # What is asked outside the loop is opened here, should this be the lane's first use.
        self._around.exchange(tenant_id, shard)
        run = self._around.start(self._run(tenant_id, shard))
        run.add_done_callback(_tell_trouble)
        self._runs[tenant_id, shard] = run
        return run

    def close(self) -> None:
        """End what goes on."""
        for run in self._runs.values():
            run.cancel()

    async def _run(self, tenant_id: int, shard: str) -> None:
        for part in await asyncio.to_thread(self._parts, tenant_id, shard):
            if await asyncio.to_thread(self._lanes.hold, tenant_id, _lease_of(shard)) is None:
                return
            answers = await self._preparer.ahead(tenant_id, shard, part.symbol, part.accounts)
            refused = {account: no for account, no in answers.items() if no is not None}
            self._put_off(tenant_id, part.symbol, refused)
            waits = [facts for denial, facts in refused.values() if denial is Denial.VENUE_UNAVAILABLE]
            if waits:
                log.info("preparing %s goes on later: %s", shard, waits[0].get("message", ""))
                return
            await asyncio.sleep(self._pause_s)

    def _parts(self, tenant_id: int, shard: str) -> list[_Part]:
        instruments = self._around.exchange(tenant_id, shard).instruments
        bounds = self._preparer.bounds(shard, self._around.terms(tenant_id, shard), instruments)
        with self._db.tenant(tenant_id) as session:
            found = gaps(session, shard, bounds)
        now = self._clock.monotonic()
        self._refused_until = {gap: until for gap, until in self._refused_until.items() if until > now}
        return list(_in_parts([gap for gap in found if (tenant_id, gap) not in self._refused_until]))

    def _put_off(self, tenant_id: int, symbol: str, refused: dict[int, No]) -> None:
        until = self._clock.monotonic() + REFUSED_PAUSE_S
        for account, (denial, facts) in refused.items():
            if denial is not Denial.VENUE_UNAVAILABLE:
                self._refused_until[tenant_id, Gap(symbol, account)] = until
                log.info("account %s is not prepared for %s: %s %s", account, symbol, denial, facts.get("message", ""))


def _lease_of(shard: str) -> str:
    """Name the lease of preparing: held for minutes, it must not keep the lane from a worker that has its signal."""
    return f"{shard}/prepare"


def _in_parts(found: list[Gap]) -> Iterator[_Part]:
    for symbol, of_symbol in groupby(found, key=lambda gap: gap.symbol):
        accounts = [gap.account_id for gap in of_symbol]
        for start in range(0, len(accounts), PART):
            yield _Part(symbol, accounts[start : start + PART])


def _tell_trouble(run: Future[None]) -> None:
    """Log a run that broke off; the next wake-up begins another."""
    if not run.cancelled() and (trouble := run.exception()) is not None:
        log.warning("preparing broke off: %s", str(trouble).partition("\n")[0])
