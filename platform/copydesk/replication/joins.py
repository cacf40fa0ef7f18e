"""Late joiners: take over, once, what the leader held when the subscription began, at the price of today.

A joining order is planned as if the leader opened now what is left of the position, so that the same limits hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb
from sqlalchemy import text

from copydesk.db import Database
from copydesk.kernel import Clock, CopydeskError
from copydesk.replication.crowd import Crowds
from copydesk.replication.deliveries import DueSignal
from copydesk.replication.dispatch import Dispatch
from copydesk.replication.gates import denied_by, denied_by_unrest, spot_of
from copydesk.replication.late import Standing, bounded_px, is_better, joining_signal, left_of
from copydesk.replication.model import No, Planned, SignalFact
from copydesk.replication.plan import OPEN, plan_copies
from copydesk.replication.port import Surroundings
from copydesk.replication.prepare import Preparer, with_refusals
from copydesk.replication.standings import moves_since, newest_signal
from copydesk.replication.steps import LaneNow, Step, store_step
from copydesk.risk import Spot
from copydesk.trading import Denial, Instrument, JoinMode, PositionSide

JOIN = "join"
TRIES_MAX = 3
# In one round, so that a crowd of newcomers keeps no signal waiting; those that had to wait before come last.
JOINS_MAX = 20

# What an order that got nothing may be tried again for; after anything else the position is left alone.
AGAIN = frozenset(
    {
        Denial.SIGNAL_TOO_OLD,
        Denial.NEVER_ARRIVED,
        Denial.ORDER_FORGOTTEN,
        Denial.VENUE_UNAVAILABLE,
        Denial.RATE_LIMITED,
        Denial.PRICE_MOVED,
    }
)
# What may pass by itself: the position is joined then.
PASSES = frozenset(
    {
        Denial.ACCOUNT_UNUSABLE,
        Denial.STRATEGY_PAUSED,
        Denial.STRATEGY_SUSPENDED,
        Denial.INSTRUMENT_HALTED,
        Denial.VENUE_UNAVAILABLE,
        Denial.RISK_VOLATILE,
    }
)

_WAITING = text(
    """
    SELECT j.subscription_id, s.strategy_id, s.created_at, t.status IN ('live', 'probation') AS live,
           t.status = 'suspended' AS suspended, j.mode, j.tries, j.symbol,
           j.position_side, j.leader_qty, j.entry_px, j.since_signal_id
    FROM late_join j JOIN subscription s ON s.tenant_id = j.tenant_id AND s.id = j.subscription_id
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id AND a.status = 'active'
                  AND a.key_denial IS NULL
    JOIN strategy t ON t.tenant_id = s.tenant_id AND t.id = s.strategy_id
    WHERE a.shard = :shard AND j.state = 'waiting' AND s.state IN ('synced', 'catching_up') AND NOT EXISTS (
        SELECT 1 FROM delivery d JOIN signal g ON g.tenant_id = d.tenant_id AND g.id = d.signal_id
        WHERE d.shard = :shard AND d.drained_at IS NULL AND g.strategy_id = s.strategy_id)
    ORDER BY j.reason IS NOT NULL, j.subscription_id, j.symbol, j.position_side LIMIT :most
    """
)
_FOLLOW_UP = text(
    """
    UPDATE late_join j SET
        state = CASE WHEN c.cum_qty > 0 THEN 'done'
                     WHEN c.reason = ANY(:again) AND j.tries < :tries_max THEN 'waiting' ELSE 'skipped' END,
        reason = CASE WHEN c.cum_qty > 0 THEN NULL ELSE c.reason END,
        reason_facts = CASE WHEN c.cum_qty > 0 THEN NULL ELSE c.reason_facts END
    FROM copy c WHERE j.state = 'sent' AND c.tenant_id = j.tenant_id AND c.id = j.copy_id AND c.shard = :shard
      AND c.status IN ('filled', 'canceled', 'rejected', 'expired')
    """
)
_SENT = text(
    """
    UPDATE late_join SET state = 'sent', copy_id = :copy_id, tries = tries + 1, reason = NULL, reason_facts = NULL
    WHERE subscription_id = :id AND symbol = :symbol AND position_side = :position_side AND state = 'waiting'
    """
)
_SKIP = text(
    """
    UPDATE late_join SET state = :state, reason = :reason, reason_facts = CAST(:facts AS jsonb)
    WHERE subscription_id = :id AND symbol = :symbol AND position_side = :position_side AND state = 'waiting'
    """
)


class Wish(NamedTuple):
    """A position that a subscription waits to take over."""

    subscription_id: int
    strategy_id: int
    joined_at: datetime
    live: bool
    mode: JoinMode
    tries: int
    standing: Standing
    suspended: bool = False


class Joiner:
    """Store the joining orders of a lane, each once; one that got nothing for a passing reason is tried again."""

    def __init__(self, db: Database, around: Surroundings, preparer: Preparer, clock: Clock) -> None:
        self._db = db
        self._around = around
        self._preparer = preparer
        self._clock = clock

    def store(self, lane: LaneNow) -> list[Dispatch]:
        """Store what is due on a lane and return it, to be sent; only for whoever holds the lane."""
        with self._db.tenant(lane.tenant_id) as session:
            session.execute(_FOLLOW_UP, {"shard": lane.shard, "again": sorted(map(str, AGAIN)), "tries_max": TRIES_MAX})
            wishes = [
                _wish(dict(row._mapping)) for row in session.execute(_WAITING, {"shard": lane.shard, "most": JOINS_MAX})
            ]
        if not wishes:
            return []
        exchange = self._around.exchange(lane.tenant_id, lane.shard)
        try:
            prices = self._around.start(exchange.venue.prices()).result()
        except CopydeskError:
            return []  # They wait for the next round.
        stored = [self._join(lane, wish, prices.get(wish.standing.symbol)) for wish in wishes]
        return [dispatch for dispatch in stored if dispatch is not None]

    def _join(self, lane: LaneNow, wish: Wish, px: Decimal | None) -> Dispatch | None:
        instrument = self._around.exchange(lane.tenant_id, lane.shard).instruments.get(wish.standing.symbol)
        if instrument is None:
            self._say_no(lane, wish, (Denial.INSTRUMENT_UNMAPPED, {}))
        elif switch := self._around.switches().board.stopped(_spot(lane, wish)):
            self._say_no(lane, wish, denied_by(switch))
        elif px is None:
            self._say_no(lane, wish, (Denial.VENUE_UNAVAILABLE, {}))
        else:
            signal, no = self._signal(lane, wish, px)
            planned = None if signal is None else self._plan(lane, wish, signal, instrument)
            if planned is not None and planned.denial is not None:
                no = planned.denial, planned.facts or {}
            if no is not None:
                self._say_no(lane, wish, no)
            elif signal is not None and planned is not None:
                return self._store(lane, wish, signal, planned)
        return None

    def _signal(self, lane: LaneNow, wish: Wish, px: Decimal) -> tuple[SignalFact | None, No | None]:
        """Return what the leader would signal today, or why there is nothing to join; both None says to wait."""
        standing = wish.standing
        with self._db.tenant(lane.tenant_id) as session:
            left = left_of(standing.qty, moves_since(session, wish.strategy_id, standing, wish.joined_at))
            newest = newest_signal(
                session, wish.strategy_id, standing.symbol, standing.position_side, now=self._clock.now()
            )
        if left == 0:
            return None, (Denial.LEADER_IS_FLAT, {})
        if wish.mode is JoinMode.BETTER_PRICE and not is_better(px, standing.entry_px, short=left < 0):
            return None, (Denial.JOIN_PRICE_NOT_BETTER, {})
        return (None if newest is None else joining_signal(standing, left, px, newest)), None

    def _plan(self, lane: LaneNow, wish: Wish, signal: SignalFact, instrument: Instrument) -> Planned | None:
        """Plan one order as for any signal, set the account up for it, and hold it to what the follower chose."""
        terms, now = self._around.terms(lane.tenant_id, lane.shard), self._clock.now()
        with self._db.tenant(lane.tenant_id) as session:
            crowd = Crowds(self._around).followers(session, DueSignal(wish.strategy_id, wish.live, signal), lane.shard)
        brackets = self._preparer.brackets(lane.tenant_id, lane.shard, signal.symbol, crowd)
        limits = terms.limits(
            signal.symbol,
            strategy_live=wish.live,
            strategy_suspended=wish.suspended,
            unrest=denied_by_unrest(self._around.price_now(lane.shard, signal.symbol)),
            brackets=brackets,
        )
        # Its book has seen this signal, and goes on from it.
        joiner = [f._replace(book=f.book._replace(last_signal_id=0)) for f in crowd if f[0] == wish.subscription_id]
        planned = _opening(plan_copies(signal, joiner, instrument, limits, now=now))
        if planned is None or planned.denial is not None:
            return planned
        refusals = self._preparer.refusals(lane.tenant_id, lane.shard, signal, instrument, [planned])
        if refusals:
            joiner = with_refusals(joiner, refusals)
            planned = _opening(plan_copies(signal, joiner, instrument, limits, now=now))
        if planned is None or planned.px is None or wish.mode is not JoinMode.BETTER_PRICE:
            return planned
        entry = wish.standing.entry_px
        return planned._replace(px=bounded_px(planned.px, entry, instrument.px_tick, short=signal.short))

    def _store(self, lane: LaneNow, wish: Wish, signal: SignalFact, planned: Planned) -> Dispatch | None:
        leg = JOIN if wish.tries == 0 else f"{JOIN}-{wish.tries + 1}"
        step = Step(signal.id, signal.symbol, signal.position_side, planned._replace(leg=leg), wish.strategy_id)
        with self._db.tenant(lane.tenant_id) as session:
            dispatch = store_step(session, lane, step)
            if dispatch is not None:
                session.execute(_SENT, {**_keys(wish), "copy_id": dispatch.copy_id})
        return dispatch

    def _say_no(self, lane: LaneNow, wish: Wish, no: No) -> None:
        denial, facts = no
        state = "waiting" if denial in PASSES else "skipped"
        params = {**_keys(wish), "state": state, "reason": str(denial), "facts": Jsonb(facts) if facts else None}
        with self._db.tenant(lane.tenant_id) as session:
            session.execute(_SKIP, params)


def _spot(lane: LaneNow, wish: Wish) -> Spot:
    return spot_of(lane.tenant_id, lane.shard, wish.standing.symbol, wish.strategy_id)


def _opening(planned: Sequence[Planned]) -> Planned | None:
    """Return the opening leg; a book that is on the other side is left to the leader's next signal."""
    return next((item for item in planned if item.leg == OPEN and not item.waits), None)


def _wish(values: Mapping[str, Any]) -> Wish:
    standing = Standing(
        values["symbol"],
        PositionSide(values["position_side"]),
        values["leader_qty"],
        values["entry_px"],
        values["since_signal_id"],
    )
    return Wish(
        values["subscription_id"],
        values["strategy_id"],
        values["created_at"],
        values["live"],
        JoinMode(values["mode"]),
        values["tries"],
        standing,
        values["suspended"],
    )


def _keys(wish: Wish) -> dict[str, object]:
    standing = wish.standing
    return {"id": wish.subscription_id, "symbol": standing.symbol, "position_side": str(standing.position_side)}
