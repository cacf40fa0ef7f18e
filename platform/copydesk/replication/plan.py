"""Turn one signal and the followers of a shard into copies and denials. Pure; planning twice changes nothing.

All arithmetic is about long positions: a signal about a short is planned in a mirror, where long and short are
exchanged, and the result is mirrored back.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

from copydesk.kernel import ZERO, decimal_text, floor_to_step, round_to_step
from copydesk.replication.minima import can_be_opened, close_denial, size_facts, smallest_open
from copydesk.replication.model import Book, Follower, Limits, No, Planned, SignalFact
from copydesk.replication.sizing import affordable_qty, kept_share, wanted_open_qty
from copydesk.risk import open_denial
from copydesk.trading import Denial, Instrument, OrderType, Side, SizingMode

OPEN = "open"
CLOSE = "close"
_BPS = Decimal(10_000)


def plan_copies(
    signal: SignalFact, followers: Iterable[Follower], instrument: Instrument, limits: Limits, *, now: datetime
) -> list[Planned]:
    """Plan one copy or denial for each follower that has not yet seen this signal; two where one must turn round.

    A follower whose book already carries this signal or a newer one is left out, so a replay plans nothing.
    """
    fresh = [follower for follower in followers if follower.book.last_signal_id < signal.id]
    case = _case(signal, instrument, limits)
    if signal.opens:
        return [planned for follower in fresh for planned in _plan_open(case, follower, now)]
    share = kept_share(case.signal, instrument)
    return [_plan_close(case, follower, share) for follower in fresh]


def deny_all(signal: SignalFact, followers: Iterable[Follower], denial: Denial) -> list[Planned]:
    """Refuse a signal for every follower that has not yet seen it, open or close alike: there is no way to send it."""
    side = Side.BUY if signal.opens != signal.short else Side.SELL
    return [
        _row(follower, OPEN if signal.opens else CLOSE, side, (denial, {}), target=follower.book.target_qty)
        for follower in followers
        if follower.book.last_signal_id < signal.id
    ]


def open_limit_px(px: Decimal, tick: Decimal, slippage_bps_max: int, side: Side = Side.BUY) -> Decimal:
    """Return the worst price an opening copy may pay, rounded to the tick on the follower's side."""
    if side is Side.BUY:
        return round_to_step(px * (1 + slippage_bps_max / _BPS), tick, ROUND_FLOOR)
    return round_to_step(px * (1 - slippage_bps_max / _BPS), tick, ROUND_CEILING)


class _Case(NamedTuple):
    """One signal as every follower meets it, in the mirror where `short`.

    `limit_px` bounds opens, `cost_px` is the most that one unit may take of the allocation, `floor_px` the price at
    which the exchange may value an open against its smallest notional.
    """

    signal: SignalFact
    instrument: Instrument
    limits: Limits
    short: bool
    perpetual: bool
    opening: Side
    limit_px: Decimal
    cost_px: Decimal
    floor_px: Decimal

    @property
    def closing(self) -> Side:
        return Side.BUY if self.short else Side.SELL

    def book(self, follower: Follower) -> Book:
        return follower.book.mirrored() if self.short else follower.book

    def real(self, target: Decimal) -> Decimal:
        """Take a target back out of the mirror."""
        return -target if self.short else target


def _case(signal: SignalFact, instrument: Instrument, limits: Limits) -> _Case:
    px, bps, short = signal.px, limits.slippage_bps_max, signal.short
    opening = Side.SELL if short else Side.BUY
    limit_px = open_limit_px(px, instrument.px_tick, bps, opening)
    # A sale is filled at its limit or better, and better is dearer: it is counted at the bound's other end.
    cost_px = max(px * (1 + bps / _BPS), limit_px) if short else limit_px
    floor_px = min(px, limit_px) if instrument.perpetual else px
    seen = signal.mirrored() if short else signal
    return _Case(seen, instrument, limits, short, instrument.perpetual, opening, limit_px, cost_px, floor_px)


def _plan_open(case: _Case, follower: Follower, now: datetime) -> list[Planned]:
    """Plan an open; what is held on the other side is closed first, whether or not the open is allowed."""
    book, instrument = case.book(follower), case.instrument
    closing = _close_other_side(case, follower, book) if case.perpetual else []
    no = _forbidden(case, follower, now)
    if no:
        return [*closing, _not_opened(case, follower, book, no)]
    turns = case.perpetual and _turns(book, instrument)
    # What the close sets free is there for the open, which is sent only after it.
    payer = follower._replace(spent=follower.spent - book.cost) if turns else follower
    wanted, affordable = wanted_open_qty(case.signal, payer), affordable_qty(payer, case.cost_px)
    target = max(book.target_qty, ZERO) + min(wanted, affordable)
    lacking = target - book.qty - book.buying + (book.selling_off if turns else book.selling)
    if closing:
        lacking -= closing[0].qty
    if case.perpetual:
        target -= max(lacking - affordable, ZERO)
    # The target carries what earlier orders rounded off, so the difference too is held to the allocation.
    qty = min(floor_to_step(min(lacking, affordable), instrument.qty_step), instrument.qty_max)
    no = _too_small(case, payer, wanted=wanted, qty=qty)
    if no:
        return [*closing, _not_opened(case, follower, book, no)]
    opening = Planned(
        follower.subscription_id,
        follower.account_id,
        OPEN,
        case.opening,
        OrderType.LIMIT,
        qty,
        case.limit_px,
        False,
        case.real(target),
        None,
        None,
        turns,
    )
    return [*closing, opening]


def _not_opened(case: _Case, follower: Follower, book: Book, no: No) -> Planned:
    """Skip an open: the target stays where it was, or at zero where it was on the other side."""
    return _row(follower, OPEN, case.opening, no, target=case.real(max(book.target_qty, ZERO)))


def _forbidden(case: _Case, follower: Follower, now: datetime) -> No | None:
    limits, instrument = case.limits, case.instrument
    denial = open_denial(
        state=follower.state,
        usable=follower.usable,
        strategy_live=limits.strategy_live,
        market_allowed=limits.market_allowed,
        trading=instrument.trading,
        age_ms=(now - case.signal.venue_at).total_seconds() * 1000,
        age_ms_max=limits.signal_age_ms_max,
    )
    return (denial, {}) if denial else follower.refusal


def _turns(book: Book, instrument: Instrument) -> bool:
    """Tell whether the follower is on the other side, as far as the exchange lets that be closed, or may yet get there.

    An open of the other side whose outcome is not known counts as well: what this open is to add to is not known then.
    """
    return book.qty <= -instrument.qty_min or book.selling > book.selling_off


def _close_other_side(case: _Case, follower: Follower, book: Book) -> list[Planned]:
    """Plan the first leg of a reversal: what is held on the other side and not yet being closed."""
    against = -book.qty - book.buying_back
    qty = min(floor_to_step(max(against, ZERO), case.instrument.qty_step), case.instrument.qty_max)
    if qty < case.instrument.qty_min:
        return []
    return [
        Planned(
            follower.subscription_id,
            follower.account_id,
            CLOSE,
            case.opening,
            OrderType.MARKET,
            qty,
            None,
            True,
            ZERO,
        )
    ]


def _too_small(case: _Case, follower: Follower, *, wanted: Decimal, qty: Decimal) -> No | None:
    """Name why an open cannot be sent, or return None; `wanted` is before the allocation's bound."""
    signal, instrument = case.signal, case.instrument
    if wanted == 0 and follower.sizing_mode is SizingMode.FIXED_NOTIONAL:
        return Denial.ORDER_ALREADY_COPIED, {}
    if can_be_opened(qty, case.floor_px, instrument):
        return None
    affordable = floor_to_step(affordable_qty(follower, case.cost_px), instrument.qty_step)
    wants_enough = can_be_opened(floor_to_step(wanted, instrument.qty_step), case.floor_px, instrument)
    if wants_enough and not can_be_opened(affordable, case.floor_px, instrument):
        return Denial.ALLOCATION_SPENT, {
            "allocation": decimal_text(follower.allocation),
            "spent": decimal_text(follower.spent.quantize(Decimal("0.01"), ROUND_CEILING)),
            "currency": instrument.quote,
        }
    # Dust of an earlier position may leave less to buy than was wanted; then no allocation would help.
    lacking = max(qty, ZERO) if wants_enough else wanted
    smallest = smallest_open(signal.px, instrument, floor_px=case.floor_px)
    facts = {
        **size_facts(lacking, signal.px, smallest, instrument),
        **({} if wants_enough else _allocation_needed(case, follower, wanted, smallest / signal.px)),
    }
    return (Denial.BELOW_QTY_MIN if qty < instrument.qty_min else Denial.BELOW_NOTIONAL_MIN), facts


def _allocation_needed(case: _Case, follower: Follower, wanted: Decimal, smallest: Decimal) -> dict[str, str]:
    """Say which allocation would have copied this order; only sizing by equity ratio scales with it."""
    if follower.sizing_mode is not SizingMode.EQUITY_RATIO or wanted <= 0:
        return {}
    needed = max(follower.allocation * smallest / wanted, follower.spent + smallest * case.cost_px)
    return {"allocation_needed": decimal_text(needed.quantize(Decimal(1), ROUND_CEILING))}


def _plan_close(case: _Case, follower: Follower, share: Decimal) -> Planned:
    book, instrument = case.book(follower), case.instrument
    target = book.target_qty * share
    held = book.qty - book.selling
    excess = _excess(book, held, share, target)
    qty = min(floor_to_step(max(excess, ZERO), instrument.qty_step), instrument.qty_max)
    no = close_denial(held=held, qty=qty, px=case.signal.px, instrument=instrument)
    if no:
        return _row(follower, CLOSE, case.closing, no, target=case.real(target))
    return Planned(
        follower.subscription_id,
        follower.account_id,
        CLOSE,
        case.closing,
        OrderType.MARKET,
        qty,
        None,
        True,
        case.real(target),
    )


def _excess(book: Book, held: Decimal, share: Decimal, target: Decimal) -> Decimal:
    """Return how much of what is held must go.

    While an open is in flight nobody knows what the target will be worth: then the leader's share of what is
    held goes, and reconcile brings down what the open may still add.
    """
    if share == 0:
        return held
    return held * (1 - share) if book.buying else held - target


def _row(follower: Follower, leg: str, side: Side, no: No, *, target: Decimal) -> Planned:
    """Record a "no"; a skipped open leaves the target where it was, a skipped close moves it."""
    denial, facts = no
    reduces = leg == CLOSE
    kind = OrderType.MARKET if reduces else OrderType.LIMIT
    return Planned(
        follower.subscription_id,
        follower.account_id,
        leg,
        side,
        kind,
        ZERO,
        None,
        reduces,
        target,
        denial,
        facts or None,
    )
