"""The table of monthly returns: a row a year, a column a month. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Year:
    """One year's row: what each month earned (None outside the record), and the year as far as the record covers it."""

    year: int
    months: tuple[float | None, ...]
    total: float | None


def monthly(days: Sequence[date], index: Sequence[float]) -> tuple[Year, ...]:
    """Return the table of a record's daily closes, newest year first.

    `index[n]` is the index at the end of the UTC day `days[n]`, oldest first; it was 1 when the record began. A month
    without closes inside the record earned nothing. After all was lost nothing more is told.
    """
    closes = {key: list(group)[-1][1] for key, group in groupby(zip(days, index, strict=True), key=_month)}
    if not closes:
        return ()
    first, last = _count(min(closes)), _count(max(closes))
    rows: dict[int, list[float | None]] = {}
    totals: dict[int, float | None] = {}
    year_before, before = 1.0, 1.0
    for number in range(first, last + 1):
        year, month = divmod(number, _MONTHS)
        if month == 0:
            year_before = before
        close = closes.get((year, month), before)
        rows.setdefault(year, [None] * _MONTHS)[month] = _grown(before, close)
        totals[year] = _grown(year_before, close)
        before = close
    return tuple(Year(year, tuple(rows[year]), totals[year]) for year in sorted(rows, reverse=True))


def _month(close: tuple[date, float]) -> tuple[int, int]:
    return close[0].year, close[0].month - 1


def _count(month: tuple[int, int]) -> int:
    return month[0] * _MONTHS + month[1]


def _grown(before: float, after: float) -> float | None:
    return after / before - 1.0 if before > 0 else None
