"""A leader's burst: opens of one instrument that already wait together are planned as one. Pure.

Nothing waits for it: it joins what is behind anyway. An algorithm that fills a large order by many small ones is copied
by few orders of a size that exchanges take, instead of many that they do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from copydesk.kernel import ZERO
from copydesk.replication.model import SignalFact

BURST = timedelta(milliseconds=500)


def burst_length(waiting: Sequence[SignalFact], *, now: datetime, age_ms_max: int) -> int:
    """Return how many of the waiting signals are planned as one, counted from the oldest; at least 1.

    `waiting` are the undrained signals of one strategy, instrument and position side, oldest first. Only opens of one
    direction are joined that follow on each other and happened within `BURST`; one that is too old is refused alone.
    """
    first = waiting[0]
    if not first.opens or now - first.venue_at > timedelta(milliseconds=age_ms_max):
        return 1
    for place, (before, signal) in enumerate(pairwise(waiting), start=1):
        follows = signal.position_before == before.position_after and signal.venue_at - first.venue_at <= BURST
        if not (follows and signal.opens and signal.short is first.short):
            return place
    return len(waiting)


def joined(burst: Sequence[SignalFact]) -> SignalFact:
    """Return one signal for a burst: the leader's whole move, at its average price, under the newest one's id.

    It is as old as the oldest and counts the leader's orders that begin in it.
    """
    first, last = burst[0], burst[-1]
    if first is last:
        return first
    moved = [abs(signal.position_after - signal.position_before) for signal in burst]
    px = sum((signal.px * qty for signal, qty in zip(burst, moved, strict=True)), ZERO) / sum(moved, ZERO)
    begun = sum(signal.first_of_order for signal in burst)
    return replace(
        last,
        px=px,
        position_before=first.position_before,
        venue_at=first.venue_at,
        first_of_order=begun > 0,
        orders=max(begun, 1),
    )
