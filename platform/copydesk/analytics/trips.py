"""Closed positions, read from raw fills: from flat to flat, one instrument at a time. Pure.

A trip begins with the fill that opens a position and ends with the one that brings it back to nothing; a fill that
goes through nothing ends one and begins the next. What a trip earned is what its sales brought less what its purchases
cost, fees and funding taken off: no method of averaging decides it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from copydesk.analytics.record import DAY_S, Floats, Whole

# To how many digits of an instrument's largest fill its positions are counted.
_DIGITS = 13
_N = TypeVar("_N", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class Fills:
    """Executions of one account, arrays of one length in any order.

    `trade` tells one from another (each counts once), `instrument` is a number for each. `at_ms` since 1970; `qty` in
    base units, above zero bought and below sold; `px` in quote currency; `cost` is fee and funding paid for it, in
    quote currency (below zero: received).
    """

    trade: Whole
    instrument: Whole
    at_ms: Whole
    qty: Floats
    px: Floats
    cost: Floats

    def __len__(self) -> int:
        return len(self.trade)


@dataclass(frozen=True, slots=True, eq=False)
class Trips:
    """Closed positions, in the order in which they ended, and what is still open.

    `side` is 1 for long and −1 for short. `net` is what a trip earned after costs, `turnover` what was bought and sold,
    `qty_max` the largest position held; `adds` how often it was added to, `adds_losing` how often while it lost, and
    `size_up` the largest such addition over the first fill. `open_at_ms` is since when each open instrument is held.
    """

    instrument: Whole
    side: Whole
    opened_ms: Whole
    closed_ms: Whole
    net: Floats
    turnover: Floats
    qty_max: Floats
    entry_px: Floats
    adds: Whole
    adds_losing: Whole
    size_up: Floats
    open_instrument: Whole
    open_qty: Floats
    open_at_ms: Whole
    open_entry_px: Floats

    def __len__(self) -> int:
        return len(self.net)

    @property
    def held_s(self) -> Floats:
        return (self.closed_ms - self.opened_ms) / 1000.0


def trips_of(fills: Fills) -> Trips:
    """Read closed and open positions out of fills; those given twice count once, those of no quantity not at all."""
    legs = _legs(_in_order(fills))
    starts = np.flatnonzero(legs.begins)
    if not len(starts):
        return _none()
    return _summed(legs, starts)


@dataclass(frozen=True, slots=True, eq=False)
class _Legs:
    """Fills by instrument and time, those that go through nothing cut in two; `after` is the position then."""

    instrument: Whole
    at_ms: Whole
    qty: Floats
    px: Floats
    cost: Floats
    after: Floats
    begins: NDArray[np.bool_]


def _in_order(fills: Fills) -> Fills:
    sound = np.isfinite(fills.qty) & np.isfinite(fills.px) & (fills.qty != 0) & (fills.px > 0)
    _, once = np.unique(fills.trade, return_index=True)
    kept = np.zeros(len(fills), bool)
    kept[once] = True
    kept &= sound
    which = np.flatnonzero(kept)
    which = which[np.lexsort((fills.trade[which], fills.at_ms[which], fills.instrument[which]))]
    cost = np.nan_to_num(fills.cost, posinf=0.0, neginf=0.0)
    trade, instrument, at_ms = (part[which] for part in (fills.trade, fills.instrument, fills.at_ms))
    return Fills(trade, instrument, at_ms, fills.qty[which], fills.px[which], cost[which])


def _legs(fills: Fills) -> _Legs:
    if not len(fills):
        empty = np.empty(0)
        whole = np.empty(0, np.int64)
        return _Legs(whole, whole, empty, empty, empty, empty, np.empty(0, bool))
    before, after = _positions(fills)
    through = before * after < 0
    times = np.where(through, 2, 1)
    source = np.repeat(np.arange(len(fills)), times)
    second = np.zeros(len(source), bool)
    second[np.cumsum(times)[through] - 1] = True
    first = np.repeat(through, times) & ~second
    qty = fills.qty[source]
    qty[first] = -before[through]
    qty[second] = after[through]
    reached = after[source]
    reached[first] = 0.0
    cost = fills.cost[source] * (qty / fills.qty[source])
    instrument = fills.instrument[source]
    flat_before = np.concatenate([[True], reached[:-1] == 0])
    begins = flat_before | np.concatenate([[True], instrument[1:] != instrument[:-1]])
    return _Legs(instrument, fills.at_ms[source], qty, fills.px[source], cost, reached, begins)


def _positions(fills: Fills) -> tuple[Floats, Floats]:
    """Return the position before and after each fill, counted in whole units so that flat is exactly nothing.

    A unit is ten trillionths of an instrument's largest fill. Sums of other instruments cancel out, even where they
    wrap around.
    """
    fresh = np.flatnonzero(np.concatenate([[True], fills.instrument[1:] != fills.instrument[:-1]]))
    counts = np.diff(np.append(fresh, len(fills)))
    largest = np.maximum.reduceat(np.abs(fills.qty), fresh)
    unit = np.repeat(10.0 ** (np.ceil(np.log10(largest)) - _DIGITS), counts)
    whole = np.rint(fills.qty / unit).astype(np.int64)
    total = np.cumsum(whole)
    after = total - np.repeat(total[fresh] - whole[fresh], counts)
    return (after - whole) * unit, after * unit


def _summed(legs: _Legs, starts: Whole) -> Trips:
    def total(values: Floats) -> Floats:
        summed: Floats = np.add.reduceat(values, starts)
        return summed

    ends = np.append(starts[1:], len(legs.qty)) - 1
    closed = legs.after[ends] == 0
    side = np.sign(legs.qty[starts]).astype(np.int64)
    trip = np.cumsum(legs.begins) - 1
    opening = legs.qty * side[trip] > 0
    worth = np.abs(legs.qty) * legs.px
    opened_qty, opened_worth = total(np.where(opening, np.abs(legs.qty), 0.0)), total(np.where(opening, worth, 0.0))
    entry_px = opened_worth / opened_qty
    adding = opening & ~legs.begins
    losing = adding & _under_entry(legs, starts, trip, side, opening)
    bigger = np.where(losing, np.abs(legs.qty) / np.abs(legs.qty[starts])[trip], 0.0)
    order = np.argsort(legs.at_ms[ends[closed]], kind="stable")

    def ended(values: NDArray[_N]) -> NDArray[_N]:
        picked: NDArray[_N] = values[closed][order]
        return picked

    return Trips(
        instrument=ended(legs.instrument[starts]),
        side=ended(side),
        opened_ms=ended(legs.at_ms[starts]),
        closed_ms=ended(legs.at_ms[ends]),
        net=ended(total(-legs.qty * legs.px - legs.cost)),
        turnover=ended(total(worth)),
        qty_max=ended(np.maximum.reduceat(np.abs(legs.after), starts)),
        entry_px=ended(entry_px),
        adds=ended(total(adding.astype(float)).astype(np.int64)),
        adds_losing=ended(total(losing.astype(float)).astype(np.int64)),
        size_up=ended(np.maximum.reduceat(bigger, starts)),
        open_instrument=legs.instrument[starts][~closed],
        open_qty=legs.after[ends][~closed],
        open_at_ms=legs.at_ms[starts][~closed],
        open_entry_px=entry_px[~closed],
    )


def _under_entry(legs: _Legs, starts: Whole, trip: Whole, side: Whole, opening: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell, for each leg, whether its price is worse than what the trip's openings before it cost on average."""
    qty, worth = np.where(opening, np.abs(legs.qty), 0.0), np.where(opening, np.abs(legs.qty) * legs.px, 0.0)
    before_qty, before_worth = np.cumsum(qty) - qty, np.cumsum(worth) - worth
    before_qty -= before_qty[starts][trip]
    before_worth -= before_worth[starts][trip]
    average = np.divide(before_worth, before_qty, out=legs.px.copy(), where=before_qty > 0)
    worse: NDArray[np.bool_] = (legs.px - average) * side[trip] < 0
    return worse


def _none() -> Trips:
    whole, empty = np.empty(0, np.int64), np.empty(0)
    return Trips(
        *(whole, whole, whole, whole, empty, empty, empty, empty, whole, whole, empty),
        *(whole, empty, whole, empty),
    )


@dataclass(frozen=True, slots=True)
class Habits:
    """How somebody traded, from their closed positions. Money is in quote currency; None where it cannot be told.

    `profit_factor` is what was won over what was lost; None while nothing was lost. `concentration` is the share of the
    turnover that the most traded instrument has.
    """

    closed: int
    win_ratio: float | None
    win_mean: float | None
    loss_mean: float | None
    profit_factor: float | None
    expectancy: float | None
    held_s_mean: float | None
    a_day: float | None
    concentration: float | None
    time_in_market: float | None


def habits_of(trips: Trips, *, from_ms: int, now_ms: int) -> Habits:
    """Return how the account was traded between two moments."""
    count, net = len(trips), trips.net
    won, lost = net[net > 0], net[net < 0]
    days = (now_ms - from_ms) / 1000.0 / DAY_S
    loss = -float(lost.sum())
    return Habits(
        closed=count,
        win_ratio=len(won) / count if count else None,
        win_mean=float(won.mean()) if len(won) else None,
        loss_mean=float(lost.mean()) if len(lost) else None,
        profit_factor=float(won.sum()) / loss if loss > 0 else None,
        expectancy=float(net.mean()) if count else None,
        held_s_mean=float(trips.held_s.mean()) if count else None,
        a_day=count / days if days > 0 else None,
        concentration=_largest_share(trips),
        time_in_market=_time_in_market(trips, from_ms, now_ms),
    )


def _largest_share(trips: Trips) -> float | None:
    total = float(trips.turnover.sum())
    if total <= 0:
        return None
    _, place = np.unique(trips.instrument, return_inverse=True)
    return float(np.bincount(place, trips.turnover).max()) / total


def _time_in_market(trips: Trips, from_ms: int, now_ms: int) -> float | None:
    """Return the share of the time in which at least one position was open."""
    if now_ms <= from_ms:
        return None
    begin = np.concatenate([trips.opened_ms, trips.open_at_ms])
    end = np.concatenate([trips.closed_ms, np.full(len(trips.open_at_ms), now_ms)])
    order = np.argsort(begin, kind="stable")
    begin, end = np.clip(begin[order], from_ms, now_ms), np.clip(end[order], from_ms, now_ms)
    covered = np.maximum.accumulate(end)
    reached = np.concatenate([[from_ms], covered[:-1]]) if len(covered) else covered
    return float(np.maximum(covered - np.maximum(begin, reached), 0).sum()) / (now_ms - from_ms)
