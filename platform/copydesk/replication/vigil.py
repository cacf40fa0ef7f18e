"""Waiting for an exchange's answers without letting the lane go: they may take longer than a lease lasts."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TypeVar

from copydesk.kernel import Clock
from copydesk.replication.lane import Hold, Lanes

T = TypeVar("T")

_WAIT_S_MIN = 0.02


def await_holding(answers: Future[T], lanes: Lanes, clock: Clock, *, tenant_id: int, shard: str, hold: Hold) -> T:
    """Return the answers, and renew the hold meanwhile as often as it takes.

    Without it a round of questions that outlasts its lease would be thrown away and begun again, for ever where the
    exchange stays that slow. A hold that is lost stays lost: the answers come, and the fence decides.
    """
    while True:
        try:
            return answers.result(max((hold.until - clock.monotonic()) / 2, _WAIT_S_MIN))
        except TimeoutError:
            if answers.done():
                return answers.result()
        fresh = lanes.hold(tenant_id, shard)
        if fresh is None or fresh.epoch != hold.epoch:
            return answers.result()
        hold = fresh
