"""What the risk role does about verdicts: in threads of its own, stored first wherever that is possible."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from copydesk.bootstrap import Runtime
from copydesk.kernel import CopydeskError, decimal_text, utc_now
from copydesk.replication import Exposure, Fire, Remainder, Stopper, soft_stop
from copydesk.risk.acts import Act, ActState, Owner, Watch, advance_act, keep_waters, note_watch, store_acts
from copydesk.risk.grammar import text_of
from copydesk.risk.monitor import Key, Verdict
from copydesk.risk.stops import EVENT_OF, Stop, StopEvent, StopState
from copydesk.risk.waters import Waters
from copydesk.trading import SubscriptionState
from copydesk.workers.outage import DATABASE_AWAY, first_line

log = logging.getLogger(__name__)

# Subscriptions are told this; the act says which limit it was.
STOPPED, SOFT_STOPPED = "risk_stop", "risk_soft_stop"
FIRST_LOOK_S = 1.0
GIVE_UP_S = 60.0
_BACKOFF_S_MAX = 8.0
# How long a stop at the exchange may be asked about after it closed what a stop of ours was to close: asking after
# hundreds takes an exchange's limits minutes.
GUARDED_MAX = timedelta(minutes=10)
# How many acts are written down in one transaction.
SAID_AT_ONCE = 200

_STATE_OF = {StopEvent.WARN: ActState.WARNED, StopEvent.BLOCK: ActState.BLOCKED, StopEvent.FIRE: ActState.FIRING}
_STOP_OF = {
    ActState.WARNED: StopState.WARNED,
    ActState.BLOCKED: StopState.SOFT,
    ActState.FIRING: StopState.FIRING,
    ActState.CLOSING: StopState.CLOSING,
    ActState.CLOSED: StopState.CLOSED,
    ActState.FLAGGED: StopState.FLAGGED,
}


@dataclass
class Closing:
    """A stop on its way: whose, by which act, and how far it has come.

    `left` are the books that no order could be made for, as of the last look.
    """

    key: Key
    act: Act
    exposures: tuple[Exposure, ...]
    disarms: bool
    began_at: float = field(default_factory=time.monotonic)
    tries: int = 0
    tried_at: float = float("-inf")
    work: Future[None] | None = None
    left: tuple[Remainder, ...] = ()

    @property
    def busy(self) -> bool:
        return self.work is not None and not self.work.done()

    @property
    def flat(self) -> bool:
        """Tell whether nothing is held any more that could be closed; what is left is less than can be traded."""
        stuck = {(one.subscription_id, one.symbol, one.position_side) for one in self.left if one.why is not None}
        return all(
            (one.subscription_id, book.symbol, book.position_side) in stuck
            for one in self.exposures
            for book in one.books
            if book.qty
        )

    @property
    def due(self) -> bool:
        """Tell whether it is time to look again, ever later."""
        return time.monotonic() - self.tried_at >= min(
            FIRST_LOOK_S * float(2 ** max(self.tries - 1, 0)), _BACKOFF_S_MAX
        )

    @property
    def given_up(self) -> bool:
        return time.monotonic() - self.began_at >= GIVE_UP_S

    def fires(self) -> dict[str, Fire]:
        """Return what there is to fire, by lane."""
        state = SubscriptionState.DISARMED if self.disarms else SubscriptionState.PAUSED
        lanes: defaultdict[str, list[Exposure]] = defaultdict(list)
        for one in self.exposures:
            lanes[one.shard].append(one)
        return {shard: Fire(self.act, tuple(ones), state, STOPPED) for shard, ones in lanes.items()}


def act_of(verdict: Verdict, *, turn: int, now: datetime, suspected_at: datetime) -> Act:
    """Write a verdict down as an act; it was first suspected, and prices weighed since, from a moment on. Pure."""
    key, worst = verdict.key, verdict.broken[0]
    limit = worst.scoped.limit
    scope, _ = key.owner
    event = EVENT_OF[limit.action]
    facts = {
        "turn": turn,
        "whose": str(worst.scoped.scope),
        "now": decimal_text(worst.level.now),
        "at": decimal_text(worst.level.at),
        "equity_low": decimal_text(verdict.equity.low),
        "equity_high": decimal_text(verdict.equity.high),
        "suspected_at": suspected_at.isoformat(),
    }
    subscription_id = None if key.account else key.number
    return Act(
        f"{scope}-{key.number}-{turn}-{event}",
        scope,
        key.number,
        subscription_id,
        text_of(limit),
        str(limit.action),
        _STATE_OF[event],
        facts,
        now,
    )


def stop_after_restart(state: ActState, turn: int) -> Stop:
    """Return where a holder's stop was when an earlier process ended, by its newest act. Pure."""
    return Stop(_STOP_OF[state], turn)


class RiskActs:
    """Carry verdicts out. Every method returns at once."""

    def __init__(self, runtime: Runtime, stopper: Stopper, pool: ThreadPoolExecutor) -> None:
        self._runtime = runtime
        self._stopper = stopper
        self._pool = pool
        self._catching_up: Future[None] | None = None
        self._keeping: Future[None] | None = None
        self._watching: Future[None] | None = None
        self._unsaid: list[tuple[int, Act, ActState, dict[str, Any]]] = []

    def close(self) -> None:
        """Finish what was begun."""
        self._pool.shutdown(wait=True)

    def fire(self, closings: Sequence[Closing], sent: Callable[[Closing], None]) -> None:
        """Close what the stops reach, lanes beside each other; `sent` is called for each once its orders are."""
        lanes: defaultdict[tuple[int, str], list[tuple[Closing, Fire]]] = defaultdict(list)
        for closing in closings:
            closing.tried_at, closing.tries = time.monotonic(), 1
            for shard, fire in closing.fires().items():
                lanes[closing.key.tenant_id, shard].append((closing, fire))
        for (tenant_id, shard), work in lanes.items():
            future = self._pool.submit(self._fire, tenant_id, shard, work, sent)
            for closing, _ in work:
                closing.work = future

    def again(self, closing: Closing) -> None:
        """Send the next order for what is still held."""
        closing.tried_at, closing.tries = time.monotonic(), closing.tries + 1
        closing.work = self._pool.submit(self._again, closing)

    def note(self, tenant_id: int, act: Act, exposures: Collection[Exposure], *, blocks: bool) -> None:
        """Store a warning, or a soft stop with what it does: nothing is opened any more."""
        self._pool.submit(self._note, tenant_id, act, [one.subscription_id for one in exposures], blocks)

    def end(self, closing: Closing, *, flat: bool) -> None:
        """Note that a stop has come to its end, or that a person must look."""
        left = {
            f"{one.subscription_id} {one.symbol} {one.position_side}": str(one.why)
            for one in closing.left
            if one.why is not None
        }
        state = ActState.CLOSED if flat else ActState.FLAGGED
        self._unsaid.append((closing.key.tenant_id, closing.act, state, {"left": left} if left else {}))
        self._announce(closing.key.tenant_id, closing.act)

    def catch_up(self) -> None:
        """Store what could not be stored when it happened."""
        idle = self._catching_up is None or self._catching_up.done()
        if idle and (self._unsaid or self._stopper.owes):
            self._catching_up = self._pool.submit(self._catch_up)

    def keep(self, waters: Mapping[int, Iterable[tuple[Owner, Waters]]]) -> None:
        """Store high waters, unless the last ones are still being stored."""
        if self._keeping is None or self._keeping.done():
            self._keeping = self._pool.submit(self._keep, waters)

    def watch(self, brands: Mapping[int, Watch]) -> bool:
        """Note how far each brand is watched; False where the last note is still being made, and this one is not."""
        free = self._watching is None or self._watching.done()
        if free:
            self._watching = self._pool.submit(self._watch, brands)
        return free

    def _watch(self, brands: Mapping[int, Watch]) -> None:
        with suppress(*DATABASE_AWAY):
            for tenant_id, watch in brands.items():
                with self._runtime.db.tenant(tenant_id) as session:
                    note_watch(session, watch)

    def _fire(
        self,
        tenant_id: int,
        shard: str,
        work: Sequence[tuple[Closing, Fire]],
        sent: Callable[[Closing], None],
    ) -> None:
        try:
            fired = self._stopper.fire(tenant_id, shard, [fire for _, fire in work])
        except (CopydeskError, OSError, *DATABASE_AWAY) as error:
            log.error("stops of %s did not go out, trying again: %s", shard, str(error).splitlines()[0])
            return
        log.warning("stops of %s: %s orders, %s without an answer yet", shard, fired.sent, fired.unanswered)
        for closing, fire in work:
            if fired.stored:
                self._unsaid.append((tenant_id, fire.act, ActState.CLOSING, {}))
            sent(closing)
            self._announce(tenant_id, fire.act)

    def _again(self, closing: Closing) -> None:
        left: list[Remainder] = []
        for shard, fire in closing.fires().items():
            try:
                stopping = self._stopper.again(closing.key.tenant_id, shard, [fire])
            except CopydeskError as error:
                log.warning("stop %s goes on later: %s", closing.act.reference, error)
                continue
            if stopping is None:
                closing.began_at = time.monotonic()  # Nothing can be known of it yet, so nobody need look.
            left += stopping.left if stopping is not None else ()
        closing.left = tuple(left)
        if any(one.guarded for one in left) and utc_now() - closing.act.at < GUARDED_MAX:
            closing.began_at = time.monotonic()  # Flat, by all that is known: only what it was sold for is not.

    def _note(self, tenant_id: int, act: Act, ids: Sequence[int], blocks: bool) -> None:
        while True:
            try:
                with self._runtime.db.tenant(tenant_id) as session:
                    store_acts(session, [act])
                    if blocks:
                        soft_stop(session, ids, SOFT_STOPPED)
                break
            except DATABASE_AWAY as error:
                log.warning("%s is noted later: %s", act.reference, first_line(error))
                time.sleep(FIRST_LOOK_S)
        self._announce(tenant_id, act)

    def _catch_up(self) -> None:
        try:
            self._stopper.catch_up()
            while self._unsaid:
                self._say(list(takewhile(lambda one: one[0] == self._unsaid[0][0], self._unsaid[:SAID_AT_ONCE])))
        except DATABASE_AWAY as error:
            log.info("acts are stored later: %s", first_line(error))

    def _say(self, unsaid: Sequence[tuple[int, Act, ActState, dict[str, Any]]]) -> None:
        """Store how far acts of one brand have come."""
        with self._runtime.db.tenant(unsaid[0][0]) as session:
            store_acts(session, [act for _, act, _, _ in unsaid])
            for _, act, state, facts in unsaid:
                advance_act(session, act.reference, state, facts=facts, sent_at=utc_now())
        del self._unsaid[: len(unsaid)]

    def _keep(self, waters: Mapping[int, Iterable[tuple[Owner, Waters]]]) -> None:
        try:
            for tenant_id, known in waters.items():
                with self._runtime.db.tenant(tenant_id) as session:
                    keep_waters(session, known)
        except DATABASE_AWAY as error:
            log.info("high waters are kept later: %s", first_line(error))

    def _announce(self, tenant_id: int, act: Act) -> None:
        self._runtime.announce(tenant_id, {"type": "risk", "subscription_id": act.subscription_id})
