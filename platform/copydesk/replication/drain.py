"""Drain a shard: plan every due signal, store the copies, send them, settle the answers (DESIGN §5, steps 4 to 8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from copydesk.db import Database
from copydesk.kernel import Clock, Unavailable
from copydesk.replication.lane import Hold, Lanes
from copydesk.replication.model import Limits, Planned, SignalFact
from copydesk.replication.orders import copy_digest, order_request
from copydesk.replication.outcomes import settlement_of
from copydesk.replication.plan import plan_copies
from copydesk.replication.port import Surroundings, Terms, Timing
from copydesk.replication.settle import Settlement, settle
from copydesk.replication.store import DueSignal, due_signals, followers, mark_stored, store_copies
from copydesk.trading import Credentials, Denial, Instrument, OrderRequest, OrderStatus
from copydesk.venues import Outcome, client_order_id


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One stored copy, ready to send."""

    copy_id: int
    account_id: int
    request: OrderRequest
    checks: int = 0


class Sender:
    """Send stored copies on the resident loop and turn the answers into settlements."""

    def __init__(self, around: Surroundings, lanes: Lanes, clock: Clock, timing: Timing) -> None:
        self._around = around
        self._lanes = lanes
        self._clock = clock
        self._timing = timing

    def send(self, tenant_id: int, shard: str, hold: Hold, batch: Sequence[Dispatch]) -> list[Settlement]:
        """Send each copy once; a lost lease or a key that does not open sends nothing for those copies."""
        if not batch:
            return []
        keys = self._around.credentials(tenant_id, {item.account_id for item in batch})
        ready = [item for item in batch if item.account_id in keys]
        settlements = [_unusable(item) for item in batch if item.account_id not in keys]
        if not self._lanes.valid(hold):
            return settlements
        outcomes = self._around.run(self._submit(shard, [(keys[item.account_id], item.request) for item in ready]))
        now = self._clock.now()
        settlements += [
            settlement_of(
                item.copy_id, outcome, checks=item.checks, unknown_wait_ms=self._timing.unknown_wait_ms, now=now
            )
            for item, outcome in zip(ready, outcomes, strict=True)
        ]
        return settlements

    async def _submit(self, shard: str, orders: Sequence[tuple[Credentials, OrderRequest]]) -> list[Outcome]:
        outcomes: list[Outcome | None] = [None] * len(orders)
        await self._around.exchange(shard).venue.submit_many(orders, outcomes.__setitem__)
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
        handled = 0
        while hold := self._lanes.hold(tenant_id, shard):
            with self._db.tenant(tenant_id) as session:
                due = due_signals(session, shard)
            if not due:
                break
            for item in due:
                if not self._handle(tenant_id, shard, hold, item):
                    return handled
                handled += 1
        return handled

    def _handle(self, tenant_id: int, shard: str, hold: Hold, due: DueSignal) -> bool:
        batch = self._store(tenant_id, shard, hold, due)
        if batch is None:
            self._lanes.drop(tenant_id, shard)
            return False
        stored_at = self._clock.now()
        settlements = self._sender.send(tenant_id, shard, hold, batch)
        with self._db.tenant(tenant_id) as session:
            settle(session, settlements)
            mark_stored(session, shard=shard, signal_id=due.fact.id, at=stored_at)
        self._around.announce(tenant_id, {"type": "copies", "signal_id": due.fact.id})
        return True

    def _store(self, tenant_id: int, shard: str, hold: Hold, due: DueSignal) -> list[Dispatch] | None:
        """Plan and store in one transaction; None when the fence is closed."""
        terms, signal = self._around.terms(tenant_id), due.fact
        instrument = self._around.exchange(shard).instruments.get(signal.symbol)
        with self._db.tenant(tenant_id) as session:
            crowd = followers(
                session, strategy_id=due.strategy_id, shard=shard, symbol=signal.symbol, venue_at=signal.venue_at
            )
            now = self._clock.now()
            planned = plan_copies(
                signal, crowd, instrument or _unmapped(shard, signal), _limits(terms, signal), now=now
            )
            ids = [
                client_order_id(terms.broker_prefix, copy_digest(tenant_id, item.subscription_id, signal.id, item.leg))
                for item in planned
            ]
            stored = store_copies(
                session, shard=shard, epoch=hold.epoch, signal=signal, planned=planned, client_order_ids=ids, now=now
            )
        if stored is None:
            return None
        return _dispatches(planned, ids, stored, instrument)


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
