"""Reconcile a shard: find out what happened to copies in flight, and mend books that a failed close left open."""

from __future__ import annotations

from copydesk.db import Database
from copydesk.kernel import Clock, Failpoint, reached
from copydesk.replication.compare import Comparer
from copydesk.replication.crossing import across_stored, mark_stored
from copydesk.replication.dispatch import Dispatch, Sender
from copydesk.replication.errands import Errands
from copydesk.replication.fixes import store_fixes
from copydesk.replication.funding import FundingBooker
from copydesk.replication.inflight import due_checks, record_run
from copydesk.replication.lane import Hold, Lanes
from copydesk.replication.look import ask_all, judge
from copydesk.replication.outcomes import looks_soon
from copydesk.replication.port import Surroundings, copies_booked
from copydesk.replication.prepare import Preparer
from copydesk.replication.reversal import Reversals
from copydesk.replication.second_tries import SecondTries
from copydesk.replication.settle import settle
from copydesk.replication.steps import LaneNow
from copydesk.replication.vigil import await_holding


class Reconciler:
    """Own the copies in flight until their outcome is known."""

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
        self._second_tries = SecondTries(db, around, clock)
        self._errands = Errands(db, around, preparer, clock)
        self._comparer = Comparer(db, around, clock)
        self._funding = FundingBooker(db, around, clock)

    def reconcile(self, tenant_id: int, shard: str) -> int:
        """Run one round on the lane and return how many copies it settled or sent; 0 where another worker has it."""
        with self._lanes.tend(tenant_id, shard):
            return self._reconcile(tenant_id, shard)

    def _reconcile(self, tenant_id: int, shard: str) -> int:
        hold = self._lanes.hold(tenant_id, shard)
        if hold is None:
            return 0
        resolved = self._resolve(tenant_id, shard, hold)
        corrected = self._correct(tenant_id, shard, hold)
        resolved += self._reversals.release(tenant_id, shard, hold)
        self._comparer.compare(tenant_id, shard, hold)
        self._funding.book(tenant_id, shard, hold)
        self._preparer.learn_brackets(tenant_id, shard)
        with self._db.tenant(tenant_id) as session:
            record_run(session, shard=shard, at=self._clock.now(), resolved=resolved, corrected=corrected)
        return resolved + corrected

    def _resolve(self, tenant_id: int, shard: str, hold: Hold) -> int:
        with self._db.tenant(tenant_id) as session:
            due = due_checks(session, shard=shard, now=self._clock.now())
        if not due:
            return 0
        keys = self._around.credentials(tenant_id, {copy.account_id for copy in due})
        asking = ask_all(self._around.exchange(tenant_id, shard), due, keys, now=self._clock.now())
        started = self._around.start(asking)
        answers = await_holding(started, self._lanes, self._clock, tenant_id=tenant_id, shard=shard, hold=hold)
        reached(Failpoint.DOUBT_ASKED)
        age_ms_max = self._around.terms(tenant_id, shard).signal_age_ms_max
        verdicts = judge(due, answers, now=self._clock.now(), age_ms_max=age_ms_max)
        # Asking may have taken long: what is decided now is stored and sent only under a lease that still stands.
        fresh = self._lanes.hold(tenant_id, shard)
        if fresh is None or fresh.epoch != hold.epoch:
            return 0
        hold = fresh
        batch = [
            Dispatch(copy.id, copy.account_id, copy.request(), copy.checks, copy.strategy_id)
            for copy in verdicts.resend
        ]
        with self._db.tenant(tenant_id) as session:
            settle(session, verdicts.settlements + self._sender.before_resend(batch), epoch=hold.epoch)
            resent = mark_stored(session, shard, batch)
        reached(Failpoint.RESEND_STORED, batch)
        sent = self._sender.finish(self._sender.start(tenant_id, shard, hold, resent))
        reached(Failpoint.RESEND_ANSWERED, batch)
        with self._db.tenant(tenant_id) as session:
            settle(session, sent, epoch=hold.epoch)
        if looks_soon(sent):
            self._around.look_soon(tenant_id, shard)
        for booked in {(copy.signal_id, copy.strategy_id) for copy in due}:
            self._around.announce(tenant_id, copies_booked(*booked, shard))
        return len(verdicts.settlements) + len(sent)

    def _correct(self, tenant_id: int, shard: str, hold: Hold) -> int:
        """Close what should be closed already, a close that failed or was filled in part; and do the lane's errands."""
        terms, exchange = self._around.terms(tenant_id, shard), self._around.exchange(tenant_id, shard)
        # Before the fixes: what is tried a second time needs none.
        batch = self._second_tries.store(tenant_id, shard, hold)
        with self._db.tenant(tenant_id) as session:
            lane = LaneNow(tenant_id, shard, hold.epoch, terms.broker_prefix, exchange.venue.traits, self._clock.now())
            batch += store_fixes(
                session, lane, exchange.instruments, lambda symbol: self._around.price_now(shard, symbol).px
            )
        batch += self._errands.store(tenant_id, shard, hold)
        reached(Failpoint.FIX_STORED, batch)
        sent = across_stored(self._db, tenant_id, shard, batch)
        settlements = self._sender.finish(self._sender.start(tenant_id, shard, hold, sent))
        with self._db.tenant(tenant_id) as session:
            settle(session, settlements, epoch=hold.epoch)
        if looks_soon(settlements):
            self._around.look_soon(tenant_id, shard)
        return len(settlements)
