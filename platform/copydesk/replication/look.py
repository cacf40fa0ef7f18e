"""Ask the exchange what became of copies, and judge what it says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from copydesk.db import Database
from copydesk.kernel import Clock, CopydeskError, VenueRefused
from copydesk.replication.inflight import OpenCopy, acknowledged_opens
from copydesk.replication.lane import Hold
from copydesk.replication.model import Book, Follower, SignalFact
from copydesk.replication.outcomes import ACKNOWLEDGED, expired, pause_s, settlement_of_fills, settlement_of_view
from copydesk.replication.port import Exchange, Surroundings
from copydesk.replication.settle import Settlement, settle
from copydesk.trading import Credentials, Denial, Fill, OrderStatus, OrderView
from copydesk.venues import Draw, VenueTraits, drawing_on

# A close waits no longer than this for what was opened before it.
LOOK_MAX_S = 1.0
# An order's executions are asked for from a little before it was planned: the exchange's clock may be behind ours.
_CLOCKS_APART = timedelta(minutes=1)


class Executions(NamedTuple):
    """All that was executed of an order that the exchange has forgotten."""

    fills: tuple[Fill, ...]


Answer = OrderView | Executions | CopydeskError | None


@dataclass(frozen=True)
class Verdicts:
    """What a round of questions decided: settlements to store, copies proven absent to send again."""

    settlements: list[Settlement]
    resend: list[OpenCopy]


async def ask_all(
    exchange: Exchange, copies: Sequence[OpenCopy], keys: dict[int, Credentials], *, now: datetime
) -> list[Answer]:
    """Ask the exchange about every copy at once; trouble with one is its answer.

    What was acknowledged is only asked for its fills, so that draws on no reserve: closes go first. Of an order that
    the exchange has forgotten, its executions are asked for.
    """

    async def ask(copy: OpenCopy) -> Answer:
        if copy.account_id not in keys:
            return VenueRefused("the key cannot be opened", code=Denial.ACCOUNT_UNUSABLE)
        if copy.symbol not in exchange.instruments:
            return VenueRefused(f"{copy.symbol} is not listed any more", code=Denial.INSTRUMENT_UNMAPPED)
        try:
            with drawing_on(Draw.OPENS if copy.status in ACKNOWLEDGED else Draw.RESERVE):
                view = await exchange.venue.query(keys[copy.account_id], copy.symbol, copy.client_order_id)
                if view is not None or not provable(copy, exchange.venue.traits, now=now):
                    return view
                return await _executions(exchange, copy, keys[copy.account_id])
        except CopydeskError as trouble:
            return trouble

    return await asyncio.gather(*[ask(copy) for copy in copies])


async def _executions(exchange: Exchange, copy: OpenCopy, key: Credentials) -> Executions:
    assert copy.venue_order_id is not None, "only a provable copy is asked about"
    since_ms = int((copy.planned_at - _CLOCKS_APART).timestamp() * 1000)
    return Executions(await exchange.venue.fills(key, copy.symbol, copy.venue_order_id, since_ms=since_ms))


def provable(copy: OpenCopy, traits: VenueTraits, *, now: datetime) -> bool:
    """Tell whether executions prove what became of a copy's order that the exchange says it does not have. Pure.

    They do for an order that was acknowledged, long enough ago that its query cannot lag behind any more, and not so
    long ago that the exchange no longer tells its executions.
    """
    if copy.status not in ACKNOWLEDGED or copy.venue_order_id is None or copy.acked_at is None:
        return False
    if now - copy.planned_at >= timedelta(seconds=traits.fills_age_s_max) - _CLOCKS_APART:
        return False
    return now - copy.acked_at >= timedelta(seconds=traits.absence_age_s_min)


def judge(due: Sequence[OpenCopy], answers: Sequence[Answer], *, now: datetime, age_ms_max: int) -> Verdicts:
    """Decide each copy by the exchange's word. Pure.

    An order that the exchange shows is settled by what it shows. "No such order" counts only from `proof_at`
    on; then a close, or an open that is still wanted, fresh and allowed by its key, is sent again under the same id,
    and any other ends as expired. Of an order that was acknowledged once it is no proof at all: that order is asked
    about again, until it is `provable`. Then its executions end it, unless they are fewer than the exchange has told
    before. Trouble in asking leaves the copy as it is, to be asked about later.
    """
    settlements: list[Settlement] = []
    resend: list[OpenCopy] = []
    for copy, answer in zip(due, answers, strict=True):
        if isinstance(answer, OrderView):
            settlements.append(settlement_of_view(copy.id, answer, now=now, reduces=copy.reduces, looks=copy.checks))
        elif isinstance(answer, Executions):
            settlements.append(_by_executions(copy, answer, now))
        elif answer is not None or copy.status in ACKNOWLEDGED:
            settlements.append(_ask_later(copy, answer, now))
        elif copy.proof_at is not None and now < copy.proof_at:
            settlements.append(Settlement(copy.id, OrderStatus.IN_FLIGHT, next_check_at=copy.proof_at))
        elif not copy.wanted:
            settlements.append(expired(copy.id, Denial.NEVER_ARRIVED))
        elif copy.key_denial is not None and not copy.reduces:
            settlements.append(expired(copy.id, Denial(copy.key_denial)))
        elif copy.reduces or now - copy.signal_at <= timedelta(milliseconds=age_ms_max):
            resend.append(copy)
        else:
            settlements.append(expired(copy.id, Denial.SIGNAL_TOO_OLD))
    return Verdicts(settlements, resend)


def _by_executions(copy: OpenCopy, answer: Executions, now: datetime) -> Settlement:
    settlement = settlement_of_fills(copy.id, answer.fills, qty=copy.qty)
    return settlement if settlement.cum_qty >= copy.cum_qty else _ask_later(copy, None, now)


def _ask_later(copy: OpenCopy, trouble: CopydeskError | None, now: datetime) -> Settlement:
    """Ask again when the exchange or our rate budget says, else after a pause that grows."""
    pause = timedelta(seconds=pause_s(trouble, copy.checks))
    later = Settlement(copy.id, copy.status, next_check_at=now + pause)
    if isinstance(trouble, VenueRefused):
        return later._replace(reason=trouble.code, facts={"message": str(trouble)})
    return later


def to_look_at_first(signal: SignalFact, crowd: Sequence[Follower]) -> bool:
    """Tell whether a signal closes what may just have been opened: how much that is, is asked before planning. Pure."""
    before, after = signal.position_before, signal.position_after
    closes = before != 0 and (before * after <= 0 or abs(after) < abs(before))
    return closes and any(_opening(follower.book) for follower in crowd)


def _opening(book: Book) -> bool:
    return book.buying > book.buying_back or book.selling > book.selling_off


class Looker:
    """Find out what acknowledged opens have filled, for a close that cannot wait for the next round."""

    def __init__(self, db: Database, around: Surroundings, clock: Clock) -> None:
        self._db = db
        self._around = around
        self._clock = clock

    def look(self, tenant_id: int, shard: str, hold: Hold, signal: SignalFact) -> None:
        """Ask once for every acknowledged open of the signal's instrument on this lane, and settle what is told.

        Nothing is settled where the exchange takes too long: the close goes on, and reconcile finds out.
        """
        with self._db.tenant(tenant_id) as session:
            copies = acknowledged_opens(session, shard=shard, symbol=signal.symbol)
        if not copies:
            return
        keys = self._around.credentials(tenant_id, {copy.account_id for copy in copies})
        asking = ask_all(self._around.exchange(tenant_id, shard), copies, keys, now=self._clock.now())
        try:
            answers = self._around.start(asyncio.wait_for(asking, LOOK_MAX_S)).result()
        except TimeoutError:
            return
        age_ms_max = self._around.terms(tenant_id, shard).signal_age_ms_max
        found = judge(copies, answers, now=self._clock.now(), age_ms_max=age_ms_max)
        with self._db.tenant(tenant_id) as session:
            settle(session, found.settlements, epoch=hold.epoch)
