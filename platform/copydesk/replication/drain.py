"""Drain a shard: plan every due signal, store the copies, send them, settle the answers (DESIGN §5, steps 4 to 8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from copydesk.db import Database
from copydesk.kernel import Clock, Unavailable
from copydesk.replication.lane import Hold, Lanes
from copydesk.replication.model import Follower, Limits, Planned, SignalFact
from copydesk.replication.orders import copy_digest, order_request
from copydesk.replication.outcomes import settlement_of
from copydesk.replication.plan import plan_copies
from copydesk.replication.port import Surroundings, Terms, Timing
from copydesk.replication.settle import Settlement, settle
from copydesk.replication.store import CopyBatch, followers, mark_stored, next_due, store_copies
from copydesk.trading import Credentials, Denial, Instrument, OrderRequest, OrderStatus
from copydesk.venues import Outcome, client_order_id

# Followers stored in one transaction; the next chunk is stored while this one's orders are on the wire.
CHUNK = 250


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One stored copy, ready to send."""

    copy_id: int
    account_id: int
    request: OrderRequest
    checks: int = 0


class Sending:
    """A batch on its way; `settlements` waits for the answers."""

    def __init__(
        self, known: list[Settlement], ready: Sequence[Dispatch], answers: Future[list[Outcome]] | None
    ) -> None:
        self._known = known
        self._ready = ready
        self._answers = answers

    def settlements(self, *, unknown_wait_ms: int, clock: Clock) -> list[Settlement]:
        """Wait for every answer and say what each means for its copy."""
        if self._answers is None:
            return self._known
        outcomes, now = self._answers.result(), clock.now()
        return self._known + [
            settlement_of(item.copy_id, outcome, checks=item.checks, unknown_wait_ms=unknown_wait_ms, now=now)
            for item, outcome in zip(self._ready, outcomes, strict=True)
        ]


class Sender:
    """Send stored copies on the resident loop and turn the answers into settlements."""

    def __init__(self, around: Surroundings, lanes: Lanes, clock: Clock, timing: Timing) -> None:
        self._around = around
        self._lanes = lanes
        self._clock = clock
        self._timing = timing

    def start(self, tenant_id: int, shard: str, hold: Hold, batch: Sequence[Dispatch]) -> Sending:
        """Send each copy once; a lost lease or a key that does not open sends nothing for those copies."""
        keys = self._around.credentials(tenant_id, {item.account_id for item in batch}) if batch else {}
        ready = [item for item in batch if item.account_id in keys]
        unusable = [_unusable(item) for item in batch if item.account_id not in keys]
        if not ready or not self._lanes.valid(hold):
            return Sending(unusable, [], None)
        orders = [(keys[item.account_id], item.request) for item in ready]
        may_send = partial(self._lanes.may_send, tenant_id, shard, hold)
        return Sending(unusable, ready, self._around.start(self._submit(shard, orders, may_send)))

    def finish(self, sending: Sending) -> list[Settlement]:
        """Wait for a batch and return its settlements."""
        return sending.settlements(unknown_wait_ms=self._timing.unknown_wait_ms, clock=self._clock)

    async def _submit(
        self, shard: str, orders: Sequence[tuple[Credentials, OrderRequest]], may_send: Callable[[], bool]
    ) -> list[Outcome]:
        outcomes: list[Outcome | None] = [None] * len(orders)
        venue = self._around.exchange(shard).venue
        await venue.submit_many(orders, outcomes.__setitem__, may_send=may_send)
        missing = Outcome(Unavailable("the venue adapter gave no answer"), None, None)
        return [outcome or missing for outcome in outcomes]


def _unusable(item: Dispatch) -> Settlement:
    return Settlement(item.copy_id, OrderStatus.REJECTED, reason=Denial.ACCOUNT_UNUSABLE)


class Drainer:
    """Plan, store, send and settle what is due on a lane."""

    def __init__(self, db: Database, around: Surroundings, lanes: Lanes, sender: Sender, clock: Clock) -> None:
        self._db = db
        self._around = around
        self._lanes = lanes
        self._sender = sender
        self._clock = clock

    def drain(self, tenant_id: int, shard: str) -> int:
        """Handle every due signal of the lane, oldest first, and return how many; 0 where another worker has it."""
        with self._lanes.tend(tenant_id, shard):
            return self._drain(tenant_id, shard)

    def _drain(self, tenant_id: int, shard: str) -> int:
        handled = 0
        while hold := self._lanes.hold(tenant_id, shard):
            with self._db.tenant(tenant_id) as session:
                due = next_due(session, shard)
                crowd = followers(session, due, shard) if due else []
            if due is None:
                break
            if not self._handle(tenant_id, shard, hold, due.fact, crowd):
                self._lanes.drop(tenant_id, shard)
                break
            handled += 1
        return handled

    def _handle(self, tenant_id: int, shard: str, hold: Hold, signal: SignalFact, crowd: Sequence[Follower]) -> bool:
        """Store and send chunk by chunk, so that the first orders leave while later ones are still being stored."""
        on_the_way = []
        chunks = [crowd[at : at + CHUNK] for at in range(0, len(crowd), CHUNK)] or [[]]
        fenced = False
        for chunk in chunks:
            batch = self._store(tenant_id, shard, hold, signal, chunk, last=chunk is chunks[-1])
            if batch is None:
                fenced = True
                break
            on_the_way.append(self._sender.start(tenant_id, shard, hold, batch))
        stored_at = self._clock.now()
        settlements = [settlement for sending in on_the_way for settlement in self._sender.finish(sending)]
        with self._db.tenant(tenant_id) as session:
            settle(session, settlements)
            mark_stored(session, shard=shard, signal_id=signal.id, at=stored_at)
        self._around.announce(tenant_id, {"type": "copies", "signal_id": signal.id})
        return not fenced

    def _store(
        self, tenant_id: int, shard: str, hold: Hold, signal: SignalFact, crowd: Sequence[Follower], *, last: bool
    ) -> list[Dispatch] | None:
        """Plan and store in one transaction; None when the fence is closed. The last chunk drains the delivery."""
        terms = self._around.terms(tenant_id)
        instrument = self._around.exchange(shard).instruments.get(signal.symbol)
        now = self._clock.now()
        planned = plan_copies(signal, crowd, instrument or _unmapped(shard, signal), _limits(terms, signal), now=now)
        ids = [
            client_order_id(terms.broker_prefix, copy_digest(tenant_id, item.subscription_id, signal.id, item.leg))
            for item in planned
        ]
        with self._db.tenant(tenant_id) as session:
            stored = store_copies(
                session,
                CopyBatch(shard, hold.epoch, signal, planned, ids, now, last),
            )
        return None if stored is None else _dispatches(planned, ids, stored, instrument)


def _limits(terms: Terms, signal: SignalFact) -> Limits:
    return Limits(terms.slippage_bps_max, terms.signal_age_ms_max, signal.symbol in terms.markets)


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


def _unmapped(shard: str, signal: SignalFact) -> Instrument:
    """Stand in for a pair that the follower's exchange does not list: opens are denied, nothing is sent."""
    base, _, quote = signal.symbol.partition("/")
    one, none = Decimal(1), Decimal(0)
    return Instrument(shard, signal.symbol, "", base, quote, one, one, one, one, none, trading=False)
