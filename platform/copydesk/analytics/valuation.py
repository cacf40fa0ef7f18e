"""What an account is worth, second by second, while something happens to it or is held. Pure, vectorised.

Valued are each second with a fill, a cost or a flow, and each whole minute with a new price of something held, or the
first after a fill. Which these are depends on the rows alone, never on where a fold was cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from copydesk.analytics.record import Floats, Whole
from copydesk.analytics.rows import Flags, Rows, within
from copydesk.analytics.series import MINUTE_S, Flows, Marks


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """The time to be valued, with what was there when it began.

    `held` is instrument → quantity, newest known price; `touched_s` the second of the newest fill.
    """

    after_s: int
    until_s: int
    cash: float
    held: Mapping[int, tuple[float, float]]
    touched_s: int


@dataclass(frozen=True, slots=True, eq=False)
class Valued:
    """An account at each valued second, arrays of one length; `point` tells which of them make the record.

    Between whole minutes an account with something open is valued for its exposure only: a price at which it traded
    itself is no fair one. `cash` and `held` are as the span ended.
    """

    at_s: Whole
    equity: Floats
    flow: Floats
    exposure: Floats
    open_count: Whole
    point: Flags
    cash: float
    held: dict[int, tuple[float, float]]
    touched_s: int


@dataclass(frozen=True, slots=True, eq=False)
class _Track:
    """One instrument: what was held before, after which seconds it changed, and its marks while it was held."""

    qty: float
    px: float
    at_s: Whole
    after: Floats
    fill_px: Floats
    mark_minute: Whole
    mark_px: Floats


def ordered(marks: Marks) -> Marks:
    """Return marks in order of time."""
    if not (marks.at_s[1:] < marks.at_s[:-1]).any():
        return marks
    order = np.argsort(marks.at_s, kind="stable")
    return Marks(marks.at_s[order], marks.px[order])


def valued(rows: Rows, flows: Flows, marks: Mapping[int, Marks], span: Span) -> Valued:
    """Value an account over a span from its rows in order (see `rows_of`), from flows, and from marks in order."""
    moved = rows.carried < 0
    at_s, cost_only = rows.at_ms[moved] // 1000, rows.qty[moved] == 0
    paid = np.isfinite(flows.amount) & within(flows.at_s, span.after_s, span.until_s)
    flow_s, amount = flows.at_s[paid], flows.amount[paid]
    filled_s = at_s[~cost_only]
    tracks = _tracks(rows, marks, span)
    grid = _grid(tracks, filled_s, np.concatenate([at_s, flow_s]), span)
    count = len(grid.at_s)
    in_fill, in_flow = np.searchsorted(grid.at_s, at_s), np.searchsorted(grid.at_s, flow_s)
    flow = np.zeros(count)
    np.add.at(flow, in_flow, amount)
    cash = np.concatenate([[span.cash], flow])
    np.add.at(cash, in_fill + 1, (-rows.qty * rows.px - rows.cost)[moved])
    cash = np.cumsum(cash)
    worth, exposure, open_count, held = _open(tracks, grid)
    point = grid.on_minute & (open_count > 0)
    point[in_fill] |= (open_count[in_fill] == 0) | cost_only
    point[in_flow] = True
    return Valued(
        at_s=grid.at_s,
        equity=cash[1:] + worth,
        flow=flow,
        exposure=exposure,
        open_count=open_count,
        point=point,
        cash=float(cash[-1]),
        held=held,
        touched_s=max(int(filled_s.max(initial=0)), span.touched_s),
    )


def _tracks(rows: Rows, marks: Mapping[int, Marks], span: Span) -> dict[int, _Track]:
    starts = np.flatnonzero(np.diff(rows.instrument, prepend=rows.instrument[:1] - 1))
    bounds = [*starts.tolist(), len(rows)]
    tracks = {}
    for start, end in pairwise(bounds):
        own = slice(start, end)
        filled = np.flatnonzero((rows.carried[own] < 0) & (rows.qty[own] != 0)) + start
        instrument = int(rows.instrument[start])
        qty, px = span.held.get(instrument, (0.0, 0.0))
        if not len(filled) and not qty:
            continue
        at_s, after = rows.at_ms[filled] // 1000, rows.after[filled]
        minute, mark_px = _held_marks(marks.get(instrument), qty, at_s, after, span)
        tracks[instrument] = _Track(qty, px, at_s, after, rows.px[filled], minute, mark_px)
    return tracks


def _held_marks(marks: Marks | None, qty: float, at_s: Whole, after: Floats, span: Span) -> tuple[Whole, Floats]:
    """Return the marks of the span at whose minute the instrument is held: minutes since 1970 in order, and prices."""
    if marks is None or not len(marks.at_s):
        return np.empty(0, np.int64), np.empty(0)
    # Of which second a mark may be to count from the first whole minute at or after a change on.
    changed = np.concatenate([[span.after_s + 1], at_s, [span.until_s + 1]])
    whole = -(-changed // MINUTE_S) * MINUTE_S
    bounds = np.searchsorted(marks.at_s, whole - MINUTE_S, "right")
    held = np.concatenate([[qty], after]) != 0
    begin, count = bounds[:-1][held], np.diff(bounds)[held]
    chosen = np.repeat(begin - np.cumsum(count) + count, count) + np.arange(count.sum())
    mark_s, px = marks.at_s[chosen], marks.px[chosen]
    priced = (px > 0) & (px < np.inf)
    if not priced.all():
        mark_s, px = mark_s[priced], px[priced]
    return -(-mark_s // MINUTE_S), px


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """The valued seconds, which of them stand for a whole minute, and where each minute (from `first` on) is found."""

    at_s: Whole
    on_minute: Flags
    first: int
    place: Whole


def _grid(tracks: Mapping[int, _Track], filled_s: Whole, seconds: Whole, span: Span) -> _Grid:
    """Choose what is valued: whole minutes with a mark or after a fill, and the seconds given."""
    first, last = span.after_s // MINUTE_S + 1, span.until_s // MINUTE_S
    wanted = np.zeros(max(last - first + 1, 0), bool)
    for track in tracks.values():
        wanted[track.mark_minute - first] = True
    after_fill = -(-np.append(filled_s, span.touched_s) // MINUTE_S)
    wanted[after_fill[(after_fill >= first) & (after_fill <= last)] - first] = True
    minutes = (np.flatnonzero(wanted) + first) * MINUTE_S
    seconds = np.unique(seconds)
    places = np.searchsorted(minutes, seconds)
    beside = np.flatnonzero(np.append(minutes, -1)[places] != seconds)
    at_s = np.insert(minutes, places[beside], seconds[beside])
    on_minute = np.ones(len(at_s), bool)
    on_minute[places[beside] + np.arange(len(beside))] = False
    place = np.zeros(len(wanted), np.int64)
    place[wanted] = np.flatnonzero(on_minute)
    return _Grid(at_s, on_minute, first, place)


def _open(tracks: Mapping[int, _Track], grid: _Grid) -> tuple[Floats, Floats, Whole, dict[int, tuple[float, float]]]:
    """Return the worth, exposure and number of open positions at each moment, and what is held after the last."""
    count = len(grid.at_s)
    worth, exposure, open_count = np.zeros(count), np.zeros(count), np.zeros(count, np.int64)
    held = {}
    for instrument, track in tracks.items():
        qty_last = float(track.after[-1]) if len(track.after) else track.qty
        filled = np.searchsorted(grid.at_s, track.at_s)
        # Only where it is held there is something to value.
        low = 0 if track.qty else int(filled[0])
        high = count if qty_last else int(filled[-1]) + 1
        steps = np.diff(filled - low, prepend=0, append=high - low)
        qty = np.repeat(np.concatenate([[track.qty], track.after]), steps)
        px = _prices(track, filled - low, grid.place[track.mark_minute - grid.first] - low, high - low)
        value = qty * px
        worth[low:high] += value
        exposure[low:high] += np.abs(value)
        open_count[low:high] += qty != 0
        if qty_last:
            held[instrument] = qty_last, float(px[-1]) if len(px) else track.px
    return worth, exposure, open_count, held


def _prices(track: _Track, filled: Whole, marked: Whole, count: int) -> Floats:
    """Return the newest known price at each moment: the mark of its minute, else the last of marks and fills."""
    px, unknown = np.empty(count), np.ones(count, bool)
    for places, prices in ((np.arange(min(count, 1)), track.px), (filled, track.fill_px), (marked, track.mark_px)):
        px[places] = prices
        unknown[places] = False
    gaps = np.flatnonzero(unknown)
    if len(gaps):
        begins = np.flatnonzero(np.diff(gaps, prepend=-1) != 1)
        px[gaps] = np.repeat(px[gaps[begins] - 1], np.diff(begins, append=len(gaps)))
    return px
