"""Periods of statements: how they are named, where they begin and end."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from copydesk.kernel import InvalidInput
from copydesk.statements import PeriodKind, months_between, period_between, period_named
from hypothesis import given
from hypothesis import strategies as st


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "kind", "since", "until"),
    [
        ("2026", PeriodKind.YEAR, utc(2026, 1, 1), utc(2027, 1, 1)),
        ("2026-Q4", PeriodKind.QUARTER, utc(2026, 10, 1), utc(2027, 1, 1)),
        ("2026-02", PeriodKind.MONTH, utc(2026, 2, 1), utc(2026, 3, 1)),
        ("2026-12", PeriodKind.MONTH, utc(2026, 12, 1), utc(2027, 1, 1)),
        ("2026-02-01--2026-02-14", PeriodKind.RANGE, utc(2026, 2, 1), utc(2026, 2, 15)),
    ],
)
def test_a_name_says_from_when_until_when(name: str, kind: PeriodKind, since: datetime, until: datetime) -> None:
    period = period_named(name)
    assert (period.kind, period.since, period.until, period.name) == (kind, since, until, name)
    assert period.holds(since) and not period.holds(until)


@pytest.mark.parametrize(
    "name", ["", "2026-13", "2026-Q5", "26-02", "2026-2", "1999", "9999-12", "2026-02.pdf", "٢٠٢٦"]
)
def test_anything_else_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="Expected a year"):
        period_named(name)


@pytest.mark.parametrize("name", ["2026-02-30--2026-03-01", "2026-03-02--2026-03-01"])
def test_days_that_are_none_or_the_wrong_way_round_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="Expected"):
        period_named(name)


@given(st.dates(date(2000, 1, 1), date(2999, 12, 30)), st.integers(0, 800))
def test_a_range_has_both_its_days_and_its_name_leads_back(first: date, days: int) -> None:
    last = min(first + timedelta(days=days), date(2999, 12, 30))
    period = period_between(first, last)
    assert (period.first, period.last) == (first, last)
    assert period_named(period.name) == period


def test_months_of_a_time_come_newest_first_without_a_gap() -> None:
    found = [one.name for one in months_between(utc(2025, 11, 30, 23), utc(2026, 2, 1))]
    assert found == ["2026-02", "2026-01", "2025-12", "2025-11"]
