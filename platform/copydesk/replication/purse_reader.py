"""Look at the purses of a lane's accounts, a few at a time, beside whatever the lane does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Collection, Mapping
from concurrent.futures import Future
from typing import TypeVar

from copydesk.db import Database
from copydesk.kernel import Clock, CopydeskError, VenueRefused
from copydesk.replication.port import Surroundings, Terms
from copydesk.replication.purses import Wallets, due_purses, is_of_purse, note_wallets
from copydesk.trading import Credentials
from copydesk.venues import Draw, Venue, Wallet, drawing_on

log = logging.getLogger(__name__)
_T = TypeVar("_T")

# Side by side; an order that comes meanwhile waits for no more than these.
ACCOUNTS_MAX = 10


class PurseReader:
    """Keep what accounts own known, where some limit is a share of it; draws on what orders leave of the rate budget.

    Two workers may look at once: what is seen later stays.
    """

    def __init__(self, db: Database, around: Surroundings, clock: Clock) -> None:
        self._db = db
        self._around = around
        self._clock = clock
        self._runs: dict[tuple[int, str], Future[None]] = {}

    def start(self, tenant_id: int, shard: str) -> Future[None] | None:
        """Begin to look and return at once; None where nobody's purse is due, or a look goes on still."""
        last = self._runs.get((tenant_id, shard))
        if last is not None and not last.done():
            return None
        terms = self._around.terms(tenant_id, shard)
        everyone = any(is_of_purse(scoped) for scoped in terms.risk_limits)
        with self._db.tenant(tenant_id) as session:
            due = due_purses(session, everyone=everyone, now=self._clock.now(), shard=shard)
        keys = self._around.credentials(tenant_id, due[:ACCOUNTS_MAX])
        if not keys:
            return None
        # What is asked outside the loop is opened here, should this be the lane's first use.
        self._around.exchange(tenant_id, shard)
        run = self._runs[tenant_id, shard] = self._around.start(self._look(tenant_id, shard, terms, keys))
        run.add_done_callback(_tell_trouble)
        return run

    def close(self) -> None:
        """End what goes on."""
        for run in self._runs.values():
            run.cancel()

    async def _look(self, tenant_id: int, shard: str, terms: Terms, keys: Mapping[int, Credentials]) -> None:
        venue = self._around.exchange(tenant_id, shard).venue
        perpetuals = any(":" in symbol for symbol in terms.markets)
        with drawing_on(Draw.SPARE):
            works = [read_wallets(venue, key, perpetuals=perpetuals) for key in keys.values()]
            answers = await asyncio.gather(*works, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, CopydeskError):
                raise answer
        seen = {account: answer for account, answer in zip(keys, answers, strict=True) if isinstance(answer, Wallets)}
        await asyncio.to_thread(self._keep, tenant_id, shard, terms.markets, seen)

    def _keep(self, tenant_id: int, shard: str, markets: Collection[str], seen: Mapping[int, Wallets]) -> None:
        with self._db.tenant(tenant_id) as session:
            note_wallets(
                session,
                seen,
                markets,
                px_of=lambda symbol: self._around.price_now(shard, symbol).px,
                at=self._clock.now(),
            )


async def read_wallets(venue: Venue, credentials: Credentials, *, perpetuals: bool) -> Wallets:
    """Ask for an account's purses and, where perpetuals are copied, its positions.

    An account without the right to trade them has nothing there. Raises what reading a purse raises.
    """
    coins = venue.balances(credentials)
    if not perpetuals:
        return Wallets([await coins])
    margin = None if venue.traits.unified else venue.balances(credentials, Wallet.FUTURES)
    found, positions, more = await asyncio.gather(coins, _or_none(venue.positions(credentials)), _or_none(margin))
    return Wallets([found, more or {}], tuple(positions or ()))


async def _or_none(asking: Awaitable[_T] | None) -> _T | None:
    """Return what an exchange says, None where it refuses to."""
    if asking is None:
        return None
    try:
        return await asking
    except VenueRefused:
        return None


def _tell_trouble(run: Future[None]) -> None:
    """Log a look that broke off; the next wake-up begins another."""
    if not run.cancelled() and (trouble := run.exception()) is not None:
        log.warning("looking at purses broke off: %s", str(trouble).partition("\n")[0])
