"""What a lane does besides copying signals, in each round: late joins, endings, doors that open again."""

from __future__ import annotations

from sqlalchemy import text

from copydesk.db import Database
from copydesk.kernel import Clock
from copydesk.replication.crowd import hold_crowd
from copydesk.replication.dispatch import Dispatch
from copydesk.replication.doors import sweep_doors
from copydesk.replication.joins import Joiner
from copydesk.replication.lane import Hold
from copydesk.replication.leaving import see_off
from copydesk.replication.port import Surroundings
from copydesk.replication.prepare import Preparer
from copydesk.replication.steps import LaneNow

SOON_S = 2
LATER_S = 60

_ANY = text("SELECT EXISTS (SELECT 1 FROM errand WHERE shard = :shard), EXISTS (SELECT 1 FROM door)")
# What waits for the leader or for its owner is looked after with every round anyway, and not worth a wake-up.
_PUT_OFF = text(
    """
    UPDATE errand e SET due_at = :now + make_interval(secs =>
        CASE WHEN (s.state = 'ending' AND s.end_mode <> 'manage_until_exit')
                  OR s.state IN ('synced', 'catching_up') THEN :soon_s ELSE :later_s END)
    FROM subscription s WHERE e.shard = :shard AND s.tenant_id = e.tenant_id AND s.id = e.subscription_id
    """
)
_DONE = text(
    """
    DELETE FROM errand e USING subscription s
    WHERE e.shard = :shard AND s.tenant_id = e.tenant_id AND s.id = e.subscription_id AND s.state <> 'ending'
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
        if not errands:
            return []
        terms, exchange = self._around.terms(tenant_id, shard), self._around.exchange(tenant_id, shard)
        now = self._clock.now()
        lane = LaneNow(tenant_id, shard, hold.epoch, terms.broker_prefix, exchange.venue.traits, now)
        batch = self._joiner.store(lane)
        with self._db.tenant(tenant_id) as session:
            hold_crowd(session)
            leaving, ended = see_off(session, lane, exchange.instruments)
            keys = {"shard": shard, "now": now}
            session.execute(_DONE, {"shard": shard})
            session.execute(_PUT_OFF, {**keys, "soon_s": SOON_S, "later_s": LATER_S})
        for subscription_id in ended:
            self._around.announce(tenant_id, {"type": "subscription", "subscription_id": subscription_id})
        return batch + leaving
