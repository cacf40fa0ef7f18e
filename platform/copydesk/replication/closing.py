"""Closing copies: how much of what is held goes. Only the exchange's own minima keep a close back. Pure.

As in `opening`, all arithmetic is about long positions; a signal about a short is planned in a mirror.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from copydesk.kernel import ZERO
from copydesk.replication.minima import close_denial
from copydesk.replication.model import CLOSE, Bound, Follower, Limits, No, Planned, SignalFact
from copydesk.replication.sizing import kept_share
from copydesk.trading import Denial, Instrument, OrderType, Side


@dataclass(frozen=True, slots=True)
class Closing:
    """One reducing signal as every follower meets it, in the mirror where `short`; the leader keeps `share`."""

    signal: SignalFact
    instrument: Instrument
    limits: Limits
    now: datetime
    short: bool
    side: Side
    share: Decimal


def closing_of(signal: SignalFact, instrument: Instrument, limits: Limits, now: datetime) -> Closing:
    """Work out what all followers share."""
    short = signal.short
    seen = signal.mirrored() if short else signal
    side = Side.BUY if short else Side.SELL
    return Closing(seen, instrument, limits, now, short, side, kept_share(seen, instrument))


def plan_close(case: Closing, follower: Follower, add: Callable[[Planned], None]) -> None:
    """Plan a close: the same share of what is held as the leader gave up, and everything at the leader's last one."""
    book, instrument, share = follower.book, case.instrument, case.share
    if book.last_signal_id >= case.signal.id:
        return
    held, target, buying, selling = book.qty, book.target_qty, book.buying, book.selling
    if case.short:
        held, target, buying, selling = -held, -target, selling, buying
    aim, left = target * share, ZERO
    if book.carried_qty:
        aim, left = _net(case, follower, target)
        share = aim / target if target else share
    held -= selling
    excess = held
    if case.share != ZERO:
        # While an open is in flight nobody knows what the target will be worth: then the leader's share of what is
        # held goes, and reconcile brings down what the open may still add.
        excess = held * (1 - share) if buying else held - aim
    wanted = excess if excess > ZERO else ZERO
    step = instrument.qty_step
    qty = wanted // step * step
    bound = Bound.NONE if qty == wanted else Bound.STEP
    if qty > instrument.qty_max:
        qty, bound = instrument.qty_max, Bound.QTY_MAX
    no = close_denial(held=held, qty=qty, px=case.signal.px, instrument=instrument)
    if no and left and qty == ZERO:
        no = _NETTED
    denial, facts = no or _SENT
    add(
        Planned(
            follower.subscription_id,
            follower.account_id,
            CLOSE,
            case.side,
            OrderType.MARKET,
            ZERO if denial else qty,
            None,
            True,
            -aim if case.short else aim,
            denial,
            facts or None,
            False,
            -left if case.short else left,
            book.carried_at if left else None,
            1,
            wanted,
            follower.allocation,
            book.qty,
            bound,
        )
    )


_NETTED: No = (Denial.CARRIED, {})
_SENT: tuple[None, None] = (None, None)


def _net(case: Closing, follower: Follower, target: Decimal) -> tuple[Decimal, Decimal]:
    """Take a reduction off what is carried first, and return the new target and what is carried on.

    Together they are the leader's share of what both were, so nothing is lost or made by the detour.
    """
    book = follower.book
    since = book.carried_at
    stale = since is None or (case.now - since).total_seconds() > case.limits.carry_s_max
    carried = ZERO if stale else -book.carried_qty if case.short else book.carried_qty
    if target < ZERO:
        return target * case.share, ZERO
    both = max(target + carried, ZERO) * case.share
    aim = min(target, both)
    return aim, both - aim
