"""Closed positions, read from raw fills: from flat to flat, one instrument at a time. Pure.

A trip begins with the fill that opens a position and ends with the one that brings it back to nothing; a fill that
goes through nothing ends one and begins the next. What a trip earned is what its sales brought less what its purchases
cost, fees and funding taken off: no method of averaging decides it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from copydesk.analytics.record import Floats, Whole
from copydesk.analytics.rows import Costs, Fills, Flags, Held, Rows, no_amounts, no_times, rows_of

# A price counts as worse than an average only from this share of it on: prices are told to fewer digits.
_WORSE = 1e-9
_N = TypeVar("_N", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class OpenTrips:
    """Positions that are still open, one an instrument; a sum over the fills so far in each column.

    `qty` is held now (a short below zero); `net` what was received less what was paid, costs included; `entry_qty` and
    `entry_worth` are of all fills that opened or added, `first_qty` of the first. The rest is as in `Trips`.
    """

    instrument: Whole = field(default_factory=no_times)
    qty: Floats = field(default_factory=no_amounts)
    opened_ms: Whole = field(default_factory=no_times)
    net: Floats = field(default_factory=no_amounts)
    turnover: Floats = field(default_factory=no_amounts)
    qty_max: Floats = field(default_factory=no_amounts)
    entry_qty: Floats = field(default_factory=no_amounts)
    entry_worth: Floats = field(default_factory=no_amounts)
    first_qty: Floats = field(default_factory=no_amounts)
    adds: Whole = field(default_factory=no_times)
    adds_losing: Whole = field(default_factory=no_times)
    size_up: Floats = field(default_factory=no_amounts)

    def __len__(self) -> int:
        return len(self.qty)

    @property
    def entry_px(self) -> Floats:
        return self.entry_worth / self.entry_qty

    @property
    def positions(self) -> Held:
        return Held(self.instrument, self.qty, self.qty_max, self.entry_px)


@dataclass(frozen=True, slots=True, eq=False)
class Trips:
    """Closed positions, in the order in which they ended, and what is still open.

    `side` is 1 for long and −1 for short. `net` is what a trip earned after costs, `turnover` what was bought and sold,
    `qty_max` the largest position held; `adds` how often it was added to, `adds_losing` how often while it lost, and
    `size_up` the largest such addition over the first fill.
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
    open: OpenTrips

    def __len__(self) -> int:
        return len(self.net)

    @property
    def held_s(self) -> Floats:
        return (self.closed_ms - self.opened_ms) / 1000.0


def trips_of(fills: Fills, costs: Costs | None = None, carried: OpenTrips | None = None) -> Trips:
    """Read closed and open positions out of fills; those given twice count once, those of no quantity not at all.

    `costs` paid while an instrument is held count to its position. `carried` is what was open before the fills.
    """
    carried = carried or OpenTrips()
    return trips_in(rows_of(fills, costs or Costs(), carried.positions), carried)


def trips_in(rows: Rows, carried: OpenTrips) -> Trips:
    """Read positions out of rows in order, the first of which are those carried in."""
    legs = _legs(rows, carried)
    starts = np.flatnonzero(legs.begins)
    return _summed(legs, starts) if len(starts) else _none()


@dataclass(frozen=True, slots=True, eq=False)
class _Legs:
    """Rows of positions, those that go through nothing cut in two; what a carried one sums up is in its columns."""

    begins: Flags
    instrument: Whole
    at_ms: Whole
    begun_ms: Whole
    qty: Floats
    px: Floats
    after: Floats
    net: Floats
    turnover: Floats
    size: Floats
    opening: Flags
    entry_qty: Floats
    entry_worth: Floats
    first_qty: Floats
    adds: Whole
    adds_losing: Whole
    size_up: Floats


def _legs(rows: Rows, carried: OpenTrips) -> _Legs:
    source, qty, after = _cut(rows)
    # What is paid beside fills while nothing is held belongs to no position.
    kept = (qty != 0) | (after != 0)
    source, qty, after = source[kept], qty[kept], after[kept]
    whole = rows.qty[source]
    share = np.divide(qty, whole, out=np.ones(len(qty)), where=whole != 0)
    instrument, px, at_ms = rows.instrument[source], rows.px[source], rows.at_ms[source]
    fresh = np.diff(instrument, prepend=instrument[:1] - 1) != 0
    begins = fresh | (np.concatenate([[0.0], after[:-1]]) == 0)[: len(fresh)]
    trip = np.cumsum(begins) - 1
    opening = qty * np.sign(qty[begins])[trip] > 0
    size, worth = np.abs(qty), np.abs(qty) * px
    legs = _Legs(
        begins=begins,
        instrument=instrument,
        at_ms=at_ms,
        begun_ms=at_ms.copy(),
        qty=qty,
        px=px,
        after=after,
        net=-qty * px - rows.cost[source] * share,
        turnover=worth,
        size=np.abs(after),
        opening=opening,
        entry_qty=np.where(opening, size, 0.0),
        entry_worth=np.where(opening, worth, 0.0),
        first_qty=size,
        adds=(opening & ~begins).astype(np.int64),
        adds_losing=np.zeros(len(qty), np.int64),
        size_up=np.zeros(len(qty)),
    )
    _carry(legs, rows.carried[source], carried)
    _tell_losing(legs, trip)
    return legs


def _cut(rows: Rows) -> tuple[Whole, Floats, Floats]:
    """Return, for each leg, its row, its quantity and the position after it."""
    through = rows.before * rows.after < 0
    times = np.where(through, 2, 1)
    source = np.repeat(np.arange(len(rows)), times)
    second = np.zeros(len(source), bool)
    second[np.cumsum(times)[through] - 1] = True
    first = np.repeat(through, times) & ~second
    qty, after = rows.qty[source], rows.after[source]
    qty[first], qty[second] = -rows.before[through], rows.after[through]
    after[first] = 0.0
    return source, qty, after


def _carry(legs: _Legs, place: Whole, carried: OpenTrips) -> None:
    """Put what carried positions sum up into their rows."""
    at = np.flatnonzero(place >= 0)
    place = place[at]
    legs.begun_ms[at] = legs.at_ms[at] = carried.opened_ms[place]
    legs.net[at], legs.turnover[at], legs.size[at] = carried.net[place], carried.turnover[place], carried.qty_max[place]
    legs.entry_qty[at], legs.entry_worth[at] = carried.entry_qty[place], carried.entry_worth[place]
    legs.first_qty[at], legs.size_up[at] = carried.first_qty[place], carried.size_up[place]
    legs.adds[at], legs.adds_losing[at] = carried.adds[place], carried.adds_losing[place]


def _tell_losing(legs: _Legs, trip: Whole) -> None:
    """Find the additions at a price worse than what the trip's openings before them cost on average."""
    starts = legs.begins
    # In units of each trip's own beginning, so that no sum over all trips drowns a small one.
    qty = legs.entry_qty / legs.first_qty[starts][trip]
    worth = legs.entry_worth / (legs.first_qty * legs.px)[starts][trip]
    before_qty, before_worth = np.cumsum(qty) - qty, np.cumsum(worth) - worth
    before_qty -= before_qty[starts][trip]
    before_worth -= before_worth[starts][trip]
    first_px, side = legs.px[starts][trip], np.sign(legs.qty[starts])[trip]
    average = np.divide(before_worth, before_qty, out=np.ones(len(qty)), where=before_qty > 0) * first_px
    losing = legs.opening & ~starts & ((legs.px - average) * side < -_WORSE * average)
    legs.adds_losing[losing] += 1
    legs.size_up[losing] = qty[losing]


def _summed(legs: _Legs, starts: Whole) -> Trips:
    def total(values: NDArray[_N]) -> NDArray[_N]:
        summed: NDArray[_N] = np.add.reduceat(values, starts)
        return summed

    ends = np.append(starts[1:], len(legs.qty)) - 1
    closed = legs.after[ends] == 0
    order = np.flatnonzero(closed)[np.argsort(legs.at_ms[ends[closed]], kind="stable")]
    left = np.flatnonzero(~closed)
    net, turnover, qty_max = total(legs.net), total(legs.turnover), np.maximum.reduceat(legs.size, starts)
    entry_qty, entry_worth = total(legs.entry_qty), total(legs.entry_worth)
    adds, losing, size_up = total(legs.adds), total(legs.adds_losing), np.maximum.reduceat(legs.size_up, starts)
    instrument, begun = legs.instrument[starts], legs.begun_ms[starts]
    still = OpenTrips(
        *(instrument[left], legs.after[ends][left], begun[left], net[left], turnover[left], qty_max[left]),
        *(entry_qty[left], entry_worth[left], legs.first_qty[starts][left], adds[left], losing[left], size_up[left]),
    )
    return Trips(
        instrument=instrument[order],
        side=np.sign(legs.qty[starts])[order].astype(np.int64),
        opened_ms=begun[order],
        closed_ms=legs.at_ms[ends][order],
        net=net[order],
        turnover=turnover[order],
        qty_max=qty_max[order],
        entry_px=entry_worth[order] / entry_qty[order],
        adds=adds[order],
        adds_losing=losing[order],
        size_up=size_up[order],
        open=still,
    )


def _none() -> Trips:
    whole, empty = no_times(), no_amounts()
    return Trips(whole, whole, whole, whole, empty, empty, empty, empty, whole, whole, empty, OpenTrips())
