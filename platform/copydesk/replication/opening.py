"""Opening copies: how large, on what terms, or why not. Pure.

All arithmetic is about long positions: a signal about a short is planned in a mirror, where long and short are
exchanged, and the result is mirrored back. What all followers share is worked out once (`opening_terms`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

from copydesk.kernel import ZERO, decimal_text
from copydesk.replication.geared import with_leverage
from copydesk.replication.limited import held_to_limits
from copydesk.replication.minima import size_facts
from copydesk.replication.model import CLOSE, OPEN, Bound, Follower, No, Planned
from copydesk.replication.opening_terms import Opening
from copydesk.replication.sizing import BY_ALLOCATION, ONCE_PER_ORDER
from copydesk.trading import Denial, OrderType, SizePolicy, SubscriptionState

_SYNCED = SubscriptionState.SYNCED
_LIMIT = OrderType.LIMIT
_NONE, _STEP, _ALLOCATION, _QTY_MAX, _CARRIED, _ROUNDED_UP = (
    Bound.NONE,
    Bound.STEP,
    Bound.ALLOCATION,
    Bound.QTY_MAX,
    Bound.CARRIED,
    Bound.MINIMUM_ROUNDED_UP,
)
_ACCUMULATE = SizePolicy.ACCUMULATE

Add = Callable[[Planned], None]


class Need(NamedTuple):
    """What one follower's open comes to before it is held against the exchange's minima.

    `asked` is `wanted` by this signal and what was `carried` before; `lacking` the part of it that is not held yet and
    that the allocation allows, `qty` that in whole steps.
    """

    wanted: Decimal
    carried: Decimal
    asked: Decimal
    affordable: Decimal
    lacking: Decimal
    qty: Decimal
    spent: Decimal


# How a follower stands to a signal: what is held or bought already, what of the allocation is spent, the target and
# what is carried so far, and whether an open has to wait. Not a named tuple: one is made for each follower.
_Stand = tuple[Decimal, Decimal, Decimal, Decimal, bool]


def plan_open(case: Opening, follower: Follower, add: Add) -> None:
    """Plan an open; what is held on the other side is closed first, whether or not the open is allowed."""
    book = follower.book
    had, target, buying, selling, last_signal_id, _, _, _, carried, _ = book
    if last_signal_id >= case.signal.id:
        return
    spent, waits = follower.spent, False
    if case.short:
        had, target, carried = -had, -target, -carried
    if target < ZERO:
        target = ZERO
    if buying or selling or had < ZERO:
        had, spent, waits = _turn(case, follower, add)
    if carried:
        carried = _still_carried(case, follower, carried)
    if case.denial or follower.refusal or not follower.usable or follower.state is not _SYNCED:
        no = _forbidden(case, follower)
        if no:
            add(_not_opened(case, follower, no, target=target, carry=(carried, book.carried_at)))
            return
    planned = _sized(case, follower, (had, spent, target, carried, waits))
    if follower.risk is not None and planned.denial is None:
        planned, no = held_to_limits(
            planned, follower.risk, case.instrument, px=case.cost_px, smallest_qty=case.smallest_qty
        )
        if no:
            kept = (carried, book.carried_at)
            planned = _not_opened(case, follower, no, target=target, carry=kept, wanted=planned.wanted_qty)
    if planned.denial is None and case.instrument.perpetual:
        planned = with_leverage(planned, case, follower.leverage_max)
    add(planned)


def _sized(case: Opening, follower: Follower, stand: _Stand) -> Planned:
    """Size an open that is allowed, or say why it is too small."""
    subscription_id, account_id, _, _, mode, value, allocation, _, book, _, _, own_max, _ = follower
    had, spent, target, carried, waits = stand
    wanted = case.sizes[mode](allocation, value)
    asked = wanted + carried if carried else wanted
    room = allocation - spent
    affordable = room / case.cost_px if room > ZERO else ZERO
    binds = asked > affordable
    aim = target + (affordable if binds else asked)
    lacking = aim - had
    if lacking > affordable:
        # The target carries what earlier orders rounded off, so the difference too is held to the allocation.
        if case.instrument.perpetual:
            aim -= lacking - affordable
        lacking, binds = affordable, True
    qty, left = lacking // case.step * case.step, ZERO
    bound = _ALLOCATION if binds else _CARRIED if carried else _STEP if qty != lacking else _NONE
    if qty > case.qty_max:
        qty, bound = case.qty_max, _QTY_MAX
    if qty < case.smallest_qty or not wanted:
        need = Need(wanted, carried, asked, affordable, lacking, qty, spent)
        no = _too_small(case, follower, need)
        if no:
            return _left_out(case, follower, no, need, target)
        if qty < case.smallest_qty:
            qty, bound, left = case.smallest_qty, _ROUNDED_UP, lacking - case.smallest_qty
            aim -= left
    return Planned(
        subscription_id,
        account_id,
        OPEN,
        case.side,
        _LIMIT,
        qty,
        case.limit_px,
        False,
        -aim if case.short else aim,
        None,
        None,
        waits,
        case.real(left) if left else ZERO,
        case.now if left else None,
        case.leverage if own_max is None or own_max > case.leverage else max(own_max, 1),
        wanted,
        allocation,
        book.qty,
        bound,
    )


def _left_out(case: Opening, follower: Follower, no: No, need: Need, target: Decimal) -> Planned:
    """Leave an open out that is too small, and carry what it asked for where that is the reason.

    What is held beyond the target, too little to be closed, counts towards what is asked; the rest is carried.
    """
    kept = need.carried if need.asked >= case.smallest_qty else need.asked
    covered = need.asked - max(need.lacking, ZERO)
    if kept is need.carried and need.asked <= need.affordable and covered > ZERO:
        kept, target = need.asked - covered, target + covered
    since = follower.book.carried_at if need.carried else case.now
    return _not_opened(case, follower, no, target=target, carry=(kept, since), wanted=need.wanted)


def _turn(case: Opening, follower: Follower, add: Add) -> tuple[Decimal, Decimal, bool]:
    """Count what moves, and close what is held on the other side.

    Return what is held or bought already, what of the allocation is spent then, and whether the open has to wait: a
    position is on the other side, as far as the exchange lets that be closed, or may yet get there. An open of the
    other side whose outcome is not known counts as well: what this open is to add to is not known then.
    """
    book, instrument = follower.book, case.instrument
    qty, (buying, selling) = book.qty, (book.buying, book.selling)
    back, off = book.buying_back, book.selling_off
    if case.short:
        qty, buying, selling, back, off = -qty, selling, buying, off, back
    if not instrument.perpetual:
        return qty + buying - selling, follower.spent, False
    turns = qty <= -instrument.qty_min or selling > off
    had = qty + buying - (off if turns else selling)
    # What the close sets free is there for the open, which is sent only after it.
    spent = follower.spent - book.cost if turns else follower.spent
    against = min(max(-qty - back, ZERO) // case.step * case.step, case.qty_max)
    if against < instrument.qty_min:
        return had, spent, turns
    add(
        Planned(
            follower.subscription_id,
            follower.account_id,
            CLOSE,
            case.side,
            OrderType.MARKET,
            against,
            None,
            True,
            ZERO,
            wanted_qty=-qty - back,
            allocation=follower.allocation,
            book_qty=book.qty,
        )
    )
    return had + against, spent, turns


def _still_carried(case: Opening, follower: Follower, carried: Decimal) -> Decimal:
    """Return what is carried on to this signal.

    Parts of one order of the leader's belong together under every policy. Beyond that only who accumulates carries, for
    a while, and as long as the leader has not been flat.
    """
    signal, since = case.signal, follower.book.carried_at
    if signal.position_before <= 0 or since is None:
        return ZERO
    if signal.first_of_order and follower.size_policy is not _ACCUMULATE:
        return ZERO
    return carried if (case.now - since).total_seconds() <= case.limits.carry_s_max else ZERO


def _forbidden(case: Opening, follower: Follower) -> No | None:
    own = case.rules(state=follower.state, usable=follower.usable)
    return (own, {}) if own else case.denial or follower.refusal


def _not_opened(
    case: Opening,
    follower: Follower,
    no: No,
    *,
    target: Decimal,
    carry: tuple[Decimal, datetime | None],
    wanted: Decimal = ZERO,
) -> Planned:
    """Skip an open: the target stays where it was, or at zero where it was on the other side."""
    denial, facts = no
    carried, since = carry
    return Planned(
        follower.subscription_id,
        follower.account_id,
        OPEN,
        case.side,
        _LIMIT,
        ZERO,
        None,
        False,
        case.real(target),
        denial,
        facts or None,
        carried_qty=case.real(carried) if carried else ZERO,
        carried_at=since if carried else None,
        wanted_qty=wanted,
        allocation=follower.allocation,
        book_qty=follower.book.qty,
        bound=_CARRIED if denial is Denial.CARRIED else _NONE,
    )


def _too_small(case: Opening, follower: Follower, need: Need) -> No | None:
    """Name why an open cannot be sent, or return None: it is large enough, or is raised to the smallest order."""
    signal, instrument, smallest_qty = case.signal, case.instrument, case.smallest_qty
    if need.wanted == 0 and follower.sizing_mode in ONCE_PER_ORDER:
        return Denial.ORDER_ALREADY_COPIED, {}
    if need.asked <= 0 < need.wanted:
        return Denial.CARRIED, {}
    wants_enough = need.asked >= smallest_qty
    if need.qty >= smallest_qty or (not wants_enough and _may_be_raised(case, follower, need)):
        return None
    if wants_enough and need.affordable < smallest_qty:
        return Denial.ALLOCATION_SPENT, {
            "allocation": decimal_text(follower.allocation),
            "spent": decimal_text(need.spent.quantize(Decimal("0.01"), ROUND_CEILING)),
            "currency": instrument.quote,
        }
    # Dust of an earlier position may leave less to buy than was wanted; then no allocation would help.
    lacking = max(need.qty if wants_enough else need.asked, ZERO)
    facts = size_facts(lacking, signal.px, case.smallest, instrument)
    if wants_enough:
        return _below(case, need), facts
    if follower.size_policy is _ACCUMULATE and need.asked > 0:
        return Denial.CARRIED, facts
    return _below(case, need), facts | _allocation_needed(case, follower, need, case.smallest / signal.px)


def _below(case: Opening, need: Need) -> Denial:
    return Denial.BELOW_QTY_MIN if need.qty < case.instrument.qty_min else Denial.BELOW_NOTIONAL_MIN


def _may_be_raised(case: Opening, follower: Follower, need: Need) -> bool:
    """Tell whether the follower takes the smallest order instead of less, and the risk cap allows it."""
    smallest_qty = case.smallest_qty
    return (
        follower.size_policy is SizePolicy.ROUND_UP
        and smallest_qty <= need.asked * case.limits.round_up_max
        and smallest_qty <= need.affordable
        and smallest_qty <= case.qty_max
    )


def _allocation_needed(case: Opening, follower: Follower, need: Need, smallest: Decimal) -> dict[str, str]:
    """Say which allocation would have copied this order; only sizing by equity scales with it."""
    if follower.sizing_mode not in BY_ALLOCATION or need.asked <= 0:
        return {}
    needed = max(follower.allocation * smallest / need.asked, need.spent + smallest * case.cost_px)
    return {"allocation_needed": decimal_text(needed.quantize(Decimal(1), ROUND_CEILING))}
