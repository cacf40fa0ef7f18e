"""Drain a shard: plan every due signal, store the copies, send them, settle the answers (DESIGN §5, steps 4 to 8)."""

from __future__ import annotations

from collections.abc import Sequence

from copydesk.db import Database
from copydesk.kernel import Clock
from copydesk.replication.dispatch import Dispatch, Sender
from copydesk.replication.lane import Hold, Lanes
from copydesk.replication.look import Looker, to_look_at_first
from copydesk.replication.model import Follower, Limits, Planned, SignalFact
from copydesk.replication.orders import copy_digest, order_request
from copydesk.replication.outcomes import looks_soon
from copydesk.replication.plan import CLOSE, OPEN, deny_all, plan_copies
from copydesk.replication.port import Surroundings, Terms
from copydesk.replication.prepare import Preparer, with_refusals
from copydesk.replication.reversal import Reversals
from copydesk.replication.settle import settle
from copydesk.replication.store import CopyBatch, DueSignal, followers, mark_stored, next_due, store_copies
from copydesk.trading import Denial
from copydesk.venues import client_order_id

# Followers stored in one transaction; the next chunk is stored while this one's orders are on the wire.
CHUNK = 250
# A lane under a steady flow gives way to the others after this long; the relay wakes it again.
SHIFT_S = 5.0


class Drainer:
    """Plan, store, send and settle what is due on a lane."""

    def __init__(
        self, db: Database, around: Surroundings, lanes: Lanes, sender: Sender, clock: Clock, preparer: Preparer
    ) -> None:
        self._db = db
        self._around = around
        self._lanes = lanes
        self._sender = sender
        self._clock = clock
        self._preparer = preparer
        self._reversals = Reversals(db, around, sender, clock)
        self._looker = Looker(db, around, clock)

    def drain(self, tenant_id: int, shard: str) -> int:
        """Handle every due signal of the lane, oldest first, and return how many; 0 where another worker has it.

        Under a steady flow it leaves after a while, so that other lanes get their turn.
        """
        with self._lanes.tend(tenant_id, shard):
            return self._drain(tenant_id, shard)

    def _drain(self, tenant_id: int, shard: str) -> int:
        handled, leave_at = 0, self._clock.monotonic() + SHIFT_S
        while self._clock.monotonic() < leave_at and (hold := self._lanes.hold(tenant_id, shard)):
            with self._db.tenant(tenant_id) as session:
                due = next_due(session, shard)
                crowd = followers(session, due, shard) if due else []
            if due is None:
                break
            if to_look_at_first(due.fact, crowd):
                self._looker.look(tenant_id, shard, hold, due.fact)
                with self._db.tenant(tenant_id) as session:
                    crowd = followers(session, due, shard)
            if not self._handle(tenant_id, shard, hold, due, crowd):
                self._lanes.drop(tenant_id, shard)
                break
            handled += 1
        return handled

    def _handle(self, tenant_id: int, shard: str, hold: Hold, due: DueSignal, crowd: Sequence[Follower]) -> bool:
        """Store and send chunk by chunk, so that the first orders leave while later ones are still being stored."""
        on_the_way, waits, fenced = [], False, False
        chunks = [crowd[at : at + CHUNK] for at in range(0, len(crowd), CHUNK)] or [[]]
        for chunk in chunks:
            planned = self._plan(tenant_id, shard, due, chunk)
            # Setting accounts up may have taken long: what is stored now is to be sent under a lease that lasts.
            current = self._lanes.hold(tenant_id, shard)
            if current is None or current.epoch != hold.epoch:
                fenced = True
                break
            hold = current
            batch = self._store(tenant_id, shard, hold, due.fact, planned, last=chunk is chunks[-1])
            if batch is None:
                fenced = True
                break
            on_the_way.append(self._sender.start(tenant_id, shard, hold, batch))
            waits |= any(item.waits for item in planned)
        stored_at = self._clock.now()
        settlements = [settlement for sending in on_the_way for settlement in self._sender.finish(sending)]
        with self._db.tenant(tenant_id) as session:
            settle(session, settlements, epoch=hold.epoch)
            mark_stored(session, shard=shard, signal_id=due.fact.id, at=stored_at)
        self._around.announce(tenant_id, {"type": "copies", "signal_id": due.fact.id})
        if looks_soon(settlements):
            self._around.look_soon(tenant_id, shard)
        if waits and not fenced:
            self._reversals.release(tenant_id, shard, hold)
        return not fenced

    def _plan(self, tenant_id: int, shard: str, due: DueSignal, crowd: Sequence[Follower]) -> list[Planned]:
        """Plan a chunk; accounts that are new to a perpetual are set up for it, and planned again where that fails."""
        signal, terms = due.fact, self._around.terms(tenant_id, shard)
        instrument = self._around.exchange(tenant_id, shard).instruments.get(signal.symbol)
        if instrument is None:
            return deny_all(signal, crowd, Denial.INSTRUMENT_UNMAPPED)
        limits, now = _limits(terms, due), self._clock.now()
        planned = plan_copies(signal, crowd, instrument, limits, now=now)
        if not (instrument.perpetual and signal.opens):
            return planned
        refusals = self._preparer.refusals(tenant_id, shard, signal, instrument, planned)
        if not refusals:
            return planned
        return plan_copies(signal, with_refusals(crowd, refusals), instrument, limits, now=now)

    def _store(
        self, tenant_id: int, shard: str, hold: Hold, signal: SignalFact, planned: Sequence[Planned], *, last: bool
    ) -> list[Dispatch] | None:
        """Store in one transaction, closes first; None when the fence is closed. `last` drains the delivery."""
        terms, traits = self._around.terms(tenant_id, shard), self._around.exchange(tenant_id, shard).venue.traits
        legs = [[item for item in planned if item.leg == leg] for leg in (CLOSE, OPEN)]
        legs = [leg for leg in legs if leg] or [[]]
        now, ready = self._clock.now(), []
        with self._db.tenant(tenant_id) as session:
            for leg in legs:
                ids = [
                    client_order_id(
                        terms.broker_prefix, copy_digest(tenant_id, item.subscription_id, signal.id, item.leg), traits
                    )
                    for item in leg
                ]
                batch = CopyBatch(shard, hold.epoch, signal, leg, ids, now, last and leg is legs[-1])
                stored = store_copies(session, batch)
                if stored is None:
                    return None
                ready += _dispatches(batch, stored)
        return ready


def _limits(terms: Terms, due: DueSignal) -> Limits:
    return Limits(
        terms.slippage_bps_max,
        terms.signal_age_ms_max,
        market_allowed=due.fact.symbol in terms.markets,
        strategy_live=due.strategy_live,
    )


def _dispatches(batch: CopyBatch, stored: dict[str, int]) -> list[Dispatch]:
    """Pair stored copies with their orders; those that wait for a close are not sent yet."""
    signal = batch.signal
    return [
        Dispatch(stored[cid], item.account_id, order_request(cid, signal.symbol, item, signal.position_side))
        for item, cid in zip(batch.planned, batch.client_order_ids, strict=True)
        if item.denial is None and not item.waits and cid in stored
    ]
