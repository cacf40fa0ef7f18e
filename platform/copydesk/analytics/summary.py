"""The fold: takes a summary of a record from one moment to a later one with the raw rows between them. Pure.

Folding in any number of cuts comes to what folding at once does. A cut lies between two whole seconds: rows up to
`Summary.at_s` are in, later ones are not, and a row given again is passed over by its moment. A row that comes late
(its second is folded already) is the caller's to notice; the answer is to fold anew. So keep a summary of
`settled_s(now)` only, and fold on from it to now for what is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from copydesk.analytics.curve import Curve, extended
from copydesk.analytics.days import Days, closed_days, midnights
from copydesk.analytics.exposure import exposed
from copydesk.analytics.record import DAY_S, DUST, Floats, Whole
from copydesk.analytics.rows import Rows, rows_of
from copydesk.analytics.series import MINUTE_S, Raw, Series
from copydesk.analytics.state import Book, Summary
from copydesk.analytics.totals import added
from copydesk.analytics.trips import OpenTrips, Trips, trips_in
from copydesk.analytics.valuation import Span, Valued, ordered, valued

__all__ = ["LATE_S", "Summary", "fold", "settled_s"]

# Fills and minute marks may come later than this after their moment only by accident.
LATE_S = 120
# Longer stretches are folded in pieces, to bound memory.
_PIECE_S = 120 * DAY_S


def settled_s(now_s: int) -> int:
    """Return the moment up to which nothing more is expected to come: a whole minute, `LATE_S` or more ago."""
    return (now_s - LATE_S) // MINUTE_S * MINUTE_S


def fold(summary: Summary, raw: Raw, *, until_s: int) -> tuple[Summary, Series]:
    """Take a summary on to `until_s` with the rows after it, and return the points made on the way.

    Rows up to `summary.at_s` and after `until_s` are passed over. Where `until_s` is not later than the summary, it
    is returned as it is.
    """
    raw = replace(raw, marks={place: ordered(marks) for place, marks in raw.marks.items()})
    pieces = []
    while summary.at_s < until_s:
        summary, series = _piece(summary, raw, min(until_s, summary.at_s + _PIECE_S))
        pieces.append(series)
    return summary, _joined(pieces)


def _joined(pieces: list[Series]) -> Series:
    if len(pieces) == 1:
        return pieces[0]
    if not pieces:
        whole, none = np.empty(0, np.int64), np.empty(0)
        return Series(whole, none, none, whole, none, none)
    return Series(*(np.concatenate([getattr(piece, name) for piece in pieces]) for name in Series.__slots__))


def _piece(summary: Summary, raw: Raw, until_s: int) -> tuple[Summary, Series]:
    symbols, carried = _carried(summary, raw)
    rows = rows_of(raw.fills, raw.costs, carried.positions, after_s=summary.at_s, until_s=until_s)
    held = {place: (book.qty, book.px) for place, book in _by_place(summary, symbols).items()}
    span = Span(summary.at_s, until_s, summary.cash, held, summary.touched_s)
    value = valued(rows, raw.flows, raw.marks, span)
    trips = trips_in(rows, carried)
    begun = _begun(summary, value)
    curve, series, closes = _curve(begun, value, until_s)
    taken = replace(
        begun,
        at_s=until_s,
        cash=value.cash,
        curve=curve,
        days=closed_days(begun.days, closes),
        exposure=exposed(begun.exposure, value, until_s),
        books=_books(trips.open, summary, value, symbols),
        touched_s=value.touched_s,
        totals=added(summary.totals, trips, _equity_open(trips, summary, value, symbols)),
    )
    return _sums(taken, rows, series, symbols), series


def _carried(summary: Summary, raw: Raw) -> tuple[tuple[str, ...], OpenTrips]:
    """Return the symbols of rows and books by their places, and the books as open positions."""
    symbols = (*raw.symbols, *(symbol for symbol in summary.books if symbol not in raw.symbols))
    if not summary.books:
        return symbols, OpenTrips()
    places = [symbols.index(symbol) for symbol in summary.books]
    columns = list(zip(*summary.books.values(), strict=True))[2:]
    whole = {1, 8, 9}  # The moment and the counts among them.
    arrays = (np.array(column, np.int64 if place in whole else float) for place, column in enumerate(columns))
    return symbols, OpenTrips(np.array(places), *arrays)


def _by_place(summary: Summary, symbols: tuple[str, ...]) -> dict[int, Book]:
    return {symbols.index(symbol): book for symbol, book in summary.books.items()}


def _begun(summary: Summary, value: Valued) -> Summary:
    """Let a record begin with the account's first money, if it has not yet."""
    if summary.curve.began:
        return summary
    first = np.flatnonzero(value.point & (value.equity >= DUST))
    if not len(first):
        return summary
    at_s, equity = int(value.at_s[first[0]]), float(value.equity[first[0]])
    return replace(summary, began_s=at_s, opening=equity, curve=Curve.start(at_s, equity), days=Days(at_s // DAY_S))


def _curve(begun: Summary, value: Valued, until_s: int) -> tuple[Curve, Series, Floats]:
    """Return the curve taken on, its new points, and the index at each midnight passed."""
    # The point with which a record begins is told by the summary alone.
    which = value.point & (value.at_s > begun.began_s) if begun.curve.began else np.zeros(len(value.point), bool)
    at_s, equity, flow = value.at_s[which], value.equity[which], value.flow[which]
    curve, index = extended(begun.curve, at_s, equity, flow)
    series = Series(at_s, equity, flow, value.open_count[which], value.exposure[which], index)
    if not begun.curve.began:
        return curve, series, np.empty(0)
    ends = midnights(max(begun.at_s, begun.began_s), until_s)
    closes = np.concatenate([[begun.curve.index], index])[np.searchsorted(at_s, ends, "right")]
    return curve, series, closes


def _equity_open(trips: Trips, summary: Summary, value: Valued, symbols: tuple[str, ...]) -> Floats:
    """Return what the account was worth in the second in which each closed position was opened."""
    return _worth_at(trips.opened_ms // 1000, trips.instrument, summary, value, symbols)


def _worth_at(opened_s: Whole, instrument: Whole, summary: Summary, value: Valued, symbols: tuple[str, ...]) -> Floats:
    earlier = opened_s <= summary.at_s
    places = np.searchsorted(value.at_s, opened_s)
    worth = np.zeros(len(opened_s))
    worth[~earlier] = value.equity[places[~earlier]]
    for place in np.flatnonzero(earlier).tolist():
        worth[place] = summary.books[symbols[int(instrument[place])]].equity_open
    return worth


def _books(still: OpenTrips, summary: Summary, value: Valued, symbols: tuple[str, ...]) -> Mapping[str, Book]:
    worth = _worth_at(still.opened_ms // 1000, still.instrument, summary, value, symbols).tolist()
    columns = [getattr(still, name).tolist() for name in OpenTrips.__slots__]
    return {
        symbols[place]: Book(value.held[place][1], equity, *row)
        for equity, place, *row in zip(worth, *columns, strict=True)
    }


def _sums(summary: Summary, rows: Rows, series: Series, symbols: tuple[str, ...]) -> Summary:
    """Add what was turned over, paid for it, and paid in or out."""
    moved = rows.carried < 0
    by_place = np.bincount(rows.instrument[moved], (np.abs(rows.qty) * rows.px)[moved], len(symbols))
    turnover = dict(summary.turnover)
    for place in np.flatnonzero(by_place).tolist():
        turnover[symbols[place]] = turnover.get(symbols[place], 0.0) + float(by_place[place])
    return replace(
        summary,
        turnover=turnover,
        costs=summary.costs + float(rows.cost.sum()),
        paid=summary.paid + float(series.flow.sum()),
        paid_moment=summary.paid_moment + float((series.flow * (series.at_s - summary.began_s)).sum()),
    )
