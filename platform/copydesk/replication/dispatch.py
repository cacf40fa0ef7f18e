"""Send stored copies on the resident loop, each once, and turn the answers into settlements (DESIGN §5, 7 and 8)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from copydesk.kernel import Clock
from copydesk.replication.gates import MaySend, OpenGate, spot_of
from copydesk.replication.lane import Hold, Lanes
from copydesk.replication.outcomes import settlement_of
from copydesk.replication.port import Surroundings, Timing
from copydesk.replication.settle import Settlement
from copydesk.risk import SwitchesNow
from copydesk.trading import Credentials, Denial, OrderRequest, OrderStatus
from copydesk.venues import Outcome, Venue

Orders = Sequence[tuple[Credentials, OrderRequest]]


class Dispatch(NamedTuple):
    """One stored copy, ready to send.

    `copy_id` is what its settlement is told by; before copies are made of a delivery's intents, its place among them.
    One that opens names its strategy: a switch may stop that.
    """

    copy_id: int
    account_id: int
    request: OrderRequest
    checks: int = 0
    strategy_id: int = 0


class Part(NamedTuple):
    """Copies of a batch that are sent under one right: closes under the lease alone, opens through a `gate`."""

    items: Sequence[Dispatch]
    may_send: MaySend
    gate: OpenGate | None = None

    def orders(self, keys: Mapping[int, Credentials]) -> tuple[Orders, MaySend]:
        """Return what is sent, and under which right: put together before the loop has to do with it."""
        return [(keys[item.account_id], item.request) for item in self.items], self.may_send


def parts_of(
    batch: Iterable[Dispatch], switches: SwitchesNow, *, tenant_id: int, shard: str, may_send: MaySend
) -> list[Part]:
    """Part a batch: closes first, then opens by what a switch can tell apart."""
    closes: list[Dispatch] = []
    opens: dict[tuple[str, int], list[Dispatch]] = {}
    for item in batch:
        request = item.request
        if request.reduces:
            closes.append(item)
        else:
            opens.setdefault((request.symbol, item.strategy_id), []).append(item)
    parts = [Part(closes, may_send)] if closes else []
    for (symbol, strategy_id), items in opens.items():
        assert strategy_id, "an order that opens names its strategy"
        gate = OpenGate(switches, spot_of(tenant_id, shard, symbol, strategy_id), may_send)
        parts.append(Part(items, gate, gate))
    return parts


async def send_parts(venue: Venue, parts: Sequence[tuple[Orders, MaySend]]) -> list[Outcome]:
    """Send every part at once, the first begun first, and return all outcomes in their order."""
    if len(parts) == 1:
        ((orders, may_send),) = parts
        return await venue.submit_many(orders, may_send=may_send)
    fanouts = [venue.submit_many(orders, may_send=may_send) for orders, may_send in parts]
    return [outcome for outcomes in await asyncio.gather(*fanouts) for outcome in outcomes]


class Sending:
    """A batch on its way; `settlements` waits for the answers, and meanwhile keeps the right to send."""

    def __init__(
        self,
        known: list[Settlement],
        parts: Sequence[Part],
        answers: Future[list[Outcome]] | None,
        exchange: str,
        keep: Callable[[], object],
    ) -> None:
        self._known = known
        self._parts = parts
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
            gate.settlement(item.copy_id)
            if gate is not None and gate.held_back(outcome)
            else settlement_of(
                item.copy_id,
                outcome,
                checks=item.checks,
                unknown_wait_ms=unknown_wait_ms,
                now=now,
                reduces=item.request.reduces,
                exchange=self._exchange,
            )
            for (item, gate), outcome in zip(_gated(self._parts), outcomes, strict=True)
        ]


class Sender:
    """Send stored copies on the resident loop and turn the answers into settlements."""

    def __init__(self, around: Surroundings, lanes: Lanes, clock: Clock, timing: Timing) -> None:
        self._around = around
        self._lanes = lanes
        self._clock = clock
        self._timing = timing

    def start(self, tenant_id: int, shard: str, hold: Hold, batch: Sequence[Dispatch]) -> Sending:
        """Send each copy once; a lost lease or a key that does not open sends nothing for those copies.

        Opens that a switch stops are not sent either, now or when their turn comes; closes are never asked about one.
        """
        keep = partial(self._lanes.hold, tenant_id, shard)
        keys = self._around.credentials(tenant_id, {item.account_id for item in batch}) if batch else {}
        ready = [item for item in batch if item.account_id in keys]
        known = [_unusable(item) for item in batch if item.account_id not in keys]
        if not ready or not self._lanes.valid(hold):
            return Sending(known, [], None, "", keep)
        may_send = partial(self._lanes.may_send, tenant_id, shard, hold)
        parts = parts_of(ready, self._around.switches(), tenant_id=tenant_id, shard=shard, may_send=may_send)
        shut = [part for part in parts if part.gate is not None and part.gate.switch]
        known += [gate.settlement(item.copy_id) for item, gate in _gated(shut) if gate is not None]
        going = [part for part in parts if part not in shut] if shut else parts
        if not going:
            return Sending(known, [], None, "", keep)
        venue = self._around.exchange(tenant_id, shard).venue
        answers = self._around.start(send_parts(venue, [part.orders(keys) for part in going]))
        return Sending(known, going, answers, venue.traits.venue, keep)

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


def _gated(parts: Iterable[Part]) -> Iterator[tuple[Dispatch, OpenGate | None]]:
    return ((item, part.gate) for part in parts for item in part.items)


def _unusable(item: Dispatch) -> Settlement:
    return Settlement(item.copy_id, OrderStatus.REJECTED, reason=Denial.ACCOUNT_UNUSABLE)
