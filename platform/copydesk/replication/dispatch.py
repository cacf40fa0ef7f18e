"""Send stored copies on the resident loop, each once, and turn the answers into settlements (DESIGN §5, 7 and 8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from datetime import datetime, timedelta
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
    """One stored copy, ready to send.

    `copy_id` is what its settlement is told by; before copies are made of a delivery's intents, its place among them.
    """

    copy_id: int
    account_id: int
    request: OrderRequest
    checks: int = 0


class Sending:
    """A batch on its way; `settlements` waits for the answers, and meanwhile keeps the right to send."""

    def __init__(
        self,
        known: list[Settlement],
        ready: Sequence[Dispatch],
        answers: Future[list[Outcome]] | None,
        exchange: str,
        keep: Callable[[], object],
    ) -> None:
        self._known = known
        self._ready = ready
        self._answers = answers
        self._exchange = exchange
        self._keep = keep

    def settlements(self, *, unknown_wait_ms: int, clock: Clock, keep_every_s: float) -> list[Settlement]:
        """Wait for every answer and say what each means for its copy.

        A crowd may take longer than a lease lasts: it is renewed, and where that fails what is left is not sent.
        """
        if self._answers is None:
            return self._known
        while wait([self._answers], keep_every_s).not_done:
            self._keep()
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
        keep = partial(self._lanes.hold, tenant_id, shard)
        keys = self._around.credentials(tenant_id, {item.account_id for item in batch}) if batch else {}
        ready = [item for item in batch if item.account_id in keys]
        unusable = [_unusable(item) for item in batch if item.account_id not in keys]
        if not ready or not self._lanes.valid(hold):
            return Sending(unusable, [], None, "", keep)
        orders = [(keys[item.account_id], item.request) for item in ready]
        may_send = partial(self._lanes.may_send, tenant_id, shard, hold)
        venue = self._around.exchange(tenant_id, shard).venue
        answers = self._around.start(venue.submit_many(orders, may_send=may_send))
        return Sending(unusable, ready, answers, venue.traits.venue, keep)

    def before_resend(self, batch: Sequence[Dispatch]) -> list[Settlement]:
        """Say that these copies are about to be sent again: store it first, should we end before their answers."""
        now, proof_at = self._clock.now(), self.proof_at()
        return [Settlement(item.copy_id, OrderStatus.IN_FLIGHT, next_check_at=now, proof_at=proof_at) for item in batch]

    def proof_at(self) -> datetime:
        """Return from when on "no such order" is proof for what may be sent now: a while after the lease's end."""
        wait_ms = self._timing.lease_ms + self._timing.unknown_wait_ms
        return self._clock.now() + timedelta(milliseconds=wait_ms)

    def finish(self, sending: Sending) -> list[Settlement]:
        """Wait for a batch and return its settlements."""
        return sending.settlements(
            unknown_wait_ms=self._timing.unknown_wait_ms,
            clock=self._clock,
            keep_every_s=self._timing.lease_ms / 4000,
        )


def _unusable(item: Dispatch) -> Settlement:
    return Settlement(item.copy_id, OrderStatus.REJECTED, reason=Denial.ACCOUNT_UNUSABLE)
