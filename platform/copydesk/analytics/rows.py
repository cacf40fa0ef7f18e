"""Raw fills and costs made sound and put in order, with the position that each leaves behind. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from copydesk.analytics.record import Floats, Whole

# To how many digits of an instrument's largest fill its positions are counted.
_DIGITS = 13
_NOTHING = 1000
# Less than this share of the largest position is not kept open: fees in coins and steps of quantity leave such rests.
REST_RATIO = 0.01
_FIRST, _LAST = np.iinfo(np.int64).min, np.iinfo(np.int64).max
Flags = NDArray[np.bool_]


def no_times() -> Whole:
    return np.empty(0, np.int64)


def no_amounts() -> Floats:
    return np.empty(0)


@dataclass(frozen=True, slots=True, eq=False)
class Fills:
    """Executions of one account, arrays of one length in any order.

    `trade` tells one from another (each counts once), `instrument` is a number for each. `at_ms` since 1970; `qty` in
    base units, above zero bought and below sold; `px` in quote currency; `cost` is the fee paid for it, in quote
    currency (below zero: received).
    """

    trade: Whole = field(default_factory=no_times)
    instrument: Whole = field(default_factory=no_times)
    at_ms: Whole = field(default_factory=no_times)
    qty: Floats = field(default_factory=no_amounts)
    px: Floats = field(default_factory=no_amounts)
    cost: Floats = field(default_factory=no_amounts)

    def __len__(self) -> int:
        return len(self.trade)


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """What was paid (above zero) or received (below) beside fills, such as funding, in quote currency."""

    at_s: Whole = field(default_factory=no_times)
    amount: Floats = field(default_factory=no_amounts)
    instrument: Whole = field(default_factory=no_times)


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Positions held when the rows begin: instruments, quantities, the largest so far, and average entry prices."""

    instrument: Whole = field(default_factory=no_times)
    qty: Floats = field(default_factory=no_amounts)
    qty_max: Floats = field(default_factory=no_amounts)
    px: Floats = field(default_factory=no_amounts)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Positions carried in, fills and costs, by instrument and time.

    `carried` is the place among the carried positions, or −1; `before` and `after` the position around each row, in
    which flat is exactly nothing. `qty` is what a fill counts for: one that leaves a rest closes the position with it,
    at its price. A cost has neither quantity nor price.
    """

    carried: Whole
    instrument: Whole
    at_ms: Whole
    qty: Floats
    px: Floats
    cost: Floats
    before: Floats
    after: Floats

    def __len__(self) -> int:
        return len(self.qty)


def rows_of(fills: Fills, costs: Costs, held: Held, *, after_s: int | None = None, until_s: int | None = None) -> Rows:
    """Put what counts in order: sound fills, each once, and costs, of the seconds after one and up to another."""
    which = _sound(fills, after_s, until_s)
    paid = np.flatnonzero(np.isfinite(costs.amount) & within(costs.at_s, after_s, until_s))
    begun, beside = len(held.instrument), len(paid)
    nothing = np.zeros(beside)
    instrument = np.concatenate([held.instrument, fills.instrument[which], costs.instrument[paid]])
    at_ms = np.concatenate([np.full(begun, _FIRST), fills.at_ms[which], costs.at_s[paid] * 1000])
    trade = np.concatenate([np.zeros(begun, np.int64), fills.trade[which], np.full(beside, _LAST)])
    qty = np.concatenate([held.qty, fills.qty[which], nothing])
    px = np.concatenate([held.px, fills.px[which], nothing])
    fee = np.nan_to_num(fills.cost[which], posinf=0.0, neginf=0.0)
    cost = np.concatenate([np.zeros(begun), fee, costs.amount[paid]])
    carried = np.full(len(qty), -1)
    carried[:begun] = np.arange(begun)
    order = np.lexsort((trade, at_ms, instrument))
    instrument, qty, carried = instrument[order], qty[order], carried[order]
    before, after = _positions(instrument, qty)
    for own in _with_rests(instrument, before, after, held):
        most = float(held.qty_max[carried[own.start]]) if carried[own.start] >= 0 else 0.0
        qty[own] = _without_rests(qty[own].tolist(), most)
        before[own], after[own] = _positions(instrument[own], qty[own])
    return Rows(carried, instrument, at_ms[order], qty, px[order], cost[order], before, after)


def within(at_s: Whole, after_s: int | None, until_s: int | None) -> Flags:
    """Tell which whole seconds lie after one moment and not after another."""
    inside = np.ones(len(at_s), bool)
    if after_s is not None:
        inside &= at_s > after_s
    if until_s is not None:
        inside &= at_s <= until_s
    return inside


def _sound(fills: Fills, after_s: int | None, until_s: int | None) -> Whole:
    sound = np.isfinite(fills.qty) & np.isfinite(fills.px) & (fills.qty != 0) & (fills.px > 0)
    which = np.flatnonzero(sound & within(fills.at_ms // 1000, after_s, until_s))
    _, once = np.unique(fills.trade[which], return_index=True)
    return which[once]


def _positions(instrument: Whole, qty: Floats) -> tuple[Floats, Floats]:
    """Return the position before and after each row, counted in whole units so that flat is exactly nothing.

    A unit is ten trillionths of an instrument's largest fill, and less than a thousand of them is nothing. Sums of
    other instruments cancel out, even where they wrap around.
    """
    if not len(qty):
        return qty, qty
    fresh = np.flatnonzero(np.diff(instrument, prepend=instrument[0] - 1))
    counts = np.diff(np.append(fresh, len(qty)))
    largest = np.maximum.reduceat(np.abs(qty), fresh)
    largest[largest == 0] = 1.0
    unit = np.repeat(10.0 ** (np.ceil(np.log10(largest)) - _DIGITS), counts)
    whole = np.rint(qty / unit).astype(np.int64)
    total = np.cumsum(whole)
    held = total - np.repeat(total[fresh] - whole[fresh], counts)
    after = np.where(np.abs(held) < _NOTHING, 0.0, held * unit)
    before = np.concatenate([[0.0], after[:-1]])
    before[fresh] = 0.0
    return before, after


def _with_rests(instrument: Whole, before: Floats, after: Floats, held: Held) -> list[slice]:
    """Return where the rows of instruments lie that may have been left with a rest."""
    lower = (after != 0) & ((np.abs(after) < np.abs(before)) | (before * after < 0))
    found = []
    for place in np.unique(instrument[lower]).tolist():
        own = slice(*np.searchsorted(instrument, [place, place + 1]).tolist())
        most = max(np.abs(after[own]).max(), held.qty_max[held.instrument == place].max(initial=0.0))
        if (np.abs(after[own][lower[own]]) < most * REST_RATIO).any():
            found.append(own)
    return found


def _without_rests(qty: list[float], most: float) -> list[float]:
    """Return quantities in which fills that leave a rest close the whole position; `most` was held of the first."""
    counted: list[float] = []
    position = 0.0
    for change in qty:
        reached = position + change
        if position * change < 0 and abs(reached) < most * REST_RATIO:
            change, reached = -position, 0.0
        goes_on = reached * position > 0 or not counted
        most = max(most, abs(reached)) if goes_on else abs(reached)
        counted.append(change)
        position = reached
    return counted
