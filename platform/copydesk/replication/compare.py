"""Read accounts a few at a time and hold their books against what the exchange says."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from copydesk.db import Database, TenantSession
from copydesk.kernel import Clock, CopydeskError
from copydesk.replication.detach import Loss, Seen, detach, last_seen, liquidated_at, note_positions
from copydesk.replication.holdings import (
    Held,
    Owned,
    Shortfall,
    flag_unbacked,
    held_books,
    shortfalls,
    unbacked,
)
from copydesk.replication.lane import Hold
from copydesk.replication.port import Surroundings
from copydesk.replication.protective import not_shown_since
from copydesk.trading import Credentials, PositionSide
from copydesk.venues import LeaderTrade, Venue

# Reading an account weighs at most 25 of several thousand a minute on every exchange: ten accounts per ten seconds,
# all lanes together, leave room for asking after copies in doubt. A round comes oftener than that whenever a copy is
# in doubt.
COMPARE_MAX = 10
COMPARE_PAUSE_S = 10.0
COMPARE_EVERY_S = 60.0
# An exchange may tell of a position a little after the order that made it: what is missing twice is missing.
CERTAIN_AFTER_S = 10.0
_CLOCKS_APART = timedelta(minutes=1)

_Book = tuple[int, int, str, PositionSide]


class _Short(NamedTuple):
    """Since when a book was found short, by the process's clock and by the calendar, and what it said it holds."""

    since: float
    at: datetime
    qty: Decimal


class Comparer:
    """Compare a few accounts of a lane in each round, those first that were not looked at for longest."""

    def __init__(self, db: Database, around: Surroundings, clock: Clock) -> None:
        self._db = db
        self._around = around
        self._clock = clock
        self._compared_at: dict[tuple[int, int], float] = {}
        self._rounds_at: dict[tuple[int, str], float] = {}
        self._short_since: dict[_Book, _Short] = {}

    def compare(self, tenant_id: int, shard: str, hold: Hold) -> None:
        """Mark subscriptions whose accounts have less than their books say, and unmark those that have it again.

        What is missing at a second look as well was closed by somebody else: the book is written down, and detached.
        """
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
        found = shortfalls(looked_at, owned, exchange.instruments)
        certain = self._certain(tenant_id, looked_at, found, now)
        with self._db.tenant(tenant_id) as session:
            certain = self._not_by_stops(session, certain)
            seen = last_seen(session, owned)
        losses = self._around.start(_explained(exchange.venue, keys, certain, seen)).result()
        with self._db.tenant(tenant_id) as session:
            if detach(session, shard, hold.epoch, losses):
                looked_at = _left(looked_at, certain)
            doubted = [one for one in found if one not in certain]
            note_positions(session, owned, doubted, self._clock.now())
            missing = unbacked(looked_at, owned, exchange.instruments)
            flag_unbacked(session, missing=missing, fine={book.subscription_id for book in looked_at})
        for subscription_id in {loss.shortfall.book.subscription_id for loss in losses}:
            self._around.announce(tenant_id, {"type": "subscription", "subscription_id": subscription_id})

    def _certain(
        self, tenant_id: int, looked_at: Sequence[Held], found: Sequence[Shortfall], now: float
    ) -> list[Shortfall]:
        """Return the shortfalls that an earlier look has found as well, of the same books."""
        known: dict[_Book, _Short] = {}
        for one in found:
            before = self._short_since.get(_named(tenant_id, one.book))
            if before is None or before.qty != one.book.qty:
                before = _Short(now, self._clock.now(), one.book.qty)
            known[_named(tenant_id, one.book)] = before
        for book in looked_at:
            self._short_since.pop(_named(tenant_id, book), None)
        self._short_since |= known
        return [one for one in found if now - known[_named(tenant_id, one.book)].since >= CERTAIN_AFTER_S]

    def _not_by_stops(self, session: TenantSession, certain: Sequence[Shortfall]) -> list[Shortfall]:
        """Leave out what a stop at the exchange may have closed: whoever minds it books that, or sees it rest."""
        books = [one.book for one in certain]
        missing = {
            (book.subscription_id, book.symbol, book.position_side): self._short_since[
                _named(session.tenant_id, book)
            ].at
            for book in books
        }
        doubted = not_shown_since(session, missing)
        return [
            one for one in certain if (one.book.subscription_id, one.book.symbol, one.book.position_side) not in doubted
        ]

    def _due(self, tenant_id: int, books: Sequence[Held], now: float) -> Sequence[int]:
        accounts_max = max(COMPARE_MAX // len(self._rounds_at), 1)
        ages = {book.account_id: self._compared_at.get((tenant_id, book.account_id), 0.0) for book in books}
        doubted = {book.account_id for book in books if _named(tenant_id, book) in self._short_since}
        due = [
            account
            for account, at in ages.items()
            if at == 0.0 or now - at >= (CERTAIN_AFTER_S if account in doubted else COMPARE_EVERY_S)
        ]
        return sorted(due, key=lambda account: (account not in doubted, ages[account]))[:accounts_max]


def _named(tenant_id: int, book: Held) -> _Book:
    return tenant_id, book.subscription_id, book.symbol, book.position_side


def _left(books: Sequence[Held], gone: Sequence[Shortfall]) -> list[Held]:
    """Return the books as they are once shortfalls are written off."""
    backed = {(one.book.subscription_id, one.book.symbol, one.book.position_side): one.backed for one in gone}
    return [
        book._replace(qty=backed.get((book.subscription_id, book.symbol, book.position_side), book.qty))
        for book in books
    ]


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


async def _explained(
    venue: Venue, keys: Mapping[int, Credentials], certain: Sequence[Shortfall], seen: Seen
) -> list[Loss]:
    """Find out of each perpetual that is missing whether it was liquidated; in doubt its owner closed it."""
    losses = []
    for shortfall in certain:
        book = shortfall.book
        last = seen.get((book.account_id, book.symbol, book.position_side))
        trades: list[LeaderTrade] = []
        if last is not None:
            since_ms = int((last.at - _CLOCKS_APART).timestamp() * 1000)
            try:
                trades = await venue.trades_since(keys[book.account_id], book.symbol, since_ms)
            except CopydeskError:
                trades = []
        losses.append(Loss(shortfall, liquidated_at(shortfall, last, trades)))
    return losses
