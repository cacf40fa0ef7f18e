"""Replay a strategy's history for one follower, with limits and without: what would have been done, and what it saved.

The same laws as for real copies: an increase is sized by a ratio and bounded by the allocation, a decrease keeps the
share that the leader kept (platform/docs/algorithms/sizing.md), a stop warns, blocks and fires by `stops` and never
comes back. What a replay cannot know is left out and named: depth, volume, other strategies, the account's balance.
Exchanges' minima and liquidation are not played.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Context, Decimal, localcontext
from typing import NamedTuple

from copydesk.kernel import InvalidInput
from copydesk.risk.history import Event
from copydesk.risk.limits import LimitSet
from copydesk.risk.model import Measure, Scoped
from copydesk.risk.replay import Replay, Run, Terms

_PRECISE = Context(prec=60)
# These want to know more than a strategy's own history.
_UNKNOWN = frozenset(
    {
        Measure.ALLOCATION,
        Measure.ALLOCATION_TOTAL,
        Measure.DEPTH_SHARE,
        Measure.VOLUME,
        Measure.OVERLAP,
        Measure.CORRELATION,
        Measure.MARGIN_DISTANCE,
    }
)


class Comparison(NamedTuple):
    """The history with limits and without. `saved` is what they saved in the end, below zero what they cost.

    `unjudged` are limits of which a replay cannot tell.
    """

    without: Run
    guarded: Run
    saved: Decimal
    unjudged: tuple[Scoped, ...]


def simulate(
    events: Iterable[Event], terms: Terms, limits: LimitSet, *, seen: Callable[[int], None] | None = None
) -> Comparison:
    """Replay events, in the order of time (of the same time: as given), twice.

    `seen` is told after each event how many are done, up to twice their number. Raises InvalidInput where nothing is
    allocated.
    """
    if terms.allocation <= 0:
        raise InvalidInput("The allocation must be above zero.", code="allocation")
    told = sorted(events, key=lambda event: event.at)
    with localcontext(_PRECISE):
        without = _run(_counted(told, 0, seen), terms, LimitSet())
        guarded = _run(_counted(told, len(told), seen), terms, judged(limits, terms.currency))
        return Comparison(without, guarded, guarded.equity - without.equity, unjudged(limits, terms.currency))


def unjudged(limits: LimitSet, currency: str) -> tuple[Scoped, ...]:
    """Return the limits that a replay passes over; `currency` is the one that amounts are told in."""
    return tuple(scoped for scoped in limits if not _replayable(scoped, currency))


def judged(limits: LimitSet, currency: str) -> LimitSet:
    """Return the limits that a replay holds to."""
    return LimitSet(tuple(each for each in limits.holdings if _replayable(each.scoped, currency)))


def _replayable(scoped: Scoped, currency: str) -> bool:
    if scoped.limit.threshold.currency not in ("", currency):
        return False
    return scoped.limit.measure not in _UNKNOWN


def _counted(events: Sequence[Event], before: int, seen: Callable[[int], None] | None) -> Iterator[Event]:
    for number, event in enumerate(events, start=before + 1):
        yield event
        if seen is not None:
            seen(number)


def _run(events: Iterable[Event], terms: Terms, limits: LimitSet) -> Run:
    replay = Replay(terms, limits)
    for event in events:
        replay.take(event)
    return replay.told()
