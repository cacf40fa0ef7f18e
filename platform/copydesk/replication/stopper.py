"""Fire stops: note them, store their orders, send them at once; and while PostgreSQL is away, send from memory.

Whatever happens is written down before anything is sent: as rows where PostgreSQL answers in time, else in a file of
this process, whose entries become rows as soon as it can be reached again. Orders of either way have the same client
order ids, and only one way ever sends.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as LateError
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, NamedTuple

from sqlalchemy.exc import InterfaceError, OperationalError

from copydesk.db import Database
from copydesk.kernel import Clock
from copydesk.replication.dispatch import Dispatch
from copydesk.replication.exposure import Exposure
from copydesk.replication.outcomes import settlement_of
from copydesk.replication.port import Surroundings, Timing
from copydesk.replication.settle import Settlement
from copydesk.replication.stop_answers import Unrecorded, record_answers, send_closes
from copydesk.replication.stop_orders import Market, Remainder, StopOrder, orders_from_memory
from copydesk.replication.stops import Halt, Stopping, adopt_orders, stop_books
from copydesk.risk.acts import Act, ActState, store_acts
from copydesk.risk.journal import Journal
from copydesk.trading import SubscriptionState

log = logging.getLogger(__name__)

# How long a stop waits for PostgreSQL before it is sent from memory.
STORE_S_MAX = 0.15
_THREADS = 8
_AWAY = (OperationalError, InterfaceError)
_Answers = dict[str, Settlement]


@dataclass(frozen=True)
class Fire:
    """An act with the subscriptions that it closes on one lane; `reason` is what they are told."""

    act: Act
    exposures: tuple[Exposure, ...]
    state: SubscriptionState
    reason: str


class Fired(NamedTuple):
    """What a lane's fires came to: how many orders the exchange answered, and whether it is all in PostgreSQL."""

    sent: int
    unanswered: int
    stored: bool
    sent_at: datetime | None


class _Turn:
    """Who sends: PostgreSQL's orders, or memory's. The first who asks."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken = False

    def take(self) -> bool:
        with self._lock:
            taken, self._taken = self._taken, True
            return not taken


class Stopper:
    """Fire stops on lanes of any brand. Safe to use from several threads."""

    def __init__(self, db: Database, around: Surroundings, clock: Clock, timing: Timing, journal: Journal) -> None:
        self._db = db
        self._around = around
        self._clock = clock
        self._timing = timing
        self._journal = journal
        self._firing: set[str] = set()
        self._unrecorded = Unrecorded()
        self._storing = ThreadPoolExecutor(_THREADS, thread_name_prefix="stops")

    @property
    def owes(self) -> bool:
        """Tell whether anything was sent that is not stored yet."""
        return bool(self._owed())

    def close(self) -> None:
        """End its threads; what they began is finished."""
        self._storing.shutdown()

    def fire(self, tenant_id: int, shard: str, fires: Sequence[Fire]) -> Fired:
        """Close what the fires reach on one lane, within moments, and record the answers."""
        references = {fire.act.reference for fire in fires}
        self._firing |= references
        try:
            return self._fire(tenant_id, shard, fires)
        finally:
            self._firing -= references

    def _fire(self, tenant_id: int, shard: str, fires: Sequence[Fire]) -> Fired:
        market = self._market(tenant_id, shard)
        remembered = [
            order for fire in fires for one in fire.exposures for order in orders_from_memory(tenant_id, one, market)
        ]
        self._journal.write(*(_entry(tenant_id, shard, fire, remembered) for fire in fires))
        turn = _Turn()
        storing = self._storing.submit(self._store, tenant_id, shard, fires, market, turn)
        try:
            stopping = storing.result(STORE_S_MAX)
        except (LateError, *_AWAY) as trouble:
            if turn.take():
                log.warning("stops of %s are sent before they are stored: %s", shard, _told(trouble))
                return self._send_remembered(tenant_id, shard, remembered, storing)
            stopping = storing.result()
        self._journal.done(*(fire.act.reference for fire in fires))
        return self._send_stored(tenant_id, shard, stopping) if stopping else Fired(0, 0, True, None)

    def again(self, tenant_id: int, shard: str, fires: Sequence[Fire]) -> Stopping | None:
        """Store and send the next order for every book that is still held and not closing; None while it cannot.

        What was sent from memory comes first: until it is stored, its books look as if nobody closed them.
        """
        if not self._journal.left.keys().isdisjoint(fire.act.reference for fire in fires):
            return None
        try:
            stopping = self._store(tenant_id, shard, fires, self._market(tenant_id, shard), _Turn())
        except _AWAY as trouble:
            log.warning("stops of %s are not gone on with yet: %s", shard, _told(trouble))
            return None
        if stopping is not None:
            self._send_stored(tenant_id, shard, stopping)
        return stopping

    def catch_up(self) -> int:
        """Make rows of what was sent while PostgreSQL was away; return how many acts. Raises the driver's errors.

        All of a lane at once: until then its replicator does not know that these books are being closed.
        """
        lanes: defaultdict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
        owed = self._owed()
        for entry in owed:
            lanes[tuple(entry[name] for name in ("tenant_id", "shard", "state", "reason"))].append(entry)
        for entries in lanes.values():
            self._adopt(entries)
        return len(owed)

    def _adopt(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Make rows of entries of one lane that stop their subscriptions alike."""
        tenant_id, shard = entries[0]["tenant_id"], entries[0]["shard"]
        acts, orders = [_act(entry) for entry in entries], [order for entry in entries for order in _orders(entry)]
        sent = [order.client_order_id for order in orders]
        stopped = sorted({number for entry in entries for number in entry["subscription_ids"]})
        with self._db.tenant(tenant_id) as session:
            store_acts(session, acts)
            epoch, mine = adopt_orders(session, self._halt(shard, stopped, entries[0]), orders)
            # Of what was stored late, the lane may have asked already.
            record_answers(session, shard, self._unrecorded.of(mine), epoch=epoch)
            record_answers(session, shard, self._unrecorded.of(set(sent) - mine), epoch=None)
        self._unrecorded.drop(sent)
        self._journal.done(*(act.reference for act in acts))
        self._around.look_soon(tenant_id, shard)

    def _owed(self) -> list[Mapping[str, Any]]:
        """Return what is noted and not stored, but for what is just being fired."""
        return [entry for reference, entry in self._journal.left.items() if reference not in self._firing]

    def _store(self, tenant_id: int, shard: str, fires: Sequence[Fire], market: Market, turn: _Turn) -> Stopping | None:
        """Store acts and orders in one transaction; None where memory sends meanwhile."""
        by_state: dict[tuple[SubscriptionState, str], list[int]] = {}
        for fire in fires:
            by_state.setdefault((fire.state, fire.reason), []).extend(one.subscription_id for one in fire.exposures)
        epoch, batch, left = 0, list[Dispatch](), list[Remainder]()
        with self._db.tenant(tenant_id) as session:
            store_acts(session, [fire.act for fire in fires])
            for (state, reason), ids in by_state.items():
                halt = self._halt(shard, ids, {"state": str(state), "reason": reason})
                found = stop_books(session, halt, market)
                epoch, batch, left = found.epoch, [*batch, *found.batch], [*left, *found.left]
        return Stopping(epoch, batch, left) if turn.take() else None

    def _halt(self, shard: str, ids: Sequence[int], told: Mapping[str, Any]) -> Halt:
        now = self._clock.now()
        wait_ms = self._timing.lease_ms + self._timing.unknown_wait_ms
        proof_at = now + timedelta(milliseconds=wait_ms)
        return Halt(shard, ids, SubscriptionState(told["state"]), told["reason"], now, proof_at)

    def _send_stored(self, tenant_id: int, shard: str, stopping: Stopping) -> Fired:
        """Send what is stored, and settle it; an answer that cannot be recorded is asked for by the lane."""
        answers, sent_at = self._send(tenant_id, shard, stopping.batch)
        try:
            with self._db.tenant(tenant_id) as session:
                record_answers(session, shard, answers, epoch=stopping.epoch)
        except _AWAY as trouble:
            log.warning("answers of %s are not recorded yet: %s", shard, _told(trouble))
        self._around.look_soon(tenant_id, shard)
        return _fired(answers, sent_at, stored=True)

    def _send_remembered(self, tenant_id: int, shard: str, orders: Sequence[StopOrder], storing: Future[Any]) -> Fired:
        batch = [Dispatch(place, order.account_id, order.request()) for place, order in enumerate(orders)]
        answers, sent_at = self._send(tenant_id, shard, batch)
        self._unrecorded.add(answers)
        storing.add_done_callback(lambda done: done.exception())  # What it stored is caught up with as well.
        return _fired(answers, sent_at, stored=False)

    def _send(self, tenant_id: int, shard: str, batch: Sequence[Dispatch]) -> tuple[_Answers, datetime | None]:
        """Send orders, within the time after which the lane may take them for never sent; answers by their ids."""
        keys = self._around.credentials(tenant_id, {item.account_id for item in batch}) if batch else {}
        ready = [item for item in batch if item.account_id in keys]
        if not ready:
            return {}, None
        venue, sent_at = self._around.exchange(tenant_id, shard).venue, self._clock.now()
        orders = [(keys[item.account_id], item.request) for item in ready]
        until = self._clock.monotonic() + self._timing.lease_ms / 1000
        sending = send_closes(venue, orders, may_send=lambda: self._clock.monotonic() < until)
        outcomes = self._around.start(sending).result()
        now = self._clock.now()
        answers = {
            item.request.client_order_id: settlement_of(
                item.copy_id,
                outcome,
                checks=0,
                unknown_wait_ms=self._timing.unknown_wait_ms,
                now=now,
                reduces=True,
                exchange=venue.traits.venue,
            )
            for item, outcome in zip(ready, outcomes, strict=True)
        }
        return answers, sent_at

    def _market(self, tenant_id: int, shard: str) -> Market:
        exchange = self._around.exchange(tenant_id, shard)
        return Market(exchange.instruments, exchange.venue.traits, self._around.terms(tenant_id, shard).broker_prefix)


def _fired(answers: _Answers, sent_at: datetime | None, *, stored: bool) -> Fired:
    return Fired(len(answers), sum(one.acked_at is None for one in answers.values()), stored, sent_at)


def _told(trouble: BaseException) -> str:
    return (str(trouble).splitlines() or ["it does not answer"])[0]


def _entry(tenant_id: int, shard: str, fire: Fire, orders: Sequence[StopOrder]) -> dict[str, Any]:
    """Write a fire so that rows can be made of it later."""
    act, mine = fire.act, {one.subscription_id for one in fire.exposures}
    return {
        "reference": act.reference,
        "tenant_id": tenant_id,
        "shard": shard,
        "state": str(fire.state),
        "reason": fire.reason,
        "act": {
            "scope": act.scope,
            "subject_id": act.subject_id,
            "subscription_id": act.subscription_id,
            "line": act.line,
            "action": act.action,
            "state": str(ActState.CLOSING),
            "facts": dict(act.facts),
            "at": act.at.isoformat(),
        },
        "subscription_ids": sorted(mine),
        "orders": [order.told() for order in orders if order.subscription_id in mine],
    }


def _act(entry: Mapping[str, Any]) -> Act:
    told = dict(entry["act"])
    told |= {"state": ActState(told["state"]), "at": datetime.fromisoformat(told["at"])}
    return Act(entry["reference"], **told)


def _orders(entry: Mapping[str, Any]) -> list[StopOrder]:
    return [StopOrder.read(order) for order in entry["orders"]]
