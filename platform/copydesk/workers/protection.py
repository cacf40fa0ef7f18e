"""Keeps a stop at the exchange for each copied position of a perpetual: placed, moved, verified, booked when it acts.

The risk role says what should rest (`want`); a thread of this module sees to it in rounds, a few requests at a time.
While stops of our own are being fired nothing is placed or moved, only looked at: both may have closed a position.
While PostgreSQL is away nothing is placed, and what rests stays: that is what it is for.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from operator import itemgetter
from threading import Lock
from typing import NamedTuple

from copydesk.db import Database
from copydesk.kernel import Clock, CopydeskError, VenueRefused
from copydesk.replication import (
    Exposure,
    Filled,
    NewStop,
    Progress,
    Protective,
    StopAnswer,
    Surroundings,
    Timing,
    after_look,
    after_placing,
    book_filled,
    note_progress,
    open_stops,
    store_stops,
)
from copydesk.risk.protection import Protection, ProtectiveState, Wish, reached, try_again_at, wish
from copydesk.trading import Credentials, Denial, PositionSide
from copydesk.venues import Draw, Outcome, Venue, drawing_on
from copydesk.workers.lookout import Lookout
from copydesk.workers.pace import Pace

log = logging.getLogger(__name__)

ROUND_EVERY_S = 0.5
READ_EVERY_S = 60.0
# Of each kind, in one round and lane: stops of our own share the risk role's part of every rate limit with this.
REQUESTS_MAX = 50
# As many refusals in a row as still make the next try later.
REFUSALS_MAX = 8
_NO_KEY = VenueRefused("the key cannot be opened", code=Denial.ACCOUNT_UNUSABLE)

# A brand and a subscription; and a book of it.
_Owner = tuple[int, int]
_Book = tuple[str, PositionSide]
# From a shard and a symbol to the mark that the risk role has heard; None where it has heard none.
MarkOf = Callable[[str, str], Decimal | None]


class Wanted(NamedTuple):
    """What should rest for one subscription: of each open book a stop, or None where none can be placed now."""

    account_id: int
    shard: str
    books: Mapping[_Book, Protection | None]


@dataclass
class _Brand:
    """What is known of one brand's stops."""

    stops: dict[int, Protective]
    read_at: float
    refusals: defaultdict[tuple[int, str, PositionSide], list[datetime]] = field(
        default_factory=lambda: defaultdict(list)
    )
    # Of each lane, how many resting stops may be looked at in a round.
    paces: defaultdict[str, Pace] = field(default_factory=lambda: defaultdict(lambda: Pace(REQUESTS_MAX)))


class _Urgency(IntEnum):
    """Who is looked at first."""

    IN_DOUBT = 0
    REACHED = 1
    ROUTINE = 2


class _Round(NamedTuple):
    """What one round does on one lane."""

    place: list[NewStop]
    cancel: list[Protective]
    look: list[Protective]


class Protector:
    """See to it that what is wanted rests. `want` may be called from any thread; the rest happens in its own."""

    def __init__(
        self,
        db: Database,
        around: Surroundings,
        clock: Clock,
        timing: Timing,
        *,
        verify_every: timedelta,
        tenants: Callable[[], Iterable[int]],
        mark_of: MarkOf,
        busy: Callable[[], bool],
    ) -> None:
        self._db = db
        self._around = around
        self._clock = clock
        self._timing = timing
        self._verify_every = verify_every
        self._tenants = tenants
        self._mark_of = mark_of
        self._busy = busy
        self._lock = Lock()
        self._wanted: dict[_Owner, Wanted] = {}
        self._stirred: set[_Owner] = set()
        self._brands: dict[int, _Brand] = {}
        self._lookout = Lookout(
            "protection", self.round, every_s=ROUND_EVERY_S, away="stops at exchanges stay as they are"
        )

    def start(self) -> None:
        """See to it from now on."""
        self._lookout.start()

    def close(self) -> None:
        """Stop; what rests goes on resting."""
        self._lookout.close()

    def want(self, tenant_id: int, exposure: Exposure, books: Mapping[_Book, Protection | None]) -> None:
        """Say what should rest for a subscription from now on."""
        owner, wanted = (tenant_id, exposure.subscription_id), Wanted(exposure.account_id, exposure.shard, books)
        with self._lock:
            if self._wanted.get(owner) != wanted:
                self._wanted[owner] = wanted
                self._stirred.add(owner)

    def forget(self, tenant_id: int, subscription_id: int) -> None:
        """Let nothing rest any more for a subscription that is gone."""
        with self._lock:
            self._wanted.pop((tenant_id, subscription_id), None)
            self._stirred.add((tenant_id, subscription_id))

    def round(self) -> None:
        """Take the next steps of every brand. Raises the driver's errors while PostgreSQL is away."""
        for tenant_id in self._tenants():
            self._tend(tenant_id, self._known(tenant_id))

    def _known(self, tenant_id: int) -> _Brand:
        """Return a brand's stops, read anew now and then."""
        brand, now = self._brands.get(tenant_id), time.monotonic()
        if brand is not None and now - brand.read_at < READ_EVERY_S:
            return brand
        with self._db.tenant(tenant_id) as session:
            stops = {stop.id: stop for stop in open_stops(session)}
        if brand is None:
            brand = self._brands[tenant_id] = _Brand(stops, now)
        else:
            brand.stops, brand.read_at = stops, now
            # Whoever has stops, and is not known to the risk role after a minute, has nothing to protect.
            with self._lock:
                self._stirred |= {(tenant_id, stop.subscription_id) for stop in stops.values()}
        return brand

    def _tend(self, tenant_id: int, brand: _Brand) -> None:
        now = self._clock.now()
        rounds: defaultdict[str, _Round] = defaultdict(lambda: _Round([], [], []))
        for shard, looks in self._looks(brand, now).items():
            rounds[shard].look.extend(looks)
        stirred = [] if self._busy() else self._stirred_of(tenant_id)
        mine: defaultdict[int, list[Protective]] = defaultdict(list)
        for stop in brand.stops.values() if stirred else ():
            mine[stop.subscription_id].append(stop)
        later = {owner for owner in stirred if not self._plan(owner, mine[owner[1]], brand, rounds, now)}
        with self._lock:
            self._stirred |= later
        for shard, work in rounds.items():
            if any(work):
                try:
                    self._carry_out(tenant_id, shard, brand, work)
                except CopydeskError as trouble:
                    log.warning("stops at the exchange of %s are seen to later: %s", shard, trouble)
                    self._stir_again(tenant_id, work)

    def _looks(self, brand: _Brand, now: datetime) -> Mapping[str, list[Protective]]:
        """Return, by lane, whom this round looks at: as many of those that rest as the lane's pace allows."""
        due: defaultdict[str, list[tuple[_Urgency, Protective]]] = defaultdict(list)
        for stop in brand.stops.values():
            urgency = self._urgency(stop, now)
            if urgency is not None:
                due[stop.shard].append((urgency, stop))
        looks = {}
        for shard, found in due.items():
            found.sort(key=itemgetter(0))
            in_doubt = [stop for urgency, stop in found if urgency is _Urgency.IN_DOUBT][:REQUESTS_MAX]
            resting = [stop for urgency, stop in found if urgency is not _Urgency.IN_DOUBT]
            looks[shard] = in_doubt + resting[: brand.paces[shard].allowed(now)]
        return looks

    def _urgency(self, stop: Protective, now: datetime) -> _Urgency | None:
        """Return how urgent a look is, None where none is due."""
        due = stop.look_at is None or stop.look_at <= now
        if stop.state is not ProtectiveState.RESTING:
            return _Urgency.IN_DOUBT if due else None
        mark = self._mark_of(stop.shard, stop.symbol)
        if mark is not None and reached(stop.terms, mark) and (due or not stop.looks):
            return _Urgency.REACHED
        return _Urgency.ROUTINE if due else None

    def _stirred_of(self, tenant_id: int) -> list[_Owner]:
        with self._lock:
            mine = sorted(owner for owner in self._stirred if owner[0] == tenant_id)
            self._stirred.difference_update(mine)
        return mine

    def _plan(
        self, owner: _Owner, stops: Sequence[Protective], brand: _Brand, rounds: Mapping[str, _Round], now: datetime
    ) -> bool:
        """Add what a subscription needs to the rounds; False where more is to be done later."""
        wanted = self._wanted.get(owner)
        books = wanted.books if wanted is not None else {}
        rows: defaultdict[_Book, list[Protective]] = defaultdict(list)
        for stop in stops:
            rows[stop.symbol, stop.position_side].append(stop)
        done = True
        for book in {*rows, *books}:
            found = wish(books.get(book), [one.row for one in rows[book]], held=book in books)
            done &= found == Wish() and all(one.state is ProtectiveState.RESTING for one in rows[book])
            for stop in rows[book]:
                if stop.revision in found.cancel and len(rounds[stop.shard].cancel) < REQUESTS_MAX:
                    rounds[stop.shard].cancel.append(stop)
            if found.place is not None and wanted is not None:
                again_at = try_again_at(brand.refusals.get((owner[1], *book), ()))
                place = rounds[wanted.shard].place
                if (again_at is None or again_at <= now) and len(place) < REQUESTS_MAX:
                    place.append(NewStop(owner[1], wanted.account_id, wanted.shard, *book, found.place))
        return done

    def _stir_again(self, tenant_id: int, work: _Round) -> None:
        ids = {one.subscription_id for one in work.place} | {one.subscription_id for one in work.cancel}
        with self._lock:
            self._stirred |= {(tenant_id, number) for number in ids}

    def _carry_out(self, tenant_id: int, shard: str, brand: _Brand, work: _Round) -> None:
        """Store what is about to be done, do it, and store what came of it."""
        accounts = {one.account_id for one in work.place} | {one.account_id for one in (*work.cancel, *work.look)}
        keys = self._around.credentials(tenant_id, accounts)
        exchange = self._around.exchange(tenant_id, shard)
        now = self._clock.now()
        proof_at = now + timedelta(milliseconds=self._timing.lease_ms + self._timing.unknown_wait_ms)
        market = {shard: (self._around.terms(tenant_id, shard).broker_prefix, exchange.venue.traits)}
        new = [one for one in work.place if one.account_id in keys]
        canceling = [one._replace(state=ProtectiveState.CANCELING) for one in work.cancel]
        with self._db.tenant(tenant_id) as session:
            placing = store_stops(session, new, market, now=now, proof_at=proof_at) if new else []
            note_progress(session, [Progress(one, one.state, now) for one in canceling], now)
        brand.stops |= {one.id: one for one in (*placing, *canceling)}
        asked = [*canceling, *work.look]
        outcomes, answers = self._around.start(_say(exchange.venue, keys, placing, asked)).result()
        now = self._clock.now()
        resting = [answer for one, answer in zip(asked, answers, strict=True) if one.state is ProtectiveState.RESTING]
        brand.paces[shard].note(resting, now)
        every = self._verify_every
        told = [after_placing(one, outcome, now, every) for one, outcome in zip(placing, outcomes, strict=True)]
        told += [after_look(one, answer, now, every) for one, answer in zip(asked, answers, strict=True)]
        self._store(tenant_id, brand, told, now)

    def _store(self, tenant_id: int, brand: _Brand, told: Sequence[Progress | Filled], now: datetime) -> None:
        progress = [one for one in told if isinstance(one, Progress)]
        with self._db.tenant(tenant_id) as session:
            note_progress(session, progress, now)
        for one in progress:
            self._heed(tenant_id, brand, one, now)
        for filled in told:
            if isinstance(filled, Filled):
                self._book(tenant_id, brand, filled, now)

    def _heed(self, tenant_id: int, brand: _Brand, one: Progress, now: datetime) -> None:
        stop = one.stop
        book = stop.subscription_id, stop.symbol, stop.position_side
        if one.state in (ProtectiveState.PLACING, ProtectiveState.RESTING, ProtectiveState.CANCELING):
            brand.stops[stop.id] = one.now
        else:
            brand.stops.pop(stop.id, None)
        if one.state is ProtectiveState.REFUSED:
            log.info("a stop of subscription %s on %s was not taken: %s", *book[:2], one.reason)
            brand.refusals[book] = [*brand.refusals[book], now][-REFUSALS_MAX:]
        elif one.state is ProtectiveState.RESTING:
            brand.refusals.pop(book, None)
        if one.state is not stop.state:
            with self._lock:
                self._stirred.add((tenant_id, stop.subscription_id))

    def _book(self, tenant_id: int, brand: _Brand, filled: Filled, now: datetime) -> None:
        stop = filled.stop
        with self._db.tenant(tenant_id) as session:
            booked = book_filled(session, stop, filled.view, now)
        brand.stops.pop(stop.id, None)
        log.warning(
            "the stop of subscription %s at the exchange closed %s of %s%s",
            *(stop.subscription_id, filled.view.cum_qty, stop.symbol),
            "" if booked else "; its book was flat already",
        )
        self._around.look_soon(tenant_id, stop.shard)
        self._around.announce(tenant_id, {"type": "risk", "subscription_id": stop.subscription_id})


async def _say(
    venue: Venue,
    keys: Mapping[int, Credentials],
    placing: Sequence[Protective],
    asked: Sequence[Protective],
) -> tuple[list[Outcome], list[StopAnswer]]:
    """Place, cancel and ask, all at once; trouble with one is its answer."""
    orders = [(keys[one.account_id], one.request()) for one in placing]
    placed = venue.submit_many(orders) if orders else _nothing()
    outcomes, answers = await asyncio.gather(placed, asyncio.gather(*[_ask(venue, keys, one) for one in asked]))
    return outcomes, answers


async def _nothing() -> list[Outcome]:
    return []


async def _ask(venue: Venue, keys: Mapping[int, Credentials], stop: Protective) -> StopAnswer:
    """Ask for a stop, or cancel it and ask then: it may have acted in between.

    What rested, or has closed a position, may wait; what is in doubt draws on the reserve, as all that is.
    """
    if stop.account_id not in keys:
        return _NO_KEY
    key = keys[stop.account_id]
    try:
        with drawing_on(Draw.OPENS if stop.state is ProtectiveState.RESTING else Draw.RESERVE):
            if stop.state is ProtectiveState.CANCELING:
                await venue.cancel(key, stop.symbol, stop.client_order_id, conditional=True)
            return await venue.query(key, stop.symbol, stop.client_order_id, conditional=True)
    except CopydeskError as trouble:
        return trouble
