"""When the worker does what: each minute at its second, each night at its time, through outages of PostgreSQL."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from copydesk.workers.clerk_minute import EachMinute, seconds_until
from copydesk.workers.clerk_night import latest_due
from sqlalchemy.exc import OperationalError

NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


class JustBefore:
    """A clock that stands a hundredth of a second before a full minute."""

    def now(self) -> datetime:
        return NOON - timedelta(milliseconds=10)

    def monotonic(self) -> float:
        return 0.0


@pytest.mark.parametrize(
    ("now", "at_s", "wait_s"),
    [
        (NOON, 57.0, 57.0),
        (NOON + timedelta(seconds=58), 57.0, 59.0),
        (NOON + timedelta(seconds=57), 57.0, 60.0),
        (NOON + timedelta(seconds=59, milliseconds=500), 0.5, 1.0),
    ],
)
def test_the_next_round_is_at_its_second_and_never_at_once(now: datetime, at_s: float, wait_s: float) -> None:
    assert seconds_until(now, at_s) == pytest.approx(wait_s)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (NOON, NOON.replace(hour=3, minute=30)),
        (NOON.replace(hour=3, minute=30), NOON.replace(hour=3, minute=30)),
        (NOON.replace(hour=1), NOON.replace(hour=3, minute=30) - timedelta(days=1)),
    ],
)
def test_a_check_is_due_since_its_time_of_this_day_or_the_last(now: datetime, due: datetime) -> None:
    assert latest_due(now, "03:30") == due


def test_a_round_that_postgresql_breaks_off_is_followed_by_the_next() -> None:
    stopped, rounds = threading.Event(), []

    def work() -> None:
        rounds.append(len(rounds))
        if len(rounds) == 3:
            stopped.set()
        raise OperationalError("SELECT 1", {}, Exception("the server has gone"))

    each = EachMinute("figures", work, JustBefore(), at_s=0.0, stopped=stopped)
    each.start()
    each.join()
    assert rounds == [0, 1, 2]
