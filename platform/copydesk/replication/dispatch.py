"""Send stored copies on the resident loop, each once, and turn the answers into settlements (DESIGN §5, 7 and 8)."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from copydesk.kernel import Clock
from copydesk.replication.lane import Hold, Lanes
from copydesk.replication.outcomes import settlement_of
from copydesk.replication.port import Surroundings, Timing
from copydesk.replication.settle import Settlement
from copydesk.trading import Denial, OrderRequest, OrderStatus
from copydesk.venues import Outcome


class Dispatch(NamedTuple):
    """One stored copy, ready to send."""

    copy_id: int
    account_id: int
    request: OrderRequest
    checks: int = 0


class Sending:
    """A batch on its way; `settlements` waits for the answers."""

    def __init__(
        self, known: list[Settlement], ready: Sequence[Dispatch], answers: Future[list[Outcome]] | None, exchange: str
    ) -> None:
        self._known = known
        self._ready = ready
        self._answers = answers
        self._exchange = exchange

    def settlements(self, *, unknown_wait_ms: int, clock: Clock) -> list[Settlement]:
        """Wait for every answer and say what each means for its copy."""
        if self._answers is None:
            return self._known
        outcomes, now = self._answers.result(), clock.now()
        return self._known + [
            settlement_of(
                item.copy_id,
                outcome,
                checks=item.checks,
                unknown_wait_ms=unknown_wait_ms,
                now=now,
                reduces=item.request.reduces,
                exchange=self._exchange,
            )
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
            return Sending(unusable, [], None, "")
        orders = [(keys[item.account_id], item.request) for item in ready]
        may_send = partial(self._lanes.may_send, tenant_id, shard, hold)
        venue = self._around.exchange(tenant_id, shard).venue
        answers = self._around.start(venue.submit_many(orders, may_send=may_send))
        return Sending(unusable, ready, answers, venue.traits.venue)

    def before_resend(self, batch: Sequence[Dispatch]) -> list[Settlement]:
        """Say that these copies are about to be sent again: store it first, should we end before their answers.

        Sending stops when the lease does, so "no such order" is proof a while after its latest end.
        """
        now = self._clock.now()
        proof_at = now + timedelta(milliseconds=self._timing.lease_ms + self._timing.unknown_wait_ms)
        return [Settlement(item.copy_id, OrderStatus.IN_FLIGHT, next_check_at=now, proof_at=proof_at) for item in batch]

    def finish(self, sending: Sending) -> list[Settlement]:
        """Wait for a batch and return its settlements."""
        return sending.settlements(unknown_wait_ms=self._timing.unknown_wait_ms, clock=self._clock)


def _unusable(item: Dispatch) -> Settlement:
    return Settlement(item.copy_id, OrderStatus.REJECTED, reason=Denial.ACCOUNT_UNUSABLE)
