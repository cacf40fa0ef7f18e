"""Reconcile a shard: find out what happened to copies in flight, and mend books that a failed close left open."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from copydesk.db import Database
from copydesk.kernel import Clock, CopydeskError, VenueRefused
from copydesk.replication.dispatch import Dispatch, Sender
from copydesk.replication.fixes import store_fixes
from copydesk.replication.holdings import flag_unbacked, held_books, unbacked
from copydesk.replication.inflight import OpenCopy, due_checks, record_run
from copydesk.replication.lane import Hold, Lanes
from copydesk.replication.outcomes import backoff_s, expired, settlement_of_view
from copydesk.replication.port import Surroundings
from copydesk.replication.settle import Settlement, settle
from copydesk.trading import Credentials, Denial, OrderStatus, OrderView
from copydesk.venues import Balance

Answer = OrderView | CopydeskError | None

# Reading balances weighs 20 of 6,000 a minute: ten accounts per ten seconds, all lanes together, leave room for
# asking after copies in doubt. A round comes oftener than that whenever a copy is in doubt.
COMPARE_MAX = 10
COMPARE_PAUSE_S = 10.0
COMPARE_EVERY_S = 60.0
_ACKNOWLEDGED = frozenset({OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED})


@dataclass(frozen=True)
class Verdicts:
    """What a round of questions decided: settlements to store, copies proven absent to send again."""

    settlements: list[Settlement]
    resend: list[OpenCopy]


class Reconciler:
    """Own the copies in flight until their outcome is known."""

    def __init__(self, db: Database, around: Surroundings, lanes: Lanes, sender: Sender, clock: Clock) -> None:
        self._db = db
        self._around = around
        self._lanes = lanes
        self._sender = sender
        self._clock = clock
        self._compared_at: dict[tuple[int, int], float] = {}
        self._rounds_at: dict[tuple[int, str], float] = {}

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
        self._compare(tenant_id, shard)
        with self._db.tenant(tenant_id) as session:
            record_run(session, shard=shard, at=self._clock.now(), resolved=resolved, corrected=corrected)
        return resolved + corrected

    def _resolve(self, tenant_id: int, shard: str, hold: Hold) -> int:
        with self._db.tenant(tenant_id) as session:
            due = due_checks(session, shard=shard, now=self._clock.now())
        if not due:
            return 0
        keys = self._around.credentials(tenant_id, {copy.account_id for copy in due})
        answers = self._around.start(self._ask(shard, due, keys)).result()
        age_ms_max = self._around.terms(tenant_id).signal_age_ms_max
        verdicts = judge(due, answers, now=self._clock.now(), age_ms_max=age_ms_max)
        # Asking may have taken long: what is decided now is stored and sent only under a lease that still stands.
        fresh = self._lanes.hold(tenant_id, shard)
        if fresh is None or fresh.epoch != hold.epoch:
            return 0
        hold = fresh
        symbols = self._around.exchange(shard).instruments
        batch = [
            Dispatch(copy.id, copy.account_id, copy.request(symbols[copy.symbol].venue_symbol), copy.checks)
            for copy in verdicts.resend
        ]
        with self._db.tenant(tenant_id) as session:
            settle(session, verdicts.settlements + self._sender.before_resend(batch), epoch=hold.epoch)
        sent = self._sender.finish(self._sender.start(tenant_id, shard, hold, batch))
        with self._db.tenant(tenant_id) as session:
            settle(session, sent, epoch=hold.epoch)
        for signal_id in {copy.signal_id for copy in due}:
            self._around.announce(tenant_id, {"type": "copies", "signal_id": signal_id})
        return len(verdicts.settlements) + len(sent)

    async def _ask(self, shard: str, due: Sequence[OpenCopy], keys: dict[int, Credentials]) -> list[Answer]:
        exchange = self._around.exchange(shard)

        async def ask(copy: OpenCopy) -> Answer:
            if copy.account_id not in keys:
                return VenueRefused("the key cannot be opened", code=Denial.ACCOUNT_UNUSABLE)
            if copy.symbol not in exchange.instruments:
                return VenueRefused(f"{copy.symbol} is not listed any more", code=Denial.INSTRUMENT_UNMAPPED)
            symbol = exchange.instruments[copy.symbol].venue_symbol
            try:
                return await exchange.venue.query(keys[copy.account_id], symbol, copy.client_order_id)
            except CopydeskError as trouble:
                return trouble

        return await asyncio.gather(*[ask(copy) for copy in due])

    def _correct(self, tenant_id: int, shard: str, hold: Hold) -> int:
        """Close what should be closed already: a close that failed or was filled in part is planned anew."""
        terms = self._around.terms(tenant_id)
        instruments = self._around.exchange(shard).instruments
        with self._db.tenant(tenant_id) as session:
            batch = store_fixes(
                session,
                shard=shard,
                epoch=hold.epoch,
                broker_prefix=terms.broker_prefix,
                instruments=instruments,
                now=self._clock.now(),
            )
        settlements = self._sender.finish(self._sender.start(tenant_id, shard, hold, batch))
        with self._db.tenant(tenant_id) as session:
            settle(session, settlements, epoch=hold.epoch)
        return len(settlements)

    def _compare(self, tenant_id: int, shard: str) -> None:
        """Hold a few accounts' books against the exchange, those first that were not looked at for longest."""
        now = self._clock.monotonic()
        if now < self._rounds_at.get((tenant_id, shard), 0.0) + COMPARE_PAUSE_S:
            return
        self._rounds_at[tenant_id, shard] = now
        accounts_max = max(COMPARE_MAX // len(self._rounds_at), 1)
        with self._db.tenant(tenant_id) as session:
            books = held_books(session, shard)
        ages = {book.account_id: self._compared_at.get((tenant_id, book.account_id), 0.0) for book in books}
        due = sorted((a for a, at in ages.items() if now - at >= COMPARE_EVERY_S or at == 0.0), key=ages.__getitem__)
        keys = self._around.credentials(tenant_id, due[:accounts_max])
        if not keys:
            return
        balances = self._around.start(self._balances(shard, keys)).result()
        self._compared_at |= {(tenant_id, account_id): now for account_id in keys}
        looked_at = [book for book in books if book.account_id in balances]
        missing = unbacked(looked_at, balances, self._around.exchange(shard).instruments)
        with self._db.tenant(tenant_id) as session:
            flag_unbacked(session, missing=missing, fine={book.subscription_id for book in looked_at})

    async def _balances(self, shard: str, keys: dict[int, Credentials]) -> dict[int, dict[str, Balance]]:
        """Read balances at once; an account whose exchange does not answer is left out."""
        venue = self._around.exchange(shard).venue
        answers = await asyncio.gather(*[venue.balances(key) for key in keys.values()], return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, CopydeskError):
                raise answer
        return {a: answer for a, answer in zip(keys, answers, strict=True) if not isinstance(answer, BaseException)}


def judge(due: Sequence[OpenCopy], answers: Sequence[Answer], *, now: datetime, age_ms_max: int) -> Verdicts:
    """Decide each copy by the exchange's word. Pure.

    An order that the exchange shows is settled by what it shows. "No such order" counts only from `proof_at`
    on; then a close, or an open that is still wanted and fresh, is sent again under the same id, and any other
    ends as expired. Of an order that was acknowledged once it is no proof at all: that order is asked about again.
    Trouble in asking leaves the copy as it is, to be asked about later.
    """
    settlements: list[Settlement] = []
    resend: list[OpenCopy] = []
    for copy, answer in zip(due, answers, strict=True):
        if isinstance(answer, OrderView):
            settlements.append(settlement_of_view(copy.id, answer, now=now, reduces=copy.reduces))
        elif answer is not None or copy.status in _ACKNOWLEDGED:
            settlements.append(_ask_later(copy, answer, now))
        elif copy.proof_at is not None and now < copy.proof_at:
            settlements.append(Settlement(copy.id, OrderStatus.IN_FLIGHT, next_check_at=copy.proof_at))
        elif not copy.wanted:
            settlements.append(expired(copy.id, Denial.NEVER_ARRIVED))
        elif copy.reduces or now - copy.signal_at <= timedelta(milliseconds=age_ms_max):
            resend.append(copy)
        else:
            settlements.append(expired(copy.id, Denial.SIGNAL_TOO_OLD))
    return Verdicts(settlements, resend)


def _ask_later(copy: OpenCopy, trouble: CopydeskError | None, now: datetime) -> Settlement:
    later = Settlement(copy.id, copy.status, next_check_at=now + timedelta(seconds=backoff_s(copy.checks)))
    if isinstance(trouble, VenueRefused):
        return later._replace(reason=trouble.code, facts={"message": str(trouble)})
    return later
