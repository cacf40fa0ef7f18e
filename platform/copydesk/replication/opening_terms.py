"""What all followers of an opening signal share: prices, sizes, and what keeps everyone from opening. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import partial

from copydesk.kernel import ZERO, decimal_text, round_to_step
from copydesk.replication.minima import smallest_open, smallest_open_qty
from copydesk.replication.model import Limits, No, SignalFact
from copydesk.replication.sizing import Size, capped, sizes_of
from copydesk.risk import open_denial
from copydesk.risk.futures import notional_max
from copydesk.trading import Denial, Instrument, Side, SizingMode, SubscriptionState

_BPS = Decimal(10_000)
_ANY_SIZE = Decimal("Infinity")


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening signal as every follower meets it, in the mirror where `short`.

    `limit_px` bounds opens, `cost_px` is the most that one unit may take of the allocation, `floor_px` the price at
    which the exchange may value an open against its smallest notional. `smallest_qty` is what the exchange
    takes at least, and `smallest` the notional that surely comes to it. `rules` are those of `risk`, which want a
    subscription's state and whether its account is usable; `denial` keeps everyone from opening. `leverage` is what all
    may have but for their own bounds, in positions up to `notional_free`.
    """

    signal: SignalFact
    instrument: Instrument
    limits: Limits
    now: datetime
    short: bool
    side: Side
    limit_px: Decimal
    cost_px: Decimal
    floor_px: Decimal
    smallest_qty: Decimal
    smallest: Decimal
    step: Decimal
    qty_max: Decimal
    sizes: Mapping[SizingMode, Size]
    leverage: int
    leader_leverage: int
    notional_free: Decimal
    rules: Callable[..., Denial | None]
    denial: No | None

    def real(self, qty: Decimal) -> Decimal:
        """Take a position out of the mirror."""
        return -qty if self.short else qty


def open_limit_px(px: Decimal, tick: Decimal, slippage_bps_max: int, side: Side = Side.BUY) -> Decimal:
    """Return the worst price an opening copy may pay, rounded to the tick on the follower's side."""
    if side is Side.BUY:
        return round_to_step(px * (1 + slippage_bps_max / _BPS), tick, ROUND_FLOOR)
    return round_to_step(px * (1 - slippage_bps_max / _BPS), tick, ROUND_CEILING)


def opening_of(signal: SignalFact, instrument: Instrument, limits: Limits, now: datetime) -> Opening:
    """Work out what all followers share."""
    px, bps, short = signal.px, limits.slippage_bps_max, signal.short
    side = Side.SELL if short else Side.BUY
    seen = signal.mirrored() if short else signal
    limit_px = open_limit_px(px, instrument.px_tick, bps, side)
    floor_px = min(px, limit_px) if instrument.perpetual else px
    rules = partial(
        open_denial,
        strategy_live=limits.strategy_live,
        strategy_suspended=limits.strategy_suspended,
        market_allowed=limits.market_allowed,
        trading=instrument.trading,
        age_ms=(now - signal.venue_at).total_seconds() * 1000,
        age_ms_max=limits.signal_age_ms_max,
    )
    leverage = capped(signal.leverage, brand_max=limits.leverage_max, instrument_max=instrument.leverage_max)
    broken = rules(state=SubscriptionState.SYNCED, usable=True)
    return Opening(
        seen,
        instrument,
        limits,
        now,
        short,
        side,
        limit_px,
        # A sale is filled at its limit or better, and better is dearer: it is counted at the bound's other end.
        cost_px=max(px * (1 + bps / _BPS), limit_px) if short else limit_px,
        floor_px=floor_px,
        smallest_qty=smallest_open_qty(floor_px, instrument) if floor_px > 0 else ZERO,
        smallest=smallest_open(px, instrument, floor_px=floor_px) if floor_px > 0 else ZERO,
        step=instrument.qty_step,
        qty_max=instrument.qty_max,
        sizes=sizes_of(seen),
        leverage=leverage,
        leader_leverage=max(signal.leverage or 1, 1),
        notional_free=notional_max(limits.brackets, leverage) if limits.brackets else _ANY_SIZE,
        rules=rules,
        denial=(broken, {}) if broken else limits.unrest or _absurd(signal, instrument, limits),
    )


def _absurd(signal: SignalFact, instrument: Instrument, limits: Limits) -> No | None:
    """Name what cannot be true of a signal: nothing is opened on the word of a mistake."""
    px, mark_px, equity = signal.px, limits.mark_px, signal.leader_equity
    if px <= 0 or (mark_px is not None and abs(px - mark_px) * _BPS > mark_px * limits.mark_bps_max):
        mark = {} if mark_px is None else {"mark_px": decimal_text(mark_px)}
        return Denial.PRICE_ABSURD, {"px": decimal_text(px), "currency": instrument.quote, **mark}
    value = abs(signal.position_after) * px
    if equity > 0 and value > equity * limits.exposure_max:
        return Denial.QTY_ABSURD, {"times": decimal_text((value / equity).quantize(Decimal(1), ROUND_FLOOR))}
    return None
