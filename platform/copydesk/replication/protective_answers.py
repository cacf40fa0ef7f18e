"""What an exchange's answer means for a protective stop. Pure.

A stop that was filled is not over before its fills are told in full: it is booked by them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from copydesk.kernel import ZERO, CopydeskError, Unavailable, VenueRefused
from copydesk.replication.outcomes import backoff_s
from copydesk.replication.protective import Progress, Protective
from copydesk.risk.protection import ProtectiveState
from copydesk.trading import TERMINAL, OrderStatus, OrderView
from copydesk.venues import Outcome

_SOON = timedelta(milliseconds=300)

# What was asked, and what came back: the order, that there is none, or trouble.
StopAnswer = OrderView | CopydeskError | None


class Filled(NamedTuple):
    """A stop that the exchange has filled, with everything that it says of it."""

    stop: Protective
    view: OrderView


def after_placing(stop: Protective, outcome: Outcome, now: datetime, verify_every: timedelta) -> Progress | Filled:
    """Judge the answer to a new stop; what has no answer is asked about, and never sent again."""
    result = outcome.result
    if isinstance(result, OrderView):
        return _after_view(stop, result, now, verify_every)
    if isinstance(result, (VenueRefused, Unavailable)):  # Either proves that nothing was placed.
        return Progress(stop, ProtectiveState.REFUSED, reason=_told(result))
    return Progress(stop, ProtectiveState.PLACING, now + _SOON)


def after_look(stop: Protective, answer: StopAnswer, now: datetime, verify_every: timedelta) -> Progress | Filled:
    """Judge what the exchange says of a stop that rests, or may."""
    if isinstance(answer, OrderView):
        return _after_view(stop, answer, now, verify_every)
    if answer is None:
        return _absent(stop, now)
    if isinstance(answer, Unavailable) and stop.state is ProtectiveState.RESTING:  # How soon again, its lane decides.
        return Progress(stop, stop.state, now + _SOON, stop.looks, _told(answer))
    pause = backoff_s(stop.looks)
    if isinstance(answer, Unavailable):
        pause = max(pause, answer.retry_after_s)
    return Progress(stop, stop.state, now + timedelta(seconds=pause), stop.looks + 1, _told(answer))


def _after_view(stop: Protective, view: OrderView, now: datetime, verify_every: timedelta) -> Progress | Filled:
    if view.cum_qty > 0:
        told = sum((fill.qty for fill in view.fills), ZERO) >= view.cum_qty
        if told and view.status in TERMINAL:
            return Filled(stop, view)
        return Progress(stop, stop.state, now + _SOON, stop.looks + 1)
    if view.status in TERMINAL:
        ended = ProtectiveState.REFUSED if view.status is OrderStatus.REJECTED else ProtectiveState.CANCELED
        return Progress(stop, ended, reason=str(view.status))
    if stop.state is ProtectiveState.CANCELING:
        return Progress(stop, stop.state, now + _SOON, stop.looks + 1)
    return Progress(stop, ProtectiveState.RESTING, now + verify_every, verified=True)


def _absent(stop: Protective, now: datetime) -> Progress:
    """No such order: it never arrived as soon as that is proof, and is over where it did."""
    if stop.state is not ProtectiveState.PLACING:
        return Progress(stop, ProtectiveState.ABSENT)
    if stop.proof_at is not None and now < stop.proof_at:
        return Progress(stop, stop.state, min(stop.proof_at, now + _SOON * 3), stop.looks + 1)
    return Progress(stop, ProtectiveState.ABSENT)


def _told(trouble: CopydeskError) -> str:
    code = trouble.code if isinstance(trouble, VenueRefused) else ""
    return f"{code}: {trouble}".removeprefix(": ").splitlines()[0][:300]
