"""What a lane does besides copying signals, in each round: late joins, endings, stops, doors that open again."""

from __future__ import annotations

from sqlalchemy import text

from copydesk.db import Database, number_array
from copydesk.kernel import Clock
from copydesk.replication.crowd import hold_crowd
from copydesk.replication.dispatch import Dispatch
from copydesk.replication.doors import sweep_doors
from copydesk.replication.flattening import flag, flatten
from copydesk.replication.joins import Joiner
from copydesk.replication.lane import Hold
from copydesk.replication.leaving import see_off
from copydesk.replication.port import Surroundings
from copydesk.replication.prepare import Preparer
from copydesk.replication.steps import LaneNow
from copydesk.risk import Reach

SOON_S = 2
LATER_S = 60

_ANY = text("SELECT EXISTS (SELECT 1 FROM errand WHERE shard = :shard), EXISTS (SELECT 1 FROM door)")
# What waits for the leader or for its owner is looked after with every round anyway, and not worth a wake-up.
_PUT_OFF = text(
    """
    UPDATE errand e SET due_at = :now + make_interval(secs =>
        CASE WHEN s.id = ANY(CAST(:busy AS bigint[])) OR (s.state = 'ending' AND s.end_mode <> 'manage_until_exit')
                  OR s.state IN ('synced', 'catching_up') THEN :soon_s ELSE :later_s END)
    FROM subscription s WHERE e.shard = :shard AND s.tenant_id = e.tenant_id AND s.id = e.subscription_id
    """
)
_DONE = text(
    """
    DELETE FROM errand e USING subscription s
    WHERE e.shard = :shard AND s.tenant_id = e.tenant_id AND s.id = e.subscription_id AND s.state <> 'ending'
      AND NOT (s.id = ANY(CAST(:busy AS bigint[])))
      AND NOT EXISTS (SELECT 1 FROM late_join j WHERE j.tenant_id = e.tenant_id
                      AND j.subscription_id = e.subscription_id AND j.state IN ('waiting', 'sent'))
    """
)


class Errands:
    """Do the errands of lanes."""

    def __init__(self, db: Database, around: Surroundings, preparer: Preparer, clock: Clock) -> None:
        self._db = db
        self._around = around
        self._clock = clock
        self._joiner = Joiner(db, around, preparer, clock)

    def store(self, tenant_id: int, shard: str, hold: Hold) -> list[Dispatch]:
        """Store the orders that a lane's errands ask for, and return them, to be sent. Costs one look where none is."""
        with self._db.tenant(tenant_id) as session:
            errands, doors = session.execute(_ANY, {"shard": shard}).one()
            if doors:
                sweep_doors(session, shard)
        symbols = self._closed(tenant_id)
        if not errands and not symbols:
            return []
        terms, exchange = self._around.terms(tenant_id, shard), self._around.exchange(tenant_id, shard)
        now = self._clock.now()
        lane = LaneNow(tenant_id, shard, hold.epoch, terms.broker_prefix, exchange.venue.traits, now)
        batch = self._joiner.store(lane)
        with self._db.tenant(tenant_id) as session:
            hold_crowd(session, changes=True)
            leaving, ended = see_off(session, lane, exchange.instruments)
            flattened = flatten(session, lane, exchange.instruments, symbols)
            keys = {"shard": shard, "now": now, "busy": number_array(sorted(flattened.busy))}
            session.execute(_DONE, {"shard": shard, "busy": keys["busy"]})
            session.execute(_PUT_OFF, {**keys, "soon_s": SOON_S, "later_s": LATER_S})
        if flattened.failed or flattened.fine:
            with self._db.tenant(tenant_id) as session:
                flag(session, flattened)
        for subscription_id in ended:
            self._around.announce(tenant_id, {"type": "subscription", "subscription_id": subscription_id})
        return batch + leaving + flattened.batch

    def _closed(self, tenant_id: int) -> set[str]:
        """Return the instruments that a switch closes for this brand."""
        board = self._around.switches().board
        return {
            switch.subject
            for switch in (*board.platform, *board.brands.get(tenant_id, ()))
            if switch.reach is Reach.INSTRUMENT and switch.closes
        }
