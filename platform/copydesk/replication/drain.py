"""Drain a shard: plan every due signal, store the intents, send them, record the answers (DESIGN §5, steps 4 to 8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from copydesk.db import Database
from copydesk.kernel import Clock, Failpoint, reached
from copydesk.marks import FreshPrice
from copydesk.replication.cover import Cover
from copydesk.replication.crossing import across
from copydesk.replication.crowd import Crowds
from copydesk.replication.deliveries import DueSignal, Place, Stored, leg_intents, next_due, store_intents
from copydesk.replication.dispatch import Dispatch, Sender
from copydesk.replication.gates import denied_by_unrest, refuse_opens, spot_of
from copydesk.replication.lane import Hold, Lanes
from copydesk.replication.look import Looker, to_look_at_first
from copydesk.replication.model import Follower, Planned
from copydesk.replication.orders import copy_digests, order_request
from copydesk.replication.outcomes import looks_soon
from copydesk.replication.plan import CLOSE, OPEN, deny_all, plan_copies
from copydesk.replication.port import Surroundings, copies_booked
from copydesk.replication.prepare import Preparer, with_refusals
from copydesk.replication.record import Leg, Moment, record
from copydesk.replication.reversal import Reversals
from copydesk.replication.rush import Rush
from copydesk.replication.settle import Settlement
from copydesk.trading import Denial
from copydesk.venues import client_order_ids

# A lane under a steady flow gives way to the others after this long; the relay wakes it again.
SHIFT_S = 5.0
_GOLDEN = 0.6180339887498949

# Asked between two signals: whether the rest should be left for later.
Leave = Callable[[], bool]


class _Task(NamedTuple):
    """A signal that is due with its crowd, and what is planned already for those who have an order of their own."""

    due: DueSignal
    crowd: Sequence[Follower]
    covered: Sequence[Planned]


class _Sent(NamedTuple):
    """A signal's intents, and what was answered to them."""

    place: Place
    legs: Sequence[Leg]
    settlements: Sequence[Settlement]
    moment: Moment
    stored_at: datetime
    strategy_id: int


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
        self._crowds = Crowds(around)
        self._cover = Cover()
        self._rush = Rush()

    def drain(self, tenant_id: int, shard: str, leave: Leave = lambda: False) -> int | None:
        """Handle every due signal of the lane, oldest first, and return how many; None where another worker has it.

        Under a steady flow it leaves after a while, so that other lanes get their turn, and as soon as it is asked to
        (`leave`): what is left is due all the same, and the caller sees to it that the lane is drained again.
        """
        with self._lanes.tend(tenant_id, shard):
            if self._lanes.hold(tenant_id, shard) is None:
                return None
            return self._drain(tenant_id, shard, leave)

    def _drain(self, tenant_id: int, shard: str, leave: Leave) -> int:
        handled, leave_at = 0, self._clock.monotonic() + SHIFT_S
        while self._clock.monotonic() < leave_at and (hold := self._lanes.hold(tenant_id, shard)):
            reached(Failpoint.LEASE_TAKEN)
            with self._rush.hurry():
                task = self._next(tenant_id, shard, hold)
                sent = self._send(tenant_id, shard, hold, task) if task else None
            if sent is Stored.OUTDATED:
                continue  # It is still due, and planned anew.
            if task is None or not isinstance(sent, _Sent):
                if task:
                    self._lanes.drop(tenant_id, shard)
                break
            self._rush.give_way()
            self._book(tenant_id, shard, hold, sent)
            handled += 1
            if not task.due.more or leave():
                break  # What came meanwhile wakes the lane itself.
        return handled

    def _next(self, tenant_id: int, shard: str, hold: Hold) -> _Task | None:
        """Read the oldest signal that is due, and who copies it; None where nothing is due."""
        terms = self._around.terms(tenant_id, shard)
        with self._db.tenant(tenant_id) as session:
            due = next_due(session, shard, terms.margin_mode)
            if due is None:
                return None
            due = self._cover.apart(session, due, shard)
            now, age_ms_max = self._clock.now(), terms.signal_age_ms_max
            due = self._crowds.together(session, due, shard, now=now, age_ms_max=age_ms_max)
            crowd, covered = self._cover.part(session, due, shard, self._crowds.followers)
        if to_look_at_first(due.fact, crowd):
            self._looker.look(tenant_id, shard, hold, due.fact)
            with self._db.tenant(tenant_id) as session:
                crowd, covered = self._cover.part(session, due, shard, self._crowds.followers)
        return _Task(due, crowd, covered)

    def _send(self, tenant_id: int, shard: str, hold: Hold, task: _Task) -> _Sent | Stored:
        """Store what is planned, send it, and wait for the answers; else say why it could not be stored."""
        due = task.due
        planned = [*self._plan(tenant_id, shard, due, task.crowd), *task.covered]
        reached(Failpoint.PLANNED)
        # Setting accounts up may have taken long: what is stored now is to be sent under a lease that lasts.
        current = self._lanes.hold(tenant_id, shard)
        if current is None or current.epoch != hold.epoch:
            return Stored.LOST
        legs, batch = self._put_down(tenant_id, shard, due, planned)
        place = Place(shard, due.fact.id, due.fact.symbol, str(due.fact.position_side))
        planned_at = self._clock.now()
        intents, earlier = [leg.intents for leg in legs], [signal.id for signal in due.waiting[:-1]]
        with self._db.tenant(tenant_id) as session:
            stored = store_intents(
                session,
                place,
                intents,
                epoch=hold.epoch,
                crowd_version=due.crowd_version,
                now=planned_at,
                joined=earlier,
            )
            if stored is not Stored.STORED:
                return stored
            kin = self._crowds.kin(tenant_id, shard, due.strategy_id)
            if kin:
                batch = across(session, shard, kin, batch)
        reached(Failpoint.COPIES_STORED)
        stored_at = self._clock.now()
        sending = self._sender.start(tenant_id, shard, current, batch)
        reached(Failpoint.ALL_STARTED)
        settlements = self._sender.finish(sending)
        reached(Failpoint.ANSWERED)
        moment = Moment(planned_at, self._clock.now(), self._sender.proof_at())
        return _Sent(place, legs, settlements, moment, stored_at, due.strategy_id)

    def _book(self, tenant_id: int, shard: str, hold: Hold, sent: _Sent) -> None:
        """Make copies of what was sent, with the answers, and let go what waited for them."""
        place, legs, settlements, moment, stored_at, strategy_id = sent
        with self._db.tenant(tenant_id) as session:
            record(session, place, legs, settlements, epoch=hold.epoch, moment=moment, stored_at=stored_at)
        reached(Failpoint.SETTLED)
        self._around.announce(tenant_id, copies_booked(place.signal_id, strategy_id, shard))
        if looks_soon(settlements):
            self._around.look_soon(tenant_id, shard)
        if any(item.waits for leg in legs for item in leg.planned):
            reached(Failpoint.BETWEEN_LEGS)
            self._reversals.release(tenant_id, shard, hold)

    def _plan(self, tenant_id: int, shard: str, due: DueSignal, crowd: Sequence[Follower]) -> list[Planned]:
        """Plan a chunk; accounts that are new to a perpetual are set up for it, and planned again where that fails."""
        signal, terms = due.fact, self._around.terms(tenant_id, shard)
        instrument = self._around.exchange(tenant_id, shard).instruments.get(signal.symbol)
        if instrument is None:
            return deny_all(signal, crowd, Denial.INSTRUMENT_UNMAPPED)
        price = self._around.price_now(shard, signal.symbol) if signal.opens else FreshPrice()
        spot = spot_of(tenant_id, shard, signal.symbol, due.strategy_id)
        if signal.opens and (switch := self._around.switches().board.stopped(spot)):
            crowd = refuse_opens(crowd, switch)
        limits = terms.limits(
            signal.symbol,
            strategy_live=due.strategy_live,
            strategy_suspended=due.strategy_suspended,
            mark_px=price.px,
            unrest=denied_by_unrest(price),
            brackets=self._preparer.brackets(tenant_id, shard, signal.symbol, crowd) if signal.opens else (),
        )
        now = self._clock.now()
        planned = plan_copies(signal, crowd, instrument, limits, now=now)
        if not (instrument.perpetual and signal.opens):
            return planned
        refusals = self._preparer.refusals(tenant_id, shard, signal, instrument, planned)
        if not refusals:
            return planned
        return plan_copies(signal, with_refusals(crowd, refusals), instrument, limits, now=now)

    def _put_down(
        self, tenant_id: int, shard: str, due: DueSignal, planned: Sequence[Planned]
    ) -> tuple[list[Leg], Sequence[Dispatch]]:
        """Give each copy its client order id, closes first; what is refused or waits for a close is not sent now."""
        terms, traits = self._around.terms(tenant_id, shard), self._around.exchange(tenant_id, shard).venue.traits
        signal, strategy_id = due.fact, due.strategy_id
        legs: list[Leg] = []
        batch: list[Dispatch] = []
        first = 0
        for name in (CLOSE, OPEN):
            items = [item for item in planned if item.leg == name]
            if not items:
                continue
            digest = copy_digests(tenant_id, signal.id, name)
            name_of = client_order_ids(terms.broker_prefix, traits)
            ids = [name_of(digest(item.subscription_id)) for item in items]
            mode, kept = terms.margin_mode, due.modes if name == CLOSE else {}
            legs.append(Leg(items, leg_intents(items, ids)))
            batch += [
                Dispatch(
                    place,
                    item.account_id,
                    order_request(cid, signal.symbol, item, signal.position_side, kept.get(item.account_id, mode)),
                    strategy_id=strategy_id,
                )
                for place, (item, cid) in enumerate(zip(items, ids, strict=True), start=first)
                if item.denial is None and not item.waits
            ]
            first += len(items)
        return legs, _in_turn(batch, signal.id)


def _in_turn(batch: list[Dispatch], signal_id: int) -> list[Dispatch]:
    """Begin with another follower at each signal, so that none is always the last; the golden ratio spreads them."""
    start = int(len(batch) * (signal_id * _GOLDEN % 1))
    return batch[start:] + batch[:start]
