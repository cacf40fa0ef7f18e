"""The spans of time that a statement may be about, and how they are named. Pure. All in UTC.

2026            a year            2026-02                  a month
2026-Q1         a quarter         2026-02-01--2026-02-14   from one day to another, both included (ISO 8601)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from copydesk.kernel import InvalidInput

_DAY = timedelta(days=1)
_NAME = re.compile(
    r"(?P<year>[0-9]{4})(?:-(?:Q(?P<quarter>[1-4])|(?P<month>0[1-9]|1[0-2])))?"
    r"|(?P<first>[0-9]{4}-[0-9]{2}-[0-9]{2})--(?P<last>[0-9]{4}-[0-9]{2}-[0-9]{2})"
)
_EXPECTED = "a year (2026), a quarter (2026-Q1), a month (2026-02) or two days (2026-02-01--2026-02-14)"
_YEAR_MIN, _YEAR_MAX = 2000, 2999


class PeriodKind(StrEnum):
    """What kind of span it is."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    RANGE = "range"


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` on, until just before `until`."""

    name: str
    kind: PeriodKind
    since: datetime
    until: datetime

    @property
    def first(self) -> date:
        return self.since.date()

    @property
    def last(self) -> date:
        """Return the last day that belongs to it."""
        return (self.until - _DAY).date()

    @property
    def last_moment(self) -> datetime:
        """Return the last microsecond that belongs to it."""
        return self.until - timedelta(microseconds=1)

    def holds(self, moment: datetime) -> bool:
        return self.since <= moment < self.until


def period_named(name: str) -> Period:
    """Read a period's name; raises `InvalidInput` for anything else."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise InvalidInput(f"Expected {_EXPECTED}, not {name[:40]!r}.")
    if found["first"]:
        return period_between(_day(found["first"]), _day(found["last"]))
    year = _year(int(found["year"]))
    if found["month"]:
        first, months, kind = int(found["month"]), 1, PeriodKind.MONTH
    elif found["quarter"]:
        first, months, kind = 3 * int(found["quarter"]) - 2, 3, PeriodKind.QUARTER
    else:
        first, months, kind = 1, 12, PeriodKind.YEAR
    return Period(name, kind, _month(year, first), _month(year, first + months))


def period_between(first: date, last: date) -> Period:
    """Return the days from one to another, both included; raises `InvalidInput` where they are the wrong way round."""
    if last < first:
        raise InvalidInput(f"Expected the last day, {last}, on or after the first, {first}.")
    since, until = _midnight(first), _midnight(last) + _DAY
    _year(first.year), _year(last.year)
    return Period(f"{first}--{last}", PeriodKind.RANGE, since, until)


def months_between(since: datetime, until: datetime) -> Iterator[Period]:
    """Give every month that has a moment of this time, the newest first."""
    year, month = until.year, until.month
    while (year, month) >= (since.year, since.month):
        yield period_named(f"{year:04}-{month:02}")
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"Expected a day of the calendar, not {text!r}.") from None


def _year(year: int) -> int:
    if not _YEAR_MIN <= year <= _YEAR_MAX:
        raise InvalidInput(f"Expected a year from {_YEAR_MIN} to {_YEAR_MAX}, not {year}.")
    return year


def _month(year: int, month: int) -> datetime:
    return datetime(year + (month - 1) // 12, (month - 1) % 12 + 1, 1, tzinfo=UTC)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
