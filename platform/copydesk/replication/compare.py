"""Read accounts a few at a time and hold their books against what the exchange says."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from copydesk.db import Database
from copydesk.kernel import Clock, CopydeskError
from copydesk.replication.holdings import Held, Owned, flag_unbacked, held_books, unbacked
from copydesk.replication.port import Surroundings
from copydesk.trading import Credentials
from copydesk.venues import Venue

# Reading an account weighs at most 25 of several thousand a minute on every exchange: ten accounts per ten seconds,
# all lanes together, leave room for asking after copies in doubt. A round comes oftener than that whenever a copy is
# in doubt.
COMPARE_MAX = 10
COMPARE_PAUSE_S = 10.0
COMPARE_EVERY_S = 60.0


class Comparer:
    """Compare a few accounts of a lane in each round, those first that were not looked at for longest."""

    def __init__(self, db: Database, around: Surroundings, clock: Clock) -> None:
        self._db = db
        self._around = around
        self._clock = clock
        self._compared_at: dict[tuple[int, int], float] = {}
        self._rounds_at: dict[tuple[int, str], float] = {}

    def compare(self, tenant_id: int, shard: str) -> None:
        """Mark subscriptions whose accounts have less than their books say, and unmark those that have it again."""
        now = self._clock.monotonic()
        if now < self._rounds_at.get((tenant_id, shard), 0.0) + COMPARE_PAUSE_S:
            return
        self._rounds_at[tenant_id, shard] = now
        with self._db.tenant(tenant_id) as session:
            books = held_books(session, shard)
        keys = self._around.credentials(tenant_id, self._due(tenant_id, books, now))
        if not keys:
            return
        exchange = self._around.exchange(tenant_id, shard)
        owned = self._around.start(_read(exchange.venue, keys, books)).result()
        self._compared_at |= {(tenant_id, account_id): now for account_id in keys}
        looked_at = [book for book in books if book.account_id in owned]
        missing = unbacked(looked_at, owned, exchange.instruments)
        with self._db.tenant(tenant_id) as session:
            flag_unbacked(session, missing=missing, fine={book.subscription_id for book in looked_at})

    def _due(self, tenant_id: int, books: Sequence[Held], now: float) -> Sequence[int]:
        accounts_max = max(COMPARE_MAX // len(self._rounds_at), 1)
        ages = {book.account_id: self._compared_at.get((tenant_id, book.account_id), 0.0) for book in books}
        due = (account for account, at in ages.items() if now - at >= COMPARE_EVERY_S or at == 0.0)
        return sorted(due, key=ages.__getitem__)[:accounts_max]


async def _read(venue: Venue, keys: dict[int, Credentials], books: Collection[Held]) -> dict[int, Owned]:
    """Read accounts at once; one whose exchange does not answer in full is left out."""
    coins = {book.account_id for book in books if not book.perpetual}
    perpetuals = {book.account_id for book in books if book.perpetual}
    works = [_owned(venue, key, coins=a in coins, perpetuals=a in perpetuals) for a, key in keys.items()]
    answers = await asyncio.gather(*works, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, CopydeskError):
            raise answer
    return {a: answer for a, answer in zip(keys, answers, strict=True) if not isinstance(answer, BaseException)}


async def _owned(venue: Venue, credentials: Credentials, *, coins: bool, perpetuals: bool) -> Owned:
    """Ask only for what the account's books are about."""
    return Owned(
        await venue.balances(credentials) if coins else None,
        await venue.positions(credentials) if perpetuals else None,
    )
