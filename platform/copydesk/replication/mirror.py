"""Keep followers' resting orders like their leaders': place, amend, cancel, look, and bring books to their targets.

Every pass reads what is known, decides one step for each order (`resting`), stores it behind the lane's fence, sends
it, and stores the answers; passes follow each other until nothing is to be done now. What was stored and not answered
is asked for by its client order id, and never sent again blindly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from functools import partial

from copydesk.db import Database
from copydesk.kernel import ZERO, Clock, Failpoint, reached
from copydesk.replication.crossing import mark_stored
from copydesk.replication.crowd import Crowds
from copydesk.replication.dispatch import Dispatch, Sender, parts_of
from copydesk.replication.gates import denied_by_unrest, spot_of
from copydesk.replication.lane import Hold, Lanes
from copydesk.replication.lone_opens import LoneOpens
from copydesk.replication.model import Planned
from copydesk.replication.order_deliveries import DeliveredOrder, delivered_orders, over
from copydesk.replication.outcomes import looks_soon
from copydesk.replication.port import Surroundings, Terms, Timing, copies_booked
from copydesk.replication.prepare import Preparer
from copydesk.replication.rest_answers import LOOK_AGAIN, Pace, Verdict, judge_answer, judge_placed
from copydesk.replication.rest_calls import NO_KEY, Right, Task, send_all
from copydesk.replication.rest_end import ending_of
from copydesk.replication.rest_entry import (
    closing_entries,
    newcomers,
    opening_entries,
    plan_opening,
    turning_entries,
    whole_order,
)
from copydesk.replication.rest_rows import LOOKED_AT_MAX, Marks, due_rests
from copydesk.replication.rest_writes import (
    Anchor,
    Entry,
    Placing,
    Why,
    delivered,
    enter,
    fenced,
    lower_target,
    mark,
    note_limit,
    store_amended,
    store_amending,
    store_answers,
    store_placing,
)
from copydesk.replication.resting import IN_DOUBT, Rest, RestState, Step, next_step, placed_for, wanted_terms
from copydesk.replication.settle import forgo, settle
from copydesk.replication.steps import LaneNow, store_step
from copydesk.replication.steps import Step as BookStep
from copydesk.risk import ThrownSwitch
from copydesk.trading import Denial, Instrument
from copydesk.venues import Outcome

_ASKING = frozenset({Step.AMEND, Step.CANCEL, Step.LOOK})
_UNSENT = Outcome(NO_KEY, None, None)
# As many passes as a replacement takes that is overtaken by a fill: cancel, look, place, look, finish, and one more.
PASSES_MAX = 6
_RATIO_STEP = Decimal("1E-18")


class Mirror:
    """Tend the resting orders of lanes; only whoever holds a lane does."""

    def __init__(
        self,
        db: Database,
        around: Surroundings,
        lanes: Lanes,
        sender: Sender,
        clock: Clock,
        preparer: Preparer,
        timing: Timing,
        *,
        look_every_s: float = 30.0,
    ) -> None:
        self._db = db
        self._around = around
        self._lanes = lanes
        self._sender = sender
        self._clock = clock
        self._preparer = preparer
        self._crowds = Crowds(around)
        self._pace = Pace(timedelta(seconds=look_every_s), timing.unknown_wait_ms)

    def tend(self, tenant_id: int, shard: str) -> int:
        """Take every step that is due on the lane and return how many; 0 where another worker has it."""
        with self._lanes.tend(tenant_id, shard):
            steps = 0
            for _ in range(PASSES_MAX):
                hold = self._lanes.hold(tenant_id, shard)
                taken = 0 if hold is None else self._pass(tenant_id, shard, hold)
                steps += taken
                if not taken:
                    break
            return steps

    def _pass(self, tenant_id: int, shard: str, hold: Hold) -> int:
        terms, exchange = self._around.terms(tenant_id, shard), self._around.exchange(tenant_id, shard)
        lane = LaneNow(tenant_id, shard, hold.epoch, terms.broker_prefix, exchange.venue.traits, self._clock.now())
        looked_at = self._enter(lane, terms)
        tasks = self._tasks(lane, exchange.instruments, looked_at)
        if not tasks:
            return 0
        current = self._lanes.hold(tenant_id, shard)
        if current is None or current.epoch != hold.epoch:
            return 0
        stored = self._store(lane, tasks, terms)
        if stored is None:
            return 0
        placing, catching_up = stored
        reached(Failpoint.COPIES_STORED, placing)
        # Storing many takes a while: they are to be sent under a lease that lasts, or not at all.
        current = self._lanes.hold(tenant_id, shard) or current
        verdict = self._send(lane, current, tasks, placing)
        reached(Failpoint.ANSWERED, placing)
        with self._db.tenant(tenant_id) as session:
            if fenced(session, lane):
                store_answers(session, lane, verdict.settlements)
                for rest, marks in verdict.marks:
                    mark(session, lane, rest, marks)
                for rest, now_says, look_at in verdict.amended:
                    store_amended(session, lane, rest, now_says, look_at)
        self._catch_up(lane, current, catching_up)
        if any(task.step is Step.FINISH and task.rest.reduces for task in tasks):
            # What a closing order left open is for the fixes.
            self._around.look_soon(tenant_id, shard)
        for booked in {(task.rest.signal_id, task.rest.strategy_id) for task in tasks}:
            self._around.announce(tenant_id, copies_booked(*booked, lane.shard))
        return len(tasks)

    def _enter(self, lane: LaneNow, terms: Terms) -> list[DeliveredOrder]:
        """Let followers begin to mirror what was delivered, and return it; what came too early is left for later."""
        with self._db.tenant(lane.tenant_id) as session:
            told = delivered_orders(session, lane.shard)
            orders = [order for order in told if over(order) or not order.premature(lane.now)]
            crowds = [[] if over(order) else newcomers(session, self._around, order, lane.shard) for order in orders]
        entries: list[Entry] = []
        instruments = self._around.exchange(lane.tenant_id, lane.shard).instruments
        for order, crowd in zip(orders, crowds, strict=True):
            instrument = instruments.get(order.symbol)
            if instrument is None:
                entries += turning_entries(order, crowd, Denial.INSTRUMENT_UNMAPPED)
            elif order.closes is None:
                entries += turning_entries(order, crowd, Denial.ORDER_WOULD_TURN)
            elif order.closes:
                entries += closing_entries(order, crowd)
            elif crowd and order.qty > order.drained:
                unrest = denied_by_unrest(self._around.price_now(lane.shard, order.symbol))
                brackets = self._preparer.brackets(lane.tenant_id, lane.shard, order.symbol, crowd)
                planned = plan_opening(order, crowd, instrument, terms, lane.now, unrest=unrest, brackets=brackets)
                entries += opening_entries(order, self._prepared(lane, order, instrument, planned))
        if entries:
            with self._db.tenant(lane.tenant_id) as session:
                if fenced(session, lane):
                    enter(session, lane, entries)
        return orders

    def _prepared(
        self, lane: LaneNow, order: DeliveredOrder, instrument: Instrument, planned: Sequence[Planned]
    ) -> list[Planned]:
        """Set accounts up that are new to a perpetual; who cannot be copies the order's fills, and is told then."""
        signal = whole_order(order, lane.now)
        refusals = self._preparer.refusals(lane.tenant_id, lane.shard, signal, instrument, planned)
        return [
            item._replace(denial=refusals[item.account_id][0], facts=refusals[item.account_id][1])
            if item.denial is None and item.account_id in refusals
            else item
            for item in planned
        ]

    def _tasks(
        self, lane: LaneNow, instruments: Mapping[str, Instrument], looked_at: Sequence[DeliveredOrder]
    ) -> list[Task]:
        """Decide a step for each order; what waits is put off, and deliveries that were looked at are forgotten.

        Not those of an order whose follower's is in doubt: what its leader did is followed as soon as that is known.
        """
        with self._db.tenant(lane.tenant_id) as session:
            rests = due_rests(session, shard=lane.shard, now=lane.now)
            opens = LoneOpens(session, self._crowds, lane.shard, lane.now)
            decided = [self._task(lane, rest, instruments.get(rest.symbol)) for rest in rests]
            tasks = [opens.resting(task, instruments.get(task.rest.symbol)) for task in decided]
            if fenced(session, lane):
                for task in tasks:
                    if task.limited is not None and task.limited != (task.rest.limited or {}):
                        note_limit(session, lane, task.rest, task.limited)
                    look_at = self._put_off(task.rest, lane.now) if task.step is Step.WAIT else lane.now
                    if task.step is Step.WAIT or looked_at:
                        mark(session, lane, task.rest, Marks(task.rest.state, look_at, task.rest.looks))
                if len(rests) < LOOKED_AT_MAX:
                    doubtful = {rest.leader_order_id for rest in rests if rest.state in IN_DOUBT and rest.usable}
                    settled = [(order.id, order.version) for order in looked_at if order.id not in doubtful]
                    delivered(session, lane, settled)
        return [task for task in tasks if task.step is not Step.WAIT]

    def _task(self, lane: LaneNow, rest: Rest, instrument: Instrument | None) -> Task:
        switch = self._stopped(lane, rest) if rest.kept else None
        if switch is not None and (switch.closes or not rest.reduces):
            # An exit that rests on spot holds back what a switch would close at market.
            rest = replace(rest, kept=False)
        if not rest.reduces and rest.symbol not in self._around.terms(lane.tenant_id, lane.shard).markets:
            rest = replace(rest, kept=False)
        step = next_step(rest, instrument, lane.traits, lane.now)
        sends = step in (Step.PLACE, Step.AMEND)
        return Task(rest, step, wanted_terms(rest, instrument, fresh=step is Step.PLACE) if sends else None)

    def _put_off(self, rest: Rest, now: datetime) -> datetime:
        """Say when an order that waits is to be looked at again: soon where the leader's end is not planned yet."""
        if rest.look_at is not None and rest.look_at > now:
            return rest.look_at
        return now + (LOOK_AGAIN if rest.state is RestState.OVER and rest.leader.over else self._pace.look_every)

    def _store(
        self, lane: LaneNow, tasks: Sequence[Task], terms: Terms
    ) -> tuple[list[Placing], Sequence[Dispatch]] | None:
        """Store every step before it is sent; None where the lane is not ours any more, so that none may be sent."""
        placing: list[Placing] = []
        catching_up: list[Dispatch] = []
        proof_at = self._sender.proof_at()
        instruments = self._around.exchange(lane.tenant_id, lane.shard).instruments
        with self._db.tenant(lane.tenant_id) as session:
            if not fenced(session, lane):
                return None
            opens = LoneOpens(session, self._crowds, lane.shard, lane.now)
            for rest, step, wanted, judged in tasks:
                if step is Step.PLACE and wanted is not None:
                    limited = (rest.limited or {}) if judged is None else judged
                    why = Why(*placed_for(rest, wanted, instruments.get(rest.symbol), limited), limited)
                    placing.append(store_placing(session, lane, rest, wanted, anchor_of(rest), why, proof_at=proof_at))
                elif step is Step.AMEND and wanted is not None:
                    store_amending(session, lane, rest, wanted, anchor_of(rest))
                elif step is Step.CANCEL:
                    mark(session, lane, rest, Marks(RestState.CANCELING, lane.now))
                elif step is Step.FINISH:
                    instrument = instruments.get(rest.symbol)
                    ending = opens.catching_up(rest, instrument, ending_of(rest, instrument, terms, lane.now))
                    mark(session, lane, rest, Marks(RestState.DONE, None))
                    if ending.planned is not None:
                        where = rest.signal_id, rest.symbol, rest.position_side
                        book_step = BookStep(*where, ending.planned, rest.strategy_id)
                        dispatch = store_step(session, lane, book_step)
                        catching_up += [dispatch] if dispatch is not None else []
                    if ending.given_up:
                        lower_target(session, rest, ending.given_up)
                    if ending.planned is None and not rest.reduces:
                        # A fee that was taken in base before the leader's fill was planned is in the target still.
                        forgo(session, [(rest.subscription_id, rest.symbol, str(rest.position_side), str(rest.side))])
            return [
                item._replace(request=sent.request)
                for item, sent in zip(placing, mark_stored(session, lane.shard, _dispatches(placing)), strict=True)
            ], mark_stored(session, lane.shard, catching_up)

    def _send(self, lane: LaneNow, hold: Hold, tasks: Sequence[Task], placing: Sequence[Placing]) -> Verdict:
        """Send what is stored, all at once, and judge the answers."""
        others = [task for task in tasks if task.step in _ASKING]
        accounts = {task.rest.account_id for task in others} | {item.rest.account_id for item in placing}
        verdict = Verdict()
        if not accounts:
            return verdict
        keys = self._around.credentials(lane.tenant_id, accounts)
        sent = [item for item in placing if item.rest.account_id in keys]
        right = Right(partial(self._lanes.may_send, lane.tenant_id, lane.shard, hold), partial(self._stopped, lane))
        parts = parts_of(
            _dispatches(sent),
            self._around.switches(),
            tenant_id=lane.tenant_id,
            shard=lane.shard,
            may_send=right.may_send,
        )
        venue = self._around.exchange(lane.tenant_id, lane.shard).venue
        outcomes, answers = self._around.start(send_all(venue, keys, parts, others, right=right, now=lane.now)).result()
        now = self._clock.now()
        items = [(item.copy_id, part.gate) for part in parts for item in part.items]
        told = dict(zip([copy_id for copy_id, _ in items], outcomes, strict=True))
        for item in placing:
            judge_placed(verdict, item, told.get(item.copy_id, _UNSENT), self._pace, now)
        held_back = {copy_id: gate for copy_id, gate in items if gate is not None and gate.held_back(told[copy_id])}
        verdict.settlements[:] = [
            held_back[one.copy_id].settlement(one.copy_id) if one.copy_id in held_back else one
            for one in verdict.settlements
        ]
        for task, answer in zip(others, answers, strict=True):
            judge_answer(verdict, task, answer, self._pace, now)
        return verdict

    def _stopped(self, lane: LaneNow, rest: Rest) -> ThrownSwitch | None:
        """Return the switch that stops what this order would open."""
        spot = spot_of(lane.tenant_id, lane.shard, rest.symbol, rest.strategy_id)
        return self._around.switches().board.stopped(spot)

    def _catch_up(self, lane: LaneNow, hold: Hold, batch: Sequence[Dispatch]) -> None:
        """Send what brings books to their targets; these are copies like any other from here on."""
        if not batch:
            return
        settlements = self._sender.finish(self._sender.start(lane.tenant_id, lane.shard, hold, batch))
        with self._db.tenant(lane.tenant_id) as session:
            settle(session, settlements, epoch=hold.epoch)
        if looks_soon(settlements):
            self._around.look_soon(lane.tenant_id, lane.shard)


def _dispatches(placing: Sequence[Placing]) -> list[Dispatch]:
    return [
        Dispatch(item.copy_id, item.rest.account_id, item.request, strategy_id=item.rest.strategy_id)
        for item in placing
    ]


def anchor_of(rest: Rest) -> Anchor:
    """Say how the leader's fills translate for what is placed or amended now.

    An opening order keeps its proportion. A closing one takes the share of what is held now, so what its earlier fills
    asked for is fixed first.
    """
    if not rest.reduces:
        return Anchor(rest.ratio, rest.from_qty, rest.base_qty)
    position = rest.leader.position
    ratio = (rest.as_if_held / position).quantize(_RATIO_STEP, ROUND_CEILING) if position else ZERO
    return Anchor(ratio, max(rest.drained, rest.from_qty), rest.due_qty)
