"""Drain a shard: plan every due signal, store the copies, send them, settle the answers (DESIGN §5, steps 4 to 8)."""

from __future__ import annotations

from collections.abc import Sequence

from copydesk.db import Database
from copydesk.kernel import Clock
from copydesk.replication.dispatch import Dispatch, Sender
from copydesk.replication.lane import Hold, Lanes
from copydesk.replication.model import Follower, Limits, Planned
from copydesk.replication.orders import copy_digest, order_request
from copydesk.replication.plan import deny_all, plan_copies
from copydesk.replication.port import Surroundings, Terms
from copydesk.replication.settle import settle
from copydesk.replication.store import CopyBatch, DueSignal, followers, mark_stored, next_due, store_copies
from copydesk.trading import Denial, Instrument
from copydesk.venues import client_order_id

# Followers stored in one transaction; the next chunk is stored while this one's orders are on the wire.
CHUNK = 250
# A lane under a steady flow gives way to the others after this long; the relay wakes it again.
SHIFT_S = 5.0


class Drainer:
    """Plan, store, send and settle what is due on a lane."""

    def __init__(self, db: Database, around: Surroundings, lanes: Lanes, sender: Sender, clock: Clock) -> None:
        self._db = db
        self._around = around
        self._lanes = lanes
        self._sender = sender
        self._clock = clock

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
            if not self._handle(tenant_id, shard, hold, due, crowd):
                self._lanes.drop(tenant_id, shard)
                break
            handled += 1
        return handled

    def _handle(self, tenant_id: int, shard: str, hold: Hold, due: DueSignal, crowd: Sequence[Follower]) -> bool:
        """Store and send chunk by chunk, so that the first orders leave while later ones are still being stored."""
        on_the_way = []
        chunks = [crowd[at : at + CHUNK] for at in range(0, len(crowd), CHUNK)] or [[]]
        fenced = False
        for chunk in chunks:
            batch = self._store(tenant_id, shard, hold, due, chunk, last=chunk is chunks[-1])
            if batch is None:
                fenced = True
                break
            on_the_way.append(self._sender.start(tenant_id, shard, hold, batch))
        stored_at = self._clock.now()
        settlements = [settlement for sending in on_the_way for settlement in self._sender.finish(sending)]
        with self._db.tenant(tenant_id) as session:
            settle(session, settlements, epoch=hold.epoch)
            mark_stored(session, shard=shard, signal_id=due.fact.id, at=stored_at)
        self._around.announce(tenant_id, {"type": "copies", "signal_id": due.fact.id})
        return not fenced

    def _store(
        self, tenant_id: int, shard: str, hold: Hold, due: DueSignal, crowd: Sequence[Follower], *, last: bool
    ) -> list[Dispatch] | None:
        """Plan and store in one transaction; None when the fence is closed. The last chunk drains the delivery."""
        terms, signal = self._around.terms(tenant_id), due.fact
        instrument = self._around.exchange(shard).instruments.get(signal.symbol)
        now = self._clock.now()
        if instrument is None:
            planned = deny_all(signal, crowd, Denial.INSTRUMENT_UNMAPPED)
        else:
            planned = plan_copies(signal, crowd, instrument, _limits(terms, due), now=now)
        ids = [
            client_order_id(terms.broker_prefix, copy_digest(tenant_id, item.subscription_id, signal.id, item.leg))
            for item in planned
        ]
        with self._db.tenant(tenant_id) as session:
            stored = store_copies(session, CopyBatch(shard, hold.epoch, signal, planned, ids, now, last))
        return None if stored is None else _dispatches(planned, ids, stored, instrument)


def _limits(terms: Terms, due: DueSignal) -> Limits:
    return Limits(
        terms.slippage_bps_max,
        terms.signal_age_ms_max,
        market_allowed=due.fact.symbol in terms.markets,
        strategy_live=due.strategy_live,
    )


def _dispatches(
    planned: Sequence[Planned], ids: Sequence[str], stored: dict[str, int], instrument: Instrument | None
) -> list[Dispatch]:
    """Pair stored copies with their orders; an order without an instrument cannot exist (it was denied)."""
    if instrument is None:
        return []
    return [
        Dispatch(stored[cid], item.account_id, order_request(cid, instrument.venue_symbol, item))
        for item, cid in zip(planned, ids, strict=True)
        if item.denial is None and cid in stored
    ]
