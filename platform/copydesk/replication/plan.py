"""Turn one signal and the followers of a shard into copies and denials. Pure; planning twice changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from copydesk.kernel import ZERO, decimal_text, floor_to_step, round_to_step
from copydesk.replication.model import Book, Follower, Limits, Planned, SignalFact
from copydesk.replication.sizing import affordable_qty, kept_share, wanted_open_qty
from copydesk.risk import open_denial
from copydesk.trading import Denial, Instrument, OrderType, Side, SizingMode

OPEN = "open"
CLOSE = "close"
_BPS = Decimal(10_000)

# What a fee taken in base and a falling price may eat before the follower wants to close again.
_FEE_ALLOWANCE = Decimal("0.002")
_FALL_ALLOWANCE = Decimal("1.02")

# A named "no" with the numbers that its sentence needs.
No = tuple[Denial, dict[str, str]]


def plan_copies(
    signal: SignalFact, followers: Iterable[Follower], instrument: Instrument, limits: Limits, *, now: datetime
) -> list[Planned]:
    """Plan one copy or denial for each follower that has not yet seen this signal.

    A follower whose book already carries this signal or a newer one is left out, so a replay plans nothing.
    """
    fresh = [follower for follower in followers if follower.book.last_signal_id < signal.id]
    if signal.opens:
        limit_px = open_limit_px(signal.px, instrument.px_tick, limits.slippage_bps_max)
        return [_plan_open(signal, follower, instrument, limits, limit_px, now) for follower in fresh]
    share = kept_share(signal, instrument)
    return [_plan_close(signal, follower, instrument, share) for follower in fresh]


def deny_all(signal: SignalFact, followers: Iterable[Follower], denial: Denial) -> list[Planned]:
    """Refuse a signal for every follower that has not yet seen it, open or close alike: there is no way to send it."""
    leg, side = (OPEN, Side.BUY) if signal.opens else (CLOSE, Side.SELL)
    return [
        _denied(follower, leg, side, (denial, {}), reduces=not signal.opens)
        for follower in followers
        if follower.book.last_signal_id < signal.id
    ]


def open_limit_px(px: Decimal, tick: Decimal, slippage_bps_max: int, side: Side = Side.BUY) -> Decimal:
    """Return the worst price an opening copy may pay, rounded to the tick on the follower's side."""
    if side is Side.BUY:
        return round_to_step(px * (1 + slippage_bps_max / _BPS), tick, ROUND_FLOOR)
    return round_to_step(px * (1 - slippage_bps_max / _BPS), tick, ROUND_CEILING)


def _plan_open(
    signal: SignalFact, follower: Follower, instrument: Instrument, limits: Limits, limit_px: Decimal, now: datetime
) -> Planned:
    book = follower.book
    denial = open_denial(
        state=follower.state,
        usable=follower.usable,
        strategy_live=limits.strategy_live,
        market_allowed=limits.market_allowed,
        trading=instrument.trading,
        age_ms=(now - signal.venue_at).total_seconds() * 1000,
        age_ms_max=limits.signal_age_ms_max,
    )
    if denial:
        return _denied(follower, OPEN, Side.BUY, (denial, {}))
    wanted, affordable = wanted_open_qty(signal, follower), affordable_qty(follower, limit_px)
    target = book.target_qty + min(wanted, affordable)
    # The target carries what earlier orders rounded off, so the difference too is held to the allocation.
    lacking = min(target - book.qty - book.buying + book.selling, affordable)
    qty = min(floor_to_step(lacking, instrument.qty_step), instrument.qty_max)
    no = _too_small(signal, follower, instrument, limit_px, wanted=wanted, qty=qty)
    if no:
        return _denied(follower, OPEN, Side.BUY, no)
    return Planned(
        follower.subscription_id, follower.account_id, OPEN, Side.BUY, OrderType.LIMIT, qty, limit_px, False, target
    )


def _too_small(
    signal: SignalFact, follower: Follower, instrument: Instrument, limit_px: Decimal, *, wanted: Decimal, qty: Decimal
) -> No | None:
    """Name why an open cannot be sent, or return None; `wanted` is before the allocation's bound."""
    if wanted == 0 and follower.sizing_mode is SizingMode.FIXED_NOTIONAL:
        return Denial.ORDER_ALREADY_COPIED, {}
    if can_be_closed(qty, signal.px, instrument):
        return None
    affordable = floor_to_step(affordable_qty(follower, limit_px), instrument.qty_step)
    wants_enough = can_be_closed(floor_to_step(wanted, instrument.qty_step), signal.px, instrument)
    if wants_enough and not can_be_closed(affordable, signal.px, instrument):
        return Denial.ALLOCATION_SPENT, {
            "allocation": decimal_text(follower.allocation),
            "spent": decimal_text(follower.spent.quantize(Decimal("0.01"), ROUND_CEILING)),
            "currency": instrument.quote,
        }
    # Dust of an earlier position may leave less to buy than was wanted; then no allocation would help.
    lacking = max(qty, ZERO) if wants_enough else wanted
    facts = {
        "notional": decimal_text((lacking * signal.px).quantize(Decimal("0.01"), ROUND_FLOOR)),
        "minimum": decimal_text(smallest_open(signal.px, instrument)),
        "currency": instrument.quote,
        **({} if wants_enough else _allocation_needed(signal, follower, instrument, limit_px, wanted)),
    }
    return (Denial.BELOW_QTY_MIN if qty < instrument.qty_min else Denial.BELOW_NOTIONAL_MIN), facts


def smallest_open(px: Decimal, instrument: Instrument) -> Decimal:
    """Return the smallest notional worth opening, in quote currency, rounded up to the cent.

    One step on top pays for both roundings down: of the order, and of what its fee leaves.
    """
    by_notional = round_to_step(instrument.notional_min * _FALL_ALLOWANCE / px, instrument.qty_step, ROUND_CEILING)
    smallest = max(instrument.qty_min, by_notional) + instrument.qty_step
    return (smallest / (1 - _FEE_ALLOWANCE) * px).quantize(Decimal("0.01"), ROUND_CEILING)


def can_be_closed(qty: Decimal, px: Decimal, instrument: Instrument) -> bool:
    """Tell whether what is left of a buy after its fee could be sold again: no open may end as stuck dust."""
    left = floor_to_step(qty * (1 - _FEE_ALLOWANCE), instrument.qty_step)
    return left >= instrument.qty_min and left * px >= instrument.notional_min * _FALL_ALLOWANCE


def _allocation_needed(
    signal: SignalFact, follower: Follower, instrument: Instrument, limit_px: Decimal, wanted: Decimal
) -> dict[str, str]:
    """Say which allocation would have copied this order; only sizing by equity ratio scales with it."""
    if follower.sizing_mode is not SizingMode.EQUITY_RATIO or wanted <= 0:
        return {}
    smallest = smallest_open(signal.px, instrument) / signal.px
    needed = max(follower.allocation * smallest / wanted, follower.spent + smallest * limit_px)
    return {"allocation_needed": decimal_text(needed.quantize(Decimal(1), ROUND_CEILING))}


def _plan_close(signal: SignalFact, follower: Follower, instrument: Instrument, share: Decimal) -> Planned:
    book = follower.book
    target = book.target_qty * share
    held = book.qty - book.selling
    excess = _excess(book, held, share, target)
    qty = min(floor_to_step(max(excess, ZERO), instrument.qty_step), instrument.qty_max)
    no = _cannot_close(signal, instrument, held=held, qty=qty)
    if no:
        return _denied(follower, CLOSE, Side.SELL, no, target=target, reduces=True)
    return Planned(
        follower.subscription_id, follower.account_id, CLOSE, Side.SELL, OrderType.MARKET, qty, None, True, target
    )


def _excess(book: Book, held: Decimal, share: Decimal, target: Decimal) -> Decimal:
    """Return how much of what is held must go.

    While an open is in flight nobody knows what the target will be worth: then the leader's share of what is
    held goes, and reconcile brings down what the open may still add.
    """
    if share == 0:
        return held
    return held * (1 - share) if book.buying else held - target


def _cannot_close(signal: SignalFact, instrument: Instrument, *, held: Decimal, qty: Decimal) -> No | None:
    """Name why there is nothing to sell; only the exchange's own minima can keep a close back."""
    if held < instrument.qty_step:
        return Denial.NOTHING_TO_REDUCE, {}
    if qty == 0:
        return Denial.BELOW_ONE_STEP, {}
    if qty < instrument.qty_min or qty * signal.px < instrument.notional_min:
        return Denial.BELOW_NOTIONAL_MIN, {
            "notional": decimal_text((qty * signal.px).quantize(Decimal("0.01"), ROUND_FLOOR)),
            "minimum": decimal_text(instrument.notional_min),
            "currency": instrument.quote,
        }
    return None


def _denied(
    follower: Follower, leg: str, side: Side, no: No, *, target: Decimal | None = None, reduces: bool = False
) -> Planned:
    """Record a "no"; a skipped open leaves the target where it was, a skipped close moves it."""
    denial, facts = no
    kept = follower.book.target_qty if target is None else target
    kind = OrderType.MARKET if reduces else OrderType.LIMIT
    return Planned(
        follower.subscription_id, follower.account_id, leg, side, kind, ZERO, None, reduces, kept, denial, facts or None
    )
