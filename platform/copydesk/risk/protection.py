"""The stop that rests at the exchange: where it lies, and what is to be done that it lies there. Pure.

It is for the time in which nobody of us watches. So it lies behind the limits that the risk role acts on, and before
the exchange would liquidate the position.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import NamedTuple

from copydesk.kernel import ZERO, floor_to_step, round_to_step
from copydesk.trading import Instrument, Side

# Of the way from the mark to the liquidation, how much may be gone when the stop acts.
_LIQUIDATION_SHARE = Decimal("0.8")
# A stop that is nearer to the mark than this would act on a moment's move; the risk role is about to act itself.
_NEAREST = Decimal("0.005")
# A stop that lies this much off where it should is moved; every move costs two requests.
_SLACK = Decimal("0.01")
# What the exchange refused is tried again after so long, doubled with each refusal.
RETRY_S, _RETRY_S_MAX = 30, 1_920


class ProtectionTerms(NamedTuple):
    """`share` of its entry price that a position may lose at most; `behind` of the price, behind our own limit."""

    share: Decimal
    behind: Decimal


class Guarded(NamedTuple):
    """One position as it is now: signed base units, prices in quote currency.

    `left` is how much equity may still be lost until the risk role closes it, None where no limit would;
    `liquidation_px` the exchange's word, None where it has not said.
    """

    qty: Decimal
    entry_px: Decimal
    mark_px: Decimal
    left: Decimal | None = None
    liquidation_px: Decimal | None = None


class Protection(NamedTuple):
    """What should rest: the side that closes, how much in base units, and from which price on."""

    side: Side
    qty: Decimal
    trigger_px: Decimal


class ProtectiveState(StrEnum):
    """What is known of a protective stop.

    `placing`, `canceling`: stored, and sent or about to be. `resting`: at the exchange. `filled`, `canceled`,
    `refused`, `absent`: over, by the exchange's word.
    """

    PLACING = "placing"
    RESTING = "resting"
    CANCELING = "canceling"
    FILLED = "filled"
    CANCELED = "canceled"
    REFUSED = "refused"
    ABSENT = "absent"


class StopRow(NamedTuple):
    """What is stored of a stop that rests, or may. `revision` counts those of one book."""

    revision: int
    state: ProtectiveState
    protection: Protection


class Wish(NamedTuple):
    """What is to be done for one book: a stop to place, and the revisions to cancel."""

    place: Protection | None = None
    cancel: tuple[int, ...] = ()


def protection(held: Guarded, instrument: Instrument, terms: ProtectionTerms) -> Protection | None:
    """Say which stop should rest for a position; None where it is too small, or the mark is at the stop already.

    The nearest of three prices counts: behind the limit that the risk role closes at, at the largest loss that is
    allowed a position, and before the liquidation. Worked examples: platform/docs/algorithms/risk.md.
    """
    qty = min(floor_to_step(abs(held.qty), instrument.qty_step), instrument.qty_max)
    if qty < instrument.qty_min or held.mark_px <= 0 or held.entry_px <= 0:
        return None
    down = held.qty > 0
    sign = -1 if down else 1
    prices = [held.entry_px * (1 + sign * terms.share)]
    if held.left is not None:
        prices.append(held.mark_px * (1 + sign * terms.behind) + sign * max(held.left, ZERO) / abs(held.qty))
    if held.liquidation_px:
        prices.append(held.mark_px + _LIQUIDATION_SHARE * (held.liquidation_px - held.mark_px))
    nearest = max(prices) if down else min(prices)
    trigger_px = round_to_step(nearest, instrument.px_tick, ROUND_CEILING if down else ROUND_FLOOR)
    if trigger_px <= 0 or abs(held.mark_px - trigger_px) < _NEAREST * held.mark_px:
        return None
    if (trigger_px < held.mark_px) is not down:
        return None
    return Protection(Side.SELL if down else Side.BUY, qty, trigger_px)


def wish(wanted: Protection | None, rows: Sequence[StopRow], *, held: bool) -> Wish:
    """Say what to do about one book's stops: a new one is placed before the old one is canceled.

    Where nothing is `wanted` though something is `held`, what rests stays: the price has come close to it.
    """
    resting = sorted((row for row in rows if row.state is ProtectiveState.RESTING), key=lambda row: row.revision)
    if not held:
        return Wish(cancel=tuple(row.revision for row in resting))
    if not resting:
        placing = any(row.state is ProtectiveState.PLACING for row in rows)
        return Wish() if placing else Wish(wanted)
    newest, older = resting[-1], tuple(row.revision for row in resting[:-1])
    if wanted is None or serves(newest.protection, wanted):
        return Wish(cancel=older)
    placing = any(row.state is ProtectiveState.PLACING for row in rows)
    return Wish(None if placing else wanted, older)


def serves(resting: Protection, wanted: Protection) -> bool:
    """Tell whether a stop may stay as it is: the same quantity and side, from nearly the same price on."""
    if (resting.side, resting.qty) != (wanted.side, wanted.qty):
        return False
    return abs(resting.trigger_px - wanted.trigger_px) <= _SLACK * wanted.trigger_px


def reached(row: Protection, mark_px: Decimal) -> bool:
    """Tell whether a mark has come to a stop, so that the exchange may have filled it."""
    return mark_px <= row.trigger_px if row.side is Side.SELL else mark_px >= row.trigger_px


def try_again_at(refusals: Iterable[datetime]) -> datetime | None:
    """Return when a book may be tried again whose last attempts were refused at these times; None for at once."""
    times = sorted(refusals)
    if not times:
        return None
    return times[-1] + timedelta(seconds=min(RETRY_S * 2 ** (len(times) - 1), _RETRY_S_MAX))
